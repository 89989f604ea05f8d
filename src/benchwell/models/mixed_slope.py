"""One level of groups with a random intercept and a random slope (METHODS M3.2, M2.8)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Self

import numpy as np

from benchwell.models.arrays import FloatArray
from benchwell.models.mixed_blocks import Evaluated, gram, quadratic, sandwich, within
from benchwell.models.mixed_design import ROUNDING, MixedDesign

# Decades of ratio times mean information per group to start from, for the intercept and for the slope.
DECADES = (-2.0, -0.5, 0.5, 1.5, 3.0, 5.0)
# Correlations of intercept and slope to start from.
CORRELATIONS = (-0.7, 0.0, 0.7)
# From this many groups on the likelihood has one mode near its moments, and a start costs more: fewer do.
MANY = 2000


@dataclass(frozen=True, eq=False)
class InterceptAndSlope:
    """V = I + Z D Z' in each group, with Z = Q R: M = W + sum of (Q'[X, y])' (I + R D R')^-1 Q'[X, y].

    A group in which the slope's column does not vary (a single row, say) has a second row of zeros in R.

    Attributes:
        within: Products beyond Z in each group, W, shape (q, q).
        first: First row of Q'[X, y] per group, shape (g, q).
        second: Second row of Q'[X, y] per group, shape (g, q).
        r11: Entry of R per group, shape (g,), the root of the group's size.
        r12: Entry of R per group, shape (g,).
        r22: Entry of R per group, shape (g,), the root of the slope column's variation within the group.
    """

    within: FloatArray
    first: FloatArray
    second: FloatArray
    r11: FloatArray
    r12: FloatArray
    r22: FloatArray

    @classmethod
    def of(cls, design: MixedDesign) -> InterceptAndSlope:
        """Factor Z of every group."""
        zz, zx, slope = design.z_products, design.z_sums, design.statistics.slope
        if zz is None or zx is None or slope is None:
            raise ValueError("a random slope needs Z'Z and Z'[X, y] per group")
        r11 = np.sqrt(zz[:, 0, 0])
        r12 = zz[:, 0, 1] / r11
        squared = zz[:, 1, 1] - r12**2
        # Rounding at the size of the uncentered sums, in standardized units.
        noise = ROUNDING * (zz[:, 1, 1] + zz[:, 0, 0] * (design.center[slope] / design.scale[slope]) ** 2)
        r22 = np.sqrt(np.where((squared > noise) & (design.group_n > 1), squared, 0.0))
        first = zx[:, 0, :] / r11[:, None]
        second = np.zeros_like(first)
        left = zx[:, 1, :] - r12[:, None] * first
        np.divide(left, r22[:, None], out=second, where=(r22 > 0)[:, None])
        return cls(within(design.products, gram(first) + gram(second)), first, second, r11, r12, r22)

    @property
    def parameters(self) -> int:
        """The lower triangle of the Cholesky factor."""
        return 3

    @property
    def many(self) -> bool:
        """Whether there are so many groups that one start will do."""
        return len(self.r11) > MANY

    def ratios(self, theta: FloatArray) -> FloatArray:
        """D = L L' with L = [[theta0, 0], [theta1, theta2]]: (D11, D21, D22)."""
        a, b, c = theta
        return np.array([a * a, a * b, b * b + c * c])

    def chain(self, theta: FloatArray, by_ratio: FloatArray) -> FloatArray:
        """Derivatives by theta from the derivatives by (D11, D21, D22)."""
        a, b, c = theta
        d11, d21, d22 = by_ratio
        return np.array([2 * a * d11 + b * d21, a * d21 + 2 * b * d22, 2 * c * d22])

    def evaluate(self, ratios: FloatArray) -> Evaluated:
        """Products and log determinant at D."""
        d11, d21, d22 = ratios
        top = self.r11 * d11 + self.r12 * d21
        side = self.r11 * d21 + self.r12 * d22
        k11 = 1.0 + top * self.r11 + side * self.r12
        k21 = side * self.r22
        k22 = 1.0 + self.r22**2 * d22
        # det(I + R D R') = k11 k22 - k21^2, written so that nothing cancels.
        determinant = 1.0 + (k11 - 1.0) + (k22 - 1.0) + (self.r11 * self.r22) ** 2 * (d11 * d22 - d21**2)
        h11, h21, h22 = k22 / determinant, -k21 / determinant, k11 / determinant
        crossed = gram_pair(self.first, self.second, h21)
        products = self.within + gram(self.first, h11) + gram(self.second, h22) + crossed + crossed.T
        return Evaluated(products, float(np.log(determinant).sum()), (h11, h21, h22))

    def derivative(self, at: Evaluated, weight: FloatArray) -> FloatArray:
        """Derivatives of ln|V| + trace(weight M) by D11, D21 and D22."""
        h11, h21, h22 = at.parts
        # G = R' H in each group: derivatives are sums of the entries of G R less those of G P G'.
        g11, g12 = self.r11 * h11, self.r11 * h21
        g21, g22 = self.r12 * h11 + self.r22 * h21, self.r12 * h21 + self.r22 * h22
        p11 = quadratic(self.first, weight)
        p21 = quadratic(self.first, weight, self.second)
        p22 = quadratic(self.second, weight)
        left11, left12 = g11 * p11 + g12 * p21, g11 * p21 + g12 * p22
        left21, left22 = g21 * p11 + g22 * p21, g21 * p21 + g22 * p22
        by11 = g11 * self.r11 - (left11 * g11 + left12 * g12)
        by21 = g21 * self.r11 - (left21 * g11 + left22 * g12)
        by22 = g21 * self.r12 + g22 * self.r22 - (left21 * g21 + left22 * g22)
        return np.array([by11.sum(), 2 * by21.sum(), by22.sum()])

    def starts(self) -> list[FloatArray]:
        """Decades of both variances, and three correlations."""
        intercept = float(np.mean(self.r11**2))
        slope = float(np.mean(self.r12**2 + self.r22**2))
        found = []
        for low, high in itertools.product(DECADES[1::2] if self.many else DECADES, repeat=2):
            a, s = np.sqrt(10.0**low / intercept), np.sqrt(10.0**high / slope)
            found += [
                np.array([a, s * rho, s * np.sqrt(1 - rho**2)])
                for rho in (CORRELATIONS[1:2] if self.many else CORRELATIONS)
            ]
        return found

    def transformed(self, matrix: FloatArray) -> Self:
        """The same groups for other columns."""
        return type(self)(
            sandwich(self.within, matrix), self.first @ matrix, self.second @ matrix, self.r11, self.r12, self.r22
        )


def gram_pair(rows: FloatArray, others: FloatArray, weights: FloatArray) -> FloatArray:
    """Sum of weight * row other' over pairs of rows, shape (q, q)."""
    q = rows.shape[1]
    step = max(1, (1 << 18) // (q * q))
    total = np.zeros((q, q))
    for start in range(0, len(rows), step):
        piece = slice(start, start + step)
        total += (rows[piece] * weights[piece, None]).T @ others[piece]
    return total
