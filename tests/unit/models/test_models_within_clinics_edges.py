"""Edges of within-clinic slopes and contrasts: what is left out, and what does not settle."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from benchwell.models.fixed_effects_logistic import fit_fixed_effects_logistic, logistic_contrast
from benchwell.models.mixed_statistics import MixedStatistics
from benchwell.models.within_between import within_between


def confounded(seed=0, clinics=40, strength=1.0):
    """Clinics whose people are poorer where care is poorer: between slope = within slope + `strength`."""
    rng = np.random.default_rng(seed)
    clinic = np.repeat(np.arange(clinics), 30)
    mean = rng.normal(size=clinics)
    x = mean[clinic] + rng.normal(size=len(clinic))
    return x, 0.5 * x + strength * mean[clinic] + 0.3 * rng.normal(size=clinics)[clinic], clinic, rng


@pytest.mark.parametrize(("strength", "seen"), [(1.0, True), (0.0, False)])
def test_mundlak_contrast_sees_confounding_between_clinics(strength, seen):
    x, signal, clinic, rng = confounded(strength=strength)
    y = signal + rng.normal(size=len(x))
    designs = [np.column_stack([np.ones(30), x[clinic == j]]) for j in range(40)]
    own = [y[clinic == j] for j in range(40)]
    result = within_between(
        MixedStatistics.from_sites(
            [30] * 40,
            [D.T @ D for D in designs],
            [D.T @ one for D, one in zip(designs, own, strict=True)],
            [one @ one for one in own],
        )
    )
    assert (result.p < 0.05) is seen
    assert result.contrast_p[0] == pytest.approx(result.p)  # one column: z squared is the chi-square
    assert result.within.values == pytest.approx([0.5], abs=0.1)


@pytest.mark.parametrize(("strength", "seen"), [(1.0, True), (0.0, False)])
def test_logistic_contrast_sees_confounding_between_clinics(strength, seen):
    x, signal, clinic, rng = confounded(strength=strength)
    y = rng.random(len(x)) < special.expit(signal)
    result = logistic_contrast(x[:, None], y, clinic, 40)
    assert result.converged
    assert (result.p < 0.05) is seen


def test_columns_that_do_not_vary_within_clinics_have_no_within_slope():
    x, signal, clinic, rng = confounded()
    clinic_column = clinic % 3 + 0.1
    y = (rng.random(len(x)) < special.expit(signal)).astype(float)
    fit = fit_fixed_effects_logistic(np.column_stack([x, clinic_column]), y, clinic, 40)
    assert fit.slopes.known.tolist() == [True, False]
    assert np.isnan(fit.slopes.values[1])
    assert np.isnan(fit.slopes.covariance[1]).all()
    alone = fit_fixed_effects_logistic(x[:, None], y, clinic, 40)
    assert fit.slopes.values[0] == pytest.approx(alone.slopes.values[0])
    design, score = np.column_stack([np.ones(len(x)), x, clinic_column]), signal + rng.normal(size=len(x))
    own = [clinic == j for j in range(40)]
    result = within_between(
        MixedStatistics.from_sites(
            [30] * 40,
            [design[one].T @ design[one] for one in own],
            [design[one].T @ score[one] for one in own],
            [score[one] @ score[one] for one in own],
        )
    )
    assert result.within.known.tolist() == [True, False]
    assert result.between.known.tolist() == [True, True]
    assert result.df == 1
    assert np.isfinite(result.posts).all()


def test_too_few_people_within_clinics_are_refused():
    one = np.array([[1.0, 2.0], [2.0, 4.0]])
    with pytest.raises(ValueError, match="too few people"):
        within_between(MixedStatistics.from_sites([1, 1], [one, one], [[1.0, 2.0], [1.0, 2.0]], [1.0, 1.0]))


def test_contrast_is_between_one_level_of_groups():
    one = MixedStatistics.from_sites([2, 2], [[[2.0]], [[2.0]]], [[3.0], [4.0]], [5.0, 9.0])
    with pytest.raises(ValueError, match="one level"):
        within_between(replace(one, parent=np.array([0, 1])))


def test_one_clinic_or_two_leave_no_contrast_to_test():
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(20), rng.normal(size=20)])
    y = rng.normal(size=20)
    with pytest.raises(ValueError, match="single group"):
        within_between(MixedStatistics.from_sites([20], [design.T @ design], [design.T @ y], [y @ y]))
    few = logistic_contrast(design[:, 1:], y > 0, np.arange(20) % 2, 2)
    assert math.isnan(few.p)


def test_clinics_with_one_outcome_only_are_left_out_and_counted():
    rng = np.random.default_rng(2)
    clinic = np.repeat(np.arange(5), 40)
    y = (rng.random(200) < 0.5).astype(float)
    y[clinic == 1], y[clinic == 2] = 0.0, 1.0
    fit = fit_fixed_effects_logistic(rng.normal(size=(200, 2)), y, clinic, 5)
    assert (fit.left_out_none, fit.left_out_all, fit.people_used) == (1, 1, 120)
    assert fit.constants[1:3].tolist() == [-math.inf, math.inf]
    assert fit.used.tolist() == [True, False, False, True, True]


def test_separated_outcomes_do_not_settle_and_say_so():
    x = np.tile(np.arange(10.0), 3)
    fit = fit_fixed_effects_logistic(x[:, None], (x > 4).astype(float), np.repeat(np.arange(3), 10), 3)
    assert not fit.converged


def test_thousands_of_clinics_need_no_dummies():
    rng = np.random.default_rng(6)
    clinic = np.repeat(np.arange(4_000), 25)
    X = rng.normal(size=(100_000, 3))
    y = (rng.random(100_000) < special.expit(X @ [0.5, -0.2, 0.0] + rng.normal(size=4_000)[clinic])).astype(float)
    fit = fit_fixed_effects_logistic(X, y, clinic, 4_000)
    assert fit.converged
    # Constants for clinics of 25 overstate slopes by about a twenty-fifth.
    assert fit.slopes.values == pytest.approx([0.5, -0.2, 0.0], abs=0.04)


def test_weights_of_the_within_clinic_fit_are_repeated_people():
    rng = np.random.default_rng(3)
    clinic, X = np.repeat(np.arange(10), 30), rng.normal(size=(300, 2))
    y, weight = (rng.random(300) < 0.4).astype(float), rng.integers(1, 4, size=300)
    weighted = fit_fixed_effects_logistic(X, y, clinic, 10, weight=weight)
    repeated = fit_fixed_effects_logistic(*(np.repeat(v, weight, axis=0) for v in (X, y, clinic)), 10)
    assert weighted.slopes.values == pytest.approx(repeated.slopes.values, rel=1e-7)
    assert weighted.slopes.covariance == pytest.approx(repeated.slopes.covariance, rel=1e-6)
    assert weighted.constants == pytest.approx(repeated.constants, rel=1e-7)


def test_clinics_alone_can_be_fitted_when_no_column_varies_within_them():
    clinic = np.repeat(np.arange(3), 4)
    fit = fit_fixed_effects_logistic(clinic[:, None] * 0.1, [0, 1, 1, 1] * 3, clinic, 3)
    assert fit.converged
    assert not fit.slopes.known.any()
    assert fit.constants == pytest.approx([math.log(3)] * 3)


def test_a_fit_that_may_not_go_on_says_that_it_has_not_settled():
    x, _, clinic, rng = confounded()
    fit = fit_fixed_effects_logistic(
        x[:, None], rng.random(len(x)) < special.expit(3 * x), clinic, 40, max_iterations=1
    )
    assert (fit.converged, fit.iterations) == (False, 1)


def test_steps_that_lead_too_far_are_halved():
    # Rare outcomes and a few extreme values: here the first full step would lower the likelihood.
    rng = np.random.default_rng(15)
    x = rng.standard_t(1, size=200)
    y = (rng.random(200) < special.expit(0.5 * x - 6)).astype(float)
    clinic = np.arange(200) % 2
    fit = fit_fixed_effects_logistic(x[:, None], y, clinic, 2)
    assert fit.converged
    eta = fit.constants[clinic] + fit.slopes.values[0] * x
    assert (y - special.expit(eta)) @ x == pytest.approx(0, abs=1e-5)
