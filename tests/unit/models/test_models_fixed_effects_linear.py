"""Within-clinic least squares: the dummy regression itself, weights, and columns that cannot tell."""

import numpy as np
import pytest

from benchwell.models.fixed_effects_linear import fit_fixed_effects_linear


def _data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    group = rng.integers(0, 5, 90)
    x = rng.normal(size=(90, 2)) + group[:, None]
    y = x @ np.array([1.5, -0.5]) + 3.0 * group + rng.normal(size=90)
    return x, y, group


def test_it_is_the_regression_with_a_column_per_clinic() -> None:
    x, y, group = _data()
    design = np.column_stack([x, np.eye(5)[group]])
    beta, rest = np.linalg.lstsq(design, y, rcond=None)[:2]
    variance = rest[0] / (90 - 7)
    fit = fit_fixed_effects_linear(x, y, group, 5)
    assert fit.slopes.values == pytest.approx(beta[:2], rel=1e-10)
    assert fit.residual_variance == pytest.approx(variance, rel=1e-10)
    assert fit.slopes.covariance == pytest.approx(variance * np.linalg.inv(design.T @ design)[:2, :2], rel=1e-8)


def test_weights_are_those_of_weighted_least_squares() -> None:
    x, y, group = _data()
    weight = np.random.default_rng(3).uniform(0.5, 3.0, 90)
    root = np.sqrt(weight)
    design = np.column_stack([x, np.eye(5)[group]]) * root[:, None]
    beta = np.linalg.lstsq(design, y * root, rcond=None)[0]
    assert fit_fixed_effects_linear(x, y, group, 5, weight).slopes.values == pytest.approx(beta[:2], rel=1e-9)


def test_a_column_that_is_constant_in_each_clinic_has_no_slope() -> None:
    x, y, group = _data()
    fit = fit_fixed_effects_linear(np.column_stack([x, group * 2.0]), y, group, 5)
    assert fit.slopes.known.tolist() == [True, True, False]
    assert np.isnan(fit.slopes.values[2])


def test_one_person_a_clinic_is_refused() -> None:
    with pytest.raises(ValueError, match="too few people within clinics"):
        fit_fixed_effects_linear([[0.0], [1.0]], [1.0, 2.0], np.array([0, 1]), 2)
