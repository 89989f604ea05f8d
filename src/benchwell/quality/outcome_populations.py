"""From outcomes of courses to the populations of a quality measure, person by person.

Outcomes are computed elsewhere, by the same code as in every edition; here each course only finds its place. What is
left of the denominator without exclusions is the measure's own denominator: everyone eligible, or those followed up.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from benchwell.quality.result import DENOMINATOR, EXCLUSION, INITIAL_POPULATION, NUMERATOR, SubjectResult
from benchwell.registry import Measure
from benchwell.terms import Denominator, OutcomeStatus

NO_BASELINE = "no-baseline"
# Reasons that say of a course that the measure is not about it; with those that the measure's own conditions name.
_NOT_ABOUT = frozenset({"opted-out", "no-index", "age-unknown", "not-finished", "within-clean-period"})


@dataclass(frozen=True, slots=True)
class CourseOutcome:
    """What a measure says of one course of care: a row of `tables.DERIVED["outcomes"]`, with its day.

    Attributes:
        subject: Whose course it is.
        day: The day that must lie in the measurement period; null if there is none.
        status: As in outcomes.
        reason: As in outcomes; null for those followed up.
        eligible: Whether it is in the denominator of everyone eligible.
        met: Whether the endpoint was met; null unless followed up.
    """

    subject: str
    day: dt.date | None
    status: OutcomeStatus
    reason: str | None
    eligible: bool
    met: bool | None


@dataclass(frozen=True)
class Counted:
    """Everybody's counts, and what became of the courses that stand in none.

    Attributes:
        subjects: By id; everybody who was read and may be used, also those outside the initial population.
        excluded: Courses left out of the denominator, by reason code.
        not_about: Courses whose day lies in the period, but which the measure is not about, by reason code.
        not_due: Courses whose day lies in the period, but whose outcome may still come.
        opted_out: People who may not be used, and are not in `subjects`.
        without_baseline: Courses that count as not met for want of a first score.
    """

    subjects: tuple[SubjectResult, ...]
    excluded: Counter[str]
    not_about: Counter[str]
    not_due: int
    opted_out: int
    without_baseline: int


def count_courses(
    measure: Measure,
    courses: Iterable[CourseOutcome],
    people: Iterable[str],
    period: tuple[dt.date, dt.date],
    *,
    refused: Set[str] = frozenset(),
) -> Counted:
    """Count courses as populations.

    Args:
        measure: With a yes/no endpoint.
        courses: Every course of the sources.
        people: Everybody who was read, also without a course.
        period: First and last day, both included.
        refused: Who may not be used.
    """
    by_person: dict[str, list[CourseOutcome]] = {person: [] for person in people}
    for one in courses:
        by_person.setdefault(one.subject, []).append(one)
    tally: defaultdict[str, Counter[str]] = defaultdict(Counter)
    subjects = [
        _subject(measure, person, [one for one in own if _within(one, period)], tally)
        for person, own in sorted(by_person.items())
        if person not in refused
    ]
    return Counted(
        tuple(subjects),
        tally["excluded"],
        tally["not-about"],
        tally["not-due"].total(),
        len(refused & by_person.keys()),
        tally["assumed"].total(),
    )


def _within(one: CourseOutcome, period: tuple[dt.date, dt.date]) -> bool:
    return one.day is not None and period[0] <= one.day <= period[1]


def _subject(
    measure: Measure, person: str, courses: Sequence[CourseOutcome], tally: defaultdict[str, Counter[str]]
) -> SubjectResult:
    counts = dict.fromkeys((INITIAL_POPULATION, DENOMINATOR, EXCLUSION, NUMERATOR), 0)
    reasons, not_assessed = [], 0
    for one in courses:
        if _is_outside(measure, one, tally):
            continue
        counts[INITIAL_POPULATION] += 1
        counts[DENOMINATOR] += 1
        if _counts(measure, one):
            counts[NUMERATOR] += bool(one.met)
            not_assessed += one.met is None
            tally["assumed"][one.reason or ""] += one.reason == NO_BASELINE
        else:
            counts[EXCLUSION] += 1
            reasons.append(one.reason or "")
    tally["excluded"].update(reasons)
    return SubjectResult(person, counts, reasons=tuple(dict.fromkeys(reasons)), not_assessed=not_assessed)


def _is_outside(measure: Measure, one: CourseOutcome, tally: defaultdict[str, Counter[str]]) -> bool:
    if one.status is OutcomeStatus.IMMATURE:
        tally["not-due"][one.reason or ""] += 1
        return True
    own = {condition.reason for condition in measure.population.conditions}
    if one.status is OutcomeStatus.EXCLUDED and one.reason in _NOT_ABOUT | own:
        tally["not-about"][one.reason] += 1
        return True
    return False


def _counts(measure: Measure, one: CourseOutcome) -> bool:
    """Whether a course is left in the denominator."""
    if one.reason == NO_BASELINE and measure.counted_over_period.no_baseline == "not_met":
        return True
    if measure.primary_denominator is Denominator.ALL_ELIGIBLE:
        return one.eligible
    return one.status is OutcomeStatus.FOLLOWED
