"""Counting what is there and what is missing, from courses and questionnaires alone: no edition is needed for it."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchwell.models.quantiles import quantile_type7

START_WINDOW = 14  # days around the start of a course within which a first score is its start score
LATER = 28  # days after the start score from which another one is a follow-up
DUE = 112  # days after the start from which a follow-up is due


@dataclass(frozen=True)
class Form:
    """One questionnaire without its answers: which are missing is known, not what was said."""

    course: str | None
    instrument: str
    day: dt.date
    unanswered: tuple[bool, ...] | None  # None: only a total was entered


@dataclass(frozen=True)
class Course:
    """One course: when it started, and a key of who treats, which is only ever counted."""

    id: str
    start: dt.date | None
    clinician: str | None


@dataclass(frozen=True)
class InstrumentUse:
    """One instrument: questionnaires, those of them item by item, and how many left each item open.

    Attributes:
        instrument: Its id.
        n: Questionnaires.
        n_with_items: Of them, entered item by item.
        n_incomplete: Of those, with an open item.
        open_items: How many left each item open, in the order of items.
    """

    instrument: str
    n: int
    n_with_items: int
    n_incomplete: int
    open_items: tuple[int, ...]


@dataclass(frozen=True)
class Quarter:
    """Courses that started in one quarter and are due, and how many of them have a pair of scores."""

    label: str
    due: int
    paired: int


@dataclass(frozen=True)
class Counts:
    """What is there and what is missing.

    Attributes:
        n_courses: Courses.
        n_forms: Questionnaires.
        n_due: Courses that started long enough ago for a follow-up.
        n_paired: Of them, with a start score and a later score of the same instrument.
        n_started_unscored: Courses under way without a start score of any instrument.
        n_due_unfollowed: Due, with a start score, without a later one.
        n_without_course: Questionnaires that belong to no course.
        n_incomplete: Questionnaires with an open item.
        weeks: Weeks from start score to the last later one: a quarter, the middle, three quarters; None below ten.
        instruments: By use.
        quarters: In order of time, those with a course that is due.
        n_entering: Clinicians whose people have any score; None where they are too few to be counted apart.
    """

    n_courses: int
    n_forms: int
    n_due: int
    n_paired: int
    n_started_unscored: int
    n_due_unfollowed: int
    n_without_course: int
    n_incomplete: int
    weeks: tuple[float, float, float] | None
    instruments: tuple[InstrumentUse, ...]
    quarters: tuple[Quarter, ...]
    n_entering: int | None

    @property
    def share_paired(self) -> float | None:
        """Pairs complete, of the courses that are due."""
        return self.n_paired / self.n_due if self.n_due else None


def count(courses: Sequence[Course], forms: Iterable[Form], today: dt.date, *, least_clinicians: int) -> Counts:
    """Count what is there and what is missing.

    Args:
        courses: Courses.
        forms: Their questionnaires, and those that belong to none.
        today: The day from which courses are judged.
        least_clinicians: From how many clinicians on it is said how many of them take part.
    """
    kept = list(forms)
    by_course: defaultdict[str, list[Form]] = defaultdict(list)
    for form in kept:
        if form.course is not None:
            by_course[form.course].append(form)
    judged = [(course, *_pair(course, by_course.get(course.id, ()))) for course in courses]
    due = [(course, start, gap) for course, start, gap in judged if _is_due(course, start, today)]
    gaps = [gap / 7 for _, _, gap in judged if gap is not None]
    entering = {course.clinician for course in courses if course.clinician is not None and by_course.get(course.id)}
    everybody = {course.clinician for course in courses if course.clinician is not None}
    return Counts(
        n_courses=len(courses),
        n_forms=len(kept),
        n_due=len(due),
        n_paired=sum(gap is not None for _, _, gap in due),
        n_started_unscored=sum(start is None and _has_started(course, today) for course, start, _ in judged),
        n_due_unfollowed=sum(start is not None and gap is None for _, start, gap in due),
        n_without_course=sum(form.course is None for form in kept),
        n_incomplete=sum(any(form.unanswered or ()) for form in kept),
        weeks=_quartiles(gaps),
        instruments=_instruments(kept),
        quarters=_quarters(due),
        n_entering=len(entering) if len(everybody) >= least_clinicians else None,
    )


def form_of(course: str | None, instrument: str, day: Any, items: Any, total: Any) -> Form | None:
    """A questionnaire from a row of the register or the lake; None without a day."""
    if not isinstance(day, dt.date):
        return None
    if isinstance(items, Mapping):
        items = list(items.values())
    answers = list(items) if items is not None else []
    open_items = tuple(one is None or one != one for one in answers)
    # A total beside nothing but open items was entered as a total.
    stated = not open_items or (total is not None and all(open_items))
    return Form(course, instrument, day, None if stated else open_items)


def _pair(course: Course, forms: Sequence[Form]) -> tuple[dt.date | None, int | None]:
    """Day of the start score, and the longest wait from one to a later score of the same instrument, days."""
    first: dt.date | None = None
    longest: int | None = None
    days: defaultdict[str, list[dt.date]] = defaultdict(list)
    for form in forms:
        days[form.instrument].append(form.day)
    for found in days.values():
        starts = [day for day in found if course.start is None or abs((day - course.start).days) <= START_WINDOW]
        if not starts:
            continue
        start = min(starts)
        first = start if first is None else min(first, start)
        wait = (max(found) - start).days
        if wait >= LATER and (longest is None or wait > longest):
            longest = wait
    return first, longest


def _has_started(course: Course, today: dt.date) -> bool:
    return course.start is not None and (today - course.start).days > START_WINDOW


def _is_due(course: Course, start: dt.date | None, today: dt.date) -> bool:
    began = course.start or start
    return began is not None and (today - began).days >= DUE


def _quartiles(weeks: Sequence[float]) -> tuple[float, float, float] | None:
    if len(weeks) < 10:
        return None
    low, middle, high = (float(one) for one in quantile_type7(weeks, [0.25, 0.5, 0.75]))
    return low, middle, high


def _instruments(forms: Sequence[Form]) -> tuple[InstrumentUse, ...]:
    by_name: defaultdict[str, list[Form]] = defaultdict(list)
    for form in forms:
        by_name[form.instrument].append(form)
    found = []
    for name, used in by_name.items():
        answered = [form.unanswered for form in used if form.unanswered is not None]
        width = max((len(one) for one in answered), default=0)
        open_items = tuple(sum(len(one) > place and one[place] for one in answered) for place in range(width))
        found.append(InstrumentUse(name, len(used), len(answered), sum(any(one) for one in answered), open_items))
    return tuple(sorted(found, key=lambda one: (-one.n, one.instrument)))


def _quarters(due: Sequence[tuple[Course, dt.date | None, int | None]]) -> tuple[Quarter, ...]:
    all_of, paired = Counter[str](), Counter[str]()
    for course, start, gap in due:
        began = course.start or start
        if began is not None:
            label = f"{began.year}-Q{(began.month + 2) // 3}"
            all_of[label] += 1
            paired[label] += gap is not None
    return tuple(Quarter(label, all_of[label], paired[label]) for label in sorted(all_of))
