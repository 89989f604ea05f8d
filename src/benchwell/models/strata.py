"""Small strata borrow from the others, then the population is put together again (METHODS M4.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import (
    ArrayLike,
    BoolArray,
    FloatArray,
    finite,
    non_negative,
    positive,
    same_shape,
    vector,
)

# Below this share of own information a stratum's figure is mostly that of the others.
MOSTLY_BORROWED_BELOW = 0.5


@dataclass(frozen=True)
class BorrowedStrata:
    """Stratum estimates after borrowing.

    Attributes:
        tau2: Variance between strata around the regression.
        coefficients: Regression coefficients, shape (p,); the common mean when there are no features.
        predicted: Regression value of each stratum, shape (s,).
        reliability: Share of its own information in each stratum's figure (B), shape (s,).
        values: B * estimate + (1 - B) * predicted, shape (s,).
        sd: sqrt(tau2 (1 - B)), shape (s,), coefficients and `tau2` taken as known.
        mostly_borrowed: Where B < .5, shape (s,).
    """

    tau2: float
    coefficients: FloatArray
    predicted: FloatArray
    reliability: FloatArray
    values: FloatArray
    sd: FloatArray
    mostly_borrowed: BoolArray


def borrow(estimate: ArrayLike, variance: ArrayLike, features: ArrayLike | None = None) -> BorrowedStrata:
    """Shrink stratum estimates toward a regression on what the strata have in common.

    Args:
        estimate: Stratum estimates, shape (s,), in the outcome's unit.
        variance: Their sampling variances, shape (s,), > 0.
        features: Stratum features, shape (s, p - 1), without a constant (it is added); None for a common mean.

    Returns:
        Values with the share of own information behind each.

    Raises:
        ValueError: If shapes differ, a value is NaN, a variance is not above zero, or the features are collinear or
            as many as the strata.

    Source:
        Gelman & Little (1997), Surv Methodol 23:127-135; moment estimate of tau2 as DerSimonian-Laird with a
        regression: (Q - (s - p)) / trace; METHODS E4.6.

    >>> n = np.array([400, 150, 60, 18])
    >>> y = np.array([.50, .38, .45, .30])
    >>> p = (n * y).sum() / n.sum()
    >>> result = borrow(y, p * (1 - p) / n)
    >>> result.values.round(4), result.mostly_borrowed
    (array([0.4909, 0.3954, 0.4411, 0.4029]), array([False, False,  True,  True]))
    """
    y, v = vector("estimate", estimate), positive("variance", variance)
    same_shape(estimate=y, variance=v)
    X = _design(features, len(y))
    tau2 = _moment_tau2(y, v, X)
    coefficients = _weighted_fit(y, 1 / (v + tau2), X)
    predicted = X @ coefficients
    reliability = tau2 / (tau2 + v)
    return BorrowedStrata(
        tau2=tau2,
        coefficients=coefficients,
        predicted=predicted,
        reliability=reliability,
        values=reliability * y + (1 - reliability) * predicted,
        sd=np.sqrt(tau2 * (1 - reliability)),
        mostly_borrowed=reliability < MOSTLY_BORROWED_BELOW,
    )


def poststratify(values: ArrayLike, population: ArrayLike) -> float:
    """Put strata together in the proportions of a declared population.

    Args:
        values: Stratum values, shape (s,).
        population: People or shares per stratum, shape (s,), >= 0 with a positive sum.

    Returns:
        Sum of N_s * value_s over sum of N_s.

    Raises:
        ValueError: If shapes differ, a value is NaN, or the population is empty.

    Source:
        Park, Gelman & Bafumi (2004), Polit Anal 12:375-385; METHODS E4.6.

    >>> round(poststratify([.50, .38, .45, .30], [.4, .3, .2, .1]), 4)
    0.434
    """
    value, people = vector("values", values), non_negative("population", population)
    same_shape(values=value, population=people)
    if people.sum() <= 0:
        raise ValueError("population must have a positive sum")
    return float((people * value).sum() / people.sum())


def _design(features: ArrayLike | None, strata: int) -> FloatArray:
    constant = np.ones((strata, 1))
    if features is None:
        return constant
    columns = finite("features", features)
    if columns.ndim != 2 or len(columns) != strata:
        raise ValueError("features must have one row per stratum and one column per feature")
    X = np.hstack([constant, columns])
    if X.shape[1] >= strata or np.linalg.matrix_rank(X) < X.shape[1]:
        raise ValueError("features must be fewer than the strata and not collinear")
    return X


def _weighted_fit(y: FloatArray, w: FloatArray, X: FloatArray) -> FloatArray:
    root = np.sqrt(w)
    return np.asarray(np.linalg.lstsq(root[:, None] * X, root * y, rcond=None)[0], dtype=np.float64)


def _moment_tau2(y: FloatArray, v: FloatArray, X: FloatArray) -> float:
    w = 1 / v
    residual = y - X @ _weighted_fit(y, w, X)
    inner = np.linalg.inv(X.T @ (w[:, None] * X))
    trace = w.sum() - np.trace(inner @ (X.T @ ((w**2)[:, None] * X)))
    if trace <= 1e-12 * w.sum():
        return 0.0
    return float(max(0.0, ((w * residual**2).sum() - (len(y) - X.shape[1])) / trace))
