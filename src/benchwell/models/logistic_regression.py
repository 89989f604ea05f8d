"""Logistic regression by iteratively reweighted least squares, on plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, finite, vector

_LARGEST_LOGIT = 30.0  # beyond this a probability is 0 or 1 in doubles, and the working weights vanish


@dataclass(frozen=True)
class LogisticFit:
    """A fit, and how it was found.

    Attributes:
        coefficients: Shape (n_columns,), log odds; 0 for columns that were dropped.
        kept: Shape (n_columns,): False for a column that is a combination of earlier ones.
        iterations: Newton steps taken.
        converged: Whether the last step was smaller than the tolerance.
        log_likelihood: Of the data, without the penalty.
        ridge: Penalty that was used, 0 for maximum likelihood.
    """

    coefficients: FloatArray
    kept: BoolArray
    iterations: int
    converged: bool
    log_likelihood: float
    ridge: float

    def probabilities(self, design: ArrayLike) -> FloatArray:
        """Fitted probabilities for rows of a design of the same columns, shape (n,)."""
        return _expit(finite("design", design) @ self.coefficients)


def fit_logistic(
    design: ArrayLike, outcome: ArrayLike, *, ridge: float = 0.0, max_iterations: int = 50, tolerance: float = 1e-10
) -> LogisticFit:
    """Fit P(outcome = 1) = expit(design @ coefficients).

    Columns that are linear combinations of earlier ones are dropped, so a saturated design reproduces the group
    rates exactly. A fit that does not settle (for instance when a column separates the outcomes) comes back with
    `converged` False: the caller decides, for instance by a small ridge.

    Args:
        design: Shape (n, n_columns); give the intercept as the first column of ones.
        outcome: Shape (n,), 0 or 1.
        ridge: Quadratic penalty on all coefficients but the first, per row of data.
        max_iterations: Newton steps before giving up.
        tolerance: Largest change of a coefficient at which the fit counts as settled.

    Raises:
        ValueError: If shapes differ or the outcome is not 0/1.

    Source:
        McCullagh & Nelder (1989), Generalized Linear Models, section 2.5.

    >>> group = np.repeat([1.0, 0.0], [40, 60])
    >>> seen = np.concatenate([np.arange(40) < 16, np.arange(60) < 48]).astype(float)
    >>> fit = fit_logistic(np.column_stack([np.ones(100), group]), seen)
    >>> fit.probabilities([[1, 1], [1, 0]]).round(10)
    array([0.4, 0.8])
    """
    X, y = finite("design", design), vector("outcome", outcome)
    if X.ndim != 2 or len(X) != len(y):
        raise ValueError(f"design {X.shape} and outcome {y.shape} do not fit together")
    if not np.isin(y, (0.0, 1.0)).all():
        raise ValueError("outcome must be 0 or 1")
    # Columns on one scale: the conditioning, the rank check and the ridge then do not depend on units.
    scale = np.sqrt(np.mean(X**2, axis=0))
    scale[scale == 0] = 1.0
    kept = _independent(X / scale)
    Z = (X / scale)[:, kept]
    beta, iterations, converged = _newton(Z, y, ridge * len(y), max_iterations, tolerance)
    eta = np.clip(Z @ beta, -_LARGEST_LOGIT, _LARGEST_LOGIT)
    coefficients = np.zeros(X.shape[1])
    coefficients[kept] = beta / scale[kept]
    log_likelihood = float(np.sum(y * eta - np.logaddexp(0.0, eta)))
    return LogisticFit(coefficients, kept, iterations, converged, log_likelihood, ridge)


def _newton(
    Z: FloatArray, y: FloatArray, penalty: float, max_iterations: int, tolerance: float
) -> tuple[FloatArray, int, bool]:
    beta = np.zeros(Z.shape[1])
    shrink = np.full(Z.shape[1], penalty)
    shrink[:1] = 0.0
    for iteration in range(1, max_iterations + 1):
        p = _expit(Z @ beta)
        weight = np.maximum(p * (1 - p), 1e-12)
        information = (Z * weight[:, None]).T @ Z + np.diag(shrink)
        score = Z.T @ (y - p) - shrink * beta
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            return beta, iteration, False
        # Steps are capped: with separation the raw Newton step can leap to where all weights vanish.
        largest = float(np.max(np.abs(step), initial=0.0))
        beta = beta + step * min(1.0, 5.0 / largest if largest > 0 else 1.0)
        if largest < tolerance:
            # Separated data also "settle" once every weight has vanished; such a fit is not a maximum.
            return beta, iteration, bool(np.max(np.abs(Z @ beta)) < _LARGEST_LOGIT)
    return beta, max_iterations, False


def _independent(Z: FloatArray) -> BoolArray:
    """Columns that are not a linear combination of the columns before them (from the small Gram matrix)."""
    gram = Z.T @ Z / max(len(Z), 1)
    kept: list[int] = []
    for column in range(Z.shape[1]):
        block = gram[np.ix_(kept, kept)]
        cross = gram[kept, column]
        rest = gram[column, column] - (cross @ np.linalg.solve(block, cross) if kept else 0.0)
        if rest > 1e-9 * max(gram[column, column], 1e-300):
            kept.append(column)
    mask = np.zeros(Z.shape[1], dtype=np.bool_)
    mask[kept] = True
    return mask


def _expit(eta: FloatArray) -> FloatArray:
    clipped = np.clip(eta, -_LARGEST_LOGIT, _LARGEST_LOGIT)
    return np.asarray(1.0 / (1.0 + np.exp(-clipped)))
