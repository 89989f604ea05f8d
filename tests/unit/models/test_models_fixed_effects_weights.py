"""A weight of k stands for k people alike."""

import numpy as np
import pytest

from benchwell.models.fixed_effects_logistic import fit_fixed_effects_logistic


def test_whole_weights_are_repeated_people() -> None:
    rng = np.random.default_rng(5)
    n, groups = 240, 6
    group, x = rng.integers(0, groups, n), rng.normal(size=(n, 2))
    y = (rng.random(n) < 1 / (1 + np.exp(-x[:, 0]))).astype(float)
    times = rng.integers(1, 4, n)
    weighted = fit_fixed_effects_logistic(x, y, group, groups, weight=times)
    repeated = fit_fixed_effects_logistic(
        np.repeat(x, times, axis=0), np.repeat(y, times), np.repeat(group, times), groups
    )
    assert weighted.slopes.values == pytest.approx(repeated.slopes.values, rel=1e-8)
    assert weighted.slopes.covariance == pytest.approx(repeated.slopes.covariance, rel=1e-7)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-10)


def test_equal_weights_change_no_slope() -> None:
    rng = np.random.default_rng(6)
    group, x = np.repeat(np.arange(4), 40), rng.normal(size=(160, 1))
    y = (rng.random(160) < 0.4).astype(float)
    plain = fit_fixed_effects_logistic(x, y, group, 4)
    doubled = fit_fixed_effects_logistic(x, y, group, 4, weight=np.full(160, 2.0))
    assert doubled.slopes.values == pytest.approx(plain.slopes.values, rel=1e-8)


def test_a_weight_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="weight"):
        fit_fixed_effects_logistic([[0.0], [1.0]], [0, 1], [0, 0], 1, weight=[1.0, 0.0])
