"""Rows of the same group and the same covariates, counted: a smaller problem with the same likelihood."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, IntArray, vector

_PRIME = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: spreads the bits of a product over the word


class Patterns(NamedTuple):
    """Distinct (group, covariates) patterns, ordered by group.

    Attributes:
        x: One design row per pattern, shape (m, p).
        successes: Sum over the rows of a pattern, shape (m,).
        trials: Sum over the rows of a pattern, shape (m,).
        group: Group code of each pattern, shape (m,), non-decreasing.
    """

    x: FloatArray
    successes: FloatArray
    trials: FloatArray
    group: IntArray


def collapse(x: FloatArray, successes: ArrayLike, trials: ArrayLike | None, group: ArrayLike) -> Patterns:
    """Merge rows whose group and covariates are identical, bit for bit.

    Nothing of the Bernoulli likelihood is lost: a pattern's rows share one probability, and no binomial coefficient
    is added. It pays where covariates are categories and small counts; with a continuous covariate little merges.

    Args:
        x: Design, shape (n, p).
        successes: Shape (n,).
        trials: Shape (n,); None when every row is one trial.
        group: Integer code of each row's innermost group, shape (n,).

    Raises:
        ValueError: If shapes do not fit.

    >>> patterns = collapse(np.array([[1.0, 0], [1, 1], [1, 0], [1, 0]]), [1, 0, 0, 1], None, [0, 0, 0, 1])
    >>> sorted(zip(patterns.group.tolist(), patterns.x[:, 1].tolist(), patterns.trials.tolist(), strict=True))
    [(0, 0.0, 2.0), (0, 1.0, 1.0), (1, 0.0, 1.0)]
    """
    design = np.asarray(x, dtype=np.float64)
    y, code = vector("successes", successes), np.asarray(group, dtype=np.int64)
    m = np.ones(len(y)) if trials is None else vector("trials", trials)
    if design.ndim != 2 or not len(design) == len(y) == len(m) == len(code):
        raise ValueError(f"x {design.shape}, successes {y.shape} and group {code.shape} do not fit together")
    order = np.lexsort((_fingerprints(design), code))
    first = _first_of_pattern(design, code, order)
    starts = np.flatnonzero(first)
    kept = order[starts]
    return Patterns(design[kept], np.add.reduceat(y[order], starts), np.add.reduceat(m[order], starts), code[kept])


def _fingerprints(x: FloatArray) -> npt.NDArray[np.uint64]:
    """One word per row, equal for equal rows; sorting by it brings equal rows together.

    Unequal rows that share a word may keep some equal ones apart: fewer merge then, and the likelihood is the same.
    """
    mixed = np.zeros(len(x), dtype=np.uint64)
    for column in range(x.shape[1]):
        mixed ^= (x[:, column] + 0.0).view(np.uint64)  # + 0.0: minus zero is zero
        mixed *= _PRIME
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _first_of_pattern(x: FloatArray, code: IntArray, order: IntArray) -> BoolArray:
    """Whether each row, in order, differs from the one before: by its values, so that fingerprints decide nothing."""
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = code[order[1:]] != code[order[:-1]]
    for column in range(x.shape[1]):
        values = x[order, column]
        first[1:] |= values[1:] != values[:-1]
    return first
