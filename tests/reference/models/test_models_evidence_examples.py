"""Worked examples of meta-analysis and competing events, at 1e-4 relative unless a test says otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from benchwell.models.cumulative_incidence import cumulative_incidence, incidence_at, median_incidence_time
from benchwell.models.kaplan_meier import kaplan_meier, survival_at
from benchwell.models.meta_analysis import meta_analysis
from benchwell.models.meta_regression import PooledTest
from benchwell.models.small_study_effects import egger_test
from benchwell.models.subgroup_difference import subgroup_difference
from benchwell.models.tau2_estimators import Tau2Method
from benchwell.models.two_arm_effect_sizes import log_risk_ratio

TRIALS = """4,119,11,128; 6,300,29,274; 3,228,11,209; 62,13536,248,12619; 33,5036,47,5761; 180,1361,372,1079;
8,2537,10,619; 505,87886,499,87892; 29,7470,45,7232; 17,1699,65,1600; 186,50448,141,27197; 5,2493,3,2338;
27,16886,29,17825"""
TIMES = [2, 3, 4, 4, 6, 6, 8, 9, 10, 12]
CODES = np.array([1, 2, 1, 2, 1, 1, 0, 2, 1, 0])


def near(expected):
    return pytest.approx(expected, rel=1e-4)


@pytest.fixture(scope="module")
def trials():
    cells = np.array([[int(cell) for cell in trial.split(",")] for trial in TRIALS.split(";")])
    a, not_a, b, not_b = cells.T
    return log_risk_ratio(a, a + not_a, b, b + not_b)


def test_e2_9_dropout_competes_with_improvement():
    result = cumulative_incidence(TIMES, CODES)
    improved = [incidence_at(result, t)[0] for t in (2, 4, 6, 9, 10)]
    assert improved == near([0.1, 0.2, 0.4, 0.4, 0.5333])
    assert incidence_at(result, 9)[1] == pytest.approx(0.3333, abs=5e-5)
    alone = kaplan_meier(TIMES, CODES == 1)
    assert 1 - survival_at(alone, [9, 10]).value == near([0.475, 0.7375])
    assert result.one_minus_kaplan_meier[0, -1] == near(0.7375)
    assert median_incidence_time(result) == pytest.approx([10.0, np.nan], nan_ok=True)


def test_e10_1_thirteen_trials_by_moments(trials):
    result = meta_analysis(
        trials.estimate, trials.variance, method=Tau2Method.DERSIMONIAN_LAIRD, test=PooledTest.NORMAL
    )
    assert [trials.estimate[0], trials.variance[0]] == near([-0.889311, 0.325585])
    assert [result.q, result.i2_percent, result.tau2] == near([152.2330, 92.12, 0.308760])
    assert [result.mean, result.std_error] == near([-0.714117, 0.178742])


def test_e10_1_thirteen_trials_by_reml(trials):
    wald = meta_analysis(trials.estimate, trials.variance, test=PooledTest.NORMAL)
    assert [wald.tau2, wald.mean, wald.std_error] == near([0.313243, -0.714532, 0.179782])
    for test in (PooledTest.KNAPP_HARTUNG, PooledTest.KNAPP_HARTUNG_MODIFIED):
        result = meta_analysis(trials.estimate, trials.variance, test=test)
        assert result.std_error == near(0.180792)
        assert [result.lower, result.upper] == near([-1.108444, -0.320621])
        assert [result.prediction_lower, result.prediction_upper] == near([-1.996017, 0.566952])


def test_e10_2_groups_that_look_different(trials):
    random = np.isin(np.arange(1, 14), [1, 2, 3, 4, 7, 8, 9])
    groups = [
        meta_analysis(trials.estimate[one], trials.variance[one], test=PooledTest.NORMAL) for one in (random, ~random)
    ]
    assert [group.mean for group in groups] == near([-0.970965, -0.481271])
    assert [group.std_error for group in groups] == near([0.275956, 0.216989])
    test = subgroup_difference([g.mean for g in groups], [g.std_error for g in groups])
    assert [test.q_between, test.p_value] == pytest.approx([1.9459, 0.1630], abs=5e-5)
    assert test.z**2 == pytest.approx(test.q_between)


def test_e10_2_no_claim_without_standard_errors():
    assert subgroup_difference([0.52, 0.31], [0.05, 0.06]).z == pytest.approx(2.689, abs=5e-4)
    with pytest.raises(ValueError, match="std_error holds NaN"):
        subgroup_difference([0.52, 0.31], [np.nan, np.nan])


def test_e10_3_egger(trials):
    result = egger_test(trials.estimate, trials.variance)
    assert [result.slope, result.std_error, result.statistic] == near([-2.1120, 1.5072, -1.4013])
    assert result.p_value == pytest.approx(0.1887, abs=5e-5)
