"""The ML deviance by absolute SDs instead of relative ones, so that one of them can be held (METHODS M3.2).

The parameters are the SD of each level and of the residuals; with a slope the intercepts' SD, the angle whose sine is
the correlation, the slopes' SD, and the residuals'. All are in units of y over `y_scale` of the design.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import FloatArray
from benchwell.models.mixed_blocks import Blocks
from benchwell.models.mixed_design import MixedDesign
from benchwell.models.mixed_likelihood import Profiled, solve


@dataclass(frozen=True, eq=False)
class AbsoluteDeviance:
    """Minus twice the ML log likelihood by absolute parameters, coefficients profiled out.

    Attributes:
        blocks: The covariance structure.
        n: Rows.
        forward: Matrix from effects of (1, slope) to those of (1, standardized slope), shape (2, 2); None without.
    """

    blocks: Blocks
    n: int
    forward: FloatArray | None

    @classmethod
    def of(cls, design: MixedDesign, blocks: Blocks) -> AbsoluteDeviance:
        """The deviance of a design."""
        if design.statistics.slope is None:
            return cls(blocks, design.n, None)
        return cls(blocks, design.n, np.asarray(np.linalg.inv(design.slope_back), dtype=np.float64))

    def parameters(self, theta: FloatArray, residual_sd: float) -> FloatArray:
        """Absolute parameters, shape (m + 1,), at theta and a residual SD (over `y_scale`)."""
        if self.forward is None:
            return np.append(np.abs(theta) * residual_sd, residual_sd)
        back = np.linalg.inv(self.forward)
        covariance = residual_sd**2 * back @ self.blocks.ratios(theta)[[0, 1, 1, 2]].reshape(2, 2) @ back.T
        sds = np.sqrt(np.diag(covariance))
        sine = covariance[0, 1] / (sds[0] * sds[1]) if sds.all() else 0.0
        return np.array([sds[0], np.arcsin(np.clip(sine, -1.0, 1.0)), sds[1], residual_sd])

    def value(self, parameters: FloatArray) -> float:
        """The deviance."""
        ratios, _ = self._ratios(parameters)
        return self._profiled(parameters).at(ratios)

    def value_and_gradient(self, parameters: FloatArray) -> tuple[float, FloatArray]:
        """The deviance and its derivatives by the absolute parameters."""
        ratios, jacobian = self._ratios(parameters)
        profiled, sd = self._profiled(parameters), parameters[-1]
        fit = solve(self.blocks, ratios)
        gradient = profiled.by_ratio(fit) @ jacobian
        gradient[-1] += 2 * self.n / sd - 2 * fit.residual / sd**3
        return profiled.at(ratios), gradient

    def _profiled(self, parameters: FloatArray) -> Profiled:
        return Profiled(self.blocks, self.n, reml=False, fixed_sd=float(parameters[-1]))

    def _ratios(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Variance ratios (m,) and their derivatives by the absolute parameters (m, m + 1)."""
        sd = parameters[-1]
        if self.forward is None:
            sds = parameters[:-1]
            ratios = (sds / sd) ** 2
            return ratios, np.column_stack([np.diag(2 * sds / sd**2), -2 * ratios / sd])
        first, angle, second, _ = parameters
        sine, cosine = np.sin(angle), np.cos(angle)
        entries = np.array([first**2, sine * first * second, second**2]) / sd**2
        slopes = np.array(
            [[2 * first, 0, 0], [sine * second, cosine * first * second, sine * first], [0, 0, 2 * second]]
        )
        by_own = np.column_stack([slopes / sd**2, -2 * entries / sd])
        moved = _congruence(self.forward)
        return moved @ entries, moved @ by_own


def _congruence(matrix: FloatArray) -> FloatArray:
    """The linear map of (D11, D21, D22) that takes D to matrix D matrix', shape (3, 3)."""
    (a, b), (c, d) = matrix
    return np.array([[a * a, 2 * a * b, b * b], [a * c, a * d + b * c, b * d], [c * c, 2 * c * d, d * d]])
