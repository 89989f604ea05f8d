"""Two nested levels of groups with random intercepts, such as clinicians in clinics (METHODS M3.3)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from benchwell.models.arrays import FloatArray, IntArray
from benchwell.models.mixed_blocks import Evaluated, gram, quadratic, sandwich, sorted_grams, within
from benchwell.models.mixed_design import MixedDesign

# Decades of ratio times mean group size to start from, per level; the search itself is exact.
DECADES = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.5, 5.0, 7.0)
# From this many pairs of outer group and size on the likelihood has one mode and a start costs more: fewer do.
MANY = 5000


@dataclass(frozen=True, eq=False)
class _Parts:
    """What one evaluation leaves for the derivatives; i runs over inner sizes, k over pairs, o over outer groups."""

    shrink_size: FloatArray  # 1 / (1 + n inner ratio) per distinct size
    shrink_pair: FloatArray  # the same per pair of outer group and size
    weight: FloatArray  # a = sum of n / (1 + n inner ratio) per outer group
    grown: FloatArray  # 1 + outer ratio a per outer group
    outer_ratio: float
    tilted: FloatArray  # t = sum of shrunken inner sums, measured from the outer group's mean, per outer group
    totals: FloatArray  # the same measured from zero: X'V^-1 1 before the outer level, per outer group


@dataclass(frozen=True, eq=False)
class Nested:
    """V = I + inner ratio * 11' per inner group + outer ratio * 11' per outer group.

    Inner sums are measured from the mean of their outer group, so that a large outer variance costs no digits, and
    are pooled by (outer group, inner size): what an evaluation touches grows with those pairs, not with inner groups.

    Attributes:
        within: Products within inner groups, shape (q, q).
        sizes: Distinct inner sizes, shape (u,).
        count: Inner groups per size, shape (u,).
        deviations: Sum of e e' / n over inner groups of each size, e measured from the outer mean, shape (u, q, q).
        pair_size: Index into `sizes` of each pair, shape (k,).
        pair_count: Inner groups in each pair, shape (k,).
        pair_sums: Sum of e in each pair, shape (k, q).
        first_pair: First pair of each outer group, shape (h,).
        means: Mean of [X, y] of each outer group, shape (h, q).
    """

    within: FloatArray
    sizes: FloatArray
    count: FloatArray
    deviations: FloatArray
    pair_size: IntArray
    pair_count: FloatArray
    pair_sums: FloatArray
    first_pair: IntArray
    means: FloatArray

    @classmethod
    def of(cls, design: MixedDesign) -> Nested:
        """Pool the inner groups of a design."""
        parent = design.statistics.parent
        if parent is None:
            raise ValueError("nested groups need the outer group of each inner one")
        n = design.group_n.astype(np.float64)
        order = np.lexsort((n, parent))
        n, parent, sums = n[order], parent[order], design.sums[order]
        first_inner = np.flatnonzero(np.diff(parent, prepend=-1))
        means = np.add.reduceat(sums, first_inner, axis=0) / np.add.reduceat(n, first_inner)[:, None]
        deviations = sums - n[:, None] * means[parent]
        sizes, inner_size = np.unique(n, return_inverse=True)
        new_pair = (np.diff(parent, prepend=-1) != 0) | (np.diff(n, prepend=-1) != 0)
        first = np.flatnonzero(new_pair)
        return cls(
            within=within(design.products, gram(sums, 1.0 / n)),
            sizes=sizes,
            count=np.bincount(inner_size).astype(np.float64),
            deviations=sorted_grams(deviations, n, 1.0 / n)[1],
            pair_size=inner_size[first],
            pair_count=np.diff(np.append(first, len(n))).astype(np.float64),
            pair_sums=np.add.reduceat(deviations, first, axis=0),
            first_pair=np.flatnonzero(np.diff(parent[first], prepend=-1)),
            means=means,
        )

    @property
    def parameters(self) -> int:
        """The inner and the outer ratio."""
        return 2

    @property
    def many(self) -> bool:
        """Whether there are so many pairs that one start will do."""
        return len(self.pair_size) > MANY

    def ratios(self, theta: FloatArray) -> FloatArray:
        """Variance ratios: theta squared, inner first."""
        return theta**2

    def chain(self, theta: FloatArray, by_ratio: FloatArray) -> FloatArray:
        """Derivatives by theta from the derivatives by the ratios."""
        return 2 * theta * by_ratio

    def evaluate(self, ratios: FloatArray) -> Evaluated:
        """Products and log determinant at the ratios."""
        grown_size = 1.0 + self.sizes * ratios[0]
        shrink = 1.0 / grown_size
        pair_shrink = shrink[self.pair_size]
        weight = self._outer(self.pair_count * self.sizes[self.pair_size] * pair_shrink)
        tilted = self._outer_sums(pair_shrink)
        grown = 1.0 + ratios[1] * weight
        totals = tilted + weight[:, None] * self.means
        products = (
            self.within
            + np.einsum("u,uij->ij", shrink, self.deviations)
            - gram(tilted, 1.0 / weight)
            + gram(totals, 1.0 / (weight * grown))
        )
        log_determinant = float(self.count @ np.log(grown_size) + np.log(grown).sum())
        parts = _Parts(shrink, pair_shrink, weight, grown, float(ratios[1]), tilted, totals)
        return Evaluated(products, log_determinant, parts)

    def derivative(self, at: Evaluated, weight: FloatArray) -> FloatArray:
        """Derivatives of ln|V| + trace(weight M) by the inner and the outer ratio."""
        parts: _Parts = at.parts
        by_outer = (parts.weight / parts.grown).sum() - (quadratic(parts.totals, weight) / parts.grown**2).sum()
        pair_n = self.sizes[self.pair_size]
        squares = parts.shrink_pair**2 * pair_n
        weight_slope = self._outer(self.pair_count * squares * pair_n)
        pulled = self._outer_sums(squares)
        factor = parts.outer_ratio / parts.grown
        left = self.means / parts.grown[:, None] - factor[:, None] * parts.tilted
        own = self.sizes * parts.shrink_size**2 * np.einsum("uij,ij->u", self.deviations, weight)
        crossed = 2 * quadratic(left, weight, pulled) + weight_slope * quadratic(left, weight)
        by_inner = (
            self.count @ (self.sizes * parts.shrink_size) - (factor * weight_slope).sum() - own.sum() - crossed.sum()
        )
        return np.array([by_inner, by_outer])

    def starts(self) -> list[FloatArray]:
        """All pairs of decades around one over the mean sizes."""
        rows = float(self.sizes @ self.count)
        inner, outer = rows / self.count.sum(), rows / len(self.means)
        decades = DECADES[::2] if self.many else DECADES
        return [
            np.sqrt(np.array([10.0**low / inner, 10.0**high / outer]))
            for low, high in itertools.product(decades, repeat=2)
        ]

    def transformed(self, matrix: FloatArray) -> Self:
        """The same groups for other columns."""
        return type(self)(
            sandwich(self.within, matrix),
            self.sizes,
            self.count,
            sandwich(self.deviations, matrix),
            self.pair_size,
            self.pair_count,
            self.pair_sums @ matrix,
            self.first_pair,
            self.means @ matrix,
        )

    def _outer(self, per_pair: FloatArray) -> FloatArray:
        """Sum of a number over the pairs of each outer group, shape (h,)."""
        return np.asarray(np.add.reduceat(per_pair, self.first_pair), dtype=np.float64)

    def _outer_sums(self, weights: FloatArray) -> FloatArray:
        """Sum of weight * `pair_sums` over the pairs of each outer group, shape (h, q)."""
        bounds = np.append(self.first_pair, len(weights))
        membership = sparse.csr_array((weights, np.arange(len(weights)), bounds), shape=(len(self.means), len(weights)))
        return np.asarray(membership @ self.pair_sums, dtype=np.float64)
