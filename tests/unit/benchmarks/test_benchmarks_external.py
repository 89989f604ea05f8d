"""External references: compared only with the same denominator and direction."""

from __future__ import annotations

import datetime as dt

import pytest

from benchwell.benchmarks import Declarations, compute, ensure_comparable
from benchwell.benchmarks.external import reference_record
from benchwell.errors import ComparisonBlockedError
from benchwell.registry import Reference, Registry
from unit.benchmarks.benchmarks_cases import (
    MET,
    PEOPLE,
    make_benchmark,
    make_measure,
    make_reference,
    organizations_of,
    proportion_statistics,
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"denominator": "observed"}, "counts observed, the measure counts all_eligible"),
        ({"better": "lower"}, "lower is better, for the measure higher"),
        ({"measures": ["another"]}, "declared for another"),
        ({"unit": "percent", "estimate": 43.0}, "its unit is percent, the measure's figure is a share of people"),
    ],
)
def test_a_mismatch_blocks_and_says_why(change: dict[str, object], words: str) -> None:
    with pytest.raises(ComparisonBlockedError, match=words):
        ensure_comparable(make_reference(**change), make_measure())


def test_a_percentage_is_no_fraction() -> None:
    with pytest.raises(ValueError, match=r"write 0\.43 for 43 %"):
        make_reference(estimate=43.0)


def test_a_fraction_is_no_standard_for_points() -> None:
    points = make_measure(endpoint={"kind": "change"})
    with pytest.raises(ComparisonBlockedError, match="its unit is fraction, the measure's figure is a mean"):
        ensure_comparable(make_reference(), points)


def test_a_blocked_reference_is_a_record_without_a_figure() -> None:
    statistics = proportion_statistics(MET, PEOPLE)
    declared = Declarations(
        {"demo-response": make_measure()},
        {"demo": make_benchmark(kinds=["fixed_external"], references=["elsewhere"])},
        {"elsewhere": make_reference(denominator="observed")},
    )
    rows = compute(statistics, organizations_of(statistics), declared, dt.date(2024, 6, 30)).benchmarks.to_pylist()
    assert [(row["status"], row["estimate"], row["tier"]) for row in rows] == [("blocked", None, "external")]
    assert rows[0]["reason"].startswith("not_comparable: ")


def test_an_interval_comes_from_the_source_or_its_n() -> None:
    by_n = reference_record(make_reference(), make_measure())
    assert by_n["standard_error"] == pytest.approx((0.4 * 0.6 / 600) ** 0.5)
    assert by_n["interval_method"] == "published_n"
    stated = reference_record(make_reference(lower=0.35, upper=0.45), make_measure())
    assert (stated["lower"], stated["upper"], stated["interval_method"]) == (0.35, 0.45, "published")
    assert stated["standard_error"] == pytest.approx(0.1 / 2 / 1.959964)
    bare = reference_record(make_reference(n=None), make_measure())
    assert (bare["standard_error"], bare["lower"], bare["status"]) == (None, None, "ok")
    with_error = reference_record(make_reference(standard_error=0.01), make_measure())
    assert with_error["lower"] == pytest.approx(0.4 - 1.959964 * 0.01)


@pytest.mark.parametrize("reference", Registry.load().references.values(), ids=lambda one: one.id)
def test_declared_references_fit_their_measures_or_are_blocked(reference: Reference) -> None:
    known = Registry.load().measures
    assert reference.measures
    for measure in reference.measures:
        record = reference_record(reference, known[measure])
        assert record["status"] == ("ok" if reference.denominator == known[measure].primary_denominator else "blocked")


def test_declared_benchmarks_name_what_exists() -> None:
    registry = Registry.load()
    for benchmark in registry.benchmarks.values():
        assert registry.measure(benchmark.measure).id == benchmark.measure
        assert all(benchmark.measure in registry.reference(name).measures for name in benchmark.references)
