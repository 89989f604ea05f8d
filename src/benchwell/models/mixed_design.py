"""The sums of a mixed model on a common footing: centered, scaled, without columns that say nothing new.

Every column of X but the constant, and y, is moved to mean zero and variance one by algebra on the sums. A year and
a squared age then weigh alike, and the fit moves back to the units that came in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import BoolArray, FloatArray, IntArray
from benchwell.models.mixed_statistics import MixedStatistics

# Share of a column's variation, beyond what earlier columns explain, below which the column is called dependent.
DEPENDENT = 1e-10
# How many units of rounding, at the size of the uncentered sums, may pass for variation.
ROUNDING = 64 * np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False)
class MixedDesign:
    """Sums of the standardized columns [kept X, y], q = kept columns + 1.

    Attributes:
        statistics: What came in.
        kept: Which columns of X are kept, shape (p,).
        center: Means of all columns of X, shape (p,); 0 for the constant.
        scale: Standard deviations of all columns of X, shape (p,); 1 for the constant and for columns that do not vary.
        y_center: Mean of y.
        y_scale: Standard deviation of y; 1 if it does not vary.
        products: [X, y]'[X, y] over all rows, shape (q, q).
        sums: [X, y]'1 per innermost group, shape (g, q).
        z_products: Z'Z per innermost group for Z = (1, standardized slope), shape (g, 2, 2); None without a slope.
        z_sums: Z'[X, y] per innermost group, shape (g, 2, q); None without a slope.
    """

    statistics: MixedStatistics
    kept: BoolArray
    center: FloatArray
    scale: FloatArray
    y_center: float
    y_scale: float
    products: FloatArray
    sums: FloatArray
    z_products: FloatArray | None = None
    z_sums: FloatArray | None = None

    @property
    def n(self) -> int:
        """Rows."""
        return self.statistics.n

    @property
    def group_n(self) -> IntArray:
        """Rows per innermost group, shape (g,)."""
        return self.statistics.group_n

    @property
    def rank(self) -> int:
        """Kept columns of X."""
        return int(self.kept.sum())

    @property
    def log_scale(self) -> float:
        """Sum of the logarithms of the kept columns' scales: what standardizing took off half of ln|X'X|."""
        return float(np.log(self.scale[self.kept]).sum())

    @property
    def back(self) -> FloatArray:
        """Matrix that turns coefficients of standardized columns (y not yet rescaled) into those of the columns."""
        scale, center = self.scale[self.kept], self.center[self.kept]
        matrix = np.diag(1.0 / scale)
        matrix[0, 1:] = -center[1:] / scale[1:]
        return matrix

    @property
    def slope_back(self) -> FloatArray:
        """Matrix that turns random effects of (1, standardized slope) into those of (1, slope), shape (2, 2)."""
        slope = self.statistics.slope
        if slope is None:
            raise ValueError("these statistics have no random slope")
        return np.array([[1.0, -self.center[slope] / self.scale[slope]], [0.0, 1.0 / self.scale[slope]]])

    @classmethod
    def of(cls, statistics: MixedStatistics) -> MixedDesign:
        """Standardize the sums and find the columns that later ones depend on.

        Raises:
            ValueError: If fewer rows than kept columns plus one remain, a level has a single group, every group
                holds a single row, or the column of the random slope does not vary.
        """
        s = statistics
        raw = np.block([[s.xtx, s.xty[:, None]], [s.xty[None, :], np.array([[s.yty]])]])
        means = raw[0] / s.n
        means[0] = 0.0
        centered = raw - s.n * np.outer(means, means)
        centered[0, 1:] = centered[1:, 0] = 0.0
        noise = ROUNDING * np.diag(raw)
        varies = np.diag(centered) > noise
        scale = np.sqrt(np.where(varies, np.diag(centered), s.n) / s.n)
        scale[0] = 1.0
        products = centered / np.outer(scale, scale)
        kept = _independent(products[:-1, :-1] / s.n, varies[:-1], noise[:-1] / (s.n * scale[:-1] ** 2))
        columns = np.append(np.flatnonzero(kept), s.p)
        _refuse_too_few_rows(s, int(kept.sum()))
        sums = (np.column_stack([s.group_x, s.group_y]) - s.group_n[:, None] * means) / scale
        design = cls(
            statistics=s,
            kept=kept,
            center=means[:-1],
            scale=scale[:-1],
            y_center=float(means[-1]),
            y_scale=float(scale[-1]),
            products=products[np.ix_(columns, columns)],
            sums=sums[:, columns],
        )
        return design if s.slope is None else design._with_slope(columns, means, scale, varies)

    def _with_slope(self, columns: IntArray, means: FloatArray, scale: FloatArray, varies: BoolArray) -> MixedDesign:
        s = self.statistics
        if s.slope is None or s.group_zz is None or s.group_zx is None or s.group_zy is None:
            raise ValueError("these statistics have no random slope")  # pragma: no cover - the statistics checked it
        if not varies[s.slope]:
            raise ValueError("the column of the random slope does not vary; leave the slope out")
        back = self.slope_back
        cross = np.concatenate([s.group_zx, s.group_zy[:, :, None]], axis=2)
        cross = (cross - s.group_zx[:, :, :1] * means) / scale
        return MixedDesign(
            **{name: getattr(self, name) for name in self.__dataclass_fields__ if not name.startswith("z_")},
            z_products=np.einsum("ka,gkl,lb->gab", back, s.group_zz, back),
            z_sums=np.einsum("ka,gkq->gaq", back, cross[:, :, columns]),
        )


def _independent(correlation: FloatArray, varies: BoolArray, noise: FloatArray) -> BoolArray:
    """Which columns add something to the columns before them: a Cholesky factorization that skips the others."""
    p = len(correlation)
    kept = np.zeros(p, dtype=np.bool_)
    rows = np.zeros((p, p))
    for column in range(p):
        before = rows[kept, column]
        left = correlation[column, column] - before @ before
        if varies[column] and left > max(DEPENDENT, noise[column]):
            rows[column] = (correlation[column] - before @ rows[kept]) / np.sqrt(left)
            kept[column] = True
    return kept


def _refuse_too_few_rows(statistics: MixedStatistics, rank: int) -> None:
    if statistics.n <= rank:
        raise ValueError(f"{statistics.n} row(s) cannot support {rank} column(s); at least {rank + 1} are needed")
    if statistics.groups < 2 or statistics.outer_groups == 1:
        raise ValueError("a level with a single group has no variance between groups to estimate; leave out that level")
    if statistics.groups >= statistics.n:
        raise ValueError(
            "every innermost group holds a single row, so its effect and the residual cannot be told apart; "
            "leave out that level"
        )
