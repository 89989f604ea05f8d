"""Edges of the kernels: nobody, one person, one clinic, all equal, no variance between, and NaN."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats

from benchwell.models import (
    change,
    deciles,
    effect_size,
    funnel,
    heterogeneity,
    hyper_uncertainty,
    imputation,
    intervals,
    light,
    missing,
    multiplicity,
    noise,
    p_chart,
    quantiles,
    rates,
    resampling,
    saes,
    shrinkage,
    strata,
    weighting,
    xmr,
)
from benchwell.models.achievable import achievable_benchmark
from benchwell.models.arrays import same_shape
from benchwell.terms import Better, Light

NAN = float("nan")
# The modules that views and the one-person report load.
OWN = ["change", "deciles", "funnel", "intervals", "light", "missing", "quantiles", "resampling", "shrinkage", "xmr"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: intervals.wilson(NAN, 10),
        lambda: intervals.wilson(1, math.inf),
        lambda: intervals.clopper_pearson([1, NAN], 10),
        lambda: intervals.poisson_exact(NAN),
        lambda: intervals.byar(NAN),
        lambda: intervals.t_interval(NAN, 1, 5),
        lambda: intervals.normal_interval(0, NAN),
        lambda: quantiles.quantile_type7([0.1, NAN], 0.5),
        lambda: quantiles.weighted_quantile([0.1, 0.2], [1, NAN], 0.5),
        lambda: missing.followup_bounds(1, 2, NAN),
        lambda: missing.tipping_point(1, 2, 3, NAN),
        lambda: weighting.inverse_probability_mean([NAN], [1]),
        lambda: weighting.weighted_proportion_interval(NAN, 10),
        lambda: imputation.rubin_rules([0.1, NAN], [0.1, 0.1]),
        lambda: change.reliable_change_index(NAN, 1, 5, 0.8),
        lambda: change.sem(NAN, 0.8),
        lambda: change.sem(5, NAN),
        lambda: effect_size.paired_effect_size([1, NAN], [1, 2]),
        lambda: effect_size.hedges_correction(NAN),
        lambda: saes.saes_reference([1, 2, NAN], [1, 2, 3]),
        lambda: rates.event_rate(NAN, 1),
        lambda: rates.rate_upper_limit(NAN),
        lambda: rates.clustered_rate([1, NAN], [1, 1]),
        lambda: heterogeneity.pooled_binomial_variance([1, NAN], [2, 2]),
        lambda: heterogeneity.tau2_dersimonian_laird([0.1, NAN], [0.1, 0.1]),
        lambda: heterogeneity.tau2_paule_mandel([0.1, 0.2], [0.1, NAN]),
        lambda: heterogeneity.tau2_profile_interval([0.1, NAN], [0.1, 0.1]),
        lambda: shrinkage.shrink([0.1, NAN], [0.1, 0.1]),
        lambda: shrinkage.shrink([0.1, 0.2], [0.1, 0.1], tau2=NAN),
        lambda: shrinkage.minimum_n(NAN, 0.7),
        lambda: shrinkage.beta_binomial_reliability(NAN, 1, 10, 0.5),
        lambda: hyper_uncertainty.posterior_sd([0.1, NAN], [0.1, 0.1]),
        lambda: deciles.top_decile([0.1, NAN], [0.1, 0.1]),
        lambda: deciles.constrained_percentile([0.1, NAN], [0.1, 0.1], 0.9),
        lambda: achievable_benchmark([1, NAN], [2, 2]),
        lambda: strata.borrow([0.1, NAN], [0.1, 0.1]),
        lambda: strata.poststratify([0.1, NAN], [1, 1]),
        lambda: resampling.jackknife_pooled_rate([1, NAN], [2, 2]),
        lambda: resampling.jackknife(resampling.pooled_rate, [1, NAN], [2, 2]),
        lambda: resampling.cluster_bootstrap(resampling.pooled_rate, [1, NAN], [2, 2]),
        lambda: funnel.funnel([1, NAN], [2, 2]),
        lambda: funnel.funnel_limits([NAN], 0.5),
        lambda: funnel.funnel_limits(10, 0.5, tau2=NAN),
        lambda: p_chart.p_chart([1, NAN], [2, 2]),
        lambda: xmr.xmr_limits([1.0, math.inf]),
        lambda: light.light(NAN, 0.1, 0.5, 0.1, 0.03),
        lambda: light.people_needed(0.5, 10, NAN, 0.01, 0.5, 0.01, 0.03),
        lambda: multiplicity.benjamini_hochberg([0.1, NAN]),
        lambda: noise.expected_top_mean_of_noise(NAN, 10, 10),
    ],
)
def test_nan_and_infinity_are_refused(call):
    with pytest.raises(ValueError, match=r"NaN|infinite|above zero|lie|finite|must"):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intervals.wilson(3, 2), "met is larger than n"),
        (lambda: intervals.wilson(-1, 2), "negative"),
        (lambda: intervals.wilson(1, 2, level=95), "level"),
        (lambda: missing.followup_bounds(1, 5, 4), "followed is larger"),
        (lambda: quantiles.quantile_type7([], 0.5), "at least 1"),
        (lambda: quantiles.quantile_type7([0.5], 1.5), "p must lie"),
        (lambda: quantiles.weighted_quantile([0.5], [0], 0.5), "positive sum"),
        (lambda: weighting.weighted_proportion_interval(1.5, 10), "estimate must lie"),
        (lambda: imputation.rubin_rules([0.1], [0.1]), "at least 2"),
        (lambda: imputation.rubin_rules([0.1, 0.2], [0.1, 0.1], df_complete=0), "df_complete"),
        (lambda: change.sem(0, 0.8), "sd"),
        (lambda: change.sem(5, 1.0), "reliability"),
        (lambda: change.jacobson_cutoffs(10, 0, 5, 1), "standard deviations"),
        (lambda: change.jacobson_cutoffs(10, 2, 5), "or neither"),
        (lambda: change.jacobson_cutoffs(10, 2), "direction"),
        (lambda: change.jacobson_cutoffs(10, 2, 5, 2, lower_is_better=False), "contradicts"),
        (lambda: saes.saes_reference([10, 12], [5, 6]), "at least 3"),
        (lambda: saes.saes_reference([10, 10, 10], [5, 6, 7]), "equal"),
        (lambda: rates.event_rate(1, 0), "person_time|exposure"),
        (lambda: heterogeneity.pooled_binomial_variance([0, 1], [0, 2]), "n must be above zero"),
        (lambda: heterogeneity.tau2_dersimonian_laird([], []), "at least one clinic"),
        (lambda: shrinkage.shrink([0.1, 0.2], [0.1, 0.0]), "variance must be above zero"),
        (lambda: shrinkage.shrink([0.1, 0.2], [0.1]), "shapes differ"),
        (lambda: shrinkage.shrink([0.1], [0.1], tau2=-1), "negative"),
        (lambda: shrinkage.minimum_n(0.05, 1.0), "strictly between"),
        (lambda: hyper_uncertainty.posterior_sd([0.1, 0.2], [0.1, 0.1], replicates=1), "replicates"),
        (lambda: strata.borrow([0.1, 0.2, 0.3], [0.1] * 3, features=[1, 2, 3]), "one row per stratum"),
        (lambda: strata.borrow([0.1, 0.2, 0.3], [0.1] * 3, features=[[1], [1], [1]]), "collinear"),
        (lambda: strata.poststratify([0.1], [0]), "positive sum"),
        (lambda: resampling.jackknife(resampling.pooled_rate), "at least one array"),
        (lambda: resampling.cluster_bootstrap(resampling.pooled_rate, [1], [2]), "at least 2 clinics"),
        (lambda: funnel.funnel([0, 0], [5, 5]), "target"),
        (lambda: funnel.funnel([1, 2], [5, 5], winsorize=0.5), "winsorize"),
        (lambda: xmr.xmr_limits([1.0]), "two neighboring"),
        (lambda: xmr.xmr_limits([1.0, None, 2.0]), "two neighboring"),
        (lambda: xmr.assurance(xmr.xmr_limits([1, 2]), NAN), "target"),
        (lambda: light.light(0.5, 0.1, 0.5, 0.1, 0.03, probability=0.5), "above"),
        (lambda: light.people_needed(0.5, -1, 0.5, 0.01, 0.5, 0.01, 0.03), "negative"),
        (lambda: light.people_needed(0.5, 10, 1.5, 0.01, 0.5, 0.01, 0.03), "one person"),
        (lambda: multiplicity.benjamini_hochberg([1.1]), "lie in"),
        (lambda: noise.expected_top_mean_of_noise(0.5, 20, 10, top=11), "top"),
        (lambda: same_shape(a=np.zeros(2), b=np.zeros(3)), "a .2,., b .3,."),
    ],
)
def test_misuse_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_nobody_means_nothing_is_known():
    for method in (intervals.wilson, intervals.clopper_pearson):
        lower, upper = method(0, 0)
        assert (lower, upper) == (0, 1)
    bounds = missing.followup_bounds([0, 0], [0, 0], [0, 7])
    assert np.isnan(bounds.worst).tolist() == [True, False]
    assert (bounds.worst[1], bounds.best[1], bounds.completion[1]) == (0, 1, 0)
    assert missing.tipping_point(0, 0, 0, 0.4).robust.item() is False
    nothing = weighting.inverse_probability_mean([], [])
    assert np.isnan([nothing.estimate, nothing.se]).all()
    assert nothing.effective_n == 0
    assert weighting.weighted_proportion_interval(0.5, 0)[1] == 1


def test_one_person_gives_no_spread():
    assert np.isnan(intervals.t_interval(5.0, 0.0, 1)).all()
    alone = effect_size.paired_effect_size([10], [5])
    assert np.isnan([alone.d, alone.g, alone.variance, alone.lower]).all()
    pair = effect_size.paired_effect_size([10, 14], [5, 6])
    assert pair.d > 0
    assert np.isnan(pair.g)  # J does not exist for one degree of freedom
    flat = effect_size.paired_effect_size([10, 10, 10], [5, 6, 7])
    assert np.isnan(flat.d)
    assert np.isnan(rates.clustered_rate([3], [1.0]).se)


def test_interval_of_everybody_does_not_collapse():
    lower, upper = weighting.weighted_proportion_interval(1.0, 20.0)
    assert lower == pytest.approx(20 / (20 + 1.959964**2), rel=1e-6)
    assert upper == 1
    assert weighting.inverse_probability_mean([1.0] * 5, [1.3, 2.0, 1.1, 4.0, 1.0]).se == pytest.approx(0, abs=1e-7)


def test_one_clinic_stands_at_its_own_mean():
    variance = heterogeneity.pooled_binomial_variance([12], [30])
    result = shrinkage.shrink([0.4], variance)
    assert (result.tau2, result.mean, result.shrunken[0], result.reliability[0]) == (0, 0.4, 0.4, 0)
    decile = deciles.top_decile_of_proportions([12], [30])
    assert (decile.raw, decile.constrained, decile.model, decile.a) == (0.4, 0.4, 0.4, 1)
    assert not decile.gate.passed
    assert math.isinf(decile.gate.tau2.upper)
    assert np.isnan(resampling.jackknife_pooled_rate([12], [30]).se)
    assert np.isnan(resampling.jackknife(resampling.pooled_rate, [12], [30]).se)
    assert np.isnan(resampling.leave_one_out_pooled_rate([12, 3], [30, 9]).gap_variance).all()
    assert achievable_benchmark([12], [30]).benchmark == 0.4
    assert strata.borrow([0.4], variance).values[0] == pytest.approx(0.4)
    one = funnel.funnel([12], [30])
    assert (one.tau2, one.overdispersed) == (0, False)
    assert np.isnan(one.volume_correlation)


@pytest.mark.parametrize("met", [0, 40])
def test_all_clinics_at_the_edge_are_not_certain(met):
    variance = heterogeneity.pooled_binomial_variance([met] * 4, [40] * 4)
    assert (variance > 0).all()
    decile = deciles.top_decile_of_proportions([met] * 4, [40] * 4)
    assert decile.constrained == met / 40
    assert decile.shrunken.tau2 == 0
    assert heterogeneity.tau2_paule_mandel([met / 40] * 4, variance) == 0
    assert heterogeneity.tau2_profile_interval([met / 40] * 4, variance).lower == 0
    assert (hyper_uncertainty.posterior_sd([met / 40] * 4, variance) > 0).all()


def test_equal_clinics_are_not_stretched():
    result = shrinkage.constrained_empirical_bayes(shrinkage.shrink([0.1 + 0.2] * 3, [0.01] * 3, tau2=0.02))
    assert result.a == 1
    assert result.values == pytest.approx([0.3] * 3)


def test_decile_gate_names_what_is_missing():
    generator = np.random.default_rng(3)
    n = np.full(30, 200)
    different = generator.binomial(n, np.linspace(0.3, 0.7, 30))
    assert deciles.top_decile_of_proportions(different, n).gate.reason == "ok"
    few = deciles.top_decile_of_proportions(different[::2], n[::2]).gate
    assert (few.reason, few.n_reliable) == ("too_few_reliable_clinics", 15)
    alike = deciles.top_decile_of_proportions(np.full(30, 90), n, min_reliability=0.0).gate
    assert alike.reason == "no_variation_between_clinics"


def test_weighted_decile_counts_patients():
    met, n = np.array([10, 20, 900]), np.array([20, 50, 1000])
    assert deciles.top_decile_of_proportions(met, n, weights=n).raw == 0.9
    assert deciles.top_decile_of_proportions(met, n, weights=n, better=Better.LOWER).raw == 0.9
    assert deciles.top_decile_of_proportions(met, n).raw == pytest.approx(0.82)


def test_bootstrap_redraws_people_inside():
    met, n = np.array([5.0, 10.0, 15.0] * 5), np.array([30.0] * 15)
    plain = resampling.cluster_bootstrap(resampling.pooled_rate, met, n, replicates=400, seed=2)
    inside = resampling.cluster_bootstrap(
        resampling.pooled_rate, met, n, replicates=400, seed=2, redraw=resampling.redraw_binomial
    )
    assert inside.se > plain.se


def test_blocks_do_not_change_the_bootstrap(monkeypatch):
    met, n = np.arange(1, 21), np.full(20, 40)
    whole = resampling.cluster_bootstrap(resampling.pooled_rate, met, n, replicates=100, seed=4)
    monkeypatch.setattr(resampling, "_BLOCK", 130)
    parts = resampling.cluster_bootstrap(resampling.pooled_rate, met, n, replicates=100, seed=4)
    assert whole.replicates == pytest.approx(parts.replicates, abs=0)
    assert resampling.jackknife(resampling.pooled_rate, met, n).se == pytest.approx(
        resampling.jackknife_pooled_rate(met, n).se
    )


def test_leave_one_out_of_any_benchmark_carries_both_variances():
    met, n = np.array([5.0, 10.0, 15.0, 9.0]), np.array([30.0, 40.0, 50.0, 20.0])
    result = resampling.leave_one_out(resampling.pooled_rate, met / n, [0.01] * 4, 0.002, met, n)
    assert result.benchmark == pytest.approx(resampling.leave_one_out_pooled_rate(met, n).benchmark)
    assert result.gap == pytest.approx(met / n - result.benchmark)
    assert result.gap_variance == pytest.approx([0.012] * 4)


def test_features_explain_strata():
    features = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    result = strata.borrow(0.3 + 0.05 * features[:, 0], np.full(5, 0.01), features)
    assert result.coefficients == pytest.approx([0.3, 0.05])
    assert result.tau2 == 0
    assert result.values == pytest.approx(0.3 + 0.05 * features[:, 0])


def test_funnel_limits_stay_on_the_scale():
    n = np.array([1.0, 2.0, 5.0, 1e6])
    for method in funnel.LimitMethod:
        for scale in funnel.FunnelScale:
            lower, upper = funnel.funnel_limits(n, 0.04, 0.998, method, scale=scale, tau2=0.001, phi=3.0)
            assert ((lower >= 0) & (lower <= 0.04 + 1e-12)).all()
            assert ((upper <= 1) & (upper >= 0.04 - 1e-12)).all()
    assert not funnel.funnel([5, 5, 5], [10, 10, 10]).overdispersed


def test_p_chart_laney_widens_only():
    calm = p_chart.p_chart([500, 502, 498, 501], [1000] * 4, laney=True)
    assert calm.under_dispersed
    assert calm.sigma_z_used == 1
    wild = p_chart.p_chart([400, 600, 420, 590], [1000] * 4, laney=True)
    assert wild.sigma_z_used > 1
    assert not wild.outside.any()
    assert p_chart.p_chart([400, 600, 420, 590], [1000] * 4).outside.all()
    assert math.isnan(p_chart.p_chart([4], [10], laney=True).sigma_z)
    assert p_chart.p_chart([0, 0], [5, 5], laney=True).upper.tolist() == [0, 0]


def test_xmr_gaps_stay_gaps_and_limits_stay_frozen():
    limits = xmr.xmr_limits([1.0, 2.0, None, 9.0, 8.0])
    assert (limits.mean_range, limits.n, limits.firm) == (1.0, 4, False)
    chart = xmr.xmr_chart([50.0, None, 50.0], limits)
    assert chart.limits is limits
    assert [len(rules) for rules in chart.rules] == [1, 0, 1]
    assert np.isnan(chart.moving_range).all()
    assert xmr.xmr_chart([], limits).rules == ()


def test_xmr_equal_values_are_no_signal():
    chart = xmr.xmr_chart([0.1] * 15)
    assert not (chart.high | chart.low).any()
    assert chart.limits.lower == chart.limits.upper == pytest.approx(0.1)


def test_xmr_drops_a_large_range_once():
    values = [10.0, 11.0] * 8 + [60.0, 61.0]
    assert xmr.xmr_limits(values).mean_range == 1.0


def test_xmr_falling_trend_is_low():
    limits = xmr.xmr_limits([42, 45, 41, 44, 47, 43, 40, 46, 44, 42, 45, 43])
    chart = xmr.xmr_chart([47, 46, 45, 44, 43, 42, 41], limits)
    assert all(xmr.XmrRule.TREND in rules for rules in chart.rules)
    assert chart.low.all()
    assert not chart.high.any()


def test_xmr_assurance_follows_direction():
    limits = xmr.xmr_limits([10, 11, 10, 11])
    assert xmr.assurance(limits, 30, higher_is_better=False) is xmr.Assurance.CONSISTENTLY_PASSES
    assert xmr.assurance(limits, 1, higher_is_better=False) is xmr.Assurance.CONSISTENTLY_FAILS


def test_light_without_spread_and_in_the_other_direction():
    assert light.light(0.5, 0, 0.5, 0, 0.03).state is Light.CLOSE
    assert light.light(0.605, 0.031, 0.47, 0.010, 0.03, better=Better.LOWER).state is Light.BELOW
    assert light.light(0.38, 0.030, 0.47, 0.010, 0.03, better=Better.LOWER).state is Light.ABOVE


@pytest.mark.parametrize(
    ("estimate", "n", "tau2", "se", "min_reliability"),
    [
        (0.55, 40, 0.005, 0.01, 0.0),
        (0.35, 12, 0.01, 0.02, 0.7),
        (0.45, 30, 0.004, 0.005, 0.7),
        (0.60, 500, 0.01, 0.01, 0),
    ],
)
def test_people_needed_is_the_first_number_that_leaves_grey(estimate, n, tau2, se, min_reliability):
    needed = light.people_needed(estimate, n, 0.45, tau2, 0.45, se, 0.03, min_reliability=min_reliability)

    def grey(people):
        reliability = tau2 / (tau2 + 0.45 * 0.55 / people)
        theta = reliability * estimate + (1 - reliability) * 0.45
        state = light.light(theta, math.sqrt(tau2 * (1 - reliability)), 0.45, se, 0.03).state
        return state is Light.UNKNOWN or reliability < min_reliability

    assert needed is not None
    assert not grey(n + needed)
    assert all(grey(people) for people in range(n, n + needed))


def test_people_needed_is_none_when_more_people_cannot_help():
    assert light.people_needed(0.48, 40, 0.45, 0.005, 0.45, 0.01, 0.03) is None
    assert light.people_needed(0.60, 40, 0.45, 0.0, 0.45, 0.05, 0.03, min_reliability=0.7) is None
    assert light.people_needed(0.9, 10, 0.45, 0.01, 0.45, 0.01, 0.03, at_most=5) is None
    assert light.people_needed(0.0, 10, 0.0, 0.01, 0.0, 0.01, 0.03) is None


def test_rubin_without_disagreement_or_variance():
    same = imputation.rubin_rules([0.4, 0.4, 0.4], [0.01, 0.01, 0.01])
    assert (same.missing_information, same.df) == (0, math.inf)
    assert same.upper - 0.4 == pytest.approx(1.959964 * 0.1, rel=1e-6)
    only_between = imputation.rubin_rules([0.3, 0.5], [0.0, 0.0], df_complete=50)
    assert only_between.missing_information == 1
    assert only_between.df == only_between.df_rubin
    assert imputation.rubin_rules([0.4, 0.4], [0.0, 0.0]).se == 0


def test_cutoff_a_without_a_normal_sample():
    cuts = change.jacobson_cutoffs(16, 5, lower_is_better=True)
    assert cuts.a == 6
    assert math.isnan(cuts.b)
    assert math.isnan(cuts.c)
    assert change.jacobson_cutoffs(16, 5, lower_is_better=False).a == 26


def test_hyper_uncertainty_shrinks_with_many_clinics():
    generator = np.random.default_rng(9)
    y = generator.normal(0.45, np.sqrt(0.005 + 0.002), 400)
    v = np.full(400, 0.002)
    ratio = hyper_uncertainty.posterior_sd(y, v) / shrinkage.shrink(y, v).sd
    assert ratio == pytest.approx(np.ones(400), abs=0.08)
    assert (hyper_uncertainty.posterior_sd(y[:6], v[:6]) > shrinkage.shrink(y[:6], v[:6]).sd).all()


def test_bayesian_fdr_of_no_flags_is_zero():
    assert multiplicity.bayesian_false_discovery_rate([]) == 0
    assert multiplicity.benjamini_hochberg([]).shape == (0,)


def test_volume_correlation_is_spearman_with_ties():
    met, n = [5, 6, 9, 20, 30, 8], [10, 20, 20, 50, 50, 40]
    expected = scipy.stats.spearmanr(np.divide(met, n), n).statistic
    assert funnel.funnel(met, n).volume_correlation == pytest.approx(expected)


def test_quantile_functions_equal_those_of_scipy_stats():
    events = np.array([0, 1, 2, 7, 50, 4000])
    lower, upper = intervals.poisson_exact(events)
    assert lower[1:] == pytest.approx(scipy.stats.chi2.ppf(0.025, 2 * events[1:]) / 2, rel=1e-10)
    assert upper == pytest.approx(scipy.stats.chi2.ppf(0.975, 2 * events + 2) / 2, rel=1e-10)
    low, high = intervals.t_interval(5.0, 2.0, np.array([2, 5, 400]))
    half = scipy.stats.t.ppf(0.975, np.array([1, 4, 399])) * 2.0 / np.sqrt([2, 5, 400])
    assert (high - low) / 2 == pytest.approx(half, rel=1e-10)


def test_models_do_not_load_the_heavy_part_of_scipy():
    """A person waits for the command line; scipy.stats alone costs more than half a second."""
    imports = ", ".join(f"benchwell.models.{name}" for name in OWN)
    code = f"import sys, {imports}; print('scipy.stats' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
