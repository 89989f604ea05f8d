"""CMS159 against a slow twin that shares no code with it: plain loops over plain times."""

from __future__ import annotations

import calendar
import datetime as dt
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from quality_cases import Resource, condition, encounter, patient, phq9, plain, procedure, result_of

T = TypeVar("T")
HOURS = (0, 8, 12, 23)
STATUS = ("final", "final", "amended", "preliminary")
# Where rules begin and end: index scores on 25 February and 31 October 2025, and a year later.
INDEX_DAYS = (dt.date(2025, 2, 25), dt.date(2025, 2, 25), dt.date(2025, 10, 31))


@dataclass(frozen=True)
class Person:
    """Someone as plain values."""

    birth: dt.date
    died: dt.datetime | None
    visits: list[tuple[dt.datetime, int, str]]  # start, hours, status
    depressions: list[tuple[dt.datetime, dt.datetime | None, str, str]]  # onset, end, clinical, verification
    scores: list[tuple[dt.datetime, int, str]]
    bipolar: dt.datetime | None
    hospice: tuple[dt.datetime, str] | None


def somebody(chance: random.Random) -> Person:
    """A made-up person whose times lie where the rules turn."""
    index = chance.choice(INDEX_DAYS)

    def near(day: dt.date, *days: int) -> dt.datetime:
        moved = day + dt.timedelta(days=chance.choice(days))
        return dt.datetime.combine(moved, dt.time(chance.choice(HOURS)), dt.UTC)

    def early() -> dt.datetime:
        return near(index, -400, -30, -1, 0, 0, 1)

    def late() -> dt.datetime:
        return near(index.replace(year=2026), -61, -60, -59, -3, 0, 5, 59, 60, 61)

    def rarely(make: Callable[[], T]) -> T | None:
        return make() if chance.random() < 0.15 else None

    visits = [
        (near(index, -1, 0, 0, 0, 1), chance.choice([0, 1, 30]), chance.choice(["finished"] * 5 + ["cancelled"]))
        for _ in range(chance.choice([1, 1, 2]))
    ]
    depressions = [
        (
            early(),
            rarely(lambda: near(index, -20, 0, 0, 40)),
            chance.choice(["active", "active", "relapse", "resolved"]),
            chance.choice(["confirmed", "confirmed", "provisional", "refuted"]),
        )
        for _ in range(chance.choice([1, 2]))
    ]
    first = [(near(index, -8, -7, -2, 0, 0, 1), chance.choice([9, 10, 27]), chance.choice(STATUS)) for _ in range(2)]
    later = [(late(), chance.choice([0, 4, 5, 9, 10]), chance.choice(STATUS)) for _ in range(chance.choice([0, 1, 2]))]
    return Person(
        birth=dt.date(chance.choice([1980, 2007, 2013, 2014]), *chance.choice([(1, 1), (2, 25), (2, 26), (10, 31)])),
        died=rarely(late),
        visits=visits,
        depressions=depressions,
        scores=list({score[0]: score for score in first + later}.values()),
        bipolar=rarely(late),
        hospice=rarely(lambda: (late(), chance.choice(["completed", "in-progress", "unknown"]))),
    )


def twin(one: Person) -> dict[str, int]:
    """The rules of the measure in words, as loops."""
    zero = {"initial-population": 0, "denominator": 0, "denominator-exclusion": 0, "numerator": 0}
    index = index_day(one)
    if index is None or age(one.birth, index) < 12:
        return zero
    day = min(index.day, calendar.monthrange(index.year + 1, index.month)[1])
    anniversary = dt.date(index.year + 1, index.month, day)
    first, last = anniversary - dt.timedelta(days=60), anniversary + dt.timedelta(days=60)
    excluded = any(at is not None and at.date() <= last for at in (one.died, one.bipolar))
    if one.hospice is not None and one.hospice[1] != "unknown":
        excluded = excluded or dt.date(2024, 11, 1) <= one.hospice[0].date() <= last
    later = [(at, value) for at, value, status in one.scores if status != "preliminary" and first <= at.date() <= last]
    met = bool(later) and not excluded and max(later)[1] < 5
    return {"initial-population": 1, "denominator": 1, "denominator-exclusion": int(excluded), "numerator": int(met)}


def index_day(one: Person) -> dt.date | None:
    """The day of the first score above 9 near a depression visit."""
    for at, value, status in sorted(one.scores):
        for start, hours, state in one.visits:
            end = start + dt.timedelta(hours=hours)
            if (
                value > 9
                and status != "preliminary"
                and state == "finished"
                and dt.date(2024, 11, 1) <= end.date() <= dt.date(2025, 10, 31)
                and start.date() - dt.timedelta(days=7) <= at.date() <= end.date()
                and any(present(start, end, *depression) for depression in one.depressions)
            ):
                return at.date()
    return None


def age(birth: dt.date, day: dt.date) -> int:
    """Whole years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def present(
    start: dt.datetime, end: dt.datetime, onset: dt.datetime, over: dt.datetime | None, clinical: str, verified: str
) -> bool:
    """Whether a depression was certainly there during a visit."""
    if verified == "refuted" or onset > end:
        return False
    if over is not None:
        return over >= start
    return clinical in ("active", "relapse") or onset >= start


def written(moment: dt.datetime | None, offset: int) -> str | None:
    """A time as somebody far away writes it."""
    if moment is None:
        return None
    return moment.astimezone(dt.timezone(dt.timedelta(hours=offset))).isoformat()


def resources_of(one: Person, offset: int) -> list[Resource]:
    """The person in FHIR, with clocks so many hours from UTC."""
    found = [patient(one.birth.isoformat(), deceasedDateTime=written(one.died, offset))]
    for start, hours, status in one.visits:
        end = written(start + dt.timedelta(hours=hours), offset)
        found.append(encounter("hcpcs|G0438", written(start, offset), end, status))
    for onset, over, clinical, verified in one.depressions:
        times = {"abatementDateTime": written(over, offset), "verificationStatus": plain(verified)}
        found.append(condition("icd-10-cm|F32.9", written(onset, offset), clinical, **times))
    found += [phq9(value, written(at, offset), status) for at, value, status in one.scores]
    if one.bipolar is not None:
        found.append(condition("icd-10-cm|F31.9", written(one.bipolar, offset)))
    if one.hospice is not None:
        found.append(procedure("hcpcs|G0182", written(one.hospice[0], offset), one.hospice[1]))
    return found


def test_the_measure_says_what_its_rules_say():
    chance = random.Random(159)
    reached: Counter[str] = Counter()
    for number in range(2500):
        one = somebody(chance)
        resources = resources_of(one, chance.choice([-11, -5, 0, 2, 13]))
        chance.shuffle(resources)
        found = result_of("cms159", *resources)
        assert dict(found.populations) == twin(one), f"person {number}: {one}"
        for code, count in found.populations.items():
            assert sum(stratum.populations[code] for stratum in found.strata) == count
        reached.update(found.populations)
    assert min(reached.values()) > 40, reached  # otherwise this would prove little
