"""Expected scores against a slow twin: the textbook's conditional normal distribution, by inverting the covariance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchwell.models.conditional_growth import Growth
from benchwell.models.early_change import share_of_gain, two_by_two

times = st.floats(0, 4)
variances = st.floats(0.01, 50)


@st.composite
def curves(draw):
    first, second = draw(variances), draw(variances)
    covariance = draw(st.floats(-0.99, 0.99)) * np.sqrt(first * second)
    return Growth(draw(st.floats(-40, 40)), draw(st.floats(-9, 9)), first, covariance, second, draw(variances))


@given(curves(), times, times, st.floats(0, 27))
def test_conditional_distribution(curve, t, start, baseline):
    z = np.array([[1, start], [1, t]])
    spread = np.array([[curve.intercept_variance, curve.covariance], [curve.covariance, curve.slope_variance]])
    v = z @ spread @ z.T + curve.residual_variance * np.eye(2)
    mean = z @ [curve.intercept, curve.slope]
    weight = v[1, :1] @ np.linalg.inv(v[:1, :1])
    said = curve.given(t, baseline, start)
    assert said.mean == pytest.approx(float(mean[1] + weight[0] * (baseline - mean[0])), rel=1e-9, abs=1e-9)
    assert said.sd**2 == pytest.approx(float(v[1, 1] - weight[0] * v[0, 1]), rel=1e-7)
    assert said.sd <= curve.marginal(t).sd + 1e-9  # knowing the start never widens the range
    assert said.quantile(0.1) <= said.mean <= said.quantile(0.9)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_counts_add_up(people):
    flagged = np.array([one for one, _ in people], bool)
    responded = np.array([other for _, other in people], bool)
    rule = two_by_two(flagged, responded)
    assert rule.n == len(people)
    assert rule.flagged == sum(flagged)
    assert rule.tp + rule.fn == len(people) - sum(responded)
    if rule.ppv is not None:
        assert rule.ppv == sum(not r for f, r in people if f) / rule.flagged


@given(st.floats(1, 27), st.floats(0, 27))
def test_a_reversed_scale_says_the_same(baseline, value):
    assert share_of_gain(27 - baseline, 27 - value, 27) == pytest.approx(share_of_gain(baseline, value, 0))
