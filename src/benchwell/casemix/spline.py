"""Restricted cubic splines: curved between the knots, straight beyond the outer ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchwell.models.arrays import FloatArray


def restricted_cubic_spline(values: FloatArray, knots: Sequence[float]) -> FloatArray:
    """Harrell's basis: the value itself, then k - 2 bends, each divided by (last knot - first knot) squared.

    With k knots t, for j = 1 .. k - 2 and p = max(., 0)^3:
    p(x - t_j) - p(x - t_{k-1}) (t_k - t_j) / (t_k - t_{k-1}) + p(x - t_k) (t_{k-1} - t_j) / (t_k - t_{k-1}).

    Args:
        values: Shape (n,).
        knots: At least 3, ascending, in the unit of the values.

    Returns:
        Shape (n, k - 1), in the unit of the values.

    Raises:
        ValueError: If there are fewer than 3 knots, or they do not ascend.

    Source:
        Harrell (2015), Regression Modeling Strategies, 2nd ed., section 2.4.5 (as in R: Hmisc::rcspline.eval, norm=2).

    >>> restricted_cubic_spline(np.array([5.0, 15.0, 25.0]), [0, 10, 20]).round(6).tolist()
    [[5.0, 0.3125], [15.0, 7.8125], [25.0, 22.5]]
    """
    t = np.asarray(knots, dtype=np.float64)
    if len(t) < 3 or (np.diff(t) <= 0).any():
        raise ValueError("a spline needs at least 3 ascending knots")
    x = np.asarray(values, dtype=np.float64)
    last, before = t[-1], t[-2]
    end, near_end = np.maximum(x - last, 0) ** 3, np.maximum(x - before, 0) ** 3
    basis = np.empty((len(x), len(t) - 1))
    basis[:, 0] = x
    for place, knot in enumerate(t[:-2], start=1):
        bend = np.maximum(x - knot, 0) ** 3
        bend -= near_end * (last - knot) / (last - before)
        bend += end * (before - knot) / (last - before)
        basis[:, place] = bend / (last - t[0]) ** 2
    return basis
