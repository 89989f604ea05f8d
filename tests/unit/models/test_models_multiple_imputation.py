"""The imputation model against dense matrices, the pooled figures against loops that keep everything (METHODS M1.6)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchwell.models.imputation import rubin_rules, rubin_rules_from_moments, wilson_from_moments
from benchwell.models.imputed_figures import ImputedEndpoint, imputed_figures
from benchwell.models.intervals import wilson
from benchwell.models.multiple_imputation import (
    ScoreGrid,
    fit_imputation,
    imputations_needed,
    imputed_levels,
)


def field(seed=1, n=300, k=7):
    rng = np.random.default_rng(seed)
    clinic = rng.integers(0, k, n)
    baseline = rng.integers(10, 28, n).astype(float)
    columns = np.column_stack([np.ones(n), baseline - 15, rng.normal(2, 3, n)])
    score = np.clip(
        np.rint(6 + columns[:, 1:] @ [0.5, -0.6] + rng.normal(0, 1.5, k)[clinic] + rng.normal(0, 4, n)), 0, 27
    )
    return columns, score, clinic, baseline


@pytest.mark.parametrize(
    ("n_missing", "n", "m"), [(0, 50, 20), (20, 100, 20), (21, 100, 21), (41, 99, 42), (99, 99, 100), (0, 0, 20)]
)
def test_one_imputation_for_each_percent_missing_but_at_least_twenty(n_missing, n, m):
    assert imputations_needed(n_missing, n) == m


def test_more_missing_than_people_is_refused():
    with pytest.raises(ValueError, match="n_missing"):
        imputations_needed(3, 2)


def test_posterior_agrees_with_dense_matrices():
    """The slow twin writes the covariance of all people down and inverts it."""
    columns, score, clinic, _ = field(n=120, k=5)
    fit = fit_imputation(columns, score, clinic, 5)
    n, p = columns.shape
    same = (clinic[:, None] == clinic[None, :]).astype(float)
    log_density = []
    for place, ratio in enumerate(fit.ratio):
        inverse = np.linalg.inv(np.eye(n) + ratio * same)
        information = columns.T @ inverse @ columns
        beta = np.linalg.solve(information, columns.T @ inverse @ score)
        rest = score - columns @ beta
        residual = rest @ inverse @ rest
        _, det = np.linalg.slogdet(np.eye(n) + ratio * same)
        log_density.append(-0.5 * (det + np.linalg.slogdet(information)[1] + (n - p) * math.log(residual)))
        if place % 57 == 0:
            found = fit.coefficients[place] + np.array([fit.center, 0, 0])
            np.testing.assert_allclose(found, beta, rtol=1e-8)
            np.testing.assert_allclose(fit.residual[place], residual, rtol=1e-8)
            np.testing.assert_allclose(fit.root[place] @ fit.root[place].T, np.linalg.inv(information), rtol=1e-7)
    density = np.exp(np.array(log_density) - max(log_density))
    np.testing.assert_allclose(fit.probability, density / density.sum(), rtol=1e-6, atol=1e-12)


def test_draws_have_the_moments_of_the_posterior():
    columns, score, clinic, _ = field()
    fit = fit_imputation(columns, score, clinic, 7)
    draws = fit.draw(20_000, np.random.default_rng(2))
    expected = fit.probability @ fit.coefficients
    off = np.abs(draws.coefficients.mean(axis=0) - expected)
    assert (off < 4 * draws.coefficients.std(axis=0) / math.sqrt(20_000)).all()
    assert draws.sigma.mean() == pytest.approx(fit.residual_sd, rel=0.01)
    assert np.sqrt((draws.tau**2).mean()) == pytest.approx(fit.clinic_sd, rel=0.05)
    effects = fit.probability @ (fit.weight * (fit.totals - fit.coefficients @ fit.sums.T))
    np.testing.assert_allclose(draws.effects.mean(axis=0), effects, atol=0.03)


def test_true_parameters_are_found_again():
    columns, score, clinic, _ = field(n=40_000, k=200)
    fit = fit_imputation(columns, score, clinic, 200)
    assert fit.clinic_sd == pytest.approx(1.5, rel=0.2)
    assert 3.5 < fit.residual_sd < 4.1


def test_a_clinic_without_anybody_followed_gets_the_whole_spread_between_clinics():
    columns, score, clinic, _ = field(n=2_000)
    fit = fit_imputation(columns, score, clinic, 8)
    draws = fit.draw(20_000, np.random.default_rng(2))
    assert draws.effects[:, 7].mean() == pytest.approx(0.0, abs=0.06)
    assert draws.effects[:, 7].std() == pytest.approx(np.sqrt((draws.tau**2).mean()), rel=0.05)
    assert draws.effects[:, 7].std() > 2 * draws.effects[:, 0].std() > 0


def test_one_clinic_has_no_effect_of_its_own():
    columns, score, _, _ = field()
    fit = fit_imputation(columns, score, np.zeros(300, dtype=int), 1)
    draws = fit.draw(5, np.random.default_rng(0))
    assert (draws.effects == 0).all()
    assert fit.clinic_sd == 0


def test_a_column_that_says_nothing_new_is_left_out():
    columns, score, clinic, _ = field()
    doubled = np.column_stack([columns, columns[:, 1] * 2, np.zeros(300)])
    fit = fit_imputation(doubled, score, clinic, 7)
    assert fit.kept.tolist() == [True, True, True, False, False]
    one, other = (
        next(
            imputed_levels(f, x[:9], clinic[:9], ScoreGrid(np.arange(28.0)), [0.0], 2, np.random.default_rng(3))
        ).copy()
        for f, x in ((fit, doubled), (fit_imputation(columns, score, clinic, 7), columns))
    )
    assert (one == other).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y, c: (x[:, 1:], y, c), "constant 1"),
        (lambda x, y, c: (x[:4], y[:4], c[:4]), "cannot carry"),
        (lambda x, y, c: (x[:50], y, c), "one row per score"),
        (lambda x, y, c: (x, y, c[:50]), "shapes differ"),
        (lambda x, y, c: (x, np.where(y > 20, np.nan, y), c), "NaN"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, message):
    columns, score, clinic, _ = field()
    with pytest.raises(ValueError, match=message):
        fit_imputation(*change(columns, score, clinic), 7)


def test_draws_lie_on_an_irregular_grid_too():
    grid = ScoreGrid(np.array([20.0, 31.5, 40.0, 41.0]))
    assert grid.nearest(np.array([-5.0, 25.0, 26.0, 40.4, 40.6, 99.0])).tolist() == [0, 0, 1, 2, 3, 3]
    assert ScoreGrid(np.array([7.0])).nearest(np.array([1.0, 9.0])).tolist() == [0, 0]
    with pytest.raises(ValueError, match="ascend"):
        ScoreGrid(np.array([1.0, 1.0]))


def test_pooled_figures_agree_with_loops_that_keep_everything():
    """Two clinics' proportions and means, split by a level as well; the twin stores each imputed person."""
    columns, score, clinic, baseline = field(n=90, k=3)
    level = np.arange(90) % 2
    followed = np.random.default_rng(8).random(90) < 0.6
    missing = ~followed
    grid, shifts, m = ScoreGrid(np.arange(28.0)), [-2.0, 0.0, 2.0], 25
    fit = fit_imputation(columns[followed], score[followed], clinic[followed], 3)
    kept = [
        one.copy()
        for one in imputed_levels(fit, columns[missing], clinic[missing], grid, shifts, m, np.random.default_rng(5))
    ]
    starts, row = np.unique(baseline[missing], return_inverse=True)
    cells = (clinic, 3 + 2 * clinic + level)
    for yes_no in (True, False):
        rule = (lambda b, y: float(2 * y <= b)) if yes_no else (lambda b, y: b - y)
        value = np.array([rule(b, y) for b, y in zip(baseline, score, strict=True)])
        table = np.array([[rule(b, y) for y in grid.levels] for b in starts])
        total, squares = (
            sum(np.bincount(cell[followed], weights=(value**power)[followed], minlength=9) for cell in cells)
            for power in (1, 2)
        )
        n = sum(np.bincount(cell, minlength=9) for cell in cells).astype(float)
        endpoint = ImputedEndpoint(table, row, tuple(cell[missing] for cell in cells), n, total, squares, yes_no)
        (found,) = imputed_figures(kept, [endpoint], 3, [np.array([0] * 3 + [1, 2] * 3)])
        for shift in range(3):
            for cell in range(9):
                estimates, variances = [], []
                for one in kept:
                    full = value.copy()
                    full[missing] = [
                        rule(b, grid.levels[y]) for b, y in zip(baseline[missing], one[shift], strict=True)
                    ]
                    mine = (
                        full[clinic == cell]
                        if cell < 3
                        else full[(clinic == (cell - 3) // 2) & (level == (cell - 3) % 2)]
                    )
                    estimates.append(mine.mean())
                    spread = mine.mean() * (1 - mine.mean()) if yes_no else mine.var(ddof=1)
                    variances.append(spread / len(mine))
                plain = rubin_rules(estimates, variances, df_complete=n[cell] - 1)
                for name in ("estimate", "within", "between", "total", "df", "missing_information"):
                    assert getattr(found.pooled, name)[shift, cell] == pytest.approx(getattr(plain, name), rel=1e-9), (
                        name
                    )
                if not yes_no:
                    assert found.lower[shift, cell] == pytest.approx(plain.lower)
                    assert found.upper[shift, cell] == pytest.approx(plain.upper)


def test_nobody_missing_gives_exactly_the_observed_figure():
    columns, score, clinic, _ = field()
    fit = fit_imputation(columns, score, clinic, 7)
    nobody = np.empty(0, dtype=int)
    met = (score < 5).astype(float)
    n = np.bincount(clinic, minlength=7).astype(float)
    total = np.bincount(clinic, weights=met, minlength=7)
    endpoint = ImputedEndpoint(np.zeros((1, 28)), nobody, (nobody,), n, total, total, True)
    draws = imputed_levels(fit, columns[:0], nobody, ScoreGrid(np.arange(28.0)), [0.0], 20, np.random.default_rng(1))
    (found,) = imputed_figures(draws, [endpoint], 1, [np.zeros(7, dtype=int)])
    assert (found.pooled.estimate[0] == total / n).all()
    assert (found.pooled.between == 0).all()
    assert (found.pooled.missing_information == 0).all()
    for ours, plain in zip((found.lower[0], found.upper[0]), wilson(total, n), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-12, atol=1e-15)


def test_a_cell_of_one_person_has_a_proportion_but_no_mean():
    one, place = np.array([1.0]), np.empty(0, dtype=int)
    levels = [np.empty((1, 0), dtype=int)] * 20
    for yes_no in (True, False):
        endpoint = ImputedEndpoint(np.zeros((1, 2)), place, (place,), one, one, one, yes_no)
        (found,) = imputed_figures(levels, [endpoint], 1, [np.zeros(1, dtype=int)])
        assert np.isfinite(found.pooled.estimate[0, 0]) == yes_no
        assert np.isfinite(found.variance[0, 0]) == yes_no


def test_wilson_limits_stay_inside_and_widen_with_what_is_missing():
    none, some = (rubin_rules_from_moments([0.02], [0.02 * 0.98 / 50], [b], 20) for b in (0.0, 0.0004))
    narrow, wide = wilson_from_moments(none, 50), wilson_from_moments(some, 50)
    assert 0 <= wide[0][0] < narrow[0][0] < 0.02 < narrow[1][0] < wide[1][0] <= 1
    # Imputations that are all 0 or all 1 and disagree say nothing.
    torn = rubin_rules_from_moments([0.5], [0.0], [0.26], 20)
    assert [limit.tolist() for limit in wilson_from_moments(torn, 1)] == [[0.0], [1.0]]


@pytest.mark.parametrize(("m", "df", "message"), [(1, 9.0, "m must"), (5, 0.0, "df_complete")])
def test_moments_out_of_range_are_refused(m, df, message):
    with pytest.raises(ValueError, match=message):
        rubin_rules_from_moments([0.5], [0.1], [0.1], m, df)
