"""Counting what is there and what is missing, by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from benchwell.models.intervals import wilson
from benchwell.pipeline.live.follow_up_gain import follow_up_gain
from benchwell.pipeline.live.readiness_counts import Course, Form, InstrumentUse, Quarter, count, form_of

TODAY = dt.date(2026, 11, 23)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def course(id_: str, start: str | None, clinician: str | None = "c1") -> Course:
    return Course(id_, day(start) if start else None, clinician)


def form(id_: str | None, when: str, instrument: str = "phq-9", unanswered=None) -> Form:
    return Form(id_, instrument, day(when), unanswered)


def counted(courses, forms, least=5):
    return count(courses, forms, TODAY, least_clinicians=least)


def test_a_pair_is_a_start_score_and_a_later_one_of_the_same_instrument():
    courses = [course(one, "2026-01-05") for one in "abcde"]
    forms = [
        *(form("a", when) for when in ("2026-01-05", "2026-03-30")),  # a pair
        *(
            form("b", when, name) for when, name in (("2026-01-05", "phq-9"), ("2026-03-30", "gad-7"))
        ),  # two instruments
        *(form("c", when) for when in ("2026-01-05", "2026-01-20")),  # too soon
        form("d", "2026-03-30"),  # no start score
    ]
    found = counted(courses, forms)
    assert (found.n_due, found.n_paired, found.n_due_unfollowed, found.n_started_unscored) == (5, 1, 2, 2)
    assert found.share_paired == 0.2
    assert found.quarters == (Quarter("2026-Q1", 5, 1),)


def test_a_course_that_began_lately_is_not_due():
    found = counted([course("a", "2026-09-01")], [form("a", "2026-09-01")])
    assert (found.n_due, found.n_due_unfollowed, found.share_paired) == (0, 0, None)


def test_a_course_without_a_first_day_begins_with_its_first_score():
    found = counted([course("a", None)], [form("a", "2026-01-05"), form("a", "2026-03-30")])
    assert (found.n_due, found.n_paired, found.n_started_unscored) == (1, 1, 0)


def test_open_items_are_counted_by_item_and_totals_are_not_incomplete():
    forms = [
        form("a", "2026-01-05", unanswered=(False, True, True)),
        form("a", "2026-01-12", unanswered=(False, False, True)),
        form("a", "2026-01-19", unanswered=(False, False, False)),
        form("a", "2026-01-26"),
        form(None, "2026-01-26"),
    ]
    found = counted([course("a", "2026-01-05")], forms)
    assert found.instruments == (InstrumentUse("phq-9", 5, 3, 2, (0, 1, 2)),)
    assert (found.n_incomplete, found.n_without_course) == (2, 1)


def test_clinicians_are_counted_only_where_they_are_enough_not_to_be_recognized():
    courses = [course(str(n), "2026-01-05", f"c{n}") for n in range(5)]
    forms = [form("0", "2026-01-05"), form("1", "2026-01-05")]
    assert counted(courses, forms).n_entering == 2
    assert counted(courses[:4], forms).n_entering is None
    assert "c0" not in repr(counted(courses, forms))


def test_weeks_to_follow_up_are_told_from_ten_on():
    courses = [course(str(n), "2026-01-05") for n in range(10)]
    forms = [form(str(n), "2026-01-05") for n in range(10)]
    forms += [form(str(n), str(day("2026-01-05") + dt.timedelta(weeks=8 + n))) for n in range(10)]
    assert counted(courses, forms).weeks == (10.25, 12.5, 14.75)
    assert counted(courses[:9], forms[:9] + forms[10:19]).weeks is None


@pytest.mark.parametrize(
    ("items", "total", "unanswered"),
    [
        ([1, None, 2], None, (False, True, False)),
        ([1.0, float("nan")], None, (False, True)),
        ({"1": 1, "2": None}, None, (False, True)),
        (None, 12.0, None),
        ([None, None], 12.0, None),
        ([None, None], None, (True, True)),
    ],
    ids=["null", "nan", "by-name", "total", "total-beside-nothing", "nothing"],
)
def test_which_answers_are_open_is_known_without_the_answers(items, total, unanswered):
    found = form_of("a", "phq-9", day("2026-01-05"), items, total)
    assert found is not None
    assert found.unanswered == unanswered


def test_a_questionnaire_without_a_day_is_passed_over():
    assert form_of("a", "phq-9", None, None, 3.0) is None


def test_the_gain_is_what_the_intervals_say():
    gain = follow_up_gain(120, 92, 42, 20)
    now, then = wilson(42, 92), wilson(42 * 112 / 92, 112)
    assert gain.half_now == pytest.approx((now[1] - now[0]) * 50)
    assert gain.half_then == pytest.approx((then[1] - then[0]) * 50)
    assert (gain.range_now, gain.range_then) == pytest.approx((28 / 1.2, 8 / 1.2))
    assert gain.half_then < gain.half_now


def test_no_more_can_be_followed_up_than_are_missing():
    assert follow_up_gain(100, 95, 40, 20).more == 5
    assert follow_up_gain(100, 100, 40, 20) is None
    assert follow_up_gain(100, 0, 0, 20) is None
