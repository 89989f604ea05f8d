"""Where the search of a logistic mixed model begins: independent columns, fixed effects, spread of the groups."""

from __future__ import annotations

import numpy as np

from benchwell.models.arrays import BoolArray, FloatArray, finite
from benchwell.models.grouped_rows import GroupedRows, group_rows
from benchwell.models.mode_search import expit
from benchwell.models.newton import solve_scaled

_SAMPLE_ROWS = 50_000  # a search on this many rows lands within a few standard errors of the one on a million
_SETTLED_MOVE = 1e-2  # log odds: the mixed model moves the fixed effects further than this anyway
_ITERATIONS = 12


def independent_columns(x: FloatArray) -> BoolArray:
    """Columns that are no combination of earlier ones, from the Gram matrix around the column means.

    Raises:
        ValueError: If the design holds NaN or infinite values.

    >>> independent_columns(np.array([[1.0, 0, 2], [1, 1, 3], [1, 2, 4]])).tolist()
    [True, True, False]
    """
    p = x.shape[1]
    mean = x.mean(axis=0)
    mean[0] = 0.0
    gram = np.zeros((p, p))
    for start in range(0, len(x), 65_536):
        part = x[start : start + 65_536] - mean
        gram += part.T @ part
    finite("x", gram)
    kept: list[int] = []
    for column in range(p):
        cross, rest = gram[kept, column], gram[column, column]
        if kept:
            rest = rest - cross @ np.linalg.solve(gram[np.ix_(kept, kept)], cross)
        # A constant column differs from its mean by rounding only.
        if rest > 1e-9 * gram[column, column] and rest > 1e-20 * len(x) * mean[column] ** 2:
            kept.append(column)
    mask = np.zeros(p, dtype=np.bool_)
    mask[kept] = True
    return mask


def rough_start(rows: GroupedRows) -> FloatArray:
    """(beta, theta): fixed effects without groups, and a moment estimate of the standard deviation of the groups."""
    beta = _without_groups(rows)
    probability = expit(rows.x @ beta)
    trials = 1.0 if rows.trials is None else rows.trials
    residual = np.add.reduceat(rows.successes - trials * probability, rows.starts)
    information = np.add.reduceat(trials * probability * (1.0 - probability), rows.starts)
    # E residual² = information + variance information²
    variance = float((residual**2 - information).sum() / max(float((information**2).sum()), 1e-300))
    levels = 1 if rows.outer_starts is None else 2
    sd = float(np.clip(np.sqrt(max(variance, 0.0) / levels), 0.1, 3.0))
    return np.concatenate([beta, [sd] * levels])


def sample(rows: GroupedRows) -> GroupedRows | None:
    """Every k-th row, about 50,000 of them; None when there are too few rows for that to save time."""
    stride = len(rows.successes) // _SAMPLE_ROWS
    if stride < 3:
        return None
    group = np.repeat(np.arange(len(rows.starts)), rows.sizes)[::stride]
    parent = None if rows.outer_starts is None else np.repeat(np.arange(len(rows.outer_sizes)), rows.outer_sizes)
    trials = None if rows.trials is None else rows.trials[::stride]
    return group_rows(np.ascontiguousarray(rows.x[::stride]), rows.successes[::stride], trials, group, parent)


def _without_groups(rows: GroupedRows) -> FloatArray:
    """Damped Newton for the plain logistic regression; rough, and cut short when columns separate the rows."""
    trials = np.ones(1) if rows.trials is None else rows.trials
    people = float(len(rows.successes) if rows.trials is None else trials.sum())
    rate = float(np.clip(rows.successes.sum() / people, 1e-6, 1.0 - 1e-6))
    beta = np.zeros(rows.x.shape[1])
    beta[0] = np.log(rate / (1.0 - rate))
    for _ in range(_ITERATIONS):
        probability = expit(rows.x @ beta)
        score = rows.x.T @ (rows.successes - trials * probability)
        information = rows.weighted_cross(trials * probability * (1.0 - probability))
        step = solve_scaled(information, score)
        move = float(np.abs(rows.x @ step).max())
        beta = beta + step * (np.log1p(move) / move if move > 0.5 else 1.0)
        if move < _SETTLED_MOVE:
            break
    return beta
