"""Standardization, within-clinic slopes, places, checks and CUSUM against slow plain-Python twins, on any data."""

from __future__ import annotations

import math
from itertools import chain, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special, stats

from benchwell.models.calibration import calibration, calibration_by_group
from benchwell.models.calibration_binned import BinnedPredictions, bin_predictions, binned_calibration, merge_small_bins
from benchwell.models.continuous_calibration import continuous_calibration
from benchwell.models.cusum import cusum, cusum_weights, vlad
from benchwell.models.direct import direct_rate, direct_rates_from_rows
from benchwell.models.discrimination import c_statistic
from benchwell.models.fixed_effects_logistic import deviations_and_means, fit_fixed_effects_logistic
from benchwell.models.indirect import observed_expected, ratio_limits_of_groups
from benchwell.models.intervals import clopper_pearson
from benchwell.models.logistic_regression import fit_logistic
from benchwell.models.mixed_statistics import MixedStatistics
from benchwell.models.multiplicity import benjamini_hochberg, edition_discoveries
from benchwell.models.poisson_binomial import poisson_binomial_pmf, ratio_limits
from benchwell.models.predicted_expected import marginal_chance, predicted_expected
from benchwell.models.ranks import posterior_ranks, rank_confidence_sets
from benchwell.models.within_between import within_between
from benchwell.terms import Better

# The same examples in every run, and no time limit: the machine may be busy.
STEADY = settings(deadline=None, derandomize=True, max_examples=60)

chances = st.floats(0.01, 0.99)
seeds = st.integers(0, 10_000)


def expit(x):
    return 1 / (1 + math.exp(-x))


def logit(p):
    return math.log(p / (1 - p))


@st.composite
def predictions(draw, min_size=1, max_size=30):
    p = draw(st.lists(st.one_of(chances, st.sampled_from([0.2, 0.5])), min_size=min_size, max_size=max_size))
    return p, [draw(st.integers(0, 1)) for _ in p]


def people(seed, clinics=6, effect_sd=0.7, most=25):
    """Rows of a small network: linear predictor, outcome, clinic."""
    rng = np.random.default_rng(seed)
    clinic = np.repeat(np.arange(clinics), rng.integers(1, most, size=clinics))
    lp = rng.normal(-0.3, 1.0, size=len(clinic))
    outcome = rng.random(len(clinic)) < special.expit(lp + rng.normal(0, effect_sd, size=clinics)[clinic])
    return lp, outcome.astype(float), clinic


def convolved(p):
    """One person after another: the distribution of the number of successes."""
    pmf = [1.0]
    for chance in p:
        pmf = [
            (pmf[s] * (1 - chance) if s < len(pmf) else 0.0) + (pmf[s - 1] * chance if s else 0.0)
            for s in range(len(pmf) + 1)
        ]
    return pmf


@STEADY
@given(st.lists(st.floats(0, 1), max_size=150))
def test_poisson_binomial_is_that_of_one_person_after_another(p):
    assert poisson_binomial_pmf(p) == pytest.approx(convolved(p), rel=1e-9, abs=1e-290)


@STEADY
@given(st.lists(chances, max_size=9))
def test_poisson_binomial_is_that_of_all_outcomes_listed(p):
    listed = [0.0] * (len(p) + 1)
    for outcome in product([0, 1], repeat=len(p)):
        listed[sum(outcome)] += math.prod(q if met else 1 - q for q, met in zip(p, outcome, strict=True))
    assert poisson_binomial_pmf(p) == pytest.approx(listed, rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 1000, 3000])
def test_poisson_binomial_of_equal_chances_is_binomial(n):
    pmf = poisson_binomial_pmf(np.full(n, 0.37))
    expected = stats.binom.pmf(np.arange(n + 1), n, 0.37)
    large = expected > 1e-250
    assert pmf[large] == pytest.approx(expected[large], rel=1e-8)
    assert pmf.sum() == pytest.approx(1, rel=1e-12)


@STEADY
@given(predictions(max_size=12), st.sampled_from([0.8, 0.95, 0.998]))
def test_exact_ratio_limits_leave_the_tails_they_promise(data, level):
    p, y = data
    count, tail = sum(y), (1 - level) / 2
    limits = ratio_limits(p, count, level)
    pmf = convolved(p)
    assert limits.p_at_most == pytest.approx(sum(pmf[: count + 1]), rel=1e-9)
    assert limits.p_at_least == pytest.approx(sum(pmf[count:]), rel=1e-9)

    def tails_at(ratio):
        """Tails after shifting all log odds until the expected count is ratio times the usual one."""
        low, high = -60.0, 60.0
        for _ in range(200):
            middle = (low + high) / 2
            if sum(expit(logit(q) + middle) for q in p) < ratio * sum(p):
                low = middle
            else:
                high = middle
        shifted = convolved([expit(logit(q) + low) for q in p])
        return sum(shifted[: count + 1]), sum(shifted[count:])

    if count > 0:
        assert tails_at(limits.lower)[1] == pytest.approx(tail, rel=1e-5)
    else:
        assert limits.lower == 0
    if count < len(p):
        assert tails_at(limits.upper)[0] == pytest.approx(tail, rel=1e-5)
    else:
        assert limits.upper == pytest.approx(len(p) / sum(p))


@STEADY
@given(st.integers(1, 400), chances, st.data())
def test_exact_ratio_limits_of_equal_chances_are_clopper_and_pearsons(n, p, data):
    count = data.draw(st.integers(0, n))
    limits = ratio_limits([p] * n, count)
    lower, upper = clopper_pearson(count, n)
    assert (limits.lower * p, limits.upper * p) == (pytest.approx(float(lower), rel=1e-7), pytest.approx(float(upper)))


@STEADY
@given(seeds)
def test_observed_over_expected_holds_whatever_the_order_of_people(seed):
    lp, y, clinic = people(seed)
    p = special.expit(lp)
    order = np.random.default_rng(seed).permutation(len(y))
    first = ratio_limits_of_groups(p, y, clinic, 7)
    again = ratio_limits_of_groups(p[order], y[order], clinic[order], 7)
    assert first.method == again.method
    assert first.method[6].value == "none"
    assert first.lower == pytest.approx(again.lower, nan_ok=True)
    assert first.p_value == pytest.approx(again.p_value, nan_ok=True)
    sums = [[float(v[clinic == j].sum()) for j in range(7)] for v in (y, p, p * (1 - p))]
    result = observed_expected(*sums, 0.4)
    for j in range(6):
        assert result.z[j] == pytest.approx((sums[0][j] - sums[1][j]) / math.sqrt(sums[2][j]))
        assert result.rate[j] == pytest.approx(min(1, 0.4 * sums[0][j] / sums[1][j]))
    assert math.isnan(result.ratio[6])


def slow_shift(lp, y):
    """Bisection for the shift at which expected and observed agree; half a person more if none or all had it."""
    rows, met = list(lp), float(sum(y))
    if met in (0, len(rows)):
        rows, met = [*rows, sum(rows) / len(rows)], met + 0.5
    low, high = -80.0, 80.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(expit(middle + x) for x in rows) < met else (low, middle)
    return low, 1 / sum(expit(low + x) * (1 - expit(low + x)) for x in rows)


@STEADY
@given(seeds, st.floats(0.1, 4))
def test_direct_rates_are_those_of_bisection(seed, effect_sd):
    lp, y, clinic = people(seed, effect_sd=effect_sd)
    reference = np.random.default_rng(seed + 1).normal(size=11)
    rates = direct_rates_from_rows(lp, y, clinic, 7, reference)
    for j in range(6):
        shift, variance = slow_shift(lp[clinic == j].tolist(), y[clinic == j].tolist())
        assert rates.shift[j] == pytest.approx(shift, rel=1e-7, abs=1e-8)
        assert rates.shift_variance[j] == pytest.approx(variance, rel=1e-7)
        chances_there = [expit(shift + x) for x in reference]
        slope = sum(q * (1 - q) for q in chances_there) / 11
        assert rates.rate[j] == pytest.approx(sum(chances_there) / 11, rel=1e-7)
        assert rates.variance[j] == pytest.approx(slope**2 * variance, rel=1e-6)
        assert rates.half_counted[j] == (y[clinic == j].mean() in (0, 1))
    assert math.isnan(rates.rate[6])


@STEADY
@given(seeds)
def test_whole_weights_are_repeated_people_and_equal_ones_cancel_from_rates(seed):
    lp, y, clinic = people(seed)
    weight = np.random.default_rng(seed).integers(1, 4, size=len(y))
    weighted = direct_rates_from_rows(lp, y, clinic, 6, [0.0, 1.0], weight)
    repeated = direct_rates_from_rows(*(np.repeat(v, weight) for v in (lp, y, clinic)), 6, [0.0, 1.0])
    mixed = ~weighted.half_counted
    assert weighted.rate[mixed] == pytest.approx(repeated.rate[mixed], rel=1e-8)
    assert (weighted.variance > 0).all()


def test_gathered_reference_moves_rates_by_less_than_it_says():
    rng = np.random.default_rng(5)
    reference = rng.normal(0.2, 1.3, size=50_000)
    effect = np.array([-3.0, -0.4, 0.0, 0.7, 3.0])
    exact = [float(special.expit(one - 0.2 + reference).mean()) for one in effect]
    assert direct_rate(-0.2, effect, reference) == pytest.approx(exact, abs=2e-8)


@STEADY
@given(seeds, st.floats(0, 2))
def test_predicted_and_expected_are_sums_over_people(seed, tau):
    lp, _, clinic = people(seed)
    effect = np.random.default_rng(seed).normal(size=6)
    result = predicted_expected(lp, clinic, effect, 0.4, intercept=0.1, tau2=tau**2)
    grid = np.linspace(-9, 9, 4001)
    density = np.exp(-0.5 * grid**2) / np.exp(-0.5 * grid**2).sum()
    for j in range(6):
        own = lp[clinic == j] + 0.1
        assert result.predicted[j] == pytest.approx(sum(expit(x + effect[j]) for x in own), rel=1e-10)
        marginal = sum(float(special.expit(x + tau * grid) @ density) for x in own)
        assert result.expected[j] == pytest.approx(marginal, rel=1e-5)
    assert marginal_chance(lp, 0.0) == pytest.approx(special.expit(lp), rel=1e-12)


def statistics(X, y, clinic, clinics):
    designs = [np.column_stack([np.ones((clinic == j).sum()), X[clinic == j]]) for j in range(clinics)]
    own = [y[clinic == j] for j in range(clinics)]
    return MixedStatistics.from_sites(
        [len(one) for one in own],
        [D.T @ D for D in designs],
        [D.T @ one for D, one in zip(designs, own, strict=True)],
        [one @ one for one in own],
    )


@STEADY
@given(seeds, st.integers(1, 3))
def test_within_slopes_are_those_of_dummies_and_mundlak_agrees(seed, columns):
    rng = np.random.default_rng(seed)
    clinic = np.repeat(np.arange(12), rng.integers(2, 12, size=12))
    X = rng.normal(size=(len(clinic), columns)) + rng.normal(size=(12, columns))[clinic]
    y = X.sum(axis=1) + rng.normal(size=12)[clinic] * 2 + rng.normal(size=len(clinic))
    result = within_between(statistics(X, y, clinic, 12))
    dummies = np.column_stack([np.eye(12)[clinic], X])
    dense, (rss,), *_ = np.linalg.lstsq(dummies, y, rcond=None)
    assert result.within.values == pytest.approx(dense[12:], rel=1e-7)
    assert result.posts == pytest.approx(dense[:12], rel=1e-7, abs=1e-9)
    residual = rss / (len(y) - 12 - columns)
    assert result.residual_variance == pytest.approx(residual, rel=1e-7)
    spread = residual * np.linalg.inv(dummies.T @ dummies)[12:, 12:]
    assert result.within.covariance == pytest.approx(spread, rel=1e-6, abs=1e-12)
    pooled = np.linalg.lstsq(np.column_stack([np.ones(len(y)), X]), y, rcond=None)[0][1:]
    assert result.pooled.values == pytest.approx(pooled, rel=1e-7)
    # Mundlak's model estimates the same within slopes, so between = within + contrast.
    assert result.between.values - result.contrast.values == pytest.approx(result.within.values, rel=1e-6, abs=1e-8)
    assert result.df == columns
    assert 0 <= result.p <= 1


@STEADY
@given(seeds, st.integers(1, 3))
def test_blockwise_logistic_fit_is_that_of_dummies(seed, columns):
    rng = np.random.default_rng(seed)
    clinic = np.repeat(np.arange(8), rng.integers(15, 50, size=8))
    X = rng.normal(size=(len(clinic), columns)) * 2 + 5
    y = (rng.random(len(clinic)) < special.expit(0.3 * (X - 5).sum(axis=1) + rng.normal(size=8)[clinic])).astype(float)
    rates = np.bincount(clinic, weights=y) / np.bincount(clinic)
    assume(((rates > 0) & (rates < 1)).all())
    fit = fit_fixed_effects_logistic(X, y, clinic, 9)
    dense = fit_logistic(np.column_stack([np.eye(8)[clinic], X]), y)
    assume(dense.converged)
    assert fit.converged
    assert fit.slopes.values == pytest.approx(dense.coefficients[8:], rel=1e-6, abs=1e-8)
    assert fit.constants[:8] == pytest.approx(dense.coefficients[:8], rel=1e-6, abs=1e-7)
    assert math.isnan(fit.constants[8])
    design = np.column_stack([np.eye(8)[clinic], X])
    q = dense.probabilities(design)
    covariance = np.linalg.inv((design * (q * (1 - q))[:, None]).T @ design)[8:, 8:]
    assert fit.slopes.covariance == pytest.approx(covariance, rel=1e-5, abs=1e-10)
    deviation, mean = deviations_and_means(X, clinic, 9)
    assert deviation + mean == pytest.approx(X)
    assert [deviation[clinic == j].sum() for j in range(8)] == pytest.approx([0] * 8, abs=1e-8)


@STEADY
@given(predictions(min_size=2))
def test_c_statistic_counts_pairs(data):
    p, y = data
    pairs = [(p[i] > p[j]) + 0.5 * (p[i] == p[j]) for i in range(len(p)) for j in range(len(p)) if y[i] > y[j]]
    assert c_statistic(p, y) == pytest.approx(sum(pairs) / len(pairs) if pairs else math.nan, nan_ok=True)


@STEADY
@given(predictions(min_size=5))
def test_calibration_is_what_its_definitions_say(data):
    p, y = data
    check = calibration(p, y)
    assert check.brier == pytest.approx(sum((a - b) ** 2 for a, b in zip(p, y, strict=True)) / len(p))
    assert check.observed_expected == pytest.approx(sum(y) / sum(p))
    if 0 < sum(y) < len(y):
        assert sum(expit(logit(q) + check.in_the_large) for q in p) == pytest.approx(sum(y), rel=1e-8)
    else:
        assert math.isnan(check.in_the_large)
    if math.isfinite(check.slope):
        smooth = [expit(check.intercept + check.slope * logit(q)) for q in p]
        # Score equations of the recalibration model.
        assert sum(smooth) == pytest.approx(sum(y), rel=1e-6)
        moments = [sum(logit(q) * v for q, v in zip(p, values, strict=True)) for values in (smooth, y)]
        assert moments[0] == pytest.approx(moments[1], rel=1e-5, abs=1e-5)
        assert check.ici == pytest.approx(sum(abs(a - b) for a, b in zip(smooth, p, strict=True)) / len(p))
    by_group = calibration_by_group(p, y, [i % 2 for i in range(len(p))], 2)
    assert by_group.observed.tolist() == [sum(y[::2]), sum(y[1::2])]
    assert by_group.expected == pytest.approx([sum(p[::2]), sum(p[1::2])])


@STEADY
@given(st.lists(predictions(max_size=60), min_size=1, max_size=4), st.integers(1, 15))
def test_bins_of_sites_add_up_and_small_ones_do_not_leave(sites, k):
    tables = [bin_predictions(p, y) for p, y in sites]
    pooled = sum(tables[1:], tables[0])
    assert pooled.n == pytest.approx(bin_predictions(*(list(chain(*part)) for part in zip(*sites, strict=True))).n)
    for table in tables:
        merged = merge_small_bins(table, k)
        assert not ((merged.n > 0) & (merged.n < k)).any()
        if table.n.sum() >= k:
            for whole, part in (
                (table.n, merged.n),
                (table.expected, merged.expected),
                (table.observed, merged.observed),
            ):
                assert part.sum() == pytest.approx(whole.sum())
        else:
            assert not merged.n.any()
        assert (merged.observed <= merged.n).all()


@STEADY
@given(seeds)
def test_one_person_a_bin_gives_the_checks_of_people(seed):
    rng = np.random.default_rng(seed)
    p = np.sort(rng.uniform(0.05, 0.95, size=40))
    y = (rng.random(40) < p).astype(float)
    binned, exact = binned_calibration(BinnedPredictions(np.ones(40), p, y)), calibration(p, y)
    assume(math.isfinite(exact.slope))
    for name in ("c_statistic", "observed_expected", "in_the_large", "intercept", "slope"):
        assert getattr(binned, name) == pytest.approx(getattr(exact, name), rel=1e-6, abs=1e-7)


@STEADY
@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=3, max_size=40))
def test_continuous_checks_are_those_of_least_squares(pairs):
    f, y = (np.array(column) for column in zip(*pairs, strict=True))
    assume(np.ptp(f) > 1e-3 and np.ptp(y) > 1e-3)
    check = continuous_calibration(f, y, np.arange(len(y)) % 2, 2)
    line = stats.linregress(f, y)
    assert (check.slope, check.intercept) == (
        pytest.approx(line.slope, rel=1e-6, abs=1e-9),
        pytest.approx(line.intercept, rel=1e-6, abs=1e-7),
    )
    assert check.mean_error == pytest.approx(sum(b - a for a, b in pairs) / len(pairs), abs=1e-9)
    assert check.r2 <= line.rvalue**2 + 1e-9
    assert check.group_mean_error[1] == pytest.approx((y - f)[1::2].mean())


@STEADY
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 0.3)), min_size=2, max_size=8), seeds)
def test_places_agree_with_draws(clinics, seed):
    theta, sd = (np.array(column) for column in zip(*clinics, strict=True))
    k = len(theta)
    ranks = posterior_ranks(theta, sd, draws=1000, seed=seed)
    draws = theta + sd * np.random.default_rng(1).standard_normal((4000, k))
    places = 1 + (draws[:, None, :] > draws[:, :, None]).sum(axis=2)
    assert ranks.expected == pytest.approx(places.mean(axis=0), abs=0.25)
    assert ranks.p_first == pytest.approx((places == 1).mean(axis=0), abs=0.05)
    assert ranks.expected.sum() == pytest.approx(k * (k + 1) / 2)
    assert (ranks.lower <= ranks.upper).all()
    assert ranks.p_top_tenth == pytest.approx(ranks.p_first, abs=0.08)  # one place, up to ten clinics
    other_way = posterior_ranks(theta, sd, Better.LOWER, draws=1000, seed=seed)
    assert other_way.expected == pytest.approx(k + 1 - ranks.expected)
    first, last = rank_confidence_sets(theta, sd)
    assert (first <= last).all()


def slow_cusum(p, y, odds_ratio, limit):
    value, signals, c = [], [], 0.0
    for i, (chance, adverse) in enumerate(zip(p, y, strict=True)):
        common = 1 - chance + odds_ratio * chance
        c = max(0.0, c + math.log(odds_ratio / common if adverse else 1 / common))
        value.append(c)
        if c >= limit:
            signals.append(i)
            c = 0.0
    return value, signals


@STEADY
@given(predictions(max_size=80), st.sampled_from([2.0, 0.5, 3.0]), st.floats(0.3, 3))
def test_cusum_is_that_of_one_person_after_another(data, odds_ratio, limit):
    p, y = data
    value, signals = slow_cusum(p, y, odds_ratio, limit)
    assume(all(abs(one - limit) > 1e-9 for one in value))
    chart = cusum(p, y, odds_ratio, limit)
    assert chart.value == pytest.approx(value, abs=1e-9)
    assert chart.signals.tolist() == signals
    assert vlad(p, y)[-1] == pytest.approx(sum(p) - sum(y))
    # A change that is looked for makes the weights positive on average, no change makes them negative.
    weights = [cusum_weights(p, np.full(len(p), one), odds_ratio) for one in (1.0, 0.0)]
    assert (np.array(p) * weights[0] + (1 - np.array(p)) * weights[1] <= 1e-12).all()


@STEADY
@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=30), st.sampled_from([0.05, 0.1, 0.2]))
def test_comparisons_not_made_change_nothing(p, q):
    table = edition_discoveries(p, q)
    made = [one for one in p if not math.isnan(one)]
    assert table.adjusted[~np.isnan(np.array(p, dtype=float))] == pytest.approx(benjamini_hochberg(made))
    # Step-up by its definition: the largest i with p_(i) <= i q / m.
    passing = [i for i, one in enumerate(sorted(made), start=1) if one <= i * q / len(made) * (1 + 1e-12)]
    assert table.flags == (max(passing) if passing else 0)
    assert table.expected_false == pytest.approx(q * table.flags)
