"""What a new score says of one course: band, reliable change, expected range, next steps; and words it never holds."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest

from benchwell.i18n import using
from benchwell.models.conditional_growth import Growth
from benchwell.registry import Registry
from benchwell.signals.course_signal import Point, course_signal
from benchwell.signals.next_steps import WORDS
from benchwell.signals.response_curve import (
    EarlyRule,
    ResponseCurve,
    ReviewRecord,
    SeenRange,
    SimilarStart,
    seen_range,
    similar_start,
)
from benchwell.signals.words import FORBIDDEN
from benchwell.terms import Better, ChangeClass

REGISTRY = Registry.load()
PHQ9 = REGISTRY.instrument("phq-9")
WHO5 = REGISTRY.instrument("who-5")
DAY = dt.date(2026, 1, 5)
EARLY = EarlyRule(4, 1, 0.2, 352, 115, 0.6, 0.8615, 0.7, 0.8, 0.3)
CURVE = ResponseCurve(
    id="curve",
    instrument="phq-9",
    scale="total",
    better=Better.LOWER,
    low=0,
    high=27,
    clock="weeks",
    horizon=16,
    boundary=0.9,
    start=10,
    growth=Growth(15, -2.6, 16, -1.5, 1.2, 7),
    n_people=640,
    starts=(SimilarStart(5, 9, None, None, None), SimilarStart(20, 27, 80, 20, None), SimilarStart(10, 14, 90, 45, 9)),
    early=EARLY,
    reviews=(ReviewRecord(3, 200, 20, 0.7, 0.3),),
    edition="2026-06-30-0123456789ab",
)


def course(*values, every=7, status="complete"):
    return [Point(DAY + dt.timedelta(n * every), n + 1, value, status) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "change", "kind"),
    [
        ((16, 9), 7, "recovered"),
        ((16, 10), 6, "improved"),
        ((16, 11), 5, "unchanged"),
        ((16, 21), -5, "unchanged"),
        ((16, 22), -6, "deteriorated"),
        ((9, 3), 6, "improved"),  # not recovered: it did not start in the clinical range
    ],
)
def test_change_against_reliable_change(values, change, kind):
    signal = course_signal(course(*values), PHQ9)
    assert (signal.change, signal.change_class, signal.reliable_points) == (change, ChangeClass(kind), 6)


def test_where_higher_is_better_a_rise_is_a_gain():
    scale = WHO5.primary
    signal = course_signal(course(30, 60), WHO5)
    assert signal.better is Better.HIGHER
    assert signal.change == 30
    assert "Higher is better." in signal.sentence
    worse = course_signal(course(60, 30), WHO5)
    assert worse.change == -30
    assert (scale.min, scale.max) == (0, 100)


def test_without_a_declared_reliable_change_it_says_so():
    phq9m = REGISTRY.instrument("phq-9m")
    signal = course_signal(course(16, 6), phq9m)
    assert (signal.change, signal.change_class, signal.reliable_points) == (10, None, None)
    assert "no declared reliable change" in signal.change_text


def test_the_whole_sentence_of_a_review():
    signal = course_signal(course(20, 20, 20, 20), PHQ9, curve=CURVE)
    assert signal.sentence == (
        "Patient Health Questionnaire-9 on 26 Jan 2026: 20 (severe). Lower is better. The same as at the start. That "
        "is within error of measurement (less than 6 points). Outside the expected range at week 3: 9.9 to 19.0 holds "
        "80 % of people with a similar start (n 640). Worth a review together; some people change later. Of 100 people "
        "with such a score at week 3, 70 had not responded at the end and 30 had (n 20); of 100 people with any score "
        "then, 30 had not. With so many people, the true number may be 48 to 85 of 100. The expected course is of "
        "edition 2026-06-30-0123456789ab."
    )
    assert signal.state == "review"
    assert round(signal.expected.boundary, 4) == 18.9929  # METHODS E6.1: week 3 on log(weeks + 1) is session 4
    assert round(signal.expected.mean, 4) == 14.4218


def test_nobody_of_those_with_such_a_score_is_said_as_such():
    nobody = replace(CURVE, reviews=(ReviewRecord(3, 200, 20, 1.0, 0.3),))
    nearly = replace(CURVE, reviews=(ReviewRecord(3, 2000, 300, 0.998, 0.3),))
    signal = course_signal(course(20, 20, 20, 20), PHQ9, curve=nobody)
    assert signal.followed.startswith("None of 20 people with such a score at week 3 had responded at the end")
    assert (
        "99 had not responded at the end and 1 had"
        in course_signal(course(20, 20, 20, 20), PHQ9, curve=nearly).followed
    )


def test_within_and_better_than_the_range_are_both_on_track():
    within = course_signal(course(20, 18, 16, 14), PHQ9, curve=CURVE)
    better = course_signal(course(20, 12, 9, 4), PHQ9, curve=CURVE)
    assert within.state == better.state == "on_track"
    assert within.reason.startswith("Within the expected range at week 3: 9.9 to 19.0")
    assert better.reason.startswith("Better than the expected range at week 3")


def test_higher_is_better_is_judged_at_the_other_end():
    upward = replace(
        CURVE,
        instrument="who-5",
        scale=WHO5.primary.id,
        better=Better.HIGHER,
        low=0,
        high=100,
        start=50,
        growth=Growth(30, 8, 100, 0, 9, 60),
        reviews=(),
    )
    assert course_signal(course(30, 32, 28, 20), WHO5, curve=upward).state == "review"
    assert course_signal(course(30, 35, 40, 44), WHO5, curve=upward).state == "on_track"
    assert course_signal(course(30, 60, 80, 99), WHO5, curve=upward).reason.startswith("Better than")
    beyond = course_signal(course(70, 60), WHO5, curve=upward)
    assert beyond.reason == "The expected course is of people who started at 50 or below, so it does not apply here."


@pytest.mark.parametrize(
    ("off", "words"), [("no_curve", "has no expected course"), ("setting", "switched off"), ("opted_out", "chose not")]
)
def test_without_a_curve_the_rest_still_works(off, words):
    signal = course_signal(course(16, 22), PHQ9, off=off)
    assert signal.state == "off"
    assert words in signal.reason
    assert signal.change_class is ChangeClass.DETERIORATED
    assert signal.band == "severe"
    assert signal.expected is None
    assert "Talk it over with a colleague or in supervision." in signal.next_steps


def test_not_enough_to_say():
    assert course_signal([], PHQ9, curve=CURVE).reason == "An expected range needs a first score."
    assert course_signal(course(16), PHQ9, curve=CURVE).reason.startswith("An expected range needs a second score")
    assert course_signal(course(8, 12), PHQ9, curve=CURVE).reason.startswith(
        "The expected course is of people who started at 10 or above"
    )
    late = course_signal(course(16, 12, every=200), PHQ9, curve=CURVE)
    assert late.reason == "The expected course ends at week 16; this score is later."
    assert {course_signal(course(*v), PHQ9, curve=CURVE).state for v in ((), (16,), (8, 12))} == {"not_enough"}


def test_a_curve_by_session_needs_the_number_of_the_session():
    by_session = replace(CURVE, clock="sessions", reviews=())
    known = course_signal(course(20, 20, 20, 20), PHQ9, curve=by_session)
    assert round(known.expected.boundary, 4) == 18.9929  # METHODS E6.1: session 4
    assert "at session 4" in known.reason
    unknown = [replace(point, occasion=None) for point in course(20, 20)]
    assert course_signal(unknown, PHQ9, curve=by_session).reason.startswith("The expected course counts sessions")
    before = [replace(point, occasion=0) for point in course(20, 20)]
    assert "same session" in course_signal(before, PHQ9, curve=by_session).reason


def test_several_scores_a_day_the_last_one_counts():
    points = [*course(20, 15), Point(DAY + dt.timedelta(7), 2, 13), Point(DAY, 1, 21)]
    signal = course_signal(points, PHQ9)
    assert (signal.baseline.value, signal.latest.value, signal.n_scores) == (21, 13, 2)


def test_an_invalid_questionnaire_counts_nowhere_and_is_said():
    points = [*course(20, 15), Point(DAY + dt.timedelta(14), 3, None, "invalid")]
    signal = course_signal(points, PHQ9)
    assert (signal.latest.value, signal.n_scores) == (15, 2)
    assert signal.notes == ("The newest questionnaire has no valid score; the figures are of 12 Jan 2026.",)
    assert signal.next_steps[0] == "Ask for the questions that were left out."
    alone = course_signal(points[2:], PHQ9)
    assert alone.sentence == "There is no valid score of Patient Health Questionnaire-9 yet."
    assert alone.notes == ("The newest questionnaire has too few answers for a score.",)
    assert alone.latest is None


def test_a_prorated_score_counts_and_is_said():
    signal = course_signal([*course(20), Point(DAY + dt.timedelta(7), 2, 15.4, "prorated")], PHQ9)
    assert signal.notes == ("Some answers were left out; the score was estimated from the others.",)
    assert "15.4 (moderately severe)" in signal.sentence


def test_early_change_in_natural_frequencies():
    little = course_signal(course(20, 19, 19, 18, 17), PHQ9, curve=CURVE).early
    assert little.little_change
    assert little.gain_share == pytest.approx(0.15)
    assert little.text == (
        "Little change by week 4 (less than 20 % of the way). Of 100 people with such a start, 60 had not responded at "
        "the end and 40 had (n 115); of 100 people with any start, 30 had not. With so many people, the true number "
        "may be 51 to 68 of 100."
    )
    much = course_signal(course(20, 19, 17, 15, 14), PHQ9, curve=CURVE).early
    assert not much.little_change
    assert much.text == (
        "Change by week 4 of 20 % of the way or more. Of 100 people with such a start, 86 had responded at the end and "
        "14 had not (n 237); of 100 people with any start, 70 had. With so many people, the true number may be 81 to "
        "90 of 100."
    )


def test_the_early_rule_waits_for_its_week_and_takes_the_closest_score():
    assert course_signal(course(20, 19, 18), PHQ9, curve=CURVE).early is None
    assert course_signal(course(20, 19, every=70), PHQ9, curve=CURVE).early is None
    at_three_and_five = [
        Point(DAY + dt.timedelta(7 * week), None, value) for week, value in ((0, 20), (3, 10), (5, 19))
    ]
    assert course_signal(at_three_and_five, PHQ9, curve=CURVE).early.gain_share == pytest.approx(0.05)
    assert course_signal(course(20, 19, 18, 17), PHQ9, curve=replace(CURVE, early=None)).early is None
    everybody = replace(CURVE, start=None)
    assert course_signal(course(0, 0, 0, 0, 0), PHQ9, curve=everybody).early is None  # no way to go


def test_next_steps_are_things_to_do_with_somebody():
    assert course_signal(course(16), PHQ9).next_steps == (
        "Plan the next questionnaire, so that there is a line and not only a point.",
    )
    assert "whether the goals are reached" in course_signal(course(16, 4), PHQ9).next_steps[0]
    assert course_signal(course(16, 14), PHQ9).next_steps[-1].startswith("Go on as planned")


def test_similar_starts():
    assert similar_start(CURVE, 14.5) == CURVE.starts[2]
    assert similar_start(CURVE, 22).responded[0] == 0.25
    assert similar_start(CURVE, 22).remitted is None
    assert [similar_start(CURVE, value) for value in (3, 7, 28)] == [None, None, None]
    assert similar_start(replace(CURVE, starts=()), 12) is None


def test_what_was_seen_is_of_the_same_start_and_about_the_same_time():
    low, high = SeenRange(10, 14, 3, 6, 13, 821), SeenRange(20, 27, 3, 13, 22, 453)
    curve = replace(CURVE, seen=(low, high))
    assert seen_range(curve, 12, 3.3) == low
    assert seen_range(curve, 14.5, 3) == low
    assert seen_range(curve, 22, 3) == high
    assert [seen_range(curve, *at) for at in ((12, 4), (5, 3), (28, 3))] == [None, None, None]
    assert seen_range(CURVE, 12, 3) is None


@pytest.mark.parametrize("value", [27, 20, 15, 12, 9, 4, 0])
def test_no_word_blames_or_praises(value):
    signal = course_signal(course(20, 19, 18, 18, value), PHQ9, curve=CURVE)
    said = " ".join((signal.sentence, signal.early.text, *signal.next_steps, *signal.notes)).lower()
    for word in FORBIDDEN:
        found = word in said if word == "!" else re.search(rf"\b{word}\b", said)
        assert not found, word
    assert "lower is better" in said
    assert f"n {CURVE.n_people}" in said
    assert CURVE.edition in said


def test_numbers_and_dates_follow_the_language():
    signal = course_signal(course(20, 20, 20, 20), PHQ9, curve=CURVE)
    with using("de"):
        assert "9,9" in signal.reason
        assert "26. Jan" in signal.sentence
    assert "26 Jan 2026" in signal.sentence, "words are of whoever reads, not of whoever entered the score"


@pytest.mark.parametrize(
    ("values", "curve", "said"),
    [
        ((20,), CURVE, "It is the first valid score of this course."),
        ((20, 20, 20, 20), CURVE, "The same as at the start; outside the expected range, so worth a review."),
        ((20, 18, 16, 14), CURVE, "6 points better than at the start, a reliable change; within the expected range."),
        ((20, 12, 9, 8), CURVE, "12 points better than at the start, a reliable change, and no longer in the clinical "
                                "range; better than the expected range."),
        ((16, 14), None, "2 points better than at the start, within error of measurement."),
        ((16, 22), None, "6 points worse than at the start, a reliable change."),
    ],
)  # fmt: skip
def test_the_finding_is_one_sentence(values, curve, said):
    assert course_signal(course(*values), PHQ9, curve=curve).finding == said


def test_five_steps_are_for_a_review_and_fewer_for_a_score_within_the_range():
    review = course_signal(course(20, 20, 20, 20), PHQ9, curve=CURVE)
    slow = course_signal(course(20, 19, 19, 18, 17), PHQ9, curve=CURVE)
    later = course_signal(course(20, 19, 19, 18, 17, 12), PHQ9, curve=CURVE)
    assert slow.early.little_change and later.early.little_change  # noqa: PT018  # what both have in common
    assert (len(review.steps), slow.state, len(slow.steps)) == (5, "on_track", 2)
    assert later.next_steps == ("Go on as planned, and look again after the next questionnaire.",)


def test_every_step_has_words():
    assert all(text.endswith(".") for text in WORDS.values())


def test_a_subscale_is_named_and_has_no_reliable_change_of_its_own():
    instrument = next(one for one in REGISTRY.instruments.values() if len(one.scales) > 1 and one.reliable_change)
    other = next(scale for scale in instrument.scales if not scale.primary)
    signal = course_signal(course(other.min, other.max), instrument, scale=other.id)
    assert signal.scale == other.id
    assert signal.change_class is None
    assert other.title in signal.sentence
    with pytest.raises(KeyError):
        course_signal(course(1), instrument, scale="nothing")


def test_the_curve_of_another_instrument_is_not_used():
    signal = course_signal(course(20, 20, 20, 20), WHO5, curve=CURVE)
    assert (signal.state, signal.expected, signal.early) == ("off", None, None)


@pytest.mark.parametrize(
    ("scale", "points"), [(PHQ9.primary, 6), (PHQ9.primary.model_copy(update={"divide": 9}), 5.17)]
)
def test_reliable_change_from_a_sample_is_a_whole_number_only_where_scores_are(scale, points):
    sample = PHQ9.reliable_change.model_copy(update={"points": None, "sd": 5.9, "reliability": 0.90})
    instrument = PHQ9.model_copy(update={"reliable_change": sample, "scales": (scale,)})
    assert course_signal(course(16, 10), instrument).reliable_points == pytest.approx(points, abs=0.005)


@pytest.mark.parametrize(("operator", "value"), [(">", 9), (">=", 10)])
def test_recovery_crosses_the_cut_off_by_its_own_operator(operator, value):
    case = PHQ9.caseness.model_copy(update={"operator": operator, "value": value})
    instrument = PHQ9.model_copy(update={"caseness": case})
    assert course_signal(course(16, 9), instrument).change_class is ChangeClass.RECOVERED
    assert course_signal(course(16, 10), instrument).change_class is ChangeClass.IMPROVED
