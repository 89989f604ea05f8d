"""Golden figures of METHODS M1.3: NHS, June 2020. Recovery 27 884/(57 060 - 3 200), improvement 39 417/57 060."""

from __future__ import annotations

import datetime as dt
from itertools import chain, repeat

import pyarrow as pa
import pytest

from benchwell import Workspace
from benchwell.pipeline.quality import quality
from benchwell.quality.outcome_populations import CourseOutcome, count_courses
from benchwell.quality.result import PerformanceRate
from benchwell.registry import Registry
from benchwell.terms import OutcomeStatus

JUNE = (dt.date(2020, 6, 1), dt.date(2020, 6, 30))
FINISHED, NOT_AT_CASENESS, RECOVERED, IMPROVED = 57_060, 3_200, 27_884, 39_417
START = dt.date(2020, 3, 2)


def outcomes(met, excluded):
    """As many courses as finished, one a person, all ended in June."""
    left = FINISHED - met - excluded
    groups = (
        (met, OutcomeStatus.FOLLOWED, None, True, True),
        (excluded, OutcomeStatus.EXCLUDED, "not-at-caseness", False, None),
        (left - 500, OutcomeStatus.FOLLOWED, None, True, False),
        (400, OutcomeStatus.MISSING, "no-followup", True, None),
        (100, OutcomeStatus.EXCLUDED, "no-baseline", False, None),
    )
    rows = chain.from_iterable(repeat(rest, count) for count, *rest in groups)
    return [CourseOutcome(f"p{place}", JUNE[1], *rest) for place, rest in enumerate(rows)]


@pytest.mark.parametrize(
    ("measure", "met", "excluded", "percent"),
    [
        ("nhs-recovery", RECOVERED, NOT_AT_CASENESS, 51.8),
        ("nhs-reliable-improvement", IMPROVED, 0, 69.1),
    ],
)
def test_the_published_counts_give_the_published_shares(measure, met, excluded, percent):
    found = count_courses(Registry.load().measure(measure), outcomes(met, excluded), [], JUNE)
    summed = {code: sum(one.populations[code] for one in found.subjects) for code in found.subjects[0].populations}
    assert summed == {
        "initial-population": FINISHED, "denominator": FINISHED, "denominator-exclusion": excluded, "numerator": met,
    }  # fmt: skip
    rate = PerformanceRate.of(summed)
    assert (rate.numerator, rate.denominator) == (met, FINISHED - excluded)
    assert round(100 * rate.value, 1) == percent
    assert sum(one.not_assessed for one in found.subjects) == 500
    assert found.without_baseline == 100


# A tenth of the country: first PHQ-9 and GAD-7, last ones (None: not asked), how many.
TENTH = [
    ((16, 9), (4, 3), 2788),  # recovered, and reliably so
    ((20, 9), (12, 8), 1154),  # improved, still at caseness
    ((5, 3), (5, 3), 320),  # not at caseness at the start
    ((16, 9), (15, 9), 1404),  # neither
    ((16, 9), None, 30),  # never asked again
    (None, None, 10),  # never asked
]


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    """A workspace with a tenth of the finished courses of that month."""
    rows = {"patients": [], "episodes": [], "encounters": [], "assessments": []}
    people = chain.from_iterable(repeat((first, last), count) for first, last, count in TENTH)
    for place, (first, last) in enumerate(people):
        who = {"patient_id": f"p{place}", "episode_id": f"c{place}"}
        rows["patients"].append({"patient_id": who["patient_id"]})
        rows["episodes"].append(who | {"start_date": START, "end_date": JUNE[0] + dt.timedelta(days=place % 30)})
        for visit in (0, 30):
            contact = {"encounter_id": f"e{place}-{visit}", "date": START + dt.timedelta(days=visit), "attended": True}
            rows["encounters"].append(who | contact)
        for day, totals in ((0, first), (60, last)):
            for name, total in zip(("phq-9", "gad-7"), totals or (), strict=False):
                form = {"instrument": name, "date": START + dt.timedelta(days=day), "total": float(total)}
                rows["assessments"].append(who | form | {"assessment_id": f"{name}-{place}-{day}"})
    workspace = Workspace(tmp_path_factory.mktemp("nhs") / "country")
    tables = {name: pa.Table.from_pylist(found) for name, found in rows.items()}
    workspace.lake.merge(tables, source_hash="a" * 64, file="country", counts={})
    return workspace.path


@pytest.mark.parametrize(
    ("measure", "met", "among", "percent"),
    [
        ("nhs-recovery", 2788, 5386, 51.8),
        ("nhs-reliable-improvement", 3942, 5706, 69.1),
        ("nhs-reliable-recovery", 2788, 5386, 51.8),
    ],
)
def test_a_tenth_of_the_country_through_lake_scores_and_outcomes(country, measure, met, among, percent):
    found = quality(measure, "2020-06", [], [country], as_of="2020-12-31")
    assert (found.rate.numerator, found.rate.denominator) == (met, among)
    assert round(100 * found.rate.value, 1) == percent
    assert found.not_assessed == 40
