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
    it, none with a failure above, and some row off it. A column is named if it separates alone, or if the others do
    not separate without it.

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
    if not _separates(rows, direction):
        return None
    reach = np.abs(direction) * np.abs(rows.x).max(axis=0)
    takes_part: BoolArray = reach > _TAKES_PART * reach.max()
    # The constant only balances the others, unless it is alone.
    if takes_part[1:].any():
        takes_part[0] = False
    named = takes_part.copy()
    for column in np.flatnonzero(takes_part) if takes_part.sum() > 1 else ():
        alone, without = np.zeros_like(direction), direction.copy()
        alone[column], without[column] = direction[column], 0.0
        named[column] = _separates(rows, alone) or not _separates(rows, without)
    return named if named.any() else takes_part


def _separates(rows: GroupedRows, direction: FloatArray) -> bool:
    along = rows.x @ direction
    largest = float(np.abs(along).max())
    trials = 1.0 if rows.trials is None else rows.trials
    slack = _SLACK * largest
    against = (rows.successes > 0) & (along < -slack) | (rows.successes < trials) & (along > slack)
    return largest > 0.0 and not bool(against.any())
