"""The search behind mixed models, on functions whose lowest point is known."""

from __future__ import annotations

import numpy as np
import pytest

from benchwell.models.mixed_search import newton, search


def bowl(theta):
    return float(((theta - 3) ** 2).sum()), 2 * (theta - 3)


def double_well(theta):
    """Even, as a deviance is: lowest at plus and minus 2, stationary at zero."""
    t = theta[0]
    return float((t * t - 4) ** 2), np.array([4 * t * (t * t - 4)])


def two_modes(theta):
    """A shallow mode near 1 and a deep one near 100, on the logarithm."""
    u = np.log(np.abs(theta[0]))
    deep, shallow = np.exp(-((u - np.log(100)) ** 2)), 0.5 * np.exp(-(u**2))
    slope = 2 * (u - np.log(100)) * deep + 2 * u * shallow
    return float(-deep - shallow), np.array([slope / theta[0]])


def value_of(objective):
    return lambda theta: objective(theta)[0]


def test_newton_finds_the_bottom_of_a_bowl():
    found = newton(bowl, value_of(bowl), np.array([1.0, 20.0]))
    assert found.converged
    assert found.theta == pytest.approx([3, 3], rel=1e-9)


@pytest.mark.parametrize("start", [1e-6, 0.05, 1.0, 50.0])
def test_newton_leaves_a_stationary_boundary(start):
    found = newton(double_well, value_of(double_well), np.array([start]), typical=np.array([0.1]))
    assert abs(found.theta[0]) == pytest.approx(2, rel=1e-9)


def test_the_lower_of_two_modes_is_kept():
    starts = [np.array([t]) for t in (0.7, 1.1, 60.0, 150.0)]
    found = search(two_modes, value_of(two_modes), starts)
    assert abs(found.theta[0]) == pytest.approx(100, rel=1e-3)
    assert found.iterations > newton(two_modes, value_of(two_modes), np.array([60.0])).iterations


def test_a_search_that_no_step_can_help_says_so():
    def lying(theta):
        return float(theta[0] ** 2), np.array([-100.0])  # the gradient points uphill

    found = newton(lying, value_of(lying), np.array([1.0]))
    assert not found.converged


def test_a_last_step_that_does_not_pay_is_not_taken():
    def flat(theta):
        return float(theta[0] ** 2), np.array([-1e-14])

    assert newton(flat, value_of(flat), np.array([1.0])).theta.tolist() == [1.0]


def test_a_search_without_an_end_says_so():
    def endless(theta):
        return float(-np.abs(theta[0])), np.array([-np.sign(theta[0])])

    assert not newton(endless, value_of(endless), np.array([1.0])).converged
