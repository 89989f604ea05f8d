"""CMS177 against a slow twin that shares no code with it: plain loops over plain times, encounter by encounter."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from dataclasses import dataclass

from quality_cases import Resource, concept, encounter, observation, patient, procedure, resource, result_of

START = dt.datetime(2026, 3, 27, 14, 30, tzinfo=dt.UTC)
TICK = dt.timedelta(milliseconds=1)
HOUR = dt.timedelta(hours=1)
DEPRESSION, OTHER = "icd-10-cm|F32.2", "icd-10-cm|F41.1"
KINDS = ("cpt|office", "cpt|consultation", "cpt|diagnostic", "cpt|family", "cpt|group", "cpt|phone")
MADE = {"Procedure": ("completed",), "Observation": ("final", "amended", "corrected")}
STATUS = {
    "Procedure": ("completed", "completed", "completed", "not-done", "in-progress"),
    "Observation": ("final", "amended", "corrected", "preliminary"),
}


@dataclass(frozen=True)
class Visit:
    """An encounter: its reason stands in it, or in a diagnosis that it points to."""

    start: dt.datetime
    kind: str
    status: str
    reason: str
    pointed: bool


@dataclass(frozen=True)
class Person:
    """Someone as plain values."""

    birth: dt.date
    visits: list[Visit]
    assessments: list[tuple[str, str, dt.datetime, dt.timedelta | None]]  # type, status, start, length; None: a moment


def somebody(chance: random.Random) -> Person:
    """A made-up person whose times lie where the rules turn."""
    midnight = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    starts = [START] * 4 + [START + 7 * HOUR, START.replace(year=2025), midnight - HOUR, midnight - HOUR - TICK]
    visits = [
        Visit(
            chance.choice(starts),
            chance.choice(KINDS),
            chance.choice(["finished"] * 5 + ["in-progress"]),
            chance.choice([DEPRESSION] * 3 + [OTHER]),
            chance.random() < 0.5,
        )
        for _ in range(chance.choice([1, 1, 2, 3]))
    ]
    assessments = []
    for _ in range(chance.choice([0, 1, 1, 2])):
        type_ = chance.choice(["Procedure", "Observation"])
        at = chance.choice(visits).start + chance.choice([-TICK, TICK * 0, HOUR / 2, HOUR, HOUR + TICK])
        length = chance.choice([None, None, TICK * 0, HOUR / 2, HOUR])
        assessments.append((type_, chance.choice(STATUS[type_]), at, length))
    birth = dt.date(chance.choice([2009, 2009, 2015, 2015, 2020, 2020]), 1, chance.choice([1, 2]))
    return Person(birth, visits, assessments)


def twin(one: Person) -> dict[str, int]:
    """The rules of the measure in words, as loops."""
    years = 2026 - one.birth.year - (one.birth > dt.date(one.birth.year, 1, 1))
    found = met = 0
    for visit in one.visits:
        end = visit.start + HOUR
        inside = visit.start.year == end.year == 2026
        if not 6 <= years <= 16 or visit.status != "finished" or visit.reason != DEPRESSION or not inside:
            continue
        found += 1
        met += any(
            status in MADE[type_] and visit.start <= at and at + (length or TICK * 0) <= end
            for type_, status, at, length in one.assessments
        )
    return {"initial-population": found, "denominator": found, "numerator": met}


def resources_of(one: Person, offset: int) -> list[Resource]:
    """The person in FHIR, with clocks so many hours from UTC."""

    def written(moment: dt.datetime) -> str:
        return moment.astimezone(dt.timezone(dt.timedelta(hours=offset))).isoformat(timespec="milliseconds")

    found = [patient(one.birth.isoformat())]
    for visit in one.visits:
        why: Resource = {"reasonCode": [concept(visit.reason)]}
        if visit.pointed:
            diagnosis = resource("Condition", code=concept(visit.reason))
            found.append(diagnosis)
            why = {"reasonReference": [{"reference": f"Condition/{diagnosis['id']}"}]}
        found.append(encounter(visit.kind, written(visit.start), written(visit.start + HOUR), visit.status, **why))
    for type_, status, at, length in one.assessments:
        make, choice = (procedure, "performedPeriod") if type_ == "Procedure" else (observation, "effectivePeriod")
        if length is None:
            found.append(make("snomed|225337009", written(at), status))
        else:
            period = {"start": written(at), "end": written(at + length)}
            found.append(make("snomed|225337009", None, status, **{choice: period}))
    return found


def test_the_measure_says_what_its_rules_say():
    chance = random.Random(177)
    reached: Counter[tuple[int, ...]] = Counter()
    for number in range(2500):
        one = somebody(chance)
        resources = resources_of(one, chance.choice([-11, -5, 0, 2, 13]))
        chance.shuffle(resources)
        assert dict(result_of("cms177", *resources).populations) == twin(one), f"person {number}: {one}"
        reached[tuple(twin(one).values())] += 1
    assert min(reached[counts] for counts in ((0, 0, 0), (1, 1, 0), (1, 1, 1), (2, 2, 1), (2, 2, 2))) > 20, reached
