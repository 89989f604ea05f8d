"""Sufficient statistics of a linear mixed model: all that a fit needs to know of its rows (METHODS M3.2, M3.3).

A clinic sends its sums once, and the fit of all sums is the fit of all rows, to the last digit that matters. Sums of
squares lose digits when a column sits far from zero (a year, a squared age): center columns at published constants
before summing; the fit centers once more by algebra, which cannot bring back digits that were never sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, IntArray, finite, positive, vector

# A count or a symmetric sum may differ by rounding between the totals and the groups, never by more than this.
RELATIVE_SLACK = 1e-8


@dataclass(frozen=True, eq=False)
class MixedStatistics:
    """Sums over the rows of a linear mixed model with p columns in X, g innermost groups and h outer groups.

    Column 0 of X is the constant. With a random slope, Z holds the constant and column `slope` of X.

    Attributes:
        n: Rows.
        xtx: X'X over all rows, shape (p, p).
        xty: X'y over all rows, shape (p,).
        yty: y'y over all rows.
        group_n: Rows per innermost group, shape (g,), each at least 1.
        group_x: X'1 per innermost group, shape (g, p).
        group_y: 1'y per innermost group, shape (g,).
        parent: Outer group of each innermost group, 0 to h - 1, shape (g,); None with one level.
        slope: Column of X that also has a random effect; None without a random slope.
        group_zz: Z'Z per innermost group, shape (g, 2, 2); only with a slope.
        group_zx: Z'X per innermost group, shape (g, 2, p); only with a slope.
        group_zy: Z'y per innermost group, shape (g, 2); only with a slope.
        group_xtx: X'X per innermost group, shape (g, p, p); optional, needed to leave groups out.
        group_xty: X'y per innermost group, shape (g, p); optional, goes with `group_xtx`.
        group_yty: y'y per innermost group, shape (g,); optional, goes with `group_xtx`.

    Raises:
        ValueError: If a shape does not fit, a value is NaN or infinite, a group is empty, column 0 is not the
            constant, or the groups do not sum to the totals.

    >>> sites = MixedStatistics.from_sites([4, 3], [[[4, 2], [2, 36]], [[3, 1], [1, 13]]], [[40, 54], [21, 15]],
    ...                                    [438, 153])
    >>> sites.n, sites.p, sites.groups, sites.levels
    (7, 2, 2, 1)
    """

    n: int
    xtx: FloatArray
    xty: FloatArray
    yty: float
    group_n: IntArray
    group_x: FloatArray
    group_y: FloatArray
    parent: IntArray | None = None
    slope: int | None = None
    group_zz: FloatArray | None = None
    group_zx: FloatArray | None = None
    group_zy: FloatArray | None = None
    group_xtx: FloatArray | None = None
    group_xty: FloatArray | None = None
    group_yty: FloatArray | None = None

    def __post_init__(self) -> None:
        """Turn what came in into arrays of known shapes, and refuse what cannot be sums of one design."""
        self._shape("xty", (-1,))
        self._shape("group_n", (-1,))
        p, g = len(self.xty), len(self.group_n)
        if p < 1 or g < 1:
            raise ValueError("xty and group_n need at least one column and one group")
        self._shape("xtx", (p, p))
        self._shape("group_x", (g, p))
        self._shape("group_y", (g,))
        object.__setattr__(self, "yty", float(finite("yty", self.yty)))
        object.__setattr__(self, "n", int(self.n))
        object.__setattr__(self, "group_n", _counts(self.group_n))
        self._check_slope(p, g)
        self._check_own_products(p, g)
        if self.parent is not None:
            object.__setattr__(self, "parent", _parents(self.parent, g))
        self._check_sums()

    def __repr__(self) -> str:
        # Never the sums: those of a small group are somebody's scores.
        return f"MixedStatistics({self.n} rows, {self.p} columns, {self.groups} groups, {self.levels} level(s))"

    @property
    def p(self) -> int:
        """Columns of X."""
        return len(self.xty)

    @property
    def groups(self) -> int:
        """Innermost groups."""
        return len(self.group_n)

    @property
    def outer_groups(self) -> int:
        """Outer groups; 0 with one level."""
        return 0 if self.parent is None else int(self.parent.max()) + 1

    @property
    def levels(self) -> int:
        """Levels of grouping: 1 or 2."""
        return 1 if self.parent is None else 2

    @classmethod
    def from_sites(
        cls, n: ArrayLike, xtx: ArrayLike, xty: ArrayLike, yty: ArrayLike, *, slope: int | None = None
    ) -> MixedStatistics:
        """One level of k sites, each of which sent its S_j = (n, X'X, X'y, y'y) with the constant as column 0 of X.

        Args:
            n: Rows per site, shape (k,).
            xtx: X'X per site, shape (k, p, p).
            xty: X'y per site, shape (k, p).
            yty: y'y per site, shape (k,).
            slope: Column of X that is to have a random effect besides the constant.

        Raises:
            ValueError: If the shapes do not fit together or the first column is not the constant.

        Source:
            METHODS M3.2; Luo et al. (2022), Nat Commun 13:1678.
        """
        products, cross, squares = finite("xtx", xtx), finite("xty", xty), vector("yty", yty)
        k = len(squares)
        if cross.ndim != 2 or len(cross) != k or products.shape != (k, cross.shape[1], cross.shape[1]):
            raise ValueError(
                f"shapes differ: xtx {products.shape}, xty {cross.shape}, yty {squares.shape}; "
                "expected (k, p, p), (k, p) and (k,)"
            )
        counts = _counts(np.asarray(n, dtype=np.float64))
        whole = cls(
            n=int(counts.sum()),
            xtx=products.sum(axis=0),
            xty=cross.sum(axis=0),
            yty=float(squares.sum()),
            group_n=counts,
            group_x=products[:, 0, :],
            group_y=cross[:, 0],
            group_xtx=products,
            group_xty=cross,
            group_yty=squares,
        )
        return whole if slope is None else whole.with_slope(slope)

    def with_slope(self, slope: int) -> MixedStatistics:
        """The same sums with a random effect of column `slope`, taken from the products of each group.

        Raises:
            ValueError: If the groups' own products are not known, or there is no such column.
        """
        products, cross, _ = self._own_products("a random slope")
        if not 1 <= slope < self.p:
            raise ValueError(f"slope must be a column of X from 1 to {self.p - 1}, got {slope}")
        z = [0, slope]
        return replace(
            self,
            slope=slope,
            group_zz=products[:, z][:, :, z],
            group_zx=products[:, z, :],
            group_zy=cross[:, z],
        )

    def without(self, groups: ArrayLike) -> MixedStatistics:
        """The sums without some of the innermost groups, as cross-validation over clinics needs them.

        Args:
            groups: Indices of innermost groups to leave out, shape (m,). An outer group that loses all its groups
                goes too, and the outer groups are numbered anew in their old order.

        Raises:
            ValueError: If the groups' own products are not known, an index does not exist, or nothing is left.
        """
        products, cross, squares = self._own_products("leaving groups out")
        left_out = np.asarray(groups, dtype=np.int64)
        if ((left_out < 0) | (left_out >= self.groups)).any():
            raise ValueError(f"groups to leave out must be indices from 0 to {self.groups - 1}")
        keep = np.ones(self.groups, dtype=np.bool_)
        keep[left_out] = False
        if not keep.any():
            raise ValueError("leaving out these groups leaves none to fit")
        parent = None if self.parent is None else np.unique(self.parent[keep], return_inverse=True)[1]
        return MixedStatistics(
            n=int(self.group_n[keep].sum()),
            xtx=products[keep].sum(axis=0),
            xty=cross[keep].sum(axis=0),
            yty=float(squares[keep].sum()),
            group_n=self.group_n[keep],
            group_x=self.group_x[keep],
            group_y=self.group_y[keep],
            parent=parent,
            slope=self.slope,
            group_zz=None if self.group_zz is None else self.group_zz[keep],
            group_zx=None if self.group_zx is None else self.group_zx[keep],
            group_zy=None if self.group_zy is None else self.group_zy[keep],
            group_xtx=products[keep],
            group_xty=cross[keep],
            group_yty=squares[keep],
        )

    def _own_products(self, purpose: str) -> tuple[FloatArray, FloatArray, FloatArray]:
        if self.group_xtx is None or self.group_xty is None or self.group_yty is None:
            raise ValueError(f"{purpose} needs group_xtx, group_xty and group_yty, which these statistics do not carry")
        return self.group_xtx, self.group_xty, self.group_yty

    def _shape(self, name: str, shape: tuple[int, ...]) -> None:
        array = finite(name, getattr(self, name))
        fits = array.ndim == len(shape) and all(want in (-1, got) for want, got in zip(shape, array.shape, strict=True))
        if not fits:
            raise ValueError(f"{name} must have shape {shape}, not {array.shape}")
        object.__setattr__(self, name, array)

    def _check_slope(self, p: int, g: int) -> None:
        parts = {"group_zz": (g, 2, 2), "group_zx": (g, 2, p), "group_zy": (g, 2)}
        if self.slope is None:
            if any(getattr(self, name) is not None for name in parts):
                raise ValueError("group_zz, group_zx and group_zy need the column number of the slope")
            return
        if self.parent is not None:
            raise ValueError("a random slope is fitted with one level of groups only; leave out parent or slope")
        if not 1 <= self.slope < p:
            raise ValueError(f"slope must be a column of X from 1 to {p - 1}, got {self.slope}")
        for name, shape in parts.items():
            if getattr(self, name) is None:
                raise ValueError(f"a random slope needs {name}")
            self._shape(name, shape)

    def _check_own_products(self, p: int, g: int) -> None:
        parts = {"group_xtx": (g, p, p), "group_xty": (g, p), "group_yty": (g,)}
        given = [name for name in parts if getattr(self, name) is not None]
        if given and len(given) < len(parts):
            raise ValueError("group_xtx, group_xty and group_yty go together: give all three or none")
        for name in given:
            self._shape(name, parts[name])

    def _check_sums(self) -> None:
        if self.yty < 0:
            raise ValueError("yty is negative")
        if self.n != int(self.group_n.sum()):
            raise ValueError("n is not the sum of group_n")
        if not np.array_equal(self.group_x[:, 0], self.group_n):
            raise ValueError("column 0 of X is not the constant: group_x[:, 0] differs from group_n")
        size = np.sqrt(np.abs(np.diag(self.xtx)))
        _agree("xtx", self.xtx, self.xtx.T, np.outer(size, size))
        _agree("group_x", self.group_x.sum(axis=0), self.xtx[0], size[0] * size)
        _agree("group_y", self.group_y.sum(), self.xty[0], size[0] * np.sqrt(self.yty))


def combine(parts: Sequence[MixedStatistics]) -> MixedStatistics:
    """Put together the sums of sites whose groups have nobody in common; the groups follow in the order of `parts`.

    Raises:
        ValueError: If there is nothing to combine, or the parts differ in columns, levels or slope.

    >>> one = MixedStatistics.from_sites([4], [[[4, 2], [2, 36]]], [[40, 54]], [438])
    >>> two = MixedStatistics.from_sites([3], [[[3, 1], [1, 13]]], [[21, 15]], [153])
    >>> combine([one, two]).group_n
    array([4, 3])
    """
    if not parts:
        raise ValueError("parts is empty; combine needs the statistics of at least one site")
    first = parts[0]
    for name in ("p", "levels", "slope"):
        if any(getattr(part, name) != getattr(first, name) for part in parts):
            raise ValueError(f"parts differ in {name}; all sites must send the same columns and levels")
    offsets = np.cumsum([0] + [part.outer_groups for part in parts])
    parents = [part.parent + offset for part, offset in zip(parts, offsets, strict=False) if part.parent is not None]
    return MixedStatistics(
        n=sum(part.n for part in parts),
        xtx=np.sum([part.xtx for part in parts], axis=0),
        xty=np.sum([part.xty for part in parts], axis=0),
        yty=sum(part.yty for part in parts),
        group_n=np.concatenate([part.group_n for part in parts]),
        group_x=np.concatenate([part.group_x for part in parts]),
        group_y=np.concatenate([part.group_y for part in parts]),
        parent=np.concatenate(parents) if parents else None,
        slope=first.slope,
        group_zz=_joined([part.group_zz for part in parts]),
        group_zx=_joined([part.group_zx for part in parts]),
        group_zy=_joined([part.group_zy for part in parts]),
        group_xtx=_joined([part.group_xtx for part in parts]),
        group_xty=_joined([part.group_xty for part in parts]),
        group_yty=_joined([part.group_yty for part in parts]),
    )


def _joined(arrays: Sequence[FloatArray | None]) -> FloatArray | None:
    """All arrays end to end; nothing when a part does not carry this one."""
    known = [array for array in arrays if array is not None]
    return np.concatenate(known) if len(known) == len(arrays) else None


def _counts(values: ArrayLike) -> IntArray:
    counts = positive("group_n", values)
    whole = counts.astype(np.int64)
    if counts.ndim != 1 or not np.array_equal(whole, counts):
        raise ValueError("group_n must hold whole numbers of rows, one per group")
    return whole


def _parents(values: ArrayLike, groups: int) -> IntArray:
    parent = np.asarray(values)
    if parent.shape != (groups,) or not np.issubdtype(parent.dtype, np.integer):
        raise ValueError(f"parent must hold one whole number per innermost group, shape ({groups},)")
    outer = parent.astype(np.int64)
    if outer.min() < 0 or (np.bincount(outer) == 0).any():
        raise ValueError("parent must number the outer groups from 0 without a gap")
    return outer


def _agree(name: str, one: ArrayLike, other: ArrayLike, size: ArrayLike) -> None:
    """Refuse sums that differ by more than rounding; `size` is the Cauchy-Schwarz bound of each entry."""
    if (np.abs(np.subtract(one, other)) > RELATIVE_SLACK * np.asarray(size)).any():
        what = "is not symmetric" if name == "xtx" else "does not sum to the totals"
        raise ValueError(f"{name} {what}; were the sums taken over the same rows?")
