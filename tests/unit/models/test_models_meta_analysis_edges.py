"""Edges of pooling studies: one, two, equal, empty cells, a likelihood with two hills."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchwell.models.brent_root import brent_root
from benchwell.models.leave_one_out_studies import cumulative, leave_one_out
from benchwell.models.meta_analysis import heterogeneity_interval, meta_analysis
from benchwell.models.meta_regression import PooledTest, indicator_columns, meta_regression, predict_effects
from benchwell.models.small_study_effects import FunnelSide, TrimAndFillEstimator, egger_test, trim_and_fill
from benchwell.models.tau2_estimators import Tau2Method, log_likelihood
from benchwell.models.two_arm_effect_sizes import (
    ContinuityCorrection,
    log_odds_ratio,
    log_risk_ratio,
    standardized_mean_difference,
)


@pytest.mark.parametrize("method", Tau2Method)
def test_one_study_is_itself(method):
    result = meta_analysis([0.5], [0.1], method=method, test=PooledTest.NORMAL)
    assert (result.mean, result.tau2, result.q, result.q_p_value, result.h2) == (0.5, 0.0, 0.0, 1.0, 1.0)
    assert result.std_error == pytest.approx(math.sqrt(0.1))
    assert math.isnan(meta_analysis([0.5], [0.1]).lower)
    interval = heterogeneity_interval([0.5], [0.1])
    assert (interval.tau2_lower, interval.tau2_upper) == (0.0, math.inf)


@pytest.mark.parametrize("method", Tau2Method)
def test_two_studies_have_no_prediction_limits_on_k_minus_two(method):
    result = meta_analysis([0.2, 0.9], [0.01, 0.02], method=method)
    assert result.df == 1
    assert np.isnan(result.prediction_interval(df=0)).all()


@pytest.mark.parametrize("method", Tau2Method)
def test_studies_that_agree_leave_no_variance_between_them(method):
    result = meta_analysis([0.3, 0.3, 0.3], [0.01, 0.02, 0.03], method=method)
    assert result.tau2 == 0
    assert result.mean == pytest.approx(0.3)
    interval = heterogeneity_interval([0.3, 0.3, 0.3], [0.01, 0.02, 0.03])
    assert (interval.tau2_upper, interval.empty) == (0.0, True)


def test_the_modified_test_is_never_narrower_than_wald():
    y, v = [0.3, 0.31, 0.3], [0.1, 0.1, 0.1]
    wald = meta_analysis(y, v, test=PooledTest.NORMAL)
    assert meta_analysis(y, v, test=PooledTest.KNAPP_HARTUNG).std_error < wald.std_error
    assert meta_analysis(y, v).std_error == wald.std_error


@pytest.mark.parametrize(
    ("y", "v", "tau2"),
    [
        ([-3.4, 3.3], [0.003, 5.869], 0.0),
        ([0.3, 2.8, -1.0, -0.9], [20.46, 1.38, 0.02, 1.41], 1.670932),
    ],
)
def test_the_higher_of_two_hills_is_taken_and_said(y, v, tau2):
    y, v, ones = np.array(y), np.array(v), np.ones((len(y), 1))
    result = meta_analysis(y, v, method=Tau2Method.MAXIMUM_LIKELIHOOD)
    assert result.tau2 == pytest.approx(tau2, abs=1e-6)
    assert result.fit.tau2.several_maxima
    heights = [log_likelihood(y, v, ones, t, restricted=False) for t in np.linspace(0, 20, 2000)]
    assert result.log_likelihood >= max(heights)


def test_where_scoring_is_too_slow_the_slope_is_bracketed():
    y, v = np.array([-4.6, -3.9, -0.6, -2.3]), np.array([58.81, 1.25, 1.03, 0.41])
    found = meta_analysis(y, v, method=Tau2Method.MAXIMUM_LIKELIHOOD).fit.tau2
    assert found.iterations == 100
    w = 1 / (v + found.value)
    mean = (w * y).sum() / w.sum()
    assert (w**2 * (y - mean) ** 2).sum() == pytest.approx(w.sum(), rel=1e-12)


def test_data_on_which_plain_fisher_scoring_runs_away():
    y, v = np.array([-5.0, 0.0, 0.01, 6.0]), np.array([1e-8, 1e-8, 4.0, 2.0])
    for method in (Tau2Method.REML, Tau2Method.MAXIMUM_LIKELIHOOD):
        best, ones = meta_analysis(y, v, method=method), np.ones((4, 1))
        restricted = method is Tau2Method.REML
        for tau2 in best.tau2 * np.array([0.5, 0.99, 1.01, 2.0]):
            assert log_likelihood(y, v, ones, float(tau2), restricted=restricted) < best.log_likelihood


def test_empty_cells():
    empty = log_risk_ratio([0, 0, 10, 5], [10, 10, 10, 9], [0, 3, 10, 4], [12, 10, 10, 9])
    assert empty.n_dropped == 2
    assert empty.dropped.tolist() == [True, False, True, False]
    assert empty.corrected.tolist() == [False, True, False, False]
    assert empty.usable.tolist() == [False, True, False, True]
    kept = log_risk_ratio([0], [10], [0], [12], drop_uninformative=False)
    assert kept.n_dropped == 0
    assert kept.estimate.item() == pytest.approx(math.log((0.5 / 11) / (0.5 / 13)))
    everywhere = log_odds_ratio([0, 5], [10, 9], [3, 4], [10, 9], correction=ContinuityCorrection.ALL_IF_ANY)
    assert everywhere.corrected.all()
    bare = log_odds_ratio([0, 5], [10, 9], [3, 4], [10, 9], correction=ContinuityCorrection.NONE)
    assert bare.usable.tolist() == [False, True]
    assert log_risk_ratio([5], [9], [4], [9], correction=ContinuityCorrection.ALL, add=1.0).corrected.all()
    with pytest.raises(ValueError, match="add must not be negative"):
        log_risk_ratio([5], [9], [4], [9], add=-1.0)


def test_a_mean_difference_without_spread_has_no_effect_size():
    assert np.isnan(standardized_mean_difference([3], [0], [10], [2], [0], [10]).estimate).all()
    assert np.isnan(standardized_mean_difference([3], [1], [1], [2], [1], [1]).estimate).all()
    with pytest.raises(ValueError, match="negative"):
        standardized_mean_difference([3], [-1], [10], [2], [1], [10])


def test_moderators_that_cannot_be_fitted_are_refused():
    with pytest.raises(ValueError, match="depend on each other"):
        meta_regression([0.1, 0.2, 0.3], [1, 1, 1], [5, 5, 5])
    with pytest.raises(ValueError, match="cannot carry"):
        meta_regression([0.1], [1], [5])
    with pytest.raises(ValueError, match="one row per study"):
        meta_regression([0.1, 0.2], [1, 1], [5])
    with pytest.raises(ValueError, match="one row per study"):
        heterogeneity_interval([0.1, 0.2, 0.4], [1, 1, 1], [5])
    with pytest.raises(ValueError, match="reference category"):
        indicator_columns([1, 2])
    fit = meta_regression([0.1, 0.2, 0.4], [1, 1, 1], [1, 2, 3])
    with pytest.raises(ValueError, match="need 2 columns"):
        predict_effects(fit, [[1.0]])


@pytest.mark.parametrize("method", [Tau2Method.COMMON_EFFECT, Tau2Method.REML])
@pytest.mark.parametrize("test", PooledTest)
def test_as_many_coefficients_as_studies_leave_no_degree_of_freedom(method, test):
    fit = meta_regression([0.1, 0.5], [0.1, 0.1], [0, 1], method=method, test=test)
    assert fit.coefficient == pytest.approx([0.1, 0.4])
    assert fit.q == 0
    assert np.isnan(fit.p_value).all() == (test is not PooledTest.NORMAL)


def test_without_intercept_every_coefficient_is_tested():
    groups = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    fit = meta_regression([0.1, 0.2, 0.8, 0.9], [0.1] * 4, groups, intercept=False, test=PooledTest.NORMAL)
    assert fit.moderator_df == 2
    assert math.isnan(fit.r2_percent)
    assert fit.coefficient == pytest.approx([0.15, 0.85])
    interval = heterogeneity_interval([0.1, 0.2, 0.8, 0.9], [0.001] * 4, groups[:, 0])
    assert interval.tau2_lower >= 0


def test_leaving_out_and_adding_studies():
    y, v = [0.2, 0.4, 0.9], [0.01, 0.02, 0.03]
    assert leave_one_out(y, v).mean[0] == pytest.approx(meta_analysis(y[1:], v[1:]).mean)
    assert cumulative(y, v).mean[-1] == pytest.approx(meta_analysis(y, v).mean)
    with pytest.raises(ValueError, match="at least 2"):
        leave_one_out([0.2], [0.01])


def test_small_study_tests_need_studies_of_different_size():
    with pytest.raises(ValueError, match="same variance"):
        egger_test([0.1, 0.2, 0.3], [0.1, 0.1, 0.1])
    with pytest.raises(ValueError, match="at least 3"):
        egger_test([0.1, 0.2], [0.1, 0.2])


@pytest.mark.parametrize("estimator", TrimAndFillEstimator)
def test_filled_studies_mirror_the_trimmed_ones(estimator):
    y, v = np.array([-2.0, -1.6, -0.9, -0.6, -0.2, 0.0]), np.array([0.5, 0.4, 0.3, 0.09, 0.05, 0.01])
    right = trim_and_fill(y, v, estimator=estimator)
    left = trim_and_fill(-y, v, estimator=estimator)
    assert (right.side, left.side) == (FunnelSide.RIGHT, FunnelSide.LEFT)
    assert right.n_filled == left.n_filled
    assert right.filled.mean == pytest.approx(-left.filled.mean)
    assert len(right.estimate) == 6 + right.n_filled
    assert trim_and_fill(y, v, estimator=estimator, side=FunnelSide.LEFT).side is FunnelSide.LEFT


def test_brent_root():
    assert brent_root(lambda x: x, 0.0, 1.0) == 0.0
    assert brent_root(lambda x: x - 1, 0.0, 1.0) == 1.0
    assert abs(brent_root(lambda x: x**3 - 2, 0.0, 100.0, tolerance=1e-3) - 2 ** (1 / 3)) < 1e-3
    with pytest.raises(ValueError, match="same sign"):
        brent_root(lambda x: x + 1, 0.0, 1.0)
    with pytest.raises(ArithmeticError, match="no root within 2 steps"):
        brent_root(lambda x: x**3 - 2, 0.0, 100.0, max_steps=2)


def test_a_common_effect_explains_by_the_adjusted_share_of_the_weighted_squares():
    y, v, x = np.array([0.1, 0.4, 0.4, 0.9]), np.array([0.1, 0.2, 0.1, 0.2]), np.array([0.0, 1, 2, 3])
    fit = meta_regression(y, v, x, method=Tau2Method.COMMON_EFFECT, test=PooledTest.NORMAL)
    total = meta_analysis(y, v, method=Tau2Method.COMMON_EFFECT).q / 3
    assert fit.r2_percent == pytest.approx(100 * (1 - (fit.q / 2) / total))


def test_no_moderator_at_all_is_a_meta_analysis():
    y, v = [0.1, 0.4, 0.5], [0.1, 0.2, 0.1]
    fit = meta_regression(y, v, np.empty((3, 0)))
    assert fit.coefficient[0] == pytest.approx(meta_analysis(y, v).mean)
    assert fit.moderator_df == 0
    assert math.isnan(fit.moderator_statistic)
