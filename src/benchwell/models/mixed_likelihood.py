"""The likelihood of a linear mixed model with everything profiled out but the variance ratios (METHODS M3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from benchwell.models.arrays import FloatArray
from benchwell.models.mixed_blocks import Blocks, Evaluated


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
    k = len(at.products) - 1
    try:
        factor = linalg.cholesky(at.products, lower=True, check_finite=False)
    except linalg.LinAlgError as error:
        raise ValueError("y is explained without a rest, so no residual variance is left to fit") from error
    if k == 0:
        none = np.zeros(0)
        return Solved(none, np.zeros((0, 0)), float(factor[0, 0] ** 2), 0.0, at.log_determinant, at)
    inverse_factor = linalg.solve_triangular(factor[:k, :k], np.eye(k), lower=True, check_finite=False)
    return Solved(
        coefficients=inverse_factor.T @ factor[k, :k],
        inverse=inverse_factor.T @ inverse_factor,
        residual=float(factor[k, k] ** 2),
        log_x=2 * float(np.log(np.diag(factor)[:k]).sum()),
        log_v=at.log_determinant,
        evaluated=at,
    )


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
        return self._deviance(solve(self.blocks, self.blocks.ratios(theta)))

    def value_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Deviance at theta and its derivatives by theta."""
        fit = solve(self.blocks, self.blocks.ratios(theta))
        return self._deviance(fit), self.blocks.chain(theta, self.by_ratio(fit))

    def by_ratio(self, fit: Solved) -> FloatArray:
        """Derivatives of the deviance by the variance ratios."""
        direction = np.append(-fit.coefficients, 1.0)
        factor = self.freedom / fit.residual if self.fixed_sd is None else self.fixed_sd**-2
        weight = factor * np.outer(direction, direction)
        if self.reml:
            weight[:-1, :-1] += fit.inverse
        return self.blocks.derivative(fit.evaluated, weight)

    def _deviance(self, fit: Solved) -> float:
        log_x = fit.log_x if self.reml else 0.0
        if self.fixed_sd is not None:
            variance = self.fixed_sd**2
            return float(fit.log_v + log_x + self.freedom * np.log(2 * np.pi * variance) + fit.residual / variance)
        return float(fit.log_v + log_x + self.freedom * (1 + np.log(2 * np.pi * fit.residual / self.freedom)))
