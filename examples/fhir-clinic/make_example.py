"""Make the bulk export of a network that never existed: `python make_example.py [FOLDER]`.

Three made-up clinics of twenty made-up people each, as their FHIR servers would export them. What happens to whom
stands in `STORIES` below, so that the figures of the example can be counted by hand; a seed decides the rest (days,
answers, sex). No person, distribution or result of any real clinic stands behind it.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEED = 159
FIRST_INDEX = dt.date(2023, 11, 6)
EXPORTED = "2026-01-31T06:00:00Z"

# One word a person, twenty a clinic, in the order of the people's numbers. What each word means: STORY.
STORIES = {
    "north": "remission none remission not late none remission bipolar low not none remission teen-remission not "
    "anxiety response-only not none remission early",
    "south": "none remission not last-higher none amended remission not low last-lower none remission teen-not died "
    "anxiety before not remission in-error none",
    "river": "not remission none teen-remission bipolar hospice none low sixty remission anxiety not teen-none before "
    "cancelled anxiety child none remission late",
}

LOINC = "http://loinc.org"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
LOCAL = "urn:synthetic:fhir-clinic"
PHQ9, PANEL = "44261-6", "44249-1"
ITEMS = ("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8")
ANSWERS = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")
FORM = "https://synthetic.example/fhir/Questionnaire/phq-9-own-letters"
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"

Resource = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """What is decided about a person.

    Attributes:
        later: PHQ-9 a year later: days from the anniversary of the first one, and the total.
        first: Total of the first PHQ-9; null: 10 or more, by the seed.
        age: Years on the day of the first PHQ-9; null: an adult, by the seed.
        diagnosis: ICD-10-CM.
    """

    later: tuple[tuple[int, int], ...] = ()
    first: int | None = None
    age: int | None = None
    diagnosis: str = "F32.1"


STORY = {
    "remission": Story(later=((7, 3),)),
    "not": Story(later=((-14, 8),)),
    "none": Story(),
    "late": Story(later=((61, 2),)),  # a day after the window
    "early": Story(later=((-61, 2),)),  # a day before it
    "sixty": Story(later=((60, 4),)),  # its last day; the first PHQ-9 is on 29 February
    "last-higher": Story(later=((-20, 3), (20, 8))),  # the last one decides
    "last-lower": Story(later=((-20, 8), (20, 3))),
    "amended": Story(later=((3, 4),)),  # first stated as 7
    "in-error": Story(later=((0, 1),)),  # taken back
    "response-only": Story(later=((5, 3),)),  # the form is there, an Observation of its total is not
    "died": Story(),
    "bipolar": Story(later=((10, 2),)),
    "hospice": Story(),
    "low": Story(first=9),
    "anxiety": Story(diagnosis="F41.1"),
    "before": Story(),  # the first PHQ-9 was before the identification period
    "cancelled": Story(),  # the first visit did not take place
    "child": Story(age=11),
    "teen-remission": Story(later=((0, 2),), age=15),
    "teen-not": Story(later=((0, 5),), age=16),
    "teen-none": Story(age=14),
}


@dataclass(frozen=True)
class Person:
    """A person, and the day of the first PHQ-9."""

    number: int
    clinic: str
    story: str
    index: dt.date
    rng: random.Random

    @property
    def id(self) -> str:
        """Says itself that nobody is meant."""
        return f"synthetic-{self.number:02d}"

    @property
    def reference(self) -> Resource:
        """As other resources name the person."""
        return {"reference": f"Patient/{self.id}"}

    @property
    def anniversary(self) -> dt.date:
        """Twelve calendar months after the first form; of 29 February it is 28 February."""
        day = 28 if (self.index.month, self.index.day) == (2, 29) else self.index.day
        return self.index.replace(year=self.index.year + 1, day=day)


class Export:
    """Lines of each file, in order."""

    def __init__(self) -> None:
        self.lines: dict[str, list[str]] = defaultdict(list)

    def add(self, resource: Resource, file: str | None = None) -> None:
        """A resource, in the file of its type or another one."""
        self.lines[file or resource["resourceType"]].append(json.dumps(resource, separators=(",", ":")))

    def add_line(self, file: str, line: str) -> None:
        """A line as it is."""
        self.lines[file].append(line)


def make() -> Export:
    """The whole export."""
    export = Export()
    add_clinics(export)
    for person in people():
        add_person(export, person)
        add_visits(export, person)
        for resource in assessments(person):
            export.add(resource)
    add_traps(export)
    return export


def people() -> Iterator[Person]:
    """Sixty people, six days between their first forms."""
    number = 0
    for clinic, stories in STORIES.items():
        for story in stories.split():
            number += 1
            day = FIRST_INDEX + dt.timedelta(days=6 * ((number * 7) % 60))
            if story == "before":
                day = dt.date(2023, 9, number % 28 + 1)
            if story == "sixty":
                day = dt.date(2024, 2, 29)
            rng = random.Random(SEED * 1000 + number)  # noqa: S311  # made-up data, no secret
            yield Person(number, clinic, story, day, rng)


def add_clinics(export: Export) -> None:
    """Organizations, clinicians, and the form of the clinic at the river, whose answers are letters of its own."""
    for clinic in STORIES:
        export.add(
            {
                "resourceType": "Organization",
                "id": f"synthetic-clinic-{clinic}",
                "name": f"Synthetic clinic {clinic}",
                "type": [concept(f"{TERMINOLOGY}/organization-type", "prov")],
            }
        )
        export.add({"resourceType": "Practitioner", "id": f"synthetic-clinician-{clinic}", "active": True})
    letters = [
        {"valueCoding": {"system": LOCAL, "code": letter, "extension": [{"url": ORDINAL, "valueDecimal": value}]}}
        for value, letter in enumerate("abcd")
    ]
    export.add(
        {
            "resourceType": "Questionnaire",
            "id": "phq-9-own-letters",
            "url": FORM,
            "status": "active",
            "code": [{"system": LOINC, "code": PANEL}],
            "item": [
                {
                    "linkId": f"q{n}",
                    "type": "choice",
                    "code": [{"system": LOINC, "code": code}],
                    "answerOption": letters,
                }
                for n, code in enumerate(ITEMS, start=1)
            ],
        }
    )


def add_person(export: Export, person: Person) -> None:
    """Patient, diagnosis, payer, and the course of care where the clinic records one."""
    story, rng = STORY[person.story], person.rng
    born = person.index.replace(day=1, year=person.index.year - (story.age or rng.randint(19, 74)))
    if person.story == "child":  # twelve in a month's time
        born = (person.index + dt.timedelta(days=30)).replace(year=person.index.year - 12)
    patient: Resource = {
        "resourceType": "Patient",
        "id": person.id,
        "meta": {"profile": [f"{US_CORE}/us-core-patient"]},
        "extension": list(us_core(rng)),
        "name": [{"family": "Synthetic", "given": [f"Person {person.number}"]}],
        "gender": rng.choice(["female", "female", "male"]),
        "birthDate": born.isoformat(),
    }
    if person.story == "died":
        patient["deceasedDateTime"] = (person.index + dt.timedelta(days=150)).isoformat()
    export.add(patient)
    export.add(condition(person, "main", story.diagnosis, person.index - dt.timedelta(days=10)))
    if person.story == "bipolar":
        export.add(condition(person, "other", "F31.9", person.index - dt.timedelta(days=400)))
    if person.story == "hospice":
        export.add(
            {
                "resourceType": "ServiceRequest",
                "id": f"{person.id}-hospice",
                "status": "active",
                "intent": "order",
                "code": concept(HCPCS, "G0182"),
                "subject": person.reference,
                "authoredOn": clock(person.index + dt.timedelta(days=200)),
            }
        )
    if person.number % 2:
        cover = {"resourceType": "Coverage", "id": f"{person.id}-cover", "status": "active"}
        payer = concept("https://nahdo.org/sopt", rng.choice(["1", "2", "5", "5"]))
        export.add(cover | {"type": payer, "beneficiary": person.reference, "payor": [{"display": "Synthetic payer"}]})
    if person.clinic != "river":
        export.add(
            {
                "resourceType": "EpisodeOfCare",
                "id": f"{person.id}-course",
                "status": "active",
                "patient": person.reference,
                "managingOrganization": organization(person),
                "diagnosis": [{"condition": {"reference": f"Condition/{person.id}-main"}}],
                "period": {"start": person.index.isoformat()},
            }
        )


def us_core(rng: random.Random) -> Iterator[Resource]:
    """Race and sex at birth, as US Core writes them; some people did not say."""
    race = rng.choice(["2106-3", "2106-3", "2054-5", "2028-9", None])
    if race is not None:
        coding = {"system": "urn:oid:2.16.840.1.113883.6.238", "code": race}
        yield {"url": f"{US_CORE}/us-core-race", "extension": [{"url": "ombCategory", "valueCoding": coding}]}


def condition(person: Person, name: str, code: str, onset: dt.date) -> Resource:
    """An active, confirmed diagnosis."""
    return {
        "resourceType": "Condition",
        "id": f"{person.id}-{name}",
        "clinicalStatus": concept(f"{TERMINOLOGY}/condition-clinical", "active"),
        "verificationStatus": concept(f"{TERMINOLOGY}/condition-ver-status", "confirmed"),
        "category": [concept(f"{TERMINOLOGY}/condition-category", "encounter-diagnosis")],
        "code": concept(ICD, code),
        "subject": person.reference,
        "onsetDateTime": onset.isoformat(),
    }


def add_visits(export: Export, person: Person) -> None:
    """The first visit, four more, and one for every form a year later."""
    rng = person.rng
    days = [person.index, *(person.index + dt.timedelta(days=14 * n + rng.randint(0, 6)) for n in range(1, 5))]
    days += [person.anniversary + dt.timedelta(days=offset) for offset, _ in STORY[person.story].later]
    for n, day in enumerate(days):
        gone = n == 0 and person.story == "cancelled"
        visit: Resource = {
            "resourceType": "Encounter",
            "id": f"{person.id}-visit-{n}",
            "status": "cancelled" if gone else "finished",
            "class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": "VR" if rng.random() < 0.2 else "AMB"},
            "type": [concept(HCPCS, "G0438") if n == 0 else concept(f"{LOCAL}:visit", "session")],
            "subject": person.reference,
            "participant": [{"individual": {"reference": f"Practitioner/synthetic-clinician-{person.clinic}"}}],
            "period": {"start": clock(day, 10), "end": clock(day, 11)},
            "serviceProvider": organization(person),
        }
        if person.clinic != "river":
            visit["episodeOfCare"] = [{"reference": f"EpisodeOfCare/{person.id}-course"}]
        export.add(visit)


def totals(person: Person) -> Iterator[tuple[str, dt.date, int]]:
    """Name, day and total of each form: the first, after twelve weeks (four in five people), a year later."""
    story, rng = STORY[person.story], person.rng
    first = story.first if story.first is not None else rng.randint(11, 23)
    yield "first", person.index, first
    if person.number % 5:
        yield "weeks-12", person.index + dt.timedelta(days=84 + rng.randint(-7, 7)), max(0, first - rng.randint(-1, 11))
    for n, (offset, total) in enumerate(story.later):
        yield f"year-{n}", person.anniversary + dt.timedelta(days=offset), total


def assessments(person: Person) -> Iterator[Resource]:
    """Each form in the way of its clinic."""
    for n, (name, day, total) in enumerate(totals(person)):
        answers = spread(total, person.rng)
        if person.clinic == "north":  # the filled-in form, and its total as an Observation
            visit = f"{person.id}-visit-0" if n == 0 else None
            yield response(person, name, day, answers, stated=14 if is_mistyped(person, name) else total, visit=visit)
            if person.story == "response-only" and name == "year-0":
                continue
            derived = {"derivedFrom": [{"reference": f"QuestionnaireResponse/{person.id}-{name}-form"}]}
            value = {"valueQuantity": {"value": 14 if is_mistyped(person, name) else total, "code": "{score}"}}
            yield observation(person, name, day, PHQ9, value | derived)
        elif person.clinic == "south":  # Observations alone: totals in three spellings, the first one with its answers
            if n == 0:
                yield panel(person, name, day, answers)
            spelled: list[Resource] = [
                {"valueQuantity": {"value": total}},
                {"valueInteger": total},
                {"valueString": str(total)},
            ]
            yield from versions(person, observation(person, name, day, PHQ9, spelled[n % 3]))
        else:  # a form of its own, and the total under the day alone
            yield own_form(person, name, day, answers)
            total_only = observation(person, name, day, PHQ9, {"valueInteger": total})
            yield total_only | {"effectiveDateTime": day.isoformat()}


def is_mistyped(person: Person, name: str) -> bool:
    """The one form whose stated total is not what its answers add up to."""
    return (person.number, name) == (1, "weeks-12")


def versions(person: Person, stated: Resource) -> Iterator[Resource]:
    """The last form as it stands, or with what became of it."""
    if person.story == "amended" and stated["id"].endswith("year-0"):
        yield stated | {
            "meta": {"versionId": "1", "lastUpdated": "2025-11-01T10:00:00Z"},
            "valueString": "7",
        }
        yield stated | {"meta": {"versionId": "2", "lastUpdated": "2025-11-20T10:00:00Z"}, "status": "amended"}
    elif person.story == "in-error" and stated["id"].endswith("year-0"):
        yield stated | {"status": "entered-in-error"}
    else:
        yield stated


def response(
    person: Person, name: str, day: dt.date, answers: list[int], *, stated: int, visit: str | None
) -> Resource:
    """A form as in US Core: LOINC codes as link ids and as answers, and the total as a last item."""
    items = [
        {"linkId": f"/{code}", "answer": [{"valueCoding": {"system": LOINC, "code": ANSWERS[answer]}}]}
        for code, answer in zip(ITEMS, answers, strict=True)
    ]
    items.append({"linkId": f"/{PHQ9}", "answer": [{"valueDecimal": stated}]})
    form: Resource = {
        "resourceType": "QuestionnaireResponse",
        "id": f"{person.id}-{name}-form",
        "meta": {"profile": [f"{US_CORE}/us-core-questionnaireresponse"]},
        "questionnaire": f"{LOINC}/q/{PANEL}",
        "status": "completed",
        "subject": person.reference,
        "authored": clock(day, 10),
        "item": items,
    }
    return form if visit is None else form | {"encounter": {"reference": f"Encounter/{visit}"}}


def own_form(person: Person, name: str, day: dt.date, answers: list[int]) -> Resource:
    """A form whose answers only its Questionnaire explains; one of them late in the evening."""
    return {
        "resourceType": "QuestionnaireResponse",
        "id": f"{person.id}-{name}-form",
        "questionnaire": FORM,
        "status": "completed",
        "subject": person.reference,
        "authored": clock(day, 23 if name == "weeks-12" else 10),
        "item": [
            {"linkId": f"q{n}", "answer": [{"valueCoding": {"system": LOCAL, "code": "abcd"[answer]}}]}
            for n, answer in enumerate(answers, start=1)
        ],
    }


def panel(person: Person, name: str, day: dt.date, answers: list[int]) -> Resource:
    """An Observation that holds the nine answers."""
    parts = [
        {"code": concept(LOINC, code), "valueCodeableConcept": concept(LOINC, ANSWERS[answer])}
        for code, answer in zip(ITEMS, answers, strict=True)
    ]
    return observation(person, f"{name}-panel", day, PANEL, {"component": parts})


def observation(person: Person, name: str, day: dt.date, code: str, value: Resource) -> Resource:
    """A final Observation of the category survey."""
    return {
        "resourceType": "Observation",
        "id": f"{person.id}-{name}",
        "status": "final",
        "category": [concept(f"{TERMINOLOGY}/observation-category", "survey")],
        "code": concept(LOINC, code),
        "subject": person.reference,
        "effectiveDateTime": clock(day, 10),
        **value,
    }


def add_traps(export: Export) -> None:
    """Lines that are wrong in ways that real exports are, and records that say less or more than they seem to."""
    everybody = list(people())
    someone = next(one for one in everybody if one.story == "none")
    day = someone.anniversary
    score = {"valueInteger": 2}
    export.add(observation(someone, "deleted", day, PHQ9, score))  # and a deletion of it
    deletion = {"request": {"method": "DELETE", "url": f"Observation/{someone.id}-deleted"}}
    export.add({"resourceType": "Bundle", "type": "transaction", "entry": [deletion]}, "deleted")
    old = observation(someone, "stu3", day, PHQ9, score)
    export.add(old | {"context": {"reference": f"Encounter/{someone.id}-visit-0"}})  # as in FHIR STU3
    export.add(observation(someone, "month", day, PHQ9, score) | {"effectiveDateTime": day.strftime("%Y-%m")})
    export.add(observation(someone, "early-result", day, PHQ9, score) | {"status": "preliminary"})
    export.add(observation(someone, "above", day, PHQ9, {"valueInteger": 30}))
    export.add_line("Observation", export.lines["Observation"][0])  # the same line twice
    export.add_line("Encounter", export.lines["Encounter"][0][:97])  # broken off
    declined = next(one for one in everybody if (one.clinic, one.story) == ("river", "remission"))
    export.add(
        {
            "resourceType": "Consent",
            "id": f"{declined.id}-consent",
            "status": "active",
            "scope": concept(f"{TERMINOLOGY}/consentscope", "patient-privacy"),
            "category": [concept(LOINC, "59284-0")],
            "patient": declined.reference,
            "dateTime": declined.index.isoformat(),
            "provision": {
                "type": "deny",
                "purpose": [{"system": f"{TERMINOLOGY}/v3-ActReason", "code": "HQUALIMP"}],
            },
        }
    )
    export.add({"resourceType": "AllergyIntolerance", "id": f"{someone.id}-allergy", "patient": someone.reference})


def spread(total: int, rng: random.Random) -> list[int]:
    """Nine answers of 0 to 3 that add up to a total."""
    answers = [0] * 9
    for _ in range(total):
        answers[rng.choice([n for n, answer in enumerate(answers) if answer < 3])] += 1
    return answers


def clock(day: dt.date, hour: int = 9) -> str:
    """A time as the clinics' servers write it."""
    return f"{day.isoformat()}T{hour:02d}:30:00-05:00"


def concept(system: str, code: str) -> Resource:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code}]}


def organization(person: Person) -> Resource:
    """The person's clinic."""
    return {"reference": f"Organization/synthetic-clinic-{person.clinic}"}


def write(export: Export, folder: Path) -> None:
    """One file a type, the largest kind of form packed, and the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    output: list[Resource] = []
    deleted: list[Resource] = []
    for kind, lines in export.lines.items():
        data = "".join(f"{line}\n" for line in lines).encode()
        name = f"{kind}.ndjson"
        if kind == "QuestionnaireResponse":
            name += ".gz"
            data = gzip.compress(data, mtime=0)
        (folder / name).write_bytes(data)
        stated = {"type": "Bundle" if kind == "deleted" else kind, "url": f"https://synthetic.example/export/{name}"}
        (deleted if kind == "deleted" else output).append(stated | {"count": len(lines)})
    manifest = {
        "transactionTime": EXPORTED,
        "request": "https://synthetic.example/fhir/$export",
        "requiresAccessToken": True,
        "output": output,
        "deleted": deleted,
        "error": [],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(make(), Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "export")
