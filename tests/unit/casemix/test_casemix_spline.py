"""Restricted cubic splines against hand computation and against what defines them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchwell.casemix.spline import restricted_cubic_spline


def test_three_knots_by_hand():
    # Knots 0, 10, 20; divided by (20 - 0)^2 = 400.
    # x = 5: 5^3 = 125. x = 15: 15^3 - 2 * 5^3 = 3125. x = 25: 25^3 - 2 * 15^3 + 1 * 5^3 = 9000.
    basis = restricted_cubic_spline(np.array([-3.0, 0.0, 5.0, 15.0, 25.0]), [0, 10, 20])
    assert basis[:, 0].tolist() == [-3, 0, 5, 15, 25]
    assert basis[:, 1].tolist() == pytest.approx([0, 0, 125 / 400, 3125 / 400, 9000 / 400], abs=1e-12)


def test_four_uneven_knots_by_hand():
    # Knots 5, 10, 15, 20 of PHQ-9, divided by 15^2 = 225. At x = 18:
    # first bend: 13^3 - 3^3 * (20 - 5) / 5 = 2197 - 81 = 2116; second: 8^3 - 3^3 * (20 - 10) / 5 = 512 - 54 = 458.
    # At x = 22: 17^3 - 7^3 * 3 + 2^3 * (15 - 5) / 5 = 4913 - 1029 + 16 = 3900; 12^3 - 7^3 * 2 + 2^3 * 1 = 1050.
    basis = restricted_cubic_spline(np.array([18.0, 22.0]), [5, 10, 15, 20])
    assert basis.ravel().tolist() == pytest.approx([18, 2116 / 225, 458 / 225, 22, 3900 / 225, 1050 / 225], abs=1e-12)


@given(
    st.lists(st.integers(-50, 50), min_size=3, max_size=7, unique=True).map(sorted),
    st.floats(0.1, 30),
)
def test_beyond_the_outer_knots_every_column_is_straight(knots, step):
    for start, sign in ((knots[0], -1), (knots[-1], 1)):
        x = start + sign * np.array([0.0, step, 2 * step])
        basis = restricted_cubic_spline(x, knots)
        bend = basis[0] - 2 * basis[1] + basis[2]
        assert np.abs(bend).max() <= 1e-8 * max(1.0, np.abs(basis).max())
    below = restricted_cubic_spline(knots[0] - np.array([step]), knots)
    assert below[0, 1:].tolist() == [0.0] * (len(knots) - 2)


@pytest.mark.parametrize("knots", [[1, 2], [1, 2, 2], [3, 2, 1]])
def test_knots_that_make_no_spline_are_refused(knots):
    with pytest.raises(ValueError, match="at least 3 ascending knots"):
        restricted_cubic_spline(np.array([1.0]), knots)
