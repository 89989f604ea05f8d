"""What must hold for any clinics: ranges, orders, invariances, and agreement with slow plain-Python twins."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchwell.models.achievable import achievable_benchmark
from benchwell.models.deciles import constrained_percentile_of_proportions, top_decile_of_proportions
from benchwell.models.effect_size import paired_effect_size
from benchwell.models.heterogeneity import (
    cochran_q,
    pooled_binomial_variance,
    tau2_dersimonian_laird,
    tau2_paule_mandel,
    tau2_profile_interval,
)
from benchwell.models.intervals import clopper_pearson, poisson_exact, wilson
from benchwell.models.light import light_probabilities
from benchwell.models.missing import followup_bounds, tipping_point
from benchwell.models.multiplicity import benjamini_hochberg, benjamini_yekutieli
from benchwell.models.noise import expected_top_mean_of_noise
from benchwell.models.quantiles import quantile_type7, weighted_quantile
from benchwell.models.resampling import (
    cluster_bootstrap,
    jackknife,
    jackknife_pooled_rate,
    leave_one_out_pooled_rate,
    pooled_rate,
)
from benchwell.models.saes import saes, saes_reference
from benchwell.models.shrinkage import constrained_empirical_bayes, minimum_n, shrink
from benchwell.models.strata import borrow, poststratify
from benchwell.models.weighting import WeightedSums, inverse_probability_mean, weighted_mean_from_sums
from benchwell.models.xmr import XmrRule, xmr_chart, xmr_limits
from benchwell.terms import Better

# The same examples in every run, and no time limit: the machine may be busy.
STEADY = settings(deadline=None, derandomize=True)


@st.composite
def clinics(draw, min_size=1, max_size=25):
    n = draw(st.lists(st.integers(1, 400), min_size=min_size, max_size=max_size))
    met = [draw(st.integers(0, people)) for people in n]
    return np.array(met), np.array(n)


rates = st.floats(0, 1, allow_nan=False)


@STEADY
@given(clinics(), st.sampled_from([0.8, 0.95, 0.998]))
def test_wilson_lies_in_the_unit_interval_and_holds_the_rate(data, level):
    met, n = data
    lower, upper = wilson(met, n, level)
    assert ((lower >= 0) & (upper <= 1)).all()
    assert ((lower <= met / n) & (met / n <= upper)).all()


@STEADY
@given(clinics())
def test_intervals_mirror_when_success_and_failure_change_places(data):
    met, n = data
    for method in (wilson, clopper_pearson):
        lower, upper = method(met, n)
        mirrored_lower, mirrored_upper = method(n - met, n)
        assert lower == pytest.approx(1 - mirrored_upper, abs=1e-9)
        assert upper == pytest.approx(1 - mirrored_lower, abs=1e-9)


@STEADY
@given(clinics())
def test_clopper_pearson_holds_the_rate_and_poisson_the_count(data):
    met, n = data
    lower, upper = clopper_pearson(met, n)
    assert ((lower <= met / n + 1e-12) & (met / n <= upper + 1e-12)).all()
    low, high = poisson_exact(met, n)
    assert ((low <= met / n) & (met / n <= high)).all()


@STEADY
@given(clinics(), st.integers(0, 200), rates)
def test_bounds_hold_every_completion_of_the_data_and_the_tipping_point_flips(data, missing, benchmark):
    met, followed = data
    eligible = followed + missing
    bounds = followup_bounds(met, followed, eligible)
    assert (bounds.worst <= bounds.best + 1e-12).all()
    observed = met / followed
    assert ((bounds.worst <= observed + 1e-12) & (observed <= bounds.best + 1e-12)).all()
    tip = tipping_point(met, followed, eligible, benchmark)
    if missing:
        assert (met + tip.rate * missing) / eligible == pytest.approx(np.full(len(met), benchmark), abs=1e-9)
        # Robust: both extremes fall on the same side of the benchmark.
        sides = (bounds.worst - benchmark) * (bounds.best - benchmark)
        assert (sides[tip.robust] >= -1e-12).all()
        assert (sides[~tip.robust] <= 1e-12).all()
    else:
        assert tip.robust.all()


def slow_weighted_quantile(values, weights, p):
    total = sum(weights)
    running = 0
    for value, weight in sorted(pair for pair in zip(values, weights, strict=True) if pair[1] > 0):
        running += weight
        if running >= p * total - 1e-9 * total:
            return value
    raise AssertionError


@STEADY
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 50)), min_size=1, max_size=30).filter(
        lambda pairs: any(weight for _, weight in pairs)
    ),
    st.integers(0, 100),
)
def test_weighted_quantile_equals_its_slow_twin(pairs, percent):
    values, weights = [v / 20 for v, _ in pairs], [w for _, w in pairs]
    assert weighted_quantile(values, weights, percent / 100) == slow_weighted_quantile(values, weights, percent / 100)


@STEADY
@given(st.lists(rates, min_size=1, max_size=30), st.integers(0, 100))
def test_type7_equals_its_slow_twin(values, percent):
    ordered = sorted(values)
    h = (len(ordered) - 1) * percent / 100
    below = ordered[math.floor(h)]
    expected = below + (h - math.floor(h)) * (ordered[math.ceil(h)] - below)
    assert quantile_type7(values, percent / 100) == pytest.approx(expected, abs=1e-12)


weighted_people = st.lists(st.tuples(st.floats(-20, 20), st.floats(0.1, 20)), min_size=1, max_size=30)


@STEADY
@given(weighted_people, st.floats(0.1, 10))
def test_weighted_mean_equals_its_slow_twin_and_ignores_the_scale_of_weights(pairs, factor):
    y, w = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    mean = sum(a * b for a, b in pairs) / sum(w)
    se = math.sqrt(sum((b * (a - mean)) ** 2 for a, b in pairs)) / sum(w)
    result = inverse_probability_mean(y, w)
    assert result.estimate == pytest.approx(mean, abs=1e-9)
    assert result.se == pytest.approx(se, abs=1e-5)  # from sums: rounding shows when all values are equal
    assert 1 - 1e-9 <= result.effective_n <= len(w) + 1e-9
    assert min(y) - 1e-9 <= result.estimate <= max(y) + 1e-9
    scaled = inverse_probability_mean(y, np.array(w) * factor)
    assert scaled.estimate == pytest.approx(result.estimate, abs=1e-9)
    assert scaled.effective_n == pytest.approx(result.effective_n)


@STEADY
@given(weighted_people, weighted_people)
def test_sums_of_weights_add_up_over_parts(first, second):
    def sums(pairs):
        return WeightedSums.of([p[0] for p in pairs], [p[1] for p in pairs])

    parts, whole = [sums(first), sums(second)], sums(first + second)
    added = WeightedSums(*(sum(getattr(part, field) for part in parts) for field in vars(whole)))
    one, other = weighted_mean_from_sums(added), weighted_mean_from_sums(whole)
    assert one.estimate == pytest.approx(other.estimate, abs=1e-9)
    assert one.effective_n == pytest.approx(other.effective_n)


@STEADY
@given(clinics(min_size=2))
def test_shrunken_lies_between_estimate_and_mean(data):
    met, n = data
    y, v = met / n, pooled_binomial_variance(met, n)
    result = shrink(y, v)
    low, high = np.minimum(y, result.mean), np.maximum(y, result.mean)
    assert ((low - 1e-12 <= result.shrunken) & (result.shrunken <= high + 1e-12)).all()
    assert ((result.reliability >= 0) & (result.reliability < 1)).all()
    assert (result.sd**2 <= result.tau2 + 1e-15).all()
    assert y.min() - 1e-12 <= result.mean <= y.max() + 1e-12


@STEADY
@given(clinics(min_size=2))
def test_constrained_eb_has_the_posterior_expected_variance_and_mean(data):
    met, n = data
    result = shrink(met / n, pooled_binomial_variance(met, n))
    stretched = constrained_empirical_bayes(result)
    assert stretched.a >= 1
    assert stretched.values.mean() == pytest.approx(result.shrunken.mean(), abs=1e-12)
    if np.ptp(result.shrunken) > 1e-9:
        k = len(n)
        wanted = (1 - 1 / k) * (result.sd**2).sum() + ((result.shrunken - result.shrunken.mean()) ** 2).sum()
        assert ((stretched.values - stretched.mean) ** 2).sum() == pytest.approx(wanted, rel=1e-9)


@STEADY
@given(clinics(min_size=2))
def test_moment_estimators_solve_their_equations(data):
    met, n = data
    y, v = met / n, pooled_binomial_variance(met, n)
    w = [1 / variance for variance in v]
    mean = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
    q = sum(a * (b - mean) ** 2 for a, b in zip(w, y, strict=True))
    scale = sum(w) - sum(a * a for a in w) / sum(w)
    assert tau2_dersimonian_laird(y, v) == pytest.approx(max(0, (q - (len(w) - 1)) / scale), rel=1e-9, abs=1e-14)
    tau2 = tau2_paule_mandel(y, v)
    if tau2 > 0:
        assert cochran_q(y, v, tau2) == pytest.approx(len(w) - 1, rel=1e-6)
    else:
        assert cochran_q(y, v) <= len(w) - 1 + 1e-9


@settings(STEADY, max_examples=40)
@given(clinics(min_size=3, max_size=12))
def test_profile_interval_equals_a_grid_search(data):
    met, n = data
    y, v = met / n, pooled_binomial_variance(met, n)
    interval = tau2_profile_interval(y, v)
    assert 0 <= interval.lower <= interval.estimate <= interval.upper

    def profile(tau2):
        w = 1 / (v + tau2)
        mean = (w * y).sum() / w.sum()
        return 0.5 * np.log(w).sum() - 0.5 * (w * (y - mean) ** 2).sum()

    grid = np.linspace(0, max(4 * y.var(), 1e-6), 400)
    heights = np.array([profile(tau2) for tau2 in grid])
    assert profile(interval.estimate) >= heights.max() - 1e-9
    cut = profile(interval.estimate) - 3.841458820694124 / 2
    if interval.lower > 0:
        assert profile(interval.lower) == pytest.approx(cut, abs=1e-6)
        assert profile(0.0) < cut
    else:
        assert profile(0.0) >= cut - 1e-6
    assert profile(interval.upper) == pytest.approx(cut, abs=1e-6)


@STEADY
@given(clinics(min_size=2))
def test_top_decile_turns_over_with_the_outcome(data):
    """The favorable decile of successes is one minus that of failures, when lower is better for failures."""
    met, n = data
    up, down = top_decile_of_proportions(met, n), top_decile_of_proportions(n - met, n, better=Better.LOWER)
    for field in ("raw", "raw_top", "raw_top_mean", "empirical_bayes", "constrained", "model", "model_top_mean"):
        assert getattr(up, field) == pytest.approx(1 - getattr(down, field), abs=1e-9)
    assert up.raw <= up.raw_top + 1e-12
    assert up.model <= up.model_top_mean + 1e-12


@settings(STEADY, max_examples=25)
@given(clinics(min_size=2, max_size=12), st.integers(0, 2**31))
def test_decile_over_replicates_equals_one_replicate_at_a_time(data, seed):
    met, n = data
    rows = np.random.default_rng(seed).integers(0, len(n), size=(7, len(n)))
    together = constrained_percentile_of_proportions(met[rows], n[rows], 0.9)
    alone = [top_decile_of_proportions(met[row], n[row]).constrained for row in rows]
    assert together == pytest.approx(alone, abs=1e-9)


def slow_abc(met, n, favorable):
    order = sorted(range(len(n)), key=lambda i: (-favorable * (met[i] + 1) / (n[i] + 2), -n[i]))
    x = people = 0
    for i in order:
        x, people = x + met[i], people + n[i]
        if 10 * people >= sum(n):
            return x / people
    raise AssertionError


@STEADY
@given(clinics(), st.randoms(use_true_random=False))
def test_abc_equals_its_slow_twin_in_any_order(data, random):
    met, n = data
    shuffled = list(range(len(n)))
    random.shuffle(shuffled)
    result = achievable_benchmark(met, n)
    assert result.benchmark == pytest.approx(slow_abc(met.tolist(), n.tolist(), 1))
    assert achievable_benchmark(met[shuffled], n[shuffled]).benchmark == pytest.approx(result.benchmark)
    low = achievable_benchmark(n - met, n, better=Better.LOWER)
    assert low.benchmark == pytest.approx(1 - result.benchmark)


@STEADY
@given(clinics(min_size=2))
def test_jackknife_equals_brute_force(data):
    met, n = data
    k = len(n)
    without = [(met.sum() - met[i]) / (n.sum() - n[i]) for i in range(k)]
    se = math.sqrt((k - 1) / k * sum((rate - sum(without) / k) ** 2 for rate in without))
    for result in (jackknife_pooled_rate(met, n), jackknife(pooled_rate, met, n)):
        assert result.leave_one_out == pytest.approx(without, abs=1e-12)
        assert result.se == pytest.approx(se, abs=1e-12)


@settings(STEADY, max_examples=30)
@given(clinics(min_size=3, max_size=10))
def test_leave_one_out_equals_brute_force(data):
    met, n = data
    result = leave_one_out_pooled_rate(met, n)
    p = pooled_binomial_variance(met, n)
    for j in range(len(n)):
        keep = np.arange(len(n)) != j
        others = jackknife_pooled_rate(met[keep], n[keep])
        assert result.benchmark[j] == pytest.approx(others.estimate)
        assert result.gap[j] == pytest.approx(met[j] / n[j] - others.estimate, abs=1e-12)
        assert result.gap_variance[j] == pytest.approx(p[j] + others.se**2, abs=1e-12)


@settings(STEADY, max_examples=20)
@given(clinics(min_size=2, max_size=10), st.integers(0, 2**31))
def test_bootstrap_repeats_with_its_seed_and_stays_in_range(data, seed):
    met, n = data
    first = cluster_bootstrap(pooled_rate, met, n, replicates=50, seed=seed)
    again = cluster_bootstrap(pooled_rate, met, n, replicates=50, seed=seed)
    assert (first.replicates == again.replicates).all()
    assert (met / n).min() - 1e-12 <= first.lower <= first.upper <= (met / n).max() + 1e-12


@STEADY
@given(st.lists(rates, min_size=1, max_size=40))
def test_adjusted_p_values_keep_their_order_and_grow(p):
    bh, by = benjamini_hochberg(p), benjamini_yekutieli(p)
    order = np.argsort(p, kind="stable")
    assert (np.diff(bh[order]) >= -1e-15).all()
    assert (bh >= np.array(p) - 1e-15).all()
    assert (by >= bh - 1e-15).all()
    assert (by <= 1).all()
    # The step-up rule itself, as first written: the largest i with p_(i) <= q i / m.
    for q in (0.05, 0.1, 0.5):
        m, ranked = len(p), sorted(p)
        largest = max((i for i in range(1, m + 1) if ranked[i - 1] * m / i <= q), default=0)
        assert (bh <= q).sum() == sum(value <= ranked[largest - 1] for value in p) * (largest > 0)


@STEADY
@given(st.floats(-1, 1), st.floats(0, 1), st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_light_probabilities_add_up_and_mirror(theta, sd, benchmark, se, delta):
    above, near, below = light_probabilities(theta, sd, benchmark, se, delta)
    assert above + near + below == pytest.approx(1, abs=1e-9)
    assert min(above, near, below) >= 0
    mirrored = light_probabilities(theta, sd, benchmark, se, delta, Better.LOWER)
    assert [float(p) for p in (below, near, above)] == pytest.approx([float(p) for p in mirrored], abs=1e-12)


@STEADY
@given(st.floats(0.001, 0.5), st.floats(0.1, 0.95))
def test_minimum_n_is_the_first_that_reaches_the_reliability(icc, reliability):
    n = int(minimum_n(icc, reliability))

    def reached(people):
        return people * icc / (people * icc + 1 - icc)

    assert reached(n) >= reliability - 1e-9
    if n > 1:
        assert reached(n - 1) < reliability + 1e-9


@STEADY
@given(st.floats(0.05, 0.95), st.integers(1, 12), st.integers(1, 8))
def test_top_of_noise_equals_a_slow_sum(p, n, k):
    pmf = [math.comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(n + 1)]
    cdf = np.minimum(np.cumsum(pmf), 1.0)
    expected_maximum = sum(x * (cdf[x] ** k - (cdf[x - 1] ** k if x else 0)) for x in range(n + 1)) / n
    assert expected_top_mean_of_noise(p, n, clinics=k) == pytest.approx(expected_maximum, abs=1e-9)
    assert expected_top_mean_of_noise(p, n, clinics=k, top=k) == pytest.approx(p, abs=1e-9)


@STEADY
@given(clinics(min_size=2, max_size=10))
def test_strata_without_features_borrow_like_clinics_shrink(data):
    met, n = data
    y, v = met / n, pooled_binomial_variance(met, n)
    strata, clinic = borrow(y, v), shrink(y, v)
    assert strata.tau2 == pytest.approx(clinic.tau2, abs=1e-9)
    assert strata.values == pytest.approx(clinic.shrunken, abs=1e-6)
    assert y.min() - 1e-9 <= poststratify(y, n) <= y.max() + 1e-9


pairs = st.lists(st.tuples(st.integers(0, 27), st.integers(0, 27)), min_size=3, max_size=30).filter(
    lambda scores: len({before for before, _ in scores}) > 1
)


@STEADY
@given(pairs)
def test_saes_of_the_reference_sample_averages_to_its_own_gain(scores):
    before, after = np.array(scores, dtype=float).T
    reference = saes_reference(before, after)
    values = saes(reference, before, after)
    assert values.mean() == pytest.approx(reference.mean_gain / reference.sd, abs=1e-8)
    assert saes(reference, before.mean(), after.mean()) == pytest.approx(values.mean(), abs=1e-8)


@STEADY
@given(pairs)
def test_effect_size_equals_its_slow_twin_and_turns_with_direction(scores):
    before, after = np.array(scores, dtype=float).T
    result = paired_effect_size(before, after)
    d = (before.mean() - after.mean()) / before.std(ddof=1)
    assert result.d == pytest.approx(d, abs=1e-9)
    assert abs(result.g) <= abs(result.d)
    assert paired_effect_size(before, after, Better.HIGHER).d == pytest.approx(-d, abs=1e-9)


def slow_xmr_rules(values, limits):
    """The four rules, point by point, as a reader of the guidance would apply them with a pencil."""
    found = [set() for _ in values]
    for i, x in enumerate(values):
        if x is not None and not limits.lower <= x <= limits.upper:
            found[i].add(XmrRule.OUTSIDE)
    for start in range(len(values)):
        for stop in range(start + 3, len(values) + 1):
            window = values[start:stop]
            if None in window:
                continue
            points = range(start, stop)
            for side in (1, -1):
                distance = [side * (x - limits.mean) for x in window]
                near = limits.near_upper - limits.mean
                if len(window) >= 7 and all(d > 0 for d in distance):
                    [found[i].add(XmrRule.SHIFT) for i in points]
                if len(window) >= 7 and all(b > a for a, b in pairwise(distance)):
                    [found[i].add(XmrRule.TREND) for i in points]
                if len(window) == 3 and all(d > 0 for d in distance) and sum(d > near for d in distance) >= 2:
                    [found[i].add(XmrRule.TWO_OF_THREE) for i, d in zip(points, distance, strict=True) if d > near]
    return found


@settings(STEADY, max_examples=200)
@given(st.lists(st.one_of(st.none(), st.integers(30, 60)), min_size=1, max_size=24))
def test_xmr_rules_equal_their_slow_twin_with_gaps(values):
    limits = xmr_limits([42, 45, 41, 44, 47, 43, 40, 46, 44, 42, 45, 43.5])
    chart = xmr_chart(values, limits)
    assert [set(rules) for rules in chart.rules] == slow_xmr_rules(values, limits)
    assert [np.isnan(x) for x in chart.values] == [x is None for x in values]
