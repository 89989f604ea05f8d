"""Linear regression with one constant per clinic, weighted or not, for any number of clinics (METHODS M3.8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, IntArray, finite, positive, same_shape, vector
from benchwell.models.group_sums import sums_by_group
from benchwell.models.within_between import Slopes, independent_columns

_CONSTANT = 1e-9  # share of a column's size below which its variation within clinics is rounding


@dataclass(frozen=True)
class LinearFixedEffects:
    """Coefficients from differences between people of the same clinic.

    Attributes:
        slopes: Units of the outcome per unit of each column, with covariance; NaN for columns that do not vary within
            clinics.
        residual_variance: Within clinics.
        df: People less clinics less columns.
    """

    slopes: Slopes
    residual_variance: float
    df: int


def fit_fixed_effects_linear(
    columns: ArrayLike, outcome: ArrayLike, group: IntArray, groups: int, weight: ArrayLike | None = None
) -> LinearFixedEffects:
    """Least squares on deviations from the clinic's mean.

    Args:
        columns: Characteristics of people without a constant, shape (n, p).
        outcome: Shape (n,).
        group: Index of each person's clinic, shape (n,), 0 to `groups` - 1.
        groups: Number of clinics.
        weight: Of each person, shape (n,), > 0, such as inverse probabilities of follow-up; None is 1. They are scaled
            to add up to n: they say whom to count more, not how many people there are.

    Raises:
        ValueError: If shapes differ, a value is NaN, or too few people are left within clinics.

    Source:
        Mundlak (1978), Econometrica 46:69-85; METHODS E3.8.

    >>> fit = fit_fixed_effects_linear([[0.0], [1.0], [0.0], [2.0]], [1.0, 3.0, 5.0, 9.0], np.array([0, 0, 1, 1]), 2)
    >>> fit.slopes.values.round(6)
    array([2.])
    """
    X, y = finite("columns", columns), vector("outcome", outcome)
    if X.ndim != 2 or len(X) != len(y):
        raise ValueError(f"columns {X.shape} and outcome {y.shape} do not fit together")
    w = np.ones(len(y)) if weight is None else positive("weight", vector("weight", weight))
    same_shape(outcome=y, group=group, weight=w)
    w = w * (len(w) / w.sum())
    people = sums_by_group(w, group, groups)
    present = people > 0
    safe = np.where(present, people, 1.0)

    def deviation(values: FloatArray) -> FloatArray:
        return values - (sums_by_group(w * values, group, groups) / safe)[group]

    Z = np.column_stack([deviation(column) for column in X.T]) if X.shape[1] else X
    Z[:, np.sqrt(np.mean(Z**2, axis=0)) <= _CONSTANT * np.sqrt(np.mean(X**2, axis=0))] = 0.0
    e = deviation(y)
    gram, cross = (Z * w[:, None]).T @ Z, Z.T @ (w * e)
    kept = independent_columns(gram)
    df = len(y) - int(present.sum()) - int(kept.sum())
    if df <= 0:
        raise ValueError("too few people within clinics to separate clinics from people")
    slopes = np.full(X.shape[1], np.nan)
    slopes[kept] = np.linalg.solve(gram[np.ix_(kept, kept)], cross[kept])
    rest = e - Z[:, kept] @ slopes[kept]
    variance = float((w * rest**2).sum()) / df
    covariance = np.full(gram.shape, np.nan)
    covariance[np.ix_(kept, kept)] = variance * np.linalg.inv(gram[np.ix_(kept, kept)])
    return LinearFixedEffects(Slopes(slopes, covariance, kept), variance, df)
