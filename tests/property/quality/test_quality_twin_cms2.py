"""CMS2 against a slow twin that shares no code with it: plain loops over plain times."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from dataclasses import dataclass

from quality_cases import (
    Resource,
    concept,
    condition,
    encounter,
    observation,
    order,
    patient,
    plain,
    procedure,
    result_of,
)

VISIT = dt.date(2026, 6, 21)
POSITIVE, NEGATIVE = "428181000124104", "428171000124102"
TOOLS = {"adolescent": "loinc|73831-0", "adult": "loinc|73832-8"}
MEDICATION = {"adolescent": "rxnorm|1190110", "adult": "rxnorm|1000048"}
NOT_DONE = "http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-notDoneReason"
STATUS = ("final", "final", "amended", "preliminary")
CLOCKS = (dt.time(0), dt.time(8), dt.time(8, 10), dt.time(8, 15), dt.time(23, 59, 59))


@dataclass(frozen=True)
class Person:
    """Someone as plain values."""

    birth: dt.date
    visits: list[tuple[dt.datetime, dt.datetime, str]]
    screenings: list[tuple[dt.datetime, str, str, str]]  # when, tool, answer, status
    orders: list[tuple[str, dt.datetime, str, str, int]]  # kind, when, for whom, status, days of supply
    cares: list[tuple[dt.datetime, str, str]]
    declined: list[tuple[dt.datetime, str]]
    bipolar: list[tuple[dt.datetime, str]]


def somebody(chance: random.Random) -> Person:
    """A made-up person whose times lie where the rules turn."""

    def near(*days: int) -> dt.datetime:
        return dt.datetime.combine(VISIT + dt.timedelta(days=chance.choice(days)), chance.choice(CLOCKS), dt.UTC)

    def visit() -> tuple[dt.datetime, dt.datetime, str]:
        day = chance.choice([VISIT] * 6 + [dt.date(2026, 1, 1), dt.date(2026, 12, 31), dt.date(2026, 6, 26)])
        start = dt.datetime.combine(day, dt.time(8), dt.UTC)
        lasts = chance.choice([dt.timedelta(minutes=15)] * 4 + [dt.timedelta(days=1)])
        return start, start + lasts, chance.choice(["finished"] * 5 + ["cancelled"])

    def whom() -> str:
        return chance.choice(["adolescent", "adult"])

    def several(*sizes: int) -> range:
        return range(chance.choice(sizes))

    screenings = [
        (near(-15, -14, -7, -7, 0, 1), whom(), chance.choice([POSITIVE] * 4 + [NEGATIVE, ""]), chance.choice(STATUS))
        for _ in several(0, 1, 1, 2)
    ]
    return Person(
        birth=dt.date(chance.choice([2014, 2010, 2009, 2009, 2008]), 1, chance.choice([1, 1, 2])),
        visits=[visit() for _ in several(1, 1, 2)],
        screenings=list({one[0]: one for one in screenings}.values()),  # no two at one time
        orders=[
            (
                chance.choice(["ServiceRequest", "MedicationRequest"]),
                near(-1, 0, 0, 1, 2, 3),
                whom(),
                chance.choice(["active", "active", "completed", "revoked"]),
                chance.choice([1, 2, 30]),
            )
            for _ in several(0, 0, 1, 2)
        ],
        cares=[
            (near(-1, 0, 0, 1), whom(), chance.choice(["completed", "completed", "not-done"])) for _ in several(0, 0, 1)
        ],
        declined=[(near(-1, 0, 0, 1), whom()) for _ in several(0, 0, 1)],
        bipolar=[
            (near(-30, -1, 0), chance.choice(["problem-list-item", "problem-list-item", "encounter-diagnosis"]))
            for _ in several(0, 0, 0, 0, 1)
        ],
    )


def twin(one: Person) -> dict[str, int]:
    """The rules of the measure in words, as loops."""
    counts = dict.fromkeys(("initial-population", "denominator", "denominator-exclusion", "numerator"), 0)
    counts["denominator-exception"] = 0
    visits = [(a, b) for a, b, status in one.visits if status == "finished" and a.year == b.year == 2026]
    years = 2026 - one.birth.year - ((one.birth.month, one.birth.day) > (1, 1))
    if years < 12 or not visits:
        return counts
    counts["initial-population"] = counts["denominator"] = 1
    listed = [onset.date() for onset, category in one.bipolar if category == "problem-list-item"]
    if any(onset < a.date() for onset in listed for a, _ in visits):
        return counts | {"denominator-exclusion": 1}
    tools = (["adolescent"] if years <= 17 else []) + (["adult"] if years >= 17 else [])
    if any(met(one, visits, tool) for tool in tools):
        return counts | {"numerator": 1}
    during = [tool for at, tool in one.declined if any(a.date() <= at.date() <= b.date() for a, b in visits)]
    return counts | {"denominator-exception": int(any(last_screening(one, visits, tool) is None for tool in during))}


def last_screening(one: Person, visits: list[tuple[dt.datetime, dt.datetime]], tool: str) -> tuple[dt.date, str] | None:
    """Day and answer of the last one with a result 0 to 14 days before a visit."""
    found = [
        (at, answer)
        for at, used, answer, status in one.screenings
        if used == tool and answer and status != "preliminary"
        if any(0 <= (a.date() - at.date()).days <= 14 for a, _ in visits)
    ]
    return (max(found)[0].date(), max(found)[1]) if found else None


def met(one: Person, visits: list[tuple[dt.datetime, dt.datetime]], tool: str) -> bool:
    """Negative, or positive with a plan of that tool at a visit that the screening belongs to."""
    last = last_screening(one, visits, tool)
    if last is None or last[1] == NEGATIVE:
        return last is not None
    for a, b in visits:
        if not 0 <= (a.date() - last[0]).days <= 14:
            continue
        if any(a <= at <= b for at, whom, status in one.cares if whom == tool and status == "completed"):
            return True
        for kind, at, whom, status, days in one.orders:
            if whom == tool and status != "revoked" and 0 <= (at.date() - b.date()).days <= 2:
                ends = at.date() + dt.timedelta(days=days - 1)
                if kind == "ServiceRequest" or at.date() <= b.date() < ends:
                    return True
    return False


def resources_of(one: Person, offset: int) -> list[Resource]:
    """The person in FHIR, with clocks so many hours from UTC."""

    def written(moment: dt.datetime) -> str:
        return moment.astimezone(dt.timezone(dt.timedelta(hours=offset))).isoformat()

    found = [patient(one.birth.isoformat())]
    found += [encounter("hcpcs|G0101", written(a), written(b), status) for a, b, status in one.visits]
    for at, tool, answer, status in one.screenings:
        value = concept(f"snomed|{answer}") if answer else None
        found.append(observation(TOOLS[tool], written(at), status, valueCodeableConcept=value))
    for kind, at, whom, status, days in one.orders:
        if kind == "ServiceRequest":
            found.append(order(kind, f"snomed|{whom}-referral", written(at), status=status))
        else:
            supply = {"expectedSupplyDuration": {"value": days, "code": "d"}}
            found.append(order(kind, MEDICATION[whom], written(at), status=status, dispenseRequest=supply))
    found += [procedure(f"snomed|{whom}-care", written(at), status) for at, whom, status in one.cares]
    for at, tool in one.declined:
        why = {"url": NOT_DONE, "valueCodeableConcept": concept("snomed|720834000")}
        found.append(observation(TOOLS[tool], None, "cancelled", issued=written(at), extension=[why]))
    for onset, category in one.bipolar:
        found.append(condition("icd-10-cm|F31.9", written(onset), category=[plain(category)]))
    return found


def test_the_measure_says_what_its_rules_say():
    chance = random.Random(2)
    reached: Counter[str] = Counter()
    for number in range(2500):
        one = somebody(chance)
        resources = resources_of(one, chance.choice([-11, -5, 0, 2, 13]))
        chance.shuffle(resources)
        assert dict(result_of("cms2", *resources).populations) == twin(one), f"person {number}: {one}"
        reached.update(twin(one))
    assert min(reached.values()) > 40, reached  # otherwise this would prove little
