"""One level of groups with a random intercept (METHODS M3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from benchwell.models.arrays import FloatArray
from benchwell.models.mixed_blocks import Evaluated, sandwich, sorted_grams, within
from benchwell.models.mixed_design import MixedDesign

# Decades of ratio times mean group size that a search starts from: a clinic effect a hundredth as informative as the
# noise of its mean, up to one that dwarfs it.
DECADES = np.arange(-3.0, 10.5, 0.5)


@dataclass(frozen=True, eq=False)
class OneLevel:
    """V = I + ratio * 11' in each group: M = W + sum of h_j x_j x_j' / n_j with h_j = 1 / (1 + n_j ratio).

    Attributes:
        within: Products within groups W, shape (q, q).
        sizes: Distinct group sizes, shape (u,).
        count: Groups of each size, shape (u,).
        between: Sum of x_j x_j' / n_j over the groups of each size, shape (u, q, q).
    """

    within: FloatArray
    sizes: FloatArray
    count: FloatArray
    between: FloatArray

    @classmethod
    def of(cls, design: MixedDesign) -> OneLevel:
        """Sum the groups of a design by their size."""
        n = design.group_n.astype(np.float64)
        sizes, between = sorted_grams(design.sums, n, 1.0 / n)
        count = np.unique(n, return_counts=True)[1].astype(np.float64)
        return cls(within(design.products, between.sum(axis=0)), sizes, count, between)

    @property
    def parameters(self) -> int:
        """One ratio."""
        return 1

    @property
    def many(self) -> bool:
        """Never: a start costs little, whatever the number of groups."""
        return False

    def ratios(self, theta: FloatArray) -> FloatArray:
        """Variance ratio: theta squared."""
        return theta**2

    def chain(self, theta: FloatArray, by_ratio: FloatArray) -> FloatArray:
        """Derivative by theta from the derivative by the ratio."""
        return 2 * theta * by_ratio

    def evaluate(self, ratios: FloatArray) -> Evaluated:
        """Products and log determinant at the ratio."""
        grown = 1.0 + self.sizes * ratios[0]
        products = self.within + np.einsum("u,uij->ij", 1.0 / grown, self.between)
        return Evaluated(products, float(self.count @ np.log(grown)), grown)

    def derivative(self, at: Evaluated, weight: FloatArray) -> FloatArray:
        """Derivative of ln|V| + trace(weight M) by the ratio."""
        share = self.sizes / at.parts
        traces = np.einsum("uij,ij->u", self.between, weight)
        return np.array([self.count @ share - (share / at.parts) @ traces])

    def starts(self) -> list[FloatArray]:
        """Ratios by half decades around one over the mean size."""
        mean_size = (self.sizes @ self.count) / self.count.sum()
        return [np.array([np.sqrt(10.0**decade / mean_size)]) for decade in DECADES]

    def transformed(self, matrix: FloatArray) -> Self:
        """The same groups for other columns."""
        return type(self)(
            sandwich(self.within, matrix), self.sizes, self.count, np.asarray(sandwich(self.between, matrix))
        )
