"""Where a course finds its place among the populations, by what outcomes say of it."""

from __future__ import annotations

import datetime as dt

import narwhals as nw
import pyarrow as pa
import pytest

from benchwell.engine import DuckDBEngine
from benchwell.outcomes.due import due_day
from benchwell.quality.outcome_populations import CourseOutcome, count_courses
from benchwell.registry import Registry
from benchwell.registry.measure import Condition, OverPeriod, Population
from benchwell.terms import Denominator, OutcomeStatus

YEAR = (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
PHQ9 = Registry.load().measure("phq9-response-12w")
ADULTS = PHQ9.model_copy(
    update={"population": Population(conditions=(Condition(column="age", at_least=18, reason="under-18"),))}
)
OBSERVED = PHQ9.model_copy(update={"primary_denominator": Denominator.OBSERVED})
LENIENT = PHQ9.model_copy(update={"over_period": OverPeriod(day="due", no_baseline="not_met")})
NOWHERE, EXCLUDED, NOT_MET, MET = (0, 0, 0, 0), (1, 1, 1, 0), (1, 1, 0, 0), (1, 1, 0, 1)


def course(status, reason=None, *, eligible=None, met=None, day=dt.date(2026, 5, 1), subject="p"):
    status = OutcomeStatus(status)
    counted = status in (OutcomeStatus.FOLLOWED, OutcomeStatus.MISSING, OutcomeStatus.MOVED)
    return CourseOutcome(subject, day, status, reason, counted if eligible is None else eligible, met)


def counts(measure, *courses):
    (one,) = count_courses(measure, courses, ["p"], YEAR).subjects
    return tuple(one.populations.values())


@pytest.mark.parametrize(
    ("status", "reason", "more", "everyone", "followed"),
    [
        ("followed", None, {"met": True}, MET, MET),
        ("followed", None, {"met": False}, NOT_MET, NOT_MET),
        ("missing", "no-followup", {}, NOT_MET, EXCLUDED),
        ("moved", "moved", {}, NOT_MET, EXCLUDED),
        ("died", "died", {}, EXCLUDED, EXCLUDED),
        ("died", "suicide", {"eligible": True}, NOT_MET, EXCLUDED),
        ("excluded", "below-cut-in", {}, EXCLUDED, EXCLUDED),
        ("excluded", "not-at-caseness", {}, EXCLUDED, EXCLUDED),
        ("excluded", "no-baseline", {}, EXCLUDED, EXCLUDED),
        ("excluded", "version-changed", {}, EXCLUDED, EXCLUDED),
        ("excluded", "ended-before-contact", {}, EXCLUDED, EXCLUDED),
        ("excluded", "no-index", {}, NOWHERE, NOWHERE),
        ("excluded", "age-unknown", {}, NOWHERE, NOWHERE),
        ("excluded", "not-finished", {}, NOWHERE, NOWHERE),
        ("excluded", "within-clean-period", {}, NOWHERE, NOWHERE),
        ("immature", "immature", {}, NOWHERE, NOWHERE),
        ("immature", "still-waiting", {}, NOWHERE, NOWHERE),
    ],
)
def test_the_place_of_a_course(status, reason, more, everyone, followed):
    assert counts(PHQ9, course(status, reason, **more)) == everyone
    assert counts(OBSERVED, course(status, reason, **more)) == followed


def test_whom_a_measure_declares_to_be_about_others_is_nowhere():
    assert counts(ADULTS, course("excluded", "under-18")) == NOWHERE


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (dt.date(2025, 12, 31), NOWHERE),
        (dt.date(2026, 1, 1), MET),
        (dt.date(2026, 12, 31), MET),
        (dt.date(2027, 1, 1), NOWHERE),
        (None, NOWHERE),
    ],
)
def test_both_ends_of_the_period_belong_to_it(day, found):
    assert counts(PHQ9, course("followed", met=True, day=day)) == found


def test_a_measure_may_count_whoever_has_no_first_score_as_not_met():
    found = count_courses(LENIENT, [course("excluded", "no-baseline")], [], YEAR)
    (one,) = found.subjects
    assert tuple(one.populations.values()) == NOT_MET
    assert (one.not_assessed, found.without_baseline, found.excluded.total()) == (1, 1, 0)


def test_who_may_not_be_used_is_counted_and_not_named():
    courses = [course("opted_out", "opted-out", subject="no"), course("followed", met=True, subject="yes")]
    found = count_courses(PHQ9, courses, ["yes", "no", "none"], YEAR, refused={"no", "unknown"})
    assert [one.subject for one in found.subjects] == ["none", "yes"]
    assert found.opted_out == 1


def test_reasons_are_told_once_a_person_and_counted_once_a_course():
    found = count_courses(PHQ9, [course("excluded", "below-cut-in"), course("excluded", "below-cut-in")], [], YEAR)
    assert found.subjects[0].reasons == ("below-cut-in",)
    assert found.excluded == {"below-cut-in": 2}


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("phq9-response-12w", [112, 112, None]),  # the window's last day, whenever the course ended
        ("nhs-recovery", [70, 730, None]),  # the end of the course, or of the window
        ("wait-within-6-weeks", [42, 42, None]),
    ],
)
def test_the_day_on_which_an_outcome_becomes_due(measure, expected):
    rows = pa.table(
        {"index_day": pa.array([0, 0, None], pa.int64()), "end_day": pa.array([70, None, None], pa.int64())}
    )
    with DuckDBEngine() as engine:
        frame = engine.from_arrow(rows).select(due=due_day(Registry.load().measure(measure)).cast(nw.Int64()))
        assert engine.to_arrow(frame)["due"].to_pylist() == expected
