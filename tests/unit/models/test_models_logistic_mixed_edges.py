"""Logistic mixed models where data are awkward: separated, without spread, huge or tiny clusters, wrong input."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from benchwell.models import logistic_search
from benchwell.models.covariate_patterns import collapse
from benchwell.models.federated_pql import clinic_round, federated_pql
from benchwell.models.grouped_rows import group_rows
from benchwell.models.logistic_mixed import _inverse, logistic_mixed
from benchwell.models.logistic_start import rough_start, sample
from benchwell.models.newton import minimize
from benchwell.models.quadrature import marginal_loglik_group

EACH = pytest.mark.parametrize("points", [0, 1, 9])


def expit(eta):
    return 1 / (1 + np.exp(-eta))


def clinics(seed, n=2000, groups=50, sd=0.5):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, n)
    x = np.column_stack([np.ones(n), rng.normal(size=n), rng.random(n) < 0.03]).astype(float)
    y = (rng.random(n) < expit(0.2 + 0.5 * x[:, 1] + rng.normal(0, sd, groups)[group])).astype(float)
    return x, y, group


@EACH
def test_a_column_without_failures_is_named_and_not_patched(points):
    x, y, group = clinics(1)
    y[x[:, 2] == 1] = 1
    fit = logistic_mixed(x, y, None, group, points=points)
    assert (fit.separated, fit.converged) == (True, False)
    assert fit.separated_columns.tolist() == [False, False, True]
    assert fit.coefficients[2] > 8
    # The other columns are estimated as usual.
    without = logistic_mixed(x[x[:, 2] == 0], y[x[:, 2] == 0], None, group[x[:, 2] == 0])
    if points == 1:
        assert fit.coefficients[1] == pytest.approx(without.coefficients[1], abs=0.02)


@EACH
def test_complete_separation_and_two_separated_columns(points):
    x, y, group = clinics(2)
    complete = logistic_mixed(x, (x[:, 1] > 0.3).astype(float), None, group, points=points)
    assert complete.separated_columns.tolist() == [False, True, False]
    fourth = np.zeros(len(y))
    fourth[np.flatnonzero(x[:, 2] == 0)[:40]] = 1
    y[x[:, 2] == 1], y[fourth == 1] = 1, 0
    both = logistic_mixed(np.column_stack([x, fourth]), y, None, group, points=points)
    assert both.separated_columns.tolist() == [False, False, True, True]


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_nobody_or_everybody_succeeds(outcome):
    x, y, group = clinics(3)
    fit = logistic_mixed(x, np.full(len(y), outcome), None, group)
    assert (fit.separated, fit.converged) == (True, False)
    assert fit.separated_columns.tolist() == [True, False, False]


@EACH
def test_no_spread_between_clinics_is_exactly_zero_and_plain_regression(points):
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(40), 50)
    x = np.column_stack([np.ones(2000), rng.normal(size=2000)])
    y = (np.arange(2000) % 50 < 20).astype(float)  # the same share everywhere
    fit = logistic_mixed(x, y, None, group, points=points)
    assert (fit.converged, fit.singular, fit.sd_inner, fit.icc) == (True, True, 0.0, 0.0)
    assert not fit.effects_inner.any()
    assert not fit.effects_inner_sd.any()
    assert not fit.reliability_inner.any()
    p = expit(x @ fit.coefficients)
    assert np.abs(x.T @ (y - p)).max() < 1e-4
    assert fit.standard_errors == pytest.approx(np.sqrt(np.diag(np.linalg.inv((x.T * (p * (1 - p))) @ x))), rel=1e-6)


@EACH
def test_clusters_of_thousands_far_apart(points):
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(4), 30_000)
    x = np.column_stack([np.ones(len(group)), rng.normal(size=len(group))])
    y = (rng.random(len(group)) < np.array([0.0002, 0.9998, 0.5, 0.01])[group]).astype(float)
    fit = logistic_mixed(x, y, None, group, points=points)
    assert fit.converged
    assert fit.sd_inner > 4
    rates = np.array([y[group == code].mean() for code in range(4)])
    assert expit(fit.coefficients[0] + fit.effects_inner) == pytest.approx(rates, rel=0.1, abs=1e-4)
    assert (fit.reliability_inner > 0.98).all()


@EACH
def test_clusters_where_all_or_none_succeed(points):
    x, y, group = clinics(6)
    y[group < 10], y[(group >= 10) & (group < 20)] = 0, 1
    fit = logistic_mixed(x, y, None, group, points=points)
    assert (fit.converged, fit.separated) == (True, False)
    assert (fit.effects_inner[:10] < -3).all()
    assert (fit.effects_inner[10:20] > 3).all()


def test_spread_above_four_agrees_with_brute_force_maximum_likelihood():
    """Laplace is far off here; 25 points sit where the exact marginal likelihood is flat."""
    rng = np.random.default_rng(7)
    group = np.repeat(np.arange(400), 6)
    x = np.column_stack([np.ones(2400), rng.normal(size=2400)])
    y = (rng.random(2400) < expit(-0.5 + 0.8 * x[:, 1] + rng.normal(0, 4.8, 400)[group])).astype(float)
    fit = logistic_mixed(x, y, None, group, points=25)
    grid = np.linspace(-9, 9, 4001)  # standardized intercepts

    def loglik(beta, sd):
        total = 0.0
        for code in range(400):
            eta = x[group == code] @ beta
            moved = eta[:, None] + sd * grid
            height = (y[group == code, None] * moved - np.logaddexp(0, moved)).sum(axis=0) - grid**2 / 2
            total += np.log(np.exp(height).sum() * (grid[1] - grid[0]) / np.sqrt(2 * np.pi))
        return total

    assert fit.converged
    assert fit.sd_inner > 4
    assert fit.loglik == pytest.approx(loglik(fit.coefficients, fit.sd_inner), abs=0.02)
    # Half the squared slope over the curvature along sd: the distance to the maximum, in standard errors.
    below, here, above = (loglik(fit.coefficients, fit.sd_inner + move) for move in (-0.05, 0.0, 0.05))
    slope, curvature = (above - below) / 0.1, (above - 2 * here + below) / 0.05**2
    assert abs(slope) / np.sqrt(-curvature) < 0.02


def test_one_or_two_rows_a_cluster_and_fifteen_hundred_of_them():
    rng = np.random.default_rng(8)
    group = np.repeat(np.arange(1500), rng.integers(1, 3, 1500))
    x = np.column_stack([np.ones(len(group)), rng.normal(size=len(group))])
    y = (rng.random(len(group)) < expit(x[:, 1] + rng.normal(0, 1.5, 1500)[group])).astype(float)
    laplace, exact = logistic_mixed(x, y, None, group), logistic_mixed(x, y, None, group, points=15)
    assert laplace.converged
    assert exact.converged
    assert laplace.sd_inner < exact.sd_inner
    finer = logistic_mixed(x, y, None, group, points=41)
    assert exact.sd_inner == pytest.approx(finer.sd_inner, rel=0.01)
    assert exact.loglik == pytest.approx(finer.loglik, abs=0.01)


@EACH
def test_groups_that_hold_one_outcome_each_have_no_finite_spread(points):
    x, _, group = clinics(16)
    fit = logistic_mixed(x[:, :1], (group % 2).astype(float), None, group, points=points)
    assert (fit.separated, fit.converged, fit.separated_columns.any()) == (True, False, False)


@EACH
def test_a_small_spread_between_large_clinics_is_kept(points):
    rng = np.random.default_rng(17)
    group = np.repeat(np.arange(40), 3000)
    y = (rng.random(len(group)) < expit(rng.normal(0, 0.045, 40)[group])).astype(float)
    fit = logistic_mixed(np.ones((len(group), 1)), y, None, group, points=points)
    assert (fit.converged, fit.singular) == (True, False)
    assert 0.01 < fit.sd_inner < 0.05


def test_a_hessian_without_inverse_states_no_covariance():
    assert np.isnan(_inverse(np.zeros((2, 2)))).all()


def test_a_search_that_finds_no_descent_says_whether_it_is_at_the_bottom():
    class Slope(NamedTuple):
        phi: np.ndarray
        value: float
        gradient: np.ndarray

    def search_with(slope):
        return minimize(
            lambda phi, _, __: Slope(phi, 0.0, np.array([slope])),
            lambda _: np.eye(1),
            lambda matrix: matrix,
            Slope(np.zeros(1), 0.0, np.array([slope])),
            largest_step=lambda _: 1.0,
            tolerance=1e-9,
            max_iterations=5,
        )

    assert search_with(1e-5).converged
    assert not search_with(1.0).converged


@EACH
def test_units_of_columns_do_not_matter(points):
    x, y, group = clinics(9)
    year = 2000.0 + np.arange(len(y)) % 7
    plain = np.column_stack([x, year - 2003])
    awkward = np.column_stack([x[:, 0], x[:, 1] * 1e6 + 1e8, x[:, 2] * 1e-6, year])
    first, second = (logistic_mixed(design, y, None, group, points=points) for design in (plain, awkward))
    assert second.converged
    assert second.deviance == pytest.approx(first.deviance, abs=1e-6)
    assert second.coefficients[1:] * [1e6, 1e-6, 1] == pytest.approx(first.coefficients[1:], rel=1e-5, abs=1e-7)
    assert second.standard_errors[1:] * [1e6, 1e-6, 1] == pytest.approx(first.standard_errors[1:], rel=1e-5)


def test_a_column_that_repeats_others_is_dropped_and_says_so():
    x, y, group = clinics(10)
    wide = np.column_stack([x, 2 * x[:, 1] + 1, np.full(len(y), 3.0)])
    fit, narrow = logistic_mixed(wide, y, None, group), logistic_mixed(x, y, None, group)
    assert fit.kept.tolist() == [True, True, True, False, False]
    assert fit.coefficients[3:].tolist() == [0, 0]
    assert np.isnan(fit.standard_errors[3:]).all()
    assert fit.coefficients[:3] == pytest.approx(narrow.coefficients, abs=1e-8)


def test_codes_without_rows_keep_the_population_value():
    x, y, group = clinics(11, groups=20)
    parent = np.concatenate([np.arange(20) % 4, [1, 5]])
    fit, tight = logistic_mixed(x, y, None, group, parent), logistic_mixed(x, y, None, group, parent[:20])
    assert fit.deviance == pytest.approx(tight.deviance, abs=1e-9)
    assert fit.effects_inner[20:].tolist() == [0, 0]
    assert fit.effects_inner_sd[20:].tolist() == [fit.sd_inner] * 2
    assert fit.effects_outer[4:].tolist() == [0, 0]
    assert fit.effects_outer_sd[5] == fit.sd_outer
    assert fit.reliability_outer[5] == 0


def test_the_latent_shares_add_up():
    x, y, group = clinics(12, groups=40, sd=0.8)
    fit = logistic_mixed(x, y, None, group, np.arange(40) % 8)
    total = fit.sd_inner**2 + fit.sd_outer**2
    assert fit.icc == pytest.approx(total / (total + np.pi**2 / 3))
    assert fit.icc_outer == pytest.approx(fit.sd_outer**2 / (total + np.pi**2 / 3))
    spread = fit.effects_inner_sd**2 / fit.sd_inner**2
    assert fit.reliability_inner == pytest.approx(1 - spread)


def test_many_blocks_on_two_threads_give_the_same_bits_each_time():
    x, y, group = clinics(13, n=120_000, groups=700)
    first, second = logistic_mixed(x, y, None, group), logistic_mixed(x, y, None, group)
    assert first.coefficients.tobytes() == second.coefficients.tobytes()
    assert first.covariance.tobytes() == second.covariance.tobytes()
    assert first.effects_inner.tobytes() == second.effects_inner.tobytes()


@pytest.mark.parametrize("rare", [False, True])
def test_a_start_from_a_sample_ends_in_the_same_place(rare):
    x, y, group = clinics(14, n=160_000, groups=300)
    if rare:  # every sampled row of this column is a success, though not every row
        x[:, 2] = np.arange(len(y)) % 997 == 0
        rows = group_rows(x, y, None, group, None)
        sampled = np.zeros(len(y), dtype=bool)
        sampled[np.argsort(group, kind="stable")[:: len(y) // 50_000]] = True
        y[sampled & (x[:, 2] == 1)] = 1
        assert len(sample(rows).successes) == sampled.sum()
    rows = group_rows(x, y, None, group, None)
    fit, direct = logistic_mixed(x, y, None, group), logistic_search._laplace(rows, rough_start(rows))
    assert fit.converged
    assert fit.deviance == pytest.approx(direct.point.value, abs=1e-6)


def test_design_in_columns_and_rows_out_of_order_change_nothing():
    x, y, group = clinics(15, n=40_000)
    order = np.argsort(group, kind="stable")
    first = logistic_mixed(np.asfortranarray(x), y, None, group)
    second = logistic_mixed(x[order], y[order], np.ones(len(y)), group[order])
    assert first.deviance == pytest.approx(second.deviance, abs=1e-7)
    assert first.covariance == pytest.approx(second.covariance, rel=1e-8)


ONES, ZERO, PAIR = np.ones((2, 1)), np.zeros(2, dtype=int), np.array([0.0, 1.0])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((ONES, PAIR, None, ZERO), {"points": -1}, "points must be 0"),
        ((ONES, PAIR, None, ZERO, [0]), {"points": 5}, "points=5 needs one level of groups"),
        ((ONES, [0.0], None, ZERO), {}, "do not fit together"),
        ((ONES, PAIR, [1.0], ZERO), {}, "do not fit together"),
        ((ONES * 2, PAIR, None, ZERO), {}, "column 0 of x must be the constant 1"),
        ((ONES, [0.0, 2.0], None, ZERO), {}, "between 0 and trials"),
        ((ONES, [0.0, 0.0], [1.0, 0.0], ZERO), {}, "above zero everywhere"),
        ((ONES, PAIR, None, [0.0, 1.0]), {}, "group must be a one-dimensional array of integer codes"),
        ((ONES, PAIR, None, [-1, 0]), {}, "group holds negative codes"),
        ((ONES, PAIR, None, [0, 1], [0]), {}, "beyond the 1 entries of parent"),
        ((np.array([[1.0, np.nan], [1.0, 0.0]]), PAIR, None, ZERO), {}, "NaN or infinite"),
    ],
)
def test_input_that_cannot_be_meant_is_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        logistic_mixed(*arguments, **options)


def test_one_clinic_refuses_too_few_nodes_and_wrong_shapes():
    with pytest.raises(ValueError, match="at least 7"):
        marginal_loglik_group(ONES, PAIR, [0.0], 1.0, points=5)
    with pytest.raises(ValueError, match="do not fit together"):
        marginal_loglik_group(ONES, PAIR, [0.0, 0.0], 1.0)
    with pytest.raises(ValueError, match="must not be negative"):
        marginal_loglik_group(ONES, PAIR, [0.0], -1.0)


def test_patterns_refuse_wrong_shapes_and_join_minus_zero():
    with pytest.raises(ValueError, match="do not fit together"):
        collapse(ONES, [1.0], None, ZERO)
    assert collapse(np.array([[0.0], [-0.0]]), PAIR, [2.0, 3.0], ZERO).trials.tolist() == [5.0]


def test_quasi_likelihood_names_clinics_it_is_biased_for_and_a_spread_of_zero():
    def clinic(successes):
        y = (np.arange(40) < successes).astype(float)
        return lambda beta, effect: clinic_round(np.ones((40, 1)), y, beta, effect)

    uneven = federated_pql([clinic(met) for met in (2, 20, 38, 30)], 1)
    assert uneven.biased.tolist() == [True, False, True, False]
    even = federated_pql([clinic(12)] * 4, 1, start=[0.1])
    assert (even.singular, even.sd, even.converged) == (True, 0.0, True)
    assert even.coefficients == pytest.approx([np.log(12 / 28)])
    with pytest.raises(ValueError, match="do not fit together"):
        clinic_round(ONES, PAIR, [0.0, 0.0], 0.0)


@pytest.mark.parametrize("points", [0, 1])
@pytest.mark.parametrize("seed", range(6))
def test_a_search_among_all_or_none_clusters_settles(seed, points):
    """The deviance of such data is rougher than the last decrease, and the search used to walk on for ever in it."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(3, 40, 60)
    group = np.repeat(np.arange(60), sizes)
    x = np.column_stack([np.ones(len(group)), rng.normal(size=len(group))])
    y = (rng.random(len(group)) < expit(x @ [0.5, 0.6] + 10.0 * rng.normal(size=60)[group])).astype(float)
    fit = logistic_mixed(x, y, None, group, points=points)
    assert fit.converged
    assert fit.iterations < 60
    assert fit.sd_inner > 4
