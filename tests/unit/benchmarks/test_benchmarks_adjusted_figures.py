"""Adjusted figures, ratios and the records of cells: each function alone."""

from __future__ import annotations

import numpy as np
import pytest

from benchwell.benchmarks.adjusted_figures import CommonPeople, adjusted_figure
from benchwell.benchmarks.cells import Cell
from benchwell.benchmarks.cohort import Cohort, achievable, achievable_order, percentile, sampling_variance
from benchwell.benchmarks.ratios import observed_over_expected
from benchwell.models.bootstrap_limits import limits
from benchwell.models.heterogeneity import pooled_binomial_variance
from benchwell.terms import Better

NAN = float("nan")


def sums(**columns):
    k = len(columns["n"])
    known = {name: np.full(k, NAN) for name in ("direct", "direct_variance")}
    return known | {name: np.array(values, dtype=float) for name, values in columns.items()}


def cohort(n=40, seed=1, **changes):
    generator = np.random.default_rng(seed)
    size = generator.integers(20, 200, n).astype(float)
    met = generator.binomial(size.astype(int), 0.4).astype(float)
    known = {
        "ids": tuple(f"c{place:02d}" for place in range(n)),
        "estimate": met / size,
        "weight": size,
        "size": size,
        "variance": 0.2 / size,
        "is_proportion": True,
        "better": Better.HIGHER,
    }
    return Cohort(**(known | changes))


def test_a_mean_is_the_common_mean_and_the_average_surplus():
    of = sums(
        n=[50, 100], weight=[50, 100], weight_squared=[50, 100], observed=[300, 500], expected=[250, 550],
        information=[50, 100], variance=[50 * 25, 100 * 25],
    )  # fmt: skip
    common = CommonPeople.of(of)
    assert (common.value, common.slope) == pytest.approx((800 / 150, 1.0))
    figure = adjusted_figure(of, common, share=False)
    assert figure.value == pytest.approx([800 / 150 + 1.0, 800 / 150 - 0.5])
    assert figure.variance == pytest.approx([25 / 50, 25 / 100])
    half = 1.959963984540054 * np.sqrt([0.5, 0.25])
    assert figure.upper - figure.value == pytest.approx(half)
    assert common.pooled(of) == pytest.approx(common.value)


def test_a_share_without_a_solution_takes_one_newton_step_and_stays_a_share():
    of = sums(
        n=[100, 10, 10], weight=[100, 10, 10], weight_squared=[100, 10, 10], observed=[50, 10, 0],
        expected=[40, 5, 5], information=[24, 2.5, 2.5], variance=[24, 2.5, 2.5],
    )  # fmt: skip
    figure = adjusted_figure(of, CommonPeople(0.5, 0.25), share=True)
    assert figure.value == pytest.approx([0.5 + 0.25 * 10 / 24, 1.0, 0.0])
    assert (figure.variance > 0).all(), "0 % and 100 % are not certain"
    assert ((figure.lower >= 0) & (figure.upper <= 1) & (figure.lower < figure.upper)).all()
    assert figure.upper[2] > 0.2
    assert figure.lower[1] < 0.8


def test_the_interval_is_the_organizations_own_and_the_variance_that_of_an_average_one():
    of = sums(
        n=[100], weight=[100], weight_squared=[100], observed=[95], expected=[50], information=[25], variance=[25],
        direct=[0.95], direct_variance=[0.000475],
    )  # fmt: skip
    figure = adjusted_figure(of, CommonPeople(0.5, 0.25), share=True)
    assert figure.variance == pytest.approx([0.0025])
    # Wilson with as many people as give the own variance: 95 of 100.
    assert (figure.lower[0], figure.upper[0]) == pytest.approx((0.8882, 0.9785), abs=1e-4)


def test_nothing_expected_is_no_figure_and_nobody_has_no_common_figure():
    of = sums(
        n=[NAN], weight=[NAN], weight_squared=[NAN], observed=[NAN], expected=[NAN], information=[NAN], variance=[NAN]
    )
    common = CommonPeople.of(of)
    assert np.isnan([common.value, common.slope, CommonPeople(0.4, 0.2).pooled(of)]).all()
    figure = adjusted_figure(of, CommonPeople(0.4, 0.2), share=True)
    assert np.isnan([figure.value, figure.lower, figure.upper, figure.variance, figure.size]).all()
    ratio = observed_over_expected(of)
    assert np.isnan([ratio.value, ratio.lower, ratio.upper]).all()


def test_adjusted_cohorts_keep_the_variance_of_their_model():
    plain, adjusted = cohort(), cohort(is_adjusted=True)
    assert sampling_variance(plain) == pytest.approx(pooled_binomial_variance(plain.estimate * plain.size, plain.size))
    assert sampling_variance(adjusted) == pytest.approx(adjusted.variance)


def test_a_known_order_gives_the_same_achievable_benchmark_for_every_resample():
    for better in Better:
        one = cohort(better=better)
        place = np.empty(one.k, dtype=np.uint16)
        place[achievable_order(one)] = np.arange(one.k)
        resampled = np.random.default_rng(2).integers(0, one.k, size=(50, one.k))
        plain = achievable(one.take(resampled))
        known = achievable(cohort(better=better, achievable_place=place).take(resampled))
        assert known == pytest.approx(plain, rel=1e-12)


def test_quantiles_of_sorted_figures_are_those_of_numpy():
    one = cohort()
    ascending = one.take(np.argsort(one.estimate, kind="stable"))
    assert (one.is_ascending, ascending.is_ascending) == (False, True)
    for p in (0.0, 0.1, 0.25, 0.5, 0.9, 1.0):
        expected = np.quantile(one.estimate, p)
        assert percentile(p)(one) == pytest.approx(expected, rel=1e-12)
        assert percentile(p)(ascending) == pytest.approx(expected, rel=1e-12)
        assert limits(ascending.estimate, (p, p)) == pytest.approx((expected, expected), rel=1e-12)
    assert ascending.by_estimate[0] == pytest.approx(one.by_estimate[0])
    assert ascending.by_estimate[1] == pytest.approx(one.by_estimate[1])


@pytest.mark.parametrize("k", [1, 2, 3, 10, 11])
def test_the_median_reliability_without_each_organization(k):
    one = cohort(n=k)
    found = Cell("all", "all", "all", "all", "all", one, one.size, one.size, None).field_reliability
    reliability = one.shrinkage.reliability
    assert found[None] == pytest.approx(np.median(reliability))
    assert len(found) == (1 if k == 1 else k + 1)
    for place, name in enumerate(one.ids if k > 1 else ()):
        assert found[name] == pytest.approx(np.median(np.delete(reliability, place)), rel=1e-12)
