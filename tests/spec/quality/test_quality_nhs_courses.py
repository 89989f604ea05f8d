"""The NHS recovery family over a measurement period: what one course does in each measure (METHODS M1.3, M2.5).

Every row is one person of one FHIR export: `met`, `not` (in the denominator), `excl` (left out of it) or `-` (nowhere).
"""

from __future__ import annotations

import datetime as dt

import pytest

from benchwell.pipeline.quality import quality
from nhs_courses import course, people, restated, write

AS_OF = "2027-06-30"
MEASURES = ("nhs-recovery", "nhs-reliable-improvement", "nhs-reliable-recovery", "nhs-reliable-deterioration")
POPULATIONS = {"-": (0, 0, 0, 0), "excl": (1, 1, 1, 0), "not": (1, 1, 0, 0), "met": (1, 1, 0, 1)}
CODES = ("initial-population", "denominator", "denominator-exclusion", "numerator")


def pair(first, last):
    """PHQ-9 and GAD-7 on the first day and on day 60."""
    return [(0, *first), (60, *last)]


def ended(day):
    """A course of 90 days that ended on a day."""
    return {"start": dt.date.fromisoformat(day) - dt.timedelta(days=90), "end": 90}


BETTER = pair((16, 9), (4, 3))
# (what, scores, how the course went, recovery, improvement, reliable recovery, deterioration, not assessed in recovery)
CASES = [
    # cut-offs: PHQ-9 9/10, GAD-7 7/8
    ("starts at PHQ-9 10", pair((10, 7), (9, 7)), {}, "met", "not", "not", "not", 0),
    ("starts below both", pair((9, 7), (2, 2)), {}, "excl", "met", "excl", "not", 0),
    ("starts at GAD-7 8", pair((9, 8), (9, 7)), {}, "met", "not", "not", "not", 0),
    ("ends at PHQ-9 10", pair((16, 12), (10, 4)), {}, "not", "met", "not", "not", 0),
    ("ends at GAD-7 8", pair((16, 12), (9, 8)), {}, "not", "met", "not", "not", 0),
    ("ends at 9 and 7", pair((16, 12), (9, 7)), {}, "met", "met", "met", "not", 0),
    # reliable change: PHQ-9 6, GAD-7 4
    ("PHQ-9 better by 6", pair((15, 7), (9, 7)), {}, "met", "met", "met", "not", 0),
    ("PHQ-9 better by 5", pair((14, 7), (9, 7)), {}, "met", "not", "not", "not", 0),
    ("GAD-7 better by 4", pair((9, 11), (9, 7)), {}, "met", "met", "met", "not", 0),
    ("GAD-7 better by 3", pair((9, 10), (9, 7)), {}, "met", "not", "not", "not", 0),
    ("PHQ-9 worse by 6", pair((9, 3), (15, 3)), {}, "excl", "not", "excl", "met", 0),
    ("PHQ-9 worse by 5", pair((9, 3), (14, 3)), {}, "excl", "not", "excl", "not", 0),
    ("GAD-7 worse by 4", pair((12, 5), (12, 9)), {}, "not", "not", "not", "met", 0),
    ("GAD-7 worse by 3", pair((12, 5), (12, 8)), {}, "not", "not", "not", "not", 0),
    ("both worse", pair((12, 5), (18, 9)), {}, "not", "not", "not", "met", 0),
    ("PHQ-9 better, GAD-7 worse, recovered", pair((16, 3), (9, 7)), {}, "met", "not", "not", "not", 0),
    ("PHQ-9 worse, GAD-7 better", pair((10, 12), (16, 8)), {}, "not", "not", "not", "not", 0),
    # finished: ended, with two attended appointments
    ("two appointments", BETTER, {"attended": (0, 30)}, "met", "met", "met", "not", 0),
    ("one appointment", BETTER, {"attended": (0,)}, "-", "-", "-", "-", 0),
    ("one attended, one missed", BETTER, {"attended": (0,), "missed": (30,)}, "-", "-", "-", "-", 0),
    ("not ended", BETTER, {"end": None}, "-", "-", "-", "-", 0),
    # which period: the day on which the course ended
    ("ended the day before", BETTER, ended("2025-12-31"), "-", "-", "-", "-", 0),
    ("ended on the first day", BETTER, ended("2026-01-01"), "met", "met", "met", "not", 0),
    ("ended on the last day", BETTER, ended("2026-12-31"), "met", "met", "met", "not", 0),
    ("ended the day after", BETTER, ended("2027-01-01"), "-", "-", "-", "-", 0),
    # missing scores stay in the denominator, but for deterioration, which counts those followed up
    ("no GAD-7 at all", pair((16, None), (4, None)), {}, "not", "not", "not", "excl", 1),
    ("no GAD-7 at the end", pair((16, 9), (4, None)), {}, "not", "not", "not", "excl", 1),
    ("GAD-7 only at the end", pair((16, None), (4, 3)), {}, "not", "not", "not", "excl", 1),
    ("one score each", [(0, 16, 9)], {}, "not", "not", "not", "excl", 1),
    ("one score each, below both", [(0, 9, 7)], {}, "excl", "not", "excl", "excl", 0),
    ("no scores", [], {}, "not", "not", "not", "excl", 1),
    # first and last score of the course
    ("the last one counts", [(0, 16, 9), (30, 2, 2), (60, 12, 9)], {}, "not", "not", "not", "not", 0),
    ("the first one counts", [(0, 9, 7), (10, 20, 15), (60, 4, 4)], {}, "excl", "not", "excl", "not", 0),
    ("asked while waiting", [(-20, 16, 9), (60, 4, 3)], {}, "met", "met", "met", "not", 0),
    ("asked after the end", [(0, 16, 9), (60, 4, 3), (80, 20, 20)], {}, "met", "met", "met", "not", 0),
]  # fmt: skip
NAMES = [case[0] for case in CASES]


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    resources = people([f"p{place}" for place in range(len(CASES))])
    for place, (_, scores, went, *_) in enumerate(CASES):
        resources += course(f"p{place}", scores, **went)
    return write(tmp_path_factory.mktemp("nhs") / "export", resources)


@pytest.fixture(scope="module")
def results(export):
    return {measure: quality(measure, "2026", [], [export], as_of=AS_OF) for measure in MEASURES}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("place", range(len(CASES)), ids=NAMES)
def test_what_a_course_does(results, place, measure):
    expected = CASES[place][3 + MEASURES.index(measure)]
    found = {one.subject: one.populations for one in results[measure].subjects}[f"p{place}"]
    assert tuple(found[code] for code in CODES) == POPULATIONS[expected]


@pytest.mark.parametrize("place", range(len(CASES)), ids=NAMES)
def test_who_has_no_value_is_told(results, place):
    found = {one.subject: one.not_assessed for one in results["nhs-recovery"].subjects}[f"p{place}"]
    assert found == CASES[place][7]


@pytest.mark.parametrize("measure", MEASURES)
def test_the_sums_are_those_of_the_rows(results, measure):
    words = [case[3 + MEASURES.index(measure)] for case in CASES]
    summary, rate = results[measure].summary, results[measure].rate
    assert summary["initial-population"] == len(words) - words.count("-")
    assert summary["denominator-exclusion"] == words.count("excl")
    assert (rate.numerator, rate.denominator) == (words.count("met"), words.count("met") + words.count("not"))


def test_improvement_counts_all_who_finished_and_recovery_those_at_caseness(results):
    finished = results["nhs-reliable-improvement"].rate.denominator
    at_caseness = results["nhs-recovery"].rate.denominator
    assert at_caseness == finished - results["nhs-recovery"].summary["denominator-exclusion"]
    assert results["nhs-reliable-recovery"].rate.denominator == at_caseness


def test_scores_told_twice_are_counted_once(tmp_path):
    once = people(["p"]) + course("p", BETTER)
    twice = once + restated("p", 0, 16, 9) + restated("p", 60, 4, 3)
    found = [
        quality("nhs-reliable-recovery", "2026", [], [write(tmp_path / name, resources)], as_of=AS_OF).subjects
        for name, resources in (("once", once), ("twice", twice))
    ]
    assert found[0] == found[1]
    assert found[0][0].populations["numerator"] == 1


def test_a_person_with_two_courses_counts_twice(tmp_path):
    second = course("p", pair((16, 9), (12, 9)), start=dt.date(2026, 6, 1), number=2)
    export = write(tmp_path / "export", people(["p"]) + course("p", BETTER) + second)
    (one,) = quality("nhs-recovery", "2026", [], [export], as_of=AS_OF).subjects
    assert dict(one.populations) == {
        "initial-population": 2, "denominator": 2, "denominator-exclusion": 0, "numerator": 1,
    }  # fmt: skip


def test_a_course_whose_last_score_may_still_come_is_told_and_not_counted(tmp_path):
    export = write(tmp_path / "export", people(["p"]) + course("p", BETTER))  # ended 2026-04-13, due 30 days later
    early = quality("nhs-recovery", "2026", [], [export], as_of="2026-05-12")
    assert early.rate.denominator == 0
    assert "1 courses of the period are not due yet on 2026-05-12; they are in no population" in early.notes
    assert quality("nhs-recovery", "2026", [], [export], as_of="2026-05-13").rate.numerator == 1
