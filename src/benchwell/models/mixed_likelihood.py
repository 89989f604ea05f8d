"""The likelihood of a linear mixed model with everything profiled out but the variance ratios (METHODS M3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from benchwell.models.arrays import FloatArray
from benchwell.models.mixed_blocks import Blocks, Evaluated

# Share of y'V^-1 y below which a residual is rounding.
NO_REST = 1e-14


@dataclass(frozen=True, eq=False)
class Solved:
    """The fit of the coefficients at given variance ratios, on the standardized columns.

    Attributes:
        coefficients: Generalized least squares, shape (q - 1,).
        inverse: (X'V^-1 X)^-1, shape (q - 1, q - 1).
        residual: y'V^-1 y - b'coefficients.
        log_x: ln|X'V^-1 X|.
        log_v: ln|V|.
        evaluated: The structure at the ratios.
    """

    coefficients: FloatArray
    inverse: FloatArray
    residual: float
    log_x: float
    log_v: float
    evaluated: Evaluated


def solve(blocks: Blocks, ratios: FloatArray) -> Solved:
    """Generalized least squares at variance ratios, by one Cholesky factorization of [X, y]' V^-1 [X, y].

    Raises:
        ValueError: If the columns of X explain y without a rest.
    """
    at = blocks.evaluate(ratios)
    factor = _factor(at)
    k = len(factor) - 1
    inverse_factor, _ = lapack.dtrtri(factor[:k, :k], lower=1) if k else (np.zeros((0, 0)), 0)
    return Solved(
        coefficients=inverse_factor.T @ factor[k, :k],
        inverse=inverse_factor.T @ inverse_factor,
        residual=float(factor[k, k] ** 2),
        log_x=_log_x(factor),
        log_v=at.log_determinant,
        evaluated=at,
    )


def _factor(at: Evaluated) -> FloatArray:
    """Lower Cholesky factor of the products; LAPACK directly, since a search asks hundreds of times."""
    factor, failed = lapack.dpotrf(at.products, lower=1, clean=1)
    if failed or factor[-1, -1] ** 2 <= NO_REST * at.products[-1, -1]:
        raise ValueError("y is explained without a rest, so no residual variance is left to fit")
    return np.asarray(factor, dtype=np.float64)


def _log_x(factor: FloatArray) -> float:
    return 2 * float(np.log(np.diag(factor)[:-1]).sum())


@dataclass(frozen=True, eq=False)
class Profiled:
    """Minus twice the log likelihood as a function of theta, coefficients and residual variance profiled out.

    Attributes:
        blocks: The covariance structure.
        freedom: n - p for REML, n for ML.
        reml: Whether ln|X'V^-1 X| counts.
        fixed_sd: A residual standard deviation that is not profiled out but held; None profiles it out.
    """

    blocks: Blocks
    freedom: int
    reml: bool
    fixed_sd: float | None = None

    def value(self, theta: FloatArray) -> float:
        """Deviance at theta."""
        return self.at(self.blocks.ratios(theta))

    def at(self, ratios: FloatArray) -> float:
        """Deviance at variance ratios."""
        at = self.blocks.evaluate(ratios)
        factor = _factor(at)
        return self._deviance(at.log_determinant, _log_x(factor), float(factor[-1, -1] ** 2))

    def value_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Deviance at theta and its derivatives by theta."""
        fit = solve(self.blocks, self.blocks.ratios(theta))
        return self._deviance(fit.log_v, fit.log_x, fit.residual), self.blocks.chain(theta, self.by_ratio(fit))

    def by_ratio(self, fit: Solved) -> FloatArray:
        """Derivatives of the deviance by the variance ratios."""
        direction = np.append(-fit.coefficients, 1.0)
        factor = self.freedom / fit.residual if self.fixed_sd is None else self.fixed_sd**-2
        weight = factor * np.outer(direction, direction)
        if self.reml:
            weight[:-1, :-1] += fit.inverse
        return self.blocks.derivative(fit.evaluated, weight)

    def _deviance(self, log_v: float, log_x: float, residual: float) -> float:
        logs = log_v + log_x if self.reml else log_v
        if self.fixed_sd is not None:
            variance = self.fixed_sd**2
            return float(logs + self.freedom * np.log(2 * np.pi * variance) + residual / variance)
        return float(logs + self.freedom * (1 + np.log(2 * np.pi * residual / self.freedom)))
