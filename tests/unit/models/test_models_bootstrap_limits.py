"""Widened percentile and BCa limits: the book's numbers, another program, and what they must not depend on (M4.7)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchwell.models.bootstrap_limits import acceleration, bias_correction, limits, tail_levels, widened_z
from benchwell.models.resampling import cluster_bootstrap, pooled_rate

# Efron & Tibshirani (1993), table 14.1: test A of 26 children; the statistic is the variance with divisor 26.
CHILDREN = np.array(
    [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41], dtype=float
)

numbers = st.lists(st.integers(-50, 50).map(float), min_size=5, max_size=60)


def variance(values: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.asarray(np.var(values, axis=axis))


def without_each(values: np.ndarray) -> np.ndarray:
    return np.array([variance(np.delete(values, place)) for place in range(len(values))])


def test_the_children_of_the_book() -> None:
    estimate, a = float(variance(CHILDREN)), acceleration(without_each(CHILDREN))
    assert (round(estimate, 1), round(a, 3)) == (171.5, 0.061)
    chosen = np.random.default_rng(1).integers(0, 26, size=(50_000, 26))
    ascending = np.sort(variance(CHILDREN[chosen]))
    found = limits(ascending, tail_levels(1.644854, bias_correction(estimate, ascending), a))
    # The book's own 2,000 replicates gave these, with a Monte-Carlo error of about 2 at either end.
    assert found == pytest.approx((115.8, 259.6), abs=4)
    assert limits(ascending, tail_levels(1.644854)) == pytest.approx((100.8, 233.9), abs=4)


def test_another_program_gives_the_same_limits() -> None:
    theirs = stats.bootstrap(
        (CHILDREN,), variance, n_resamples=3000, method="BCa", rng=np.random.default_rng(4), vectorized=True
    )
    ascending = np.sort(theirs.bootstrap_distribution)
    bias = bias_correction(float(variance(CHILDREN)), ascending)
    z = float(stats.norm.ppf(0.975))
    ours = limits(ascending, tail_levels(z, bias, acceleration(without_each(CHILDREN))))
    assert ours == pytest.approx(tuple(theirs.confidence_interval), rel=1e-9)


def test_levels_by_hand() -> None:
    # z0 = .1, a = .05, z = 2: lower .1 - 1.9 / 1.095 = -1.635160, upper .1 + 2.1 / .895 = 2.446369.
    assert tail_levels(2.0, 0.1, 0.05) == pytest.approx((0.0510079, 0.9927851), abs=1e-6)


def test_without_leaning_they_are_percentile_limits() -> None:
    ascending = np.linspace(-3, 3, 2001)
    bias, a = bias_correction(0.0, ascending), acceleration(np.array([-1.0, 0.0, 1.0]))
    assert (bias, a) == (0.0, 0.0)
    assert limits(ascending, tail_levels(1.959964, bias, a)) == pytest.approx(np.quantile(ascending, [0.025, 0.975]))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(numbers, st.floats(-0.16, 0.16), st.sampled_from([np.exp, np.arctan, lambda x: x**3 + x]))
def test_a_changed_scale_picks_the_same_replicates(values, a, scale) -> None:
    ascending = np.sort(np.array(values) / 10)
    estimate = float(np.median(ascending))
    plain = tail_levels(1.96, bias_correction(estimate, ascending), a)
    assert tail_levels(1.96, bias_correction(float(scale(estimate)), scale(ascending)), a) == plain


@settings(max_examples=80, deadline=None, derandomize=True)
@given(numbers)
def test_a_mirror_swaps_the_limits(values) -> None:
    ascending = np.sort(np.array(values))
    estimate, mirrored = float(ascending.mean()), np.sort(-ascending)
    found = limits(ascending, tail_levels(1.96, bias_correction(estimate, ascending), acceleration(ascending)))
    other = limits(mirrored, tail_levels(1.96, bias_correction(-estimate, mirrored), acceleration(mirrored)))
    assert (-other[1], -other[0]) == pytest.approx(found, abs=1e-9)
    assert ascending[0] <= found[0] <= found[1] <= ascending[-1]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(numbers, st.floats(1e-3, 1e3))
def test_acceleration_has_no_unit_and_stays_within_a_sixth(values, unit) -> None:
    a = acceleration(np.array(values))
    assert abs(a) <= 1 / 6
    assert acceleration(np.array(values) * unit) == pytest.approx(a, abs=1e-9)


def test_edges() -> None:
    assert acceleration([0.3, 0.3, 0.3]) == 0.0
    # All replicates on one side: half a replicate is taken to lie on the other, and limits stay replicates.
    ascending = np.arange(1.0, 101.0)
    bias = bias_correction(0.0, ascending)
    assert bias == pytest.approx(stats.norm.ppf(0.005))
    lower, upper = tail_levels(1.96, bias, 0.1)
    assert 0 <= lower < upper <= 1
    # Past the pole a limit is the last replicate, not one from the other end.
    assert tail_levels(10.0, 0.0, 0.15) == pytest.approx((0.0, 1.0), abs=1e-4)
    for wrong in (lambda: widened_z(1), lambda: acceleration([1.0]), lambda: widened_z(5, 1.0)):
        with pytest.raises(ValueError, match=r"at least|level|between"):
            wrong()


@pytest.mark.parametrize("k", [5, 12, 40])
def test_widened_limits_of_a_normal_mean_are_those_of_student(k: int) -> None:
    values = stats.norm.ppf((np.arange(k) + 0.5) / k)
    spread = np.sqrt(values.var() / k)  # of replicates of the mean, which are normal enough to be drawn so
    lower, upper = tail_levels(widened_z(k))
    student = stats.t(k - 1).ppf(0.975) * values.std(ddof=1) / np.sqrt(k)
    assert spread * stats.norm.ppf(upper) == pytest.approx(student)
    assert lower == pytest.approx(1 - upper)


def test_the_bootstrap_of_clinics_uses_them() -> None:
    x = np.array([25, 52, 23, 80, 49, 40, 64, 54, 38, 8], dtype=float)
    n = np.array([80, 150, 60, 200, 120, 90, 140, 110, 70, 12], dtype=float)
    plain, moved = (cluster_bootstrap(pooled_rate, x, n, seed=3, corrected=way) for way in (False, True))
    assert plain.replicates.tolist() == moved.replicates.tolist()
    narrow = np.quantile(plain.replicates, [0.025, 0.975])
    assert plain.lower < narrow[0] < narrow[1] < plain.upper
    left = np.array([pooled_rate(np.delete(x, i), np.delete(n, i)) for i in range(10)])
    ascending = np.sort(moved.replicates)
    levels = tail_levels(widened_z(10), bias_correction(moved.estimate, ascending), acceleration(left))
    assert (moved.lower, moved.upper) == limits(ascending, levels)
