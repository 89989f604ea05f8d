"""Where a case-mix variable may come from, and which sources can never be adjusted for (METHODS M3.1).

What a clinic does, and what it is, is what a comparison is about: adjusting for it would explain it away. These names
stay refused as a column, as a characteristic of the same name or with one of its words, and whatever timing is
declared. What hides behind a name without such a word is left to the reviewers of the declaration; of characteristics
and scores, only those of the index day or before are ever read.
"""

from __future__ import annotations

OUTCOME = frozenset({"baseline", "measurement_day"})
PATIENT = frozenset(
    {
        *("age", "sex", "gender", "race", "ethnicity", "language", "insurance"),
        *("deprivation_quintile", "region", "country"),
    }
)
EPISODE = frozenset({"condition", "therapy", "format", "mode", "end_reason"})
ORGANIZATION = frozenset({"setting", "safety_net"})
COLUMNS = OUTCOME | PATIENT | EPISODE | ORGANIZATION

CHARACTERISTIC, SCORE = "characteristic:", "score:"

NUMERIC = frozenset({"baseline", "measurement_day", "age"})
EITHER = frozenset({"deprivation_quintile"})  # a whole number that may also be read as levels
RULER = "measurement_day"
DECLARED_VARIANT = frozenset({"race", "ethnicity"})
SOCIAL = frozenset({"race", "ethnicity", "language", "insurance", "deprivation_quintile", "deprivation", "region"})

# Known only after the index day: part of the care that is compared, or of its result.
POST_INDEX = frozenset(
    {
        *("sessions", "session_count", "attended", "attendance", "adherence", "homework", "homework_done"),
        *("early_change", "alliance", "fidelity", "dropout", "retention", "end_reason", "duration", "length_of_stay"),
        *("followup", "followup_day", "change", "value", "met"),
    }
)
TREATMENT = frozenset({"therapy", "format", "treatment", "dose"})
# The clinic itself, or how it works.
CLINIC = frozenset(
    {
        *("organization_id", "organization", "clinic", "practitioner_id", "practitioner", "setting", "safety_net"),
        *("volume", "staffing", "funding", "discipline", "licensed_year", "wait_days"),
    }
)

# Words that give a source away whatever the rest of its name is; "prior" and its like say that it was there before.
_POST_INDEX_WORDS = frozenset(
    {
        *("session", "sessions", "attended", "attendance", "visit", "visits", "appointment", "appointments"),
        *("adherence", "homework", "dropout", "discharge", "alliance", "fidelity", "retention", "followup"),
    }
)
_CLINIC_WORDS = frozenset({"therapist", "clinician", "practitioner", "clinic", "staffing", "caseload", "volume"})
_SOCIAL_WORDS = frozenset(
    {
        *("income", "poverty", "deprivation", "education", "housing", "homeless", "unemployed", "employment"),
        *("insurance", "race", "ethnicity", "language", "migration", "refugee"),
    }
)
_BEFORE = frozenset({"prior", "previous", "past", "earlier", "before", "history", "lifetime", "baseline"})


def bare(source: str) -> str:
    """The name behind a source, without its prefix.

    >>> bare("characteristic:combat_exposure"), bare("score:fim/total"), bare("age")
    ('combat_exposure', 'fim/total', 'age')
    """
    return source.partition(":")[2] if ":" in source else source


def why_never(source: str) -> str | None:
    """Why a source may never be adjusted for, or null.

    >>> why_never("characteristic:sessions")
    'it is known only after the index day, so it is part of the care that is compared'
    >>> why_never("age") is None
    True
    """
    name = _plain(source)
    words = frozenset(name.split("_"))
    earlier = bool(words & _BEFORE)
    if name in POST_INDEX or (words & _POST_INDEX_WORDS and not earlier):
        return "it is known only after the index day, so it is part of the care that is compared"
    if name in TREATMENT:
        return "the treatment that was chosen is part of the care that is compared"
    if name in CLINIC or words & _CLINIC_WORDS:
        return "it describes the clinic, and the clinic is what is compared"
    return None


def is_social(source: str) -> bool:
    """Whether a source speaks of people's means or group, so that it cannot be called clinical.

    >>> is_social("characteristic:household_income"), is_social("characteristic:chronicity")
    (True, False)
    """
    name = _plain(source)
    return name in SOCIAL or bool(frozenset(name.split("_")) & _SOCIAL_WORDS)


def _plain(source: str) -> str:
    return bare(source).lower().replace("-", "_").replace(" ", "_")


def is_known(source: str) -> bool:
    """Whether a source has a place in the canonical tables, or is a name that may only be forbidden."""
    return is_readable(source) or why_never(source) is not None


def is_readable(source: str) -> bool:
    """Whether a source can be read from the canonical tables.

    >>> is_readable("score:who-5"), is_readable("characteristic:chronicity"), is_readable("alliance")
    (True, True, False)
    """
    if source.startswith((CHARACTERISTIC, SCORE)):
        return bool(bare(source).strip())
    return source in COLUMNS
