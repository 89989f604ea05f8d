"""Intervals of pooled figures cover the truth as often as they say, through the real computation (M4.7, M13.4)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from scipy import stats

from benchwell.benchmarks import Declarations, compute
from benchwell.benchmarks.uncertainty import jackknife
from unit.benchmarks.benchmarks_cases import make_benchmark, make_measure, organizations_of, proportion_statistics

NETWORKS = 120


def covered(clinics: int, between: float, people: tuple[int, int], seed: int) -> float:
    """Share of simulated networks whose pooled interval holds the true mean of .4."""
    generator = np.random.default_rng(seed)
    declared = Declarations({"demo-response": make_measure()}, {"demo": make_benchmark(kinds=["mean"])}, {})
    hits = 0
    for _ in range(NETWORKS):
        n = generator.integers(*people, clinics)
        met = generator.binomial(n, np.clip(0.4 + between * generator.normal(size=clinics), 0, 1))
        statistics = proportion_statistics(met.tolist(), n.tolist())
        found = compute(statistics, organizations_of(statistics), declared, dt.date(2024, 6, 30)).benchmarks.to_pylist()
        row = next(row for row in found if row["method"] == "pooled" and row["without"] == "")
        hits += row["lower"] <= 0.4 <= row["upper"]
    return hits / NETWORKS


# Some clinics are below the minimum of 10 people in the last case: they count all the same.
@pytest.mark.parametrize(
    ("clinics", "between", "people"),
    [(8, 0.08, (30, 300)), (17, 0.1, (4, 30))],
)
def test_pooled_intervals_cover(clinics: int, between: float, people: tuple[int, int]) -> None:
    # Two and a half standard errors of 120 networks are .05; 3,000 networks give .94 to .95 (docs/validity.md).
    assert 0.90 <= covered(clinics, between, people, seed=clinics) <= 0.995


def test_the_interval_is_students_by_hand() -> None:
    without = np.array([0.40, 0.43, 0.41, 0.44, 0.42])
    error = (4 / 5 * sum((one - 0.42) ** 2 for one in without)) ** 0.5
    found = jackknife(0.42, without)
    assert found.standard_error == pytest.approx(error)
    assert (found.lower, found.upper) == pytest.approx((0.42 - 2.776445 * error, 0.42 + 2.776445 * error), rel=1e-6)
    assert stats.t.ppf(0.975, 4) == pytest.approx(2.776445, rel=1e-6)


def test_an_interval_of_a_share_ends_at_its_edges() -> None:
    found = jackknife(0.02, np.array([0.0, 0.03, 0.05]), share=True)
    assert found.lower == 0.0
    assert jackknife(0.5, np.array([0.5])).standard_error is None
