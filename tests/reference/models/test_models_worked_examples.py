"""The worked examples of METHODS sections 0 to 5, at the stated tolerance (1e-4 relative unless it says otherwise)."""

from __future__ import annotations

import numpy as np
import pytest

from benchwell.models.achievable import achievable_benchmark
from benchwell.models.change import difference_sd, jacobson_cutoffs, reliable_change_index, reliable_change_points, sem
from benchwell.models.deciles import top_decile_of_proportions
from benchwell.models.effect_size import paired_effect_size
from benchwell.models.heterogeneity import (
    cochran_q,
    pooled_binomial_variance,
    tau2_dersimonian_laird,
    tau2_paule_mandel,
)
from benchwell.models.imputation import rubin_rules
from benchwell.models.intervals import byar, clopper_pearson, poisson_exact, wilson
from benchwell.models.light import light
from benchwell.models.missing import distinguishable, followup_bounds, tipping_point
from benchwell.models.multiplicity import benjamini_hochberg, benjamini_yekutieli
from benchwell.models.noise import expected_top_mean_of_noise
from benchwell.models.p_chart import p_chart
from benchwell.models.quantiles import quantile_type7, weighted_quantile
from benchwell.models.rates import event_rate, rate_upper_limit
from benchwell.models.resampling import jackknife, jackknife_pooled_rate, leave_one_out_pooled_rate, pooled_rate
from benchwell.models.saes import saes, saes_reference
from benchwell.models.shrinkage import beta_binomial_reliability, constrained_empirical_bayes, minimum_n, shrink
from benchwell.models.strata import borrow, poststratify
from benchwell.models.weighting import inverse_probability_mean
from benchwell.models.xmr import XmrRule, xmr_chart, xmr_limits

# E4.2b, shared by E4.3 and E4.7.
MET = np.array([25, 52, 23, 80, 49, 40, 64, 54, 38, 8])
N = np.array([80, 150, 60, 200, 120, 90, 140, 110, 70, 12])
# E2.1, shared by E2.6.
BEFORE = [18, 14, 21, 11, 16, 12]
AFTER = [8, 9, 15, 4, 17, 3]


def close(expected, rel=1e-4):
    return pytest.approx(expected, rel=rel, abs=1e-12)


def printed(expected, digits):
    """Equal to the printed number to the digits it is printed with."""
    return pytest.approx(expected, abs=0.5000001 * 10.0**-digits, rel=0)


def test_e0_1_quantiles():
    values = [0.31, 0.35, 0.38, 0.40, 0.41, 0.44, 0.46, 0.49, 0.55, 0.68]
    weights = [80, 150, 60, 200, 120, 90, 140, 110, 70, 12]
    assert quantile_type7(values, [0.1, 0.5, 0.9]) == close([0.346, 0.425, 0.563])
    assert weighted_quantile(values, weights, [0.5, 0.9]).tolist() == [0.41, 0.49]


def test_e1_4_bounds_and_tipping_point():
    assert np.ravel(wilson(30, 60)) == printed([0.377, 0.623], 3)
    assert np.ravel(wilson(30, 100)) == printed([0.219, 0.396], 3)
    a, b = followup_bounds(30, 60, 100), followup_bounds(40, 90, 100)
    assert (a.worst, a.best, a.completion) == (close(0.30), close(0.70), close(0.60))
    assert (b.worst, b.best) == (close(0.40), close(0.50))
    assert not distinguishable(a, b)
    tip = tipping_point(30, 60, 100, 0.42)
    assert tip.rate == close(0.30)
    assert not tip.robust
    assert wilson(0, 12)[1] == printed(0.242, 3)
    assert clopper_pearson(0, 12)[1] == printed(0.265, 3)
    assert wilson(0, 12)[0] == 0 == clopper_pearson(0, 12)[0]


def test_e1_5_inverse_probability_mean():
    severe, mild = [1] * 4 + [0] * 12, [1] * 24 + [0] * 24
    result = inverse_probability_mean(severe + mild, [2.5] * 16 + [1.25] * 48)
    assert np.mean(severe + mild) == close(0.4375)
    assert result.estimate == close(0.40)
    assert result.effective_n == printed(57.14, 2)


def test_e1_6_rubin():
    pooled = rubin_rules([0.42, 0.45, 0.40, 0.44, 0.43], [0.0030, 0.0029, 0.0031, 0.0030, 0.0030], df_complete=98)
    assert (pooled.estimate, pooled.within, pooled.between) == (close(0.4280), close(0.0030), close(0.00037))
    assert (pooled.total, pooled.se) == (close(0.003444), printed(0.05869, 5))
    assert pooled.df_rubin == printed(240.67, 2)
    assert pooled.missing_information == printed(0.12892, 5)
    assert pooled.df == printed(62.09, 2)
    assert (pooled.lower, pooled.upper) == (printed(0.3107, 4), printed(0.5453, 4))


def test_e2_3_reliable_change():
    assert sem(7.5, 0.80) == close(3.3541)
    assert difference_sd(7.5, 0.80) == close(4.7434)
    assert reliable_change_index(32.5, 47.5, 7.5, 0.80) == close(3.1623)
    assert reliable_change_points(7.5, 0.80, integer=False) == close(9.297)
    assert reliable_change_points(5.9, 0.90, integer=False) == printed(5.17, 2)
    assert reliable_change_points(5.9, 0.90) == 6


def test_e2_4_cutoffs():
    cuts = jacobson_cutoffs(40, 7.5, 60, 7.5)
    assert (cuts.a, cuts.b, cuts.c) == (55, 45, 50)
    assert jacobson_cutoffs(16, 5, 4, 4).c == close(9.3333)


def test_e2_6_hedges():
    result = paired_effect_size(BEFORE, AFTER)
    assert result.sd_before == close(3.7771)
    assert result.correlation == close(0.7302)
    assert (result.d, result.correction, result.g) == (close(1.5885), close(0.8407), close(1.3355))
    assert result.variance == printed(0.2386, 4)
    assert (result.lower, result.upper) == (printed(0.378, 3), printed(2.293, 3))


def test_e2_7_saes():
    reference = saes_reference([12, 16, 20, 14, 18, 22], [7, 9, 10, 10, 8, 16])
    assert (reference.intercept, reference.slope) == (printed(-0.685714, 6), printed(0.628571, 6))
    assert (reference.mean_gain, reference.sd) == (close(7), close(3.74166))
    assert saes(reference, [19, 13], [9, 9]) == close([2.4741, 1.4661])


def test_e2_8b_ever_improved_is_not_an_outcome():
    """Tolerance .003, by simulation with a stated seed."""
    generator = np.random.default_rng(20260208)
    baseline = generator.normal(0, 1.87, size=400_000)
    followups = generator.normal(0, 1.87, size=(400_000, 8))
    ever = (baseline[:, None] - followups >= 6).any(axis=1).mean()
    once = (baseline - followups[:, -1] >= 6).mean()
    assert ever == pytest.approx(0.064, abs=0.003)
    assert once == pytest.approx(0.011, abs=0.003)


def test_e2_10_event_rate():
    rate = event_rate(7, 84.5, per=100)
    assert (rate.rate, rate.lower, rate.upper) == (printed(8.284, 3), printed(3.331, 3), printed(17.068, 3))
    assert poisson_exact(0)[1] == close(3.6889)
    assert poisson_exact(0)[0] == 0
    assert rate_upper_limit(0) == close(2.9957)


def test_e3_6_byar_and_exact_limits():
    assert np.ravel(poisson_exact(18, 12.4)) == printed([0.8603, 2.2942], 4)
    assert np.ravel(byar(18, 12.4)) == printed([0.8599, 2.2943], 4)


def test_e3_9_shrinkage():
    y, n = np.array([0.62, 0.48, 0.55, 0.40, 0.70]), np.array([200, 60, 120, 40, 15])
    variance = pooled_binomial_variance(y * n, n)
    assert (y * n).sum() / n.sum() == close(0.563908)
    assert cochran_q(y, variance) == close(9.870682)
    assert tau2_dersimonian_laird(y, variance) == close(0.00485322)
    assert tau2_paule_mandel(y, variance) == close(0.00600787)
    result = shrink(y, variance)
    assert result.mean == close(0.544835)
    assert result.reliability == printed([0.7979, 0.5421, 0.7031, 0.4412, 0.2284], 4)
    assert result.shrunken == printed([0.6048, 0.5097, 0.5485, 0.4809, 0.5803], 4)
    assert int(np.argmax(y)) == 4  # the raw leader, n = 15 …
    assert int(np.argmax(result.shrunken)) == 0  # … does not lead after shrinkage


def test_e3_9b_minimum_n_and_beta_binomial():
    assert minimum_n([0.01, 0.02, 0.05], 0.7).tolist() == [231, 115, 45]
    assert minimum_n([0.01, 0.02, 0.05], 0.9).tolist() == [891, 441, 171]
    assert beta_binomial_reliability(20, 25, 30, 0.5) == printed(0.3918, 4)
    assert close(0.4) == 30 / (30 + 20 + 25)


def test_e4_2_the_top_of_pure_noise():
    assert expected_top_mean_of_noise(0.5, 20, clinics=10) == printed(0.6703, 4)
    assert expected_top_mean_of_noise(0.5, 20, clinics=100, top=10) == printed(0.6912, 4)


def test_e4_2b_top_decile():
    result = top_decile_of_proportions(MET, N)
    assert MET.sum() / N.sum() == printed(0.419574, 6)
    assert result.shrunken.tau2 == close(0.00254651)
    assert result.shrunken.mean == printed(0.424835, 6)
    assert (result.raw, result.raw_top) == (printed(0.5552, 4), printed(0.6667, 4))
    assert result.empirical_bayes == printed(0.4616, 4)
    assert result.a == printed(1.460859, 6)
    assert constrained_empirical_bayes(result.shrunken).a == result.a
    assert result.constrained == printed(0.4786, 4)
    assert (result.model, result.model_top_mean) == (printed(0.4895, 4), printed(0.5134, 4))
    assert not result.gate.passed
    assert result.gate.reason == "too_few_reliable_clinics"


def test_e4_3_achievable_benchmark():
    result = achievable_benchmark(MET, N)
    assert (result.order[:3] + 1).tolist() == [10, 9, 8]
    assert result.adjusted_fraction[[9, 8, 7]] == printed([0.6429, 0.5417, 0.4911], 4)
    assert (result.n, result.n_needed) == (192, close(103.2))
    assert result.benchmark == close(0.520833)


def test_e4_6_strata():
    y, n = np.array([0.50, 0.38, 0.45, 0.30]), np.array([400, 150, 60, 18])
    population = [0.4, 0.3, 0.2, 0.1]
    result = borrow(y, pooled_binomial_variance(y * n, n))
    assert result.tau2 == close(0.00398909)
    assert result.coefficients == close([0.432583])
    assert result.reliability == printed([0.8653, 0.7066, 0.4907, 0.2242], 4)
    assert result.values == printed([0.4909, 0.3954, 0.4411, 0.4029], 4)
    assert result.mostly_borrowed.tolist() == [False, False, True, True]
    assert poststratify(y, population) == close(0.4340)
    assert poststratify(result.values, population) == printed(0.4435, 4)


def test_e4_7_jackknife_and_leave_one_out():
    result = jackknife_pooled_rate(MET, N)
    assert result.estimate == printed(0.419574, 6)
    assert result.se == printed(0.020472, 6)
    assert jackknife(pooled_rate, MET, N).se == pytest.approx(result.se, rel=1e-12)
    naive = (result.estimate * (1 - result.estimate) / N.sum()) ** 0.5
    assert naive == printed(0.015362, 6)
    others = leave_one_out_pooled_rate(MET, N)
    assert others.benchmark[3] == printed(0.424279, 6)
    assert others.gap[3] == printed(-0.0243, 4)
    assert 80 / 200 - result.estimate == printed(-0.0196, 4)


def test_e5_2_xmr():
    limits = xmr_limits([42, 45, 41, 44, 47, 43, 40, 46, 44, 42, 45, 43])
    assert (limits.mean, limits.mean_range) == (43.5, close(3.181818))
    assert (limits.lower, limits.upper) == (close(35.0364), close(51.9636))
    assert (limits.near_lower, limits.near_upper) == (close(37.8576), close(49.1424))
    assert limits.firm
    assert xmr_chart([55], limits).rules == ((XmrRule.OUTSIDE,),)
    shifted = xmr_chart([46, 47, 45, 48, 46, 47, 49], limits)
    assert all(XmrRule.SHIFT in rules for rules in shifted.rules)
    assert shifted.high.all()
    assert not shifted.low.any()


def test_e5_3_p_chart():
    chart = p_chart([12, 15, 9, 20, 14], [30, 40, 25, 50, 35], laney=True)
    assert chart.center == printed(0.388889, 6)
    assert (chart.lower[0], chart.upper[0]) == (printed(0.1219, 4), printed(0.6559, 4))
    assert (chart.lower[3], chart.upper[3]) == (printed(0.1821, 4), printed(0.5957, 4))
    assert chart.sigma_z == printed(0.2006, 4)
    assert chart.under_dispersed
    assert chart.sigma_z_used == 1


@pytest.mark.parametrize(
    ("theta", "sd", "state", "probability"),
    [
        (0.510, 0.047, "grey", printed(0.5824, 4)),
        (0.38, 0.030, "red", printed(0.9711, 4)),
        (0.40, 0.060, "grey", printed(0.7446, 4)),
    ],
)
def test_e5_5_light(theta, sd, state, probability):
    verdict = light(theta, sd, 0.47, 0.010, 0.03)
    assert verdict.state == state
    assert verdict.decided_by == probability


def test_e5_5_light_green():
    verdict = light(0.605, 0.031, 0.47, 0.010, 0.03)
    assert verdict.state == "green"
    assert verdict.p_above > 0.999
    # METHODS prints "> .9994"; the formula it states gives .99937, which rounds to it.
    assert verdict.p_above == printed(0.9994, 4)


def test_e5_7_multiplicity():
    p = [0.001, 0.008, 0.012, 0.03, 0.041, 0.06, 0.2, 0.35, 0.6, 0.9]
    adjusted = benjamini_hochberg(p)
    expected = [0.0100, 0.0400, 0.0400, 0.0750, 0.0820, 0.1000, 0.2857, 0.4375, 0.6667, 0.9000]
    assert adjusted == printed(expected, 4)
    assert ((adjusted <= 0.10 + 1e-12).sum(), (adjusted <= 0.05).sum()) == (6, 3)
    assert benjamini_yekutieli(p)[0] == printed(0.02929, 5)
