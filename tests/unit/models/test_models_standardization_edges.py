"""Edges of standardization: what is refused, half-counted or flagged."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from benchwell.models.calibration import calibration, calibration_by_group
from benchwell.models.calibration_binned import BinnedPredictions, bin_predictions, binned_calibration, merge_small_bins
from benchwell.models.calibration_gate import calibration_gate, continuous_gate
from benchwell.models.continuous_calibration import continuous_calibration
from benchwell.models.cusum import cusum, cusum_weights
from benchwell.models.cusum_limits import control_limit, control_limits
from benchwell.models.direct import direct_rate, direct_rates_from_rows
from benchwell.models.discrimination import c_statistic
from benchwell.models.fixed_effects_logistic import fit_fixed_effects_logistic
from benchwell.models.funnel import funnel_of_ratios, overdispersed_z, ratio_funnel_limits
from benchwell.models.group_sums import group_index, rows_by_group
from benchwell.models.indirect import RatioMethod, observed_expected, ratio_limits_of_groups
from benchwell.models.multiplicity import edition_discoveries
from benchwell.models.poisson_binomial import poisson_binomial_pmf, ratio_limits
from benchwell.models.predicted_expected import marginal_chance, predicted_expected, predicted_expected_interval
from benchwell.models.ranks import posterior_ranks


def test_nobody_expected_has_no_ratio():
    result = observed_expected([0, 3], [0, 2], [0, 1], 0.4)
    assert math.isnan(result.ratio[0])
    assert math.isnan(result.z[0])
    assert math.isnan(result.poisson_upper[0])
    assert math.isnan(result.byar_lower[0])
    assert result.clipped.tolist() == [False, False]


def test_ratio_limits_at_the_ends():
    none, everybody = ratio_limits([0.2, 0.3], 0), ratio_limits([0.2, 0.3], 2)
    assert (none.lower, none.p_at_least) == (0, pytest.approx(1))
    assert (everybody.upper, everybody.p_at_most) == (4, pytest.approx(1))
    assert none.upper < everybody.upper


def test_large_groups_get_normal_limits_that_nearly_equal_the_exact_ones():
    rng = np.random.default_rng(3)
    p = rng.uniform(0.1, 0.7, size=2_000)
    y = (rng.random(2_000) < p).astype(float)
    exact = ratio_limits_of_groups(p, y, np.zeros(2_000), 1)
    normal = ratio_limits_of_groups(p, y, np.zeros(2_000), 1, exact_up_to=1_999)
    assert (exact.method, normal.method) == ((RatioMethod.EXACT,), (RatioMethod.NORMAL,))
    assert normal.lower == pytest.approx(exact.lower, abs=2e-3)
    assert normal.upper == pytest.approx(exact.upper, abs=2e-3)
    assert normal.p_value == pytest.approx(exact.p_value, abs=0.03)


def test_thousands_of_people_leave_no_underflow():
    p = np.full(5_000, 0.02)
    limits = ratio_limits(p, 4_900)
    assert 0.97 * 50 < limits.lower < 4_900 / 100 < limits.upper < 50
    assert limits.p_at_least < 1e-300


@pytest.mark.parametrize(
    "call",
    [
        lambda: poisson_binomial_pmf([1.2]),
        lambda: ratio_limits([0.0], 0),
        lambda: ratio_limits([0.5], 2),
        lambda: ratio_limits([0.5, 0.5], 0.5),
        lambda: ratio_limits_of_groups([1.0], [1], [0], 1),
        lambda: observed_expected([1], [1, 2], [1], 0.4),
        lambda: rows_by_group([1.0], [2], [0], 1),
        lambda: rows_by_group([1.0], [1], [0, 1], 2),
        lambda: rows_by_group([[1.0]], [[1]], [[0]], 1),
        lambda: group_index([0, 2], 2),
        lambda: group_index([0.5], 2),
        lambda: group_index([], 0),
        lambda: direct_rates_from_rows([0.0], [1], [0], 1, [0.0], [-1.0]),
        lambda: marginal_chance([0.0], -1.0),
        lambda: predicted_expected_interval([0.0], [1], [0], [0.0, 0.1], [0.1, 0.1], 0.1, replicates=1),
        lambda: fit_fixed_effects_logistic([[1.0], [2.0]], [1, 1], [0, 0], 1),
        lambda: fit_fixed_effects_logistic([1.0, 2.0], [1, 0], [0, 0], 1),
        lambda: posterior_ranks([1.0, 2.0], [0.1, 0.0]),
        lambda: posterior_ranks([1.0, 2.0], [0.1, 0.1], draws=50),
        lambda: c_statistic([0.5], [2]),
        lambda: calibration([1.5], [1]),
        lambda: calibration([0.5], [2]),
        lambda: calibration_by_group([0.5], [1], [1], 1),
        lambda: bin_predictions([0.5], [1], [0.5, 0.4]),
        lambda: merge_small_bins(bin_predictions([0.5], [1]), 0),
        lambda: binned_calibration(BinnedPredictions(np.array([1.0]), np.array([0.5]), np.array([2.0]))),
        lambda: calibration_gate(1, 0, [1], [1, 2]),
        lambda: continuous_gate(1, 0, 0),
        lambda: continuous_calibration([1.0], [1.0], [2], 2),
        lambda: cusum_weights([1.0], [1], 2.0),
        lambda: cusum_weights([0.5], [0.5], 2.0),
        lambda: cusum_weights([0.5], [1], 1.0),
        lambda: cusum([0.5], [1], limit=0.0),
        lambda: control_limit([0.5], years=0),
        lambda: control_limits([[0.5]], years=-1),
        lambda: edition_discoveries([1.2]),
        lambda: overdispersed_z([1.0], [0.0]),
        lambda: overdispersed_z([1.0, 2.0], [1.0]),
        lambda: overdispersed_z([1.0], [1.0], 0.5),
        lambda: funnel_of_ratios([1], [0], [1]),
        lambda: ratio_funnel_limits([1.0], tau2=-1.0),
        lambda: edition_discoveries([0.2], q=1),
    ],
)
def test_nonsense_is_refused(call):
    with pytest.raises(ValueError, match=r"\w"):
        call()


def test_clinics_with_nobody_or_everybody_are_half_counted_and_say_so():
    rates = direct_rates_from_rows([0.0] * 6, [0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 2, 2], 4, [0.0])
    assert rates.half_counted.tolist() == [True, True, False, False]
    assert rates.rate[:3] == pytest.approx([0.5 / 3, 2.5 / 3, 0.5])
    assert np.isfinite(rates.variance[:3]).all()
    assert np.isnan(rates.rate[3])


def test_extreme_linear_predictors_still_have_their_root():
    rates = direct_rates_from_rows([-30.0, 30.0, 30.0, -25.0], [1, 0, 1, 0], [0, 0, 0, 0], 1, [0.0])
    found = special.expit(rates.shift[0] + np.array([-30.0, 30.0, 30.0, -25.0])).sum()
    assert found == pytest.approx(2, abs=1e-6)


def test_widely_spread_reference_is_used_as_it_is():
    reference = np.linspace(-600, 600, 20_001)
    assert direct_rate(0.0, [0.0], reference) == pytest.approx([0.5])


def test_ratios_of_predicted_to_expected_have_intervals_that_shrink_with_size():
    rng = np.random.default_rng(1)
    sizes = np.array([20, 2_000] * 10)
    clinic = np.repeat(np.arange(20), sizes)
    u = rng.normal(0, 0.4, size=20)
    lp = rng.normal(-0.2, 0.8, size=len(clinic))
    y = rng.random(len(clinic)) < special.expit(lp + u[clinic])
    sd = 1 / np.sqrt(1 / 0.16 + sizes * 0.2)
    result = predicted_expected_interval(lp, y, clinic, u, sd, 0.16, replicates=500, seed=3)
    again = predicted_expected_interval(lp, y, clinic, u, sd, 0.16, replicates=500, seed=3)
    assert (result.ratio_lower == again.ratio_lower).all()
    point = predicted_expected(lp, clinic, u, float(y.mean()))
    assert (result.ratio_lower < point.ratio).all()
    assert (point.ratio < result.ratio_upper).all()
    width = result.ratio_upper - result.ratio_lower
    assert width[::2].min() > width[1::2].max()
    assert (result.rate_upper - result.rate_lower > 0.3 * width).all()
    # Without any doubt about effects only the resampled clinics move the ratio.
    known = predicted_expected_interval(lp, y, clinic, u, np.zeros(20), 0.0, replicates=200)
    assert (known.ratio_upper - known.ratio_lower).max() < width.max()


def test_interpolated_counts_are_those_of_the_people():
    from benchwell.models.predicted_expected import _CountCurve

    rng = np.random.default_rng(4)
    lp, clinic = rng.normal(size=60), np.repeat(np.arange(3), 20)
    for reach in (0.5, 3.0, 8.0):
        curve = _CountCurve(lp, clinic, np.array([0.0, 0.5, -1.0]), np.full(3, reach))
        shift = np.array([[0.1], [0.5], [-1.0 + 0.9 * reach]])
        expected = [special.expit(lp[clinic == j] + shift[j]).sum() for j in range(3)]
        assert curve(shift, slice(None))[:, 0] == pytest.approx(expected, rel=1e-6)
