"""Separation: a combination of columns that predicts every row, so that the coefficients have no maximum."""

from __future__ import annotations

import numpy as np

from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.models.grouped_rows import GroupedRows

_SLACK = 1e-3  # of the largest value along the direction: what has not yet died away of the other columns
_TAKES_PART = 1e-2


def separating_columns(rows: GroupedRows, direction: FloatArray) -> BoolArray | None:
    """Columns of a direction along which the likelihood rises for ever, or None when it does not.

    Under separation Newton's steps turn into such a direction. It is one if no row with a success lies below zero on
    it, none with a failure above, and some row off it.

    Args:
        rows: The rows.
        direction: Candidate, shape (p,).

    Source:
        Albert & Anderson (1984), Biometrika 71:1-10.

    >>> from benchwell.models.grouped_rows import group_rows
    >>> x = np.array([[1.0, 0], [1, 0], [1, 1], [1, 1]])
    >>> rows = group_rows(x, np.array([0.0, 1, 1, 1]), None, np.zeros(4, int), None)
    >>> separating_columns(rows, np.array([0.0, 1.0])).tolist()
    [False, True]
    >>> separating_columns(rows, np.array([1.0, 0.0])) is None
    True
    """
    along = rows.x @ direction
    largest = float(np.abs(along).max())
    if largest == 0.0:
        return None
    trials = 1.0 if rows.trials is None else rows.trials
    slack = _SLACK * largest
    against = (rows.successes > 0) & (along < -slack) | (rows.successes < trials) & (along > slack)
    if against.any():
        return None
    reach = np.abs(direction) * np.sqrt(np.einsum("ij,ij->j", rows.x, rows.x) / len(along))
    spread = np.abs(direction) * np.abs(rows.x).max(axis=0)
    takes_part: BoolArray = np.maximum(reach, spread) > _TAKES_PART * largest
    # The constant only balances the others, unless it is alone.
    if takes_part[1:].any():
        takes_part[0] = False
    return takes_part
