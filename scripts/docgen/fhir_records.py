"""docs/fhir-records.md: what people, places and contacts of a FHIR source become; the tables are those of the code."""

from __future__ import annotations

from collections.abc import Mapping

from benchwell.intake.fhir import record_words as words
from docgen.markdown import page, table

_RESOURCES = [
    (
        "Patient",
        "`patients`",
        "US Core race, ethnicity and sex; address: state and country; `active: false` is no deletion. "
        "Names, telephone numbers and streets are not decoded.",
    ),
    (
        "Coverage",
        "`patients.insurance`",
        "The active cover that goes on or ended last, then the one that began last, then the primary one.",
    ),
    ("Organization", "`organizations`", ""),
    (
        "Location",
        "–",
        "Gives a contact its organization, through the places above it.",
    ),
    (
        "Practitioner, PractitionerRole",
        "`practitioners`",
        "The active role that goes on or ended last; first year of a qualification.",
    ),
    (
        "EpisodeOfCare",
        "`episodes`",
        "What it is for from its diagnoses, referral date from its referral requests. `finished` is an end "
        "reason of its own, not `completed`: FHIR does not say whether the plan was completed. Planned and "
        "waiting courses have no first day yet.",
    ),
    (
        "Encounter",
        "`encounters`",
        "Organization: provider, else place, else the clinician's role, else the course. Day and clock are "
        "those that the source wrote.",
    ),
    (
        "Condition",
        "`conditions`",
        "All codes, dates, and both statuses; refuted ones too.",
    ),
    (
        "Procedure, ServiceRequest",
        "`procedures`",
        "`done` and `ordered`; an order's id begins with `ServiceRequest/`. A request not to do something is none.",
    ),
    (
        "Consent",
        "`consents`",
        "See below.",
    ),
    (
        "Medication, MedicationRequest",
        "–",
        "Read by official measures only.",
    ),
]


def fhir_records() -> str:
    """The text of `docs/fhir-records.md`."""
    return page(
        "# What FHIR records become",
        "FHIR R4 resources about people, places and contacts come in as rows of the [tables](tables.md). A code that "
        "is in none of the lists below leaves its field unknown, with the finding `unread_code`; it is never guessed. "
        "Unknown, not asked and declined to say leave it unknown without a finding.",
        table(("resource", "becomes", "how"), _RESOURCES),
        "Of several versions of one resource in a source, the newest counts: by `meta.lastUpdated`, then "
        "`meta.versionId`, then the later row. Whoever is only referred to has a row with nothing but an id. Contacts "
        "and courses of a source in which none names an organization belong to one practice.",
        "## Taken back",
        "`entered-in-error` and deletions take the whole record back: it stays in the history of the lake and nobody "
        "reads it, until a source states it again. What is kept only inside other records (roles, places, covers, "
        "consents) cannot be deleted by id alone: the finding is `deletion_not_applied`.",
        "## Words",
        "Sex is the sex at birth of US Core, either extension; where a source has no such field, it is the "
        "administrative gender. `gender` is always the administrative gender. Several races are `multiple`. A language "
        "is the first part of its tag: `en-US` is `en`.",
        *_listed("Race", words.RACES),
        *_listed("Ethnicity", words.ETHNICITIES),
        *_listed("Sex at birth", words.SEXES),
        *_listed("Kind of organization", words.ORGANIZATION_KINDS),
        *_listed("Discipline, by the beginning of a NUCC code", words.DISCIPLINES),
        *_listed("Payer, by the first digit of the Source of Payment Typology", words.PAYERS_SOP),
        *_listed("Payer, by other codes", words.PAYERS),
        *_listed("What a course is for, by the beginning of an ICD-10 code (without the dot)", words.CONDITIONS_ICD),
        *_listed("What a course is for, by SNOMED CT", words.CONDITIONS_SNOMED),
        "### Contacts",
        table(
            (
                "class",
                "kind",
                "mode",
            ),
            [(f"`{code}`", kind, mode or "") for code, (kind, mode) in words.ENCOUNTER_CLASSES.items()],
        ),
        "A type says more than the class:",
        *_listed("Kind by CPT number", words.CONTACT_KINDS),
        *_listed("Mode by CPT number", words.CONTACT_MODES),
        table(
            ("status", "attended"),
            [(f"`{code}`", {True: "yes", False: "no", None: "unknown"}[one]) for code, one in words.ATTENDED.items()],
        ),
        "## Consent",
        "In doubt nothing is granted. A permission counts only for a purpose that it names (in `provision.purpose`, or "
        "by the scope `treatment` or `research`), and only if no actor, data, class, code, label, action other than "
        "`use` or modifier limits it. A denial counts however it is limited; one that names no purpose denies all. "
        "`rejected` is a denial, `inactive` a withdrawal, and a draft no decision. A status that FHIR does not know "
        "and a period that cannot be read grant nothing; an exception that does not say `permit` denies, and one that "
        "has a period of its own permits nothing. The decision is dated when it was given, or when its period begins "
        "if that is later; the day after its period it is withdrawn.",
        *_listed("Purpose", {code: one.value for code, one in words.PURPOSES.items()}),
        f"In the code system `{words.PURPOSE_SYSTEM}` the code is the purpose itself.",
        "## Limits",
        "- Diagnoses and referrals are looked up within one part of a source (about 250,000 resources); places and "
        "roles that stand in lines of their own are found wherever in a source they are described.",
        "- A new version of a consent that no longer names a purpose leaves the earlier decision on it as it was: the "
        "source has to deny it, or send the old consent as `inactive`.",
        "- Two consents of one person, purpose and day that come in different sources: the one with the newer version "
        "counts, or the later source where nobody says which that is.",
        "- A cover that ends without a new one leaves the last known payer.",
    )


def _listed(title: str, known: Mapping[str, str]) -> list[str | list[str]]:
    by_word: dict[str, list[str]] = {}
    for code, word in known.items():
        by_word.setdefault(word, []).append(f"`{code}`")
    return [f"### {title}", table(("word", "codes"), [(word, ", ".join(codes)) for word, codes in by_word.items()])]
