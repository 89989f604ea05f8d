"""Sums that cannot be, and fits at the edges: zero variance, dependent columns, huge effects, single rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

import mixed_cases
from benchwell.models.linear_mixed import criterion_at, linear_mixed
from benchwell.models.mixed_design import MixedDesign
from benchwell.models.mixed_intervals import profile_intervals, wald_intervals
from benchwell.models.mixed_nested import Nested
from benchwell.models.mixed_slope import InterceptAndSlope
from benchwell.models.mixed_statistics import MixedStatistics, combine


def simulated(seed=1, groups=12, size=6, spread=1.0, slope_spread=None, outer_spread=None, residual=1.0):
    generator = np.random.default_rng(seed)
    inner = np.repeat(np.arange(groups), size)
    n = len(inner)
    x = np.column_stack([np.ones(n), generator.normal(size=n), generator.normal(size=groups)[inner]])
    y = x @ [2.0, 1.0, 0.5] + spread * generator.normal(size=groups)[inner] + residual * generator.normal(size=n)
    outer = None
    if outer_spread is not None:
        outer = inner // 3
        y = y + outer_spread * generator.normal(size=groups // 3)[outer]
    if slope_spread is not None:
        y = y + slope_spread * generator.normal(size=groups)[inner] * x[:, 1]
    return mixed_cases.Rows(x, y, inner, outer=outer, slope=None if slope_spread is None else 1)


def balanced_without_differences():
    """Groups whose means agree more closely than their rows would have them: the moment estimate is negative."""
    y = np.tile([-2.0, -1.0, 1.0, 2.0], 5) + np.repeat([0.1, -0.1, 0.0, 0.05, -0.05], 4)
    return mixed_cases.Rows(np.ones((20, 1)), y, np.repeat(np.arange(5), 4))


SIMPLE = simulated().statistics()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"xty": np.array([np.nan, 0, 0])}, "xty holds NaN"),
        ({"xty": np.zeros((3, 1))}, "xty must have shape"),
        ({"xtx": np.eye(2)}, r"xtx must have shape \(3, 3\)"),
        ({"group_x": np.ones((12, 2))}, "group_x must have shape"),
        ({"group_y": np.ones(3)}, "group_y must have shape"),
        ({"group_n": np.full(12, 5.5)}, "whole numbers"),
        ({"group_n": np.zeros(12)}, "above zero"),
        ({"n": 71}, "not the sum of group_n"),
        ({"yty": -1.0}, "yty is negative"),
        ({"group_x": SIMPLE.group_x + 1}, "column 0 of X is not the constant"),
        ({"xtx": SIMPLE.xtx + np.triu(np.ones((3, 3)), 1)}, "xtx is not symmetric"),
        ({"group_y": SIMPLE.group_y + 1}, "group_y does not sum to the totals"),
        ({"parent": np.zeros(5, dtype=int)}, "parent must hold one whole number"),
        ({"parent": np.full(12, 1)}, "without a gap"),
        ({"parent": np.full(12, -1)}, "without a gap"),
        ({"slope": 1}, "needs group_zz"),
        ({"slope": 0}, "slope must be a column"),
        ({"group_zy": np.ones((12, 2))}, "need the column number of the slope"),
        ({"slope": 1, "parent": np.zeros(12, dtype=int)}, "one level of groups only"),
        ({"group_yty": np.ones(12)}, "give all three or none"),
    ],
)
def test_sums_that_cannot_be_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(SIMPLE, **change)


def test_sums_of_nothing_are_refused():
    with pytest.raises(ValueError, match="at least one column and one group"):
        MixedStatistics(0, np.zeros((0, 0)), np.zeros(0), 0.0, np.zeros(0), np.zeros((0, 0)), np.zeros(0))


def test_sites_with_a_slope_are_the_pooled_rows():
    rows = simulated(slope_spread=0.7)
    own = rows.statistics(own_products=True)
    sites = MixedStatistics.from_sites(own.group_n, own.group_xtx, own.group_xty, own.group_yty, slope=1)
    assert linear_mixed(sites).loglik == pytest.approx(linear_mixed(rows.statistics()).loglik, abs=1e-8)


def test_sites_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match="shapes differ"):
        MixedStatistics.from_sites([4], np.ones((1, 2, 2)), np.ones((1, 3)), [1.0])


def test_parts_must_agree():
    with pytest.raises(ValueError, match="parts differ in slope"):
        combine([SIMPLE, simulated(slope_spread=1.0).statistics()])
    with pytest.raises(ValueError, match="parts differ in levels"):
        combine([SIMPLE, simulated(outer_spread=1.0).statistics()])
    with pytest.raises(ValueError, match="parts is empty"):
        combine([])


def test_nested_parts_keep_their_outer_groups_apart():
    first, second = simulated(1, outer_spread=1.0).statistics(), simulated(2, outer_spread=1.0).statistics()
    both = combine([first, second])
    assert (both.groups, both.outer_groups) == (24, 8)
    assert set(both.parent[:12]).isdisjoint(both.parent[12:])


def test_leaving_out_needs_the_groups_own_products():
    with pytest.raises(ValueError, match="leaving groups out needs group_xtx"):
        SIMPLE.without([0])
    own = simulated().statistics(own_products=True)
    with pytest.raises(ValueError, match="from 0 to 11"):
        own.without([12])
    with pytest.raises(ValueError, match="leaves none"):
        own.without(np.arange(12))
    with pytest.raises(ValueError, match="from 1 to 2"):
        own.with_slope(3)
    assert own.with_slope(1).without([3]).group_zz.shape == (11, 2, 2)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_a_negative_moment_estimate_is_a_fit_of_zero_variance(method):
    rows = balanced_without_differences()
    fit = linear_mixed(rows.statistics(), method=method)
    assert (fit.sd_inner, fit.singular, fit.converged) == (0.0, True, True)
    assert fit.effects_inner.tolist() == [0.0] * 5
    assert fit.reliability.tolist() == [0.0] * 5
    assert fit.residual_sd == pytest.approx(np.sqrt(np.var(rows.y) * 20 / (19 if method == "reml" else 20)))
    scan = [
        criterion_at(rows.statistics(), inner_variance=v, residual_variance=fit.residual_sd**2, method=method).loglik
        for v in np.geomspace(1e-8, 100, 60)
    ]
    assert max(scan) < fit.loglik + 1e-9


@pytest.mark.parametrize("spread", [0.0, 0.3, 4.0, 500.0, 1e5])
def test_one_level_is_the_top_of_a_fine_scan(spread):
    statistics = simulated(7, spread=spread).statistics()
    fit = linear_mixed(statistics)
    for ratio in np.geomspace(1e-6, 1e12, 400):
        residual = fit.residual_sd**2
        at = criterion_at(statistics, inner_variance=ratio * residual, residual_variance=residual)
        assert at.loglik <= fit.loglik + 1e-8
    assert fit.converged


def test_balanced_groups_have_the_textbook_estimates():
    generator = np.random.default_rng(5)
    y = generator.normal(size=(10, 8)) + 2 * generator.normal(size=(10, 1)) + 30
    fit = linear_mixed(mixed_cases.Rows(np.ones((80, 1)), y.ravel(), np.repeat(np.arange(10), 8)).statistics())
    within = y.var(axis=1, ddof=1).mean()
    assert fit.residual_sd**2 == pytest.approx(within, rel=1e-8)
    assert fit.sd_inner**2 == pytest.approx(y.mean(axis=1).var(ddof=1) - within / 8, rel=1e-8)
    assert fit.coefficients[0] == pytest.approx(y.mean(), rel=1e-12)
    assert fit.icc[0] == pytest.approx(fit.sd_inner**2 / (fit.sd_inner**2 + within), rel=1e-8)


def test_a_later_dependent_column_is_left_out_and_named():
    rows = simulated()
    x = np.column_stack([rows.x[:, :2], 3 * rows.x[:, 1] - 2, rows.x[:, 2], np.full(len(rows.y), 4.0)])
    fit = linear_mixed(replace_x(rows, x).statistics())
    plain = linear_mixed(rows.statistics())
    assert fit.kept.tolist() == [True, True, False, True, False]
    assert np.isnan(fit.coefficients[[2, 4]]).all()
    assert np.isnan(fit.covariance[2]).all()
    assert fit.coefficients[fit.kept] == pytest.approx(plain.coefficients, rel=1e-9)
    assert fit.loglik == pytest.approx(plain.loglik, abs=1e-8)
    assert fit.df == plain.df
    assert np.isnan(profile_intervals(replace_x(rows, x).statistics(), fit).coefficients[2]).all()


def replace_x(rows, x):
    return mixed_cases.Rows(x, rows.y, rows.inner, outer=rows.outer, slope=rows.slope)


@pytest.mark.parametrize("kind", [{}, {"outer_spread": 0.8}, {"slope_spread": 0.6}])
def test_moving_and_scaling_columns_moves_the_coefficients_only(kind):
    rows = simulated(3, **kind)
    moved = rows.x.copy()
    moved[:, 1] = 2020 + 40 * rows.x[:, 1]
    plain, far = linear_mixed(rows.statistics()), linear_mixed(replace_x(rows, moved).statistics())
    assert far.coefficients[1] * 40 == pytest.approx(plain.coefficients[1], rel=1e-6)
    assert far.coefficients[0] + 2020 * far.coefficients[1] == pytest.approx(plain.coefficients[0], rel=1e-6)
    assert far.standard_errors[1] * 40 == pytest.approx(plain.standard_errors[1], rel=1e-6)
    assert far.loglik + np.log(40) == pytest.approx(plain.loglik, abs=1e-6)
    assert far.residual_sd == pytest.approx(plain.residual_sd, rel=1e-7)
    if plain.slope_sd is not None:
        assert far.slope_sd * 40 == pytest.approx(plain.slope_sd, rel=1e-6)
        assert far.effects_inner @ [1, 2020] == pytest.approx(plain.effects_inner[:, 0], abs=1e-6)


@pytest.mark.parametrize("kind", [{}, {"outer_spread": 0.8}, {"slope_spread": 0.6}])
def test_the_unit_of_y_is_only_a_unit(kind):
    rows = simulated(4, **kind)
    grams = mixed_cases.Rows(rows.x, 1000 * rows.y, rows.inner, outer=rows.outer, slope=rows.slope)
    kilograms, fit = linear_mixed(rows.statistics()), linear_mixed(grams.statistics())
    assert fit.coefficients == pytest.approx(1000 * kilograms.coefficients, rel=1e-7)
    assert fit.sd_inner == pytest.approx(1000 * kilograms.sd_inner, rel=1e-7)
    assert fit.loglik == pytest.approx(kilograms.loglik - (72 - 3) * np.log(1000), abs=1e-6)
    ours, theirs = (profile_intervals(case.statistics(), fit) for case, fit in ((grams, fit), (rows, kilograms)))
    assert ours.coefficients == pytest.approx(1000 * theirs.coefficients, rel=1e-5)
    assert ours.sd_inner == pytest.approx(1000 * theirs.sd_inner, rel=1e-5, abs=1e-3)


def test_a_slope_that_nobody_has_gives_a_singular_fit():
    rows = simulated(9, groups=10, slope_spread=0.0)
    fit = linear_mixed(rows.statistics())
    plain = linear_mixed(mixed_cases.Rows(rows.x, rows.y, rows.inner).statistics())
    assert fit.loglik >= plain.loglik - 1e-9
    assert fit.singular
    assert fit.slope_correlation in (-1.0, 1.0) or np.isnan(fit.slope_correlation)
    assert fit.theta[2] == 0.0


def test_groups_without_spread_in_the_slopes_column_have_a_slope_by_their_intercept_only():
    rows = simulated(11, slope_spread=1.0)
    x = rows.x.copy()
    x[rows.inner == 0, 1] = 0.0
    fit = linear_mixed(replace_x(rows, x).statistics())
    expected = fit.effects_inner[0, 0] * fit.group_covariance[0, 1] / fit.group_covariance[0, 0]
    assert fit.effects_inner[0, 1] == pytest.approx(expected, rel=1e-7)
    assert fit.reliability[0, 1] == pytest.approx(fit.reliability[0, 0] * fit.slope_correlation**2, rel=1e-6)


def test_one_or_two_rows_per_group_fit():
    generator = np.random.default_rng(2)
    sizes = generator.integers(1, 3, 400)
    inner = np.repeat(np.arange(400), sizes)
    y = 5 + 4.5 * generator.normal(size=400)[inner] + 0.5 * generator.normal(size=len(inner))
    fit = linear_mixed(mixed_cases.Rows(np.ones((len(y), 1)), y, inner).statistics())
    assert fit.converged
    assert fit.sd_inner == pytest.approx(4.5, rel=0.15)
    assert fit.residual_sd == pytest.approx(0.5, rel=0.15)


SINGLES = mixed_cases.Rows(np.ones((5, 1)), np.arange(5.0), np.arange(5))
ONE_GROUP = mixed_cases.Rows(np.ones((5, 1)), np.arange(5.0), np.zeros(5, dtype=int))
ONE_OUTER_GROUP = mixed_cases.Rows(np.ones((6, 1)), np.arange(6.0), np.repeat([0, 1], 3), outer=np.zeros(6, dtype=int))
NO_CONSTANT = mixed_cases.Rows(np.eye(3), np.arange(3.0), np.array([0, 0, 1]))
NO_VARIATION = mixed_cases.Rows(np.ones((6, 1)), np.full(6, 3.0), np.repeat([0, 1], 3))
SATURATED = mixed_cases.Rows(
    np.column_stack([np.ones(4), [0, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 0]]), np.arange(4.0), np.array([0, 0, 1, 1])
)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (SINGLES, "every innermost group holds a single row"),
        (ONE_GROUP, "a level with a single group"),
        (ONE_OUTER_GROUP, "a level with a single group"),
        (NO_CONSTANT, "column 0 of X"),
        (NO_VARIATION, "without a rest"),
        (SATURATED, "cannot support 4"),
    ],
)
def test_models_that_the_rows_cannot_support_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        linear_mixed(rows.statistics())


def test_a_slope_column_that_does_not_vary_is_refused():
    rows = simulated(slope_spread=1.0)
    x = rows.x.copy()
    x[:, 1] = 2.0
    with pytest.raises(ValueError, match="column of the random slope does not vary"):
        linear_mixed(replace_x(rows, x).statistics())


def test_structures_need_their_levels():
    design = MixedDesign.of(SIMPLE)
    with pytest.raises(ValueError, match="no random slope"):
        _ = design.slope_back
    with pytest.raises(ValueError, match="need the outer group"):
        Nested.of(design)
    with pytest.raises(ValueError, match="needs Z'Z"):
        InterceptAndSlope.of(design)


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_a_correlation_needs_two_variances(spread):
    """Slopes that vary less than their errors would have them: no variance, no correlation."""
    generator = np.random.default_rng(3)
    times = np.tile([-1.0, 0.0, 1.0], 40)
    errors = np.tile([[1.0, -2.0, 1.0], [-1.0, 2.0, -1.0]], (20, 1)).ravel()
    y = 5 + spread * np.repeat(generator.normal(size=40), 3) + errors
    rows = mixed_cases.Rows(np.column_stack([np.ones(120), times]), y, np.repeat(np.arange(40), 3), slope=1)
    fit = linear_mixed(rows.statistics())
    assert fit.slope_sd == pytest.approx(0.0, abs=1e-6)
    assert fit.singular
    assert np.isnan(fit.slope_correlation)
    assert profile_intervals(rows.statistics(), fit).slope_sd[0] == 0.0


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="'reml' or 'ml'"):
        linear_mixed(SIMPLE, method="mle")


@pytest.mark.parametrize(
    ("kind", "variances", "message"),
    [
        ({}, {"inner_variance": -1.0}, "at least zero"),
        ({}, {}, "at least zero"),
        ({}, {"inner_variance": 1.0, "outer_variance": 1.0}, "no random slope or no outer groups"),
        ({}, {"inner_variance": 1.0, "residual_variance": 0.0}, "residual_variance must be above zero"),
        ({"outer_spread": 1.0}, {"inner_variance": 1.0}, "at least zero"),
        ({"slope_spread": 1.0}, {"inner_variance": 1.0}, "give group_covariance"),
        ({"slope_spread": 1.0}, {"group_covariance": np.array([[1, 2], [2, 1]])}, "2 by 2 covariance"),
    ],
)
def test_variances_must_go_with_the_levels(kind, variances, message):
    with pytest.raises(ValueError, match=message):
        criterion_at(simulated(**kind).statistics(), **({"residual_variance": 1.0} | variances))


def test_intervals_need_a_level_and_their_own_fit():
    fit = linear_mixed(SIMPLE)
    with pytest.raises(ValueError, match="level must lie strictly"):
        wald_intervals(fit, level=1.0)
    with pytest.raises(ValueError, match="not a fit of these statistics"):
        profile_intervals(simulated(groups=9).statistics(), fit)


@pytest.mark.parametrize(
    "kind", [{}, {"spread": 0.0}, {"outer_spread": 0.8}, {"outer_spread": 0.0}, {"slope_spread": 0.6}]
)
def test_profile_limits_are_where_the_likelihood_has_fallen(kind):
    statistics = simulated(6, **kind).statistics()
    fit = linear_mixed(statistics, method="ml")
    intervals = profile_intervals(statistics, fit, level=0.9)
    assert intervals.level == 0.9
    assert intervals.sd_inner[0] <= fit.sd_inner <= intervals.sd_inner[1]
    assert intervals.residual_sd[0] < fit.residual_sd < intervals.residual_sd[1]
    wald = wald_intervals(fit, level=0.9)
    assert np.diff(intervals.coefficients) == pytest.approx(np.diff(wald), rel=0.35)
    assert ((intervals.coefficients[:, 0] < fit.coefficients) & (fit.coefficients < intervals.coefficients[:, 1])).all()
    wider = profile_intervals(statistics, fit, level=0.99)
    assert wider.sd_inner[1] > intervals.sd_inner[1]
    assert (np.diff(wider.coefficients) > np.diff(intervals.coefficients)).all()
    if fit.slope_sd is not None:
        assert -1 <= intervals.slope_correlation[0] <= fit.slope_correlation <= intervals.slope_correlation[1] <= 1
        assert intervals.slope_sd[0] <= fit.slope_sd <= intervals.slope_sd[1]
    if fit.sd_outer is not None:
        assert intervals.sd_outer[0] <= fit.sd_outer <= intervals.sd_outer[1]


def test_a_correlation_at_its_bound_keeps_its_other_limit():
    """Intercepts and slopes move together exactly: the data exclude a correlation of 0, and more so one of -1.

    The limits of a fit whose SDs may turn negative would be -1 and 1: an SD below zero is one above it with the
    opposite correlation. The twin maximizes the dense likelihood over both SDs, kept positive, and the residual's.
    """
    rows = simulated(21, groups=14, size=8, spread=1.5, slope_spread=0.0)
    shared = np.random.default_rng(22).normal(size=14)[rows.inner]
    rows = mixed_cases.Rows(rows.x, rows.y + shared * (1.0 + 0.8 * rows.x[:, 1]), rows.inner, slope=1)
    statistics = rows.statistics()
    fit = linear_mixed(statistics, method="ml")
    low, high = profile_intervals(statistics, fit).slope_correlation

    def deviance(logs, correlation):
        first, second, residual = np.exp(logs)
        z = (rows.inner[:, None] == np.arange(14)).astype(float)
        zx = z * rows.x[:, [1]]
        between = first**2 * z @ z.T + correlation * first * second * (z @ zx.T + zx @ z.T) + second**2 * zx @ zx.T
        whole = between + residual**2 * np.eye(len(rows.y))
        solved = np.linalg.solve(whole, np.column_stack([rows.x, rows.y]))
        beta = np.linalg.solve(rows.x.T @ solved[:, :-1], rows.x.T @ solved[:, -1])
        rest = rows.y - rows.x @ beta
        return np.linalg.slogdet(2 * np.pi * whole)[1] + rest @ np.linalg.solve(whole, rest)

    starts = [np.log([1.5, second, 1.0]) for second in (0.8, 0.05)]
    held = min(optimize.minimize(deviance, start, args=(low,), method="BFGS").fun for start in starts)
    assert -1.0 < low < fit.slope_correlation
    assert held + 2 * fit.loglik == pytest.approx(1.959963984540054**2, rel=1e-3)
    assert high <= 1.0


def test_columns_that_nearly_coincide_settle_at_the_limit_of_rounding():
    """Two columns that differ by a ten-thousandth: their sums carry eight digits less, and the search used to go on."""
    settled = []
    for seed in range(12):
        generator = np.random.default_rng(seed)
        inner = np.repeat(np.arange(20), 12)
        first = generator.normal(size=240)
        x = np.column_stack([np.ones(240), first, first + 1e-4 * generator.normal(size=240)])
        y = first + generator.normal(size=20)[inner] + 2.0 * generator.normal(size=240)
        apart = np.column_stack([x[:, :2], (x[:, 2] - x[:, 1]) * 1e4])
        fit, plain = (linear_mixed(mixed_cases.Rows(columns, y, inner).statistics()) for columns in (x, apart))
        assert fit.loglik - np.log(1e4) == pytest.approx(plain.loglik, abs=1e-5)
        assert fit.sd_inner == pytest.approx(plain.sd_inner, rel=2e-3, abs=1e-3)
        settled.append(fit.converged and fit.iterations < 60)
    assert all(settled)
