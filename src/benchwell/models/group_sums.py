"""Sums of people's values by group, and the checks before them."""

from __future__ import annotations

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, IntArray, finite, same_shape


def sums_by_group(values: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Sum of the values in each group, shape (groups,); 0 for a group of nobody.

    >>> sums_by_group(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 2]), 3)
    array([1., 0., 6.])
    """
    return np.asarray(np.bincount(group, weights=values, minlength=groups), dtype=np.float64)


def group_index(group: ArrayLike, groups: int) -> IntArray:
    """Turn group labels into whole numbers and refuse those outside 0 to `groups` - 1.

    >>> group_index([0.0, 1.0], 2)
    array([0, 1])
    """
    index = np.asarray(group)
    whole = index.astype(np.int64)
    if index.ndim != 1 or groups < 1:
        raise ValueError("group must be one-dimensional and there must be at least one group")
    if len(whole) and ((whole != index).any() or whole.min() < 0 or whole.max() >= groups):
        raise ValueError("group must hold whole numbers from 0 to groups - 1")
    return whole


def rows_by_group(
    value: ArrayLike, outcome: ArrayLike, group: ArrayLike, groups: int
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Check rows of (value, 0/1 outcome, group index) before they are summed by group.

    Args:
        value: Shape (n,).
        outcome: 0 or 1, shape (n,).
        group: Shape (n,), whole numbers from 0 to `groups` - 1.
        groups: Number of groups, >= 1.

    Returns:
        The three as arrays of floats, floats and whole numbers.

    Raises:
        ValueError: If shapes differ, a value is NaN, an outcome not 0 or 1, or a group out of range.

    >>> rows_by_group([0.1], [1], [0], 1)[2]
    array([0])
    """
    values, y, index = finite("value", value), finite("outcome", outcome), group_index(group, groups)
    same_shape(value=values, outcome=y, group=index)
    if not ((y == 0) | (y == 1)).all():
        raise ValueError("outcome must be 0 or 1")
    return values, y, index
