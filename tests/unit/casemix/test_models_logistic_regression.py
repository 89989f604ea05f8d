"""The logistic kernel against closed forms and its own score equations."""

from __future__ import annotations

import numpy as np
import pytest

from benchwell.models.logistic_regression import fit_logistic


def test_the_score_equations_hold_at_the_fit():
    rng = np.random.default_rng(3)
    X = np.column_stack([np.ones(500), rng.normal(size=500), rng.normal(100, 30, size=500)])
    y = (rng.random(500) < 1 / (1 + np.exp(-(0.5 * X[:, 1] + 0.02 * (X[:, 2] - 100))))).astype(float)
    fit = fit_logistic(X, y)
    assert fit.converged
    assert X.T @ (y - fit.probabilities(X)) == pytest.approx(np.zeros(3), abs=1e-5)


def test_one_binary_column_is_the_log_odds_ratio():
    X = np.column_stack([np.ones(100), np.repeat([1.0, 0.0], [40, 60])])
    y = np.concatenate([np.arange(40) < 16, np.arange(60) < 48]).astype(float)
    fit = fit_logistic(X, y)
    assert fit.coefficients == pytest.approx([np.log(4), np.log(16 / 24) - np.log(4)], rel=1e-9)
    assert fit.log_likelihood == pytest.approx(
        16 * np.log(0.4) + 24 * np.log(0.6) + 48 * np.log(0.8) + 12 * np.log(0.2)
    )


def test_a_repeated_column_is_dropped_and_changes_nothing():
    rng = np.random.default_rng(4)
    x = rng.normal(size=200)
    y = (rng.random(200) < 0.5).astype(float)
    single = fit_logistic(np.column_stack([np.ones(200), x]), y)
    double = fit_logistic(np.column_stack([np.ones(200), x, 3 * x - 2]), y)
    assert double.kept.tolist() == [True, True, False]
    assert double.coefficients[:2] == pytest.approx(single.coefficients, rel=1e-8)


def test_separation_is_reported_and_a_ridge_settles_it():
    X = np.column_stack([np.ones(40), np.repeat([0.0, 1.0], 20)])
    y = np.repeat([0.0, 1.0], 20)
    assert not fit_logistic(X, y).converged
    ridged = fit_logistic(X, y, ridge=1e-3, max_iterations=200)
    assert ridged.converged
    assert 0 < ridged.probabilities(X).min() < ridged.probabilities(X).max() < 1


@pytest.mark.parametrize(("design", "outcome"), [([[1.0], [1.0]], [0.0, 2.0]), ([[1.0], [1.0]], [0.0]), ([1.0], [1.0])])
def test_shapes_and_outcomes_are_checked(design, outcome):
    with pytest.raises(ValueError, match=r"design|outcome"):
        fit_logistic(design, outcome)
