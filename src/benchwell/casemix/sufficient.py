"""Sufficient statistics of a frame: all that a linear mixed model needs, small enough to send (METHODS M3.2, M3.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from benchwell.casemix.arrow_arrays import as_numpy
from benchwell.casemix.coding import INTERCEPT, Coding, NumberTerm, Term
from benchwell.casemix.groups import plain_keys
from benchwell.casemix.profile import Profile, Roles, coding_of, number_term, profile_of
from benchwell.casemix.sums import (
    Cells,
    cells_of,
    coded,
    group_sums,
    products_by_group,
    products_of,
    sets_of_categories,
)
from benchwell.engine import Frame
from benchwell.engine.opening import FrameKind, opened
from benchwell.errors import ModelError
from benchwell.models.arrays import IntArray
from benchwell.models.mixed_statistics import MixedStatistics
from benchwell.models.mixed_statistics import combine as combine_sums

if TYPE_CHECKING:
    from benchwell.casemix.release import Release


@dataclass(frozen=True, eq=False)
class SufficientStatistics:
    """Sums over the rows of a frame, with the coding they were taken under.

    Attributes:
        coding: Columns, constants, levels and groups; sums of another coding cannot be added.
        sums: The arrays that a fit reads.
        keys: One row per innermost group with its value in each grouping column.
        left_out: Rows left out, by reason.
        kind: The kind of frame that results come back as.
    """

    coding: Coding
    sums: MixedStatistics
    keys: pa.Table
    left_out: dict[str, int] = field(default_factory=dict)
    kind: FrameKind = "pyarrow"

    def __repr__(self) -> str:
        # Never the sums: those of a small group are somebody's scores.
        return (
            f"SufficientStatistics({self.n} rows, {self.sums.groups} groups, columns {', '.join(self.columns)}; "
            f"coding {self.coding.hash[:12]})"
        )

    @property
    def n(self) -> int:
        """Rows that were added up."""
        return self.sums.n

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the design, the constant first."""
        return self.coding.columns

    @classmethod
    def combine(cls, parts: Sequence[SufficientStatistics]) -> Self:
        """Put the sums of sites together: the fit of the result is the fit of all their rows.

        Raises:
            ModelError: If the parts were coded differently, or a group is in two of them.
        """
        if not parts:
            raise ModelError("There are no statistics to combine.")
        first = parts[0]
        if len({part.coding.hash for part in parts}) > 1:
            raise ModelError(
                "The statistics were coded differently (columns, levels, constants, groups).",
                hint="publish one coding, and have every site sum with it: sufficient_statistics(..., coding=...)",
            )
        keys = pa.concat_tables([part.keys for part in parts], promote_options="permissive")
        outer = [set(part.keys[first.coding.groups[0]].to_pylist()) for part in parts]
        if sum(map(len, outer)) != len(set().union(*outer)):
            raise ModelError(
                f"A value of {first.coding.groups[0]!r} is in two of the parts.",
                hint="sum all rows of a group in one place, or give each site its own ids",
            )
        left_out: dict[str, int] = {}
        for part in parts:
            for reason, count in part.left_out.items():
                left_out[reason] = left_out.get(reason, 0) + count
        return cls(first.coding, combine_sums([part.sums for part in parts]), keys, left_out, first.kind)

    @classmethod
    def from_sites(
        cls,
        sites: Mapping[Any, tuple[Any, Any, Any, Any]],
        columns: Sequence[str],
        *,
        outcome: str = "outcome",
        group: str = "site",
        slope: str | None = None,
    ) -> Self:
        """What sites have sent: `{site: (n, X'X, X'y, y'y)}`, with the constant as the first column of X.

        Args:
            sites: Sums per site, shapes (), (p, p), (p,) and ().
            columns: Names of the p columns; the first is `(intercept)`.
            outcome: Name of the outcome.
            group: What a site is called in the results.
            slope: Column with a random slope, or None.

        Raises:
            ModelError: If the sums do not fit together or to the columns.

        Source:
            METHODS M3.2; Luo et al. (2022), Nat Commun 13:1678.

        >>> SufficientStatistics.from_sites(
        ...     {"A": (4, [[4, 2], [2, 36]], [40, 54], 438), "B": (3, [[3, 1], [1, 13]], [21, 15], 153)},
        ...     columns=["(intercept)", "pre"],
        ... ).n
        7
        """
        if not columns or columns[0] != INTERCEPT:
            raise ModelError(f"The first column must be the constant, called {INTERCEPT!r}.")
        terms: tuple[Term, ...] = tuple(NumberTerm(name, 0.0, 1.0) for name in columns[1:])
        coding = Coding(NumberTerm(outcome, 0.0, 1.0), terms, (group,), slope)
        try:
            n, xtx, xty, yty = (np.array(part, dtype=np.float64) for part in zip(*sites.values(), strict=True))
            if xtx.shape[1:] != (len(columns),) * 2:
                raise ValueError(f"X'X has shape {xtx.shape[1:]} for {len(columns)} columns")
            place = None if slope is None else coding.columns.index(slope)
            sums = MixedStatistics.from_sites(n, xtx, xty, yty, slope=place)
        except ValueError as error:
            raise ModelError(f"The sums do not fit together: {error}.") from None
        return cls(coding, sums, pa.table({group: list(sites)}))

    def release(self, k: int = 10) -> Release:
        """Whether these sums may leave the site (METHODS M3.5); see `benchwell.casemix.release`."""
        from benchwell.casemix.release import check_release

        return check_release(self, k)


def sufficient_statistics(
    frame: Any,
    outcome: str,
    covariates: Sequence[str],
    groups: Sequence[str],
    slope: str | None = None,
    *,
    references: Mapping[str, str] | None = None,
    coding: Coding | None = None,
    by_group: bool = False,
) -> SufficientStatistics:
    """Add up what a linear mixed model needs, on the engine that holds the rows.

    Args:
        frame: A pandas, Polars, PyArrow, DuckDB or PySpark frame, or the path of a Parquet file.
        outcome: A numeric column.
        covariates: Numeric columns enter linearly, text, yes/no and categorical ones by level.
        groups: Grouping columns from the outside in, such as `["clinic", "clinician"]`; inner ids may repeat.
        slope: Numeric covariate whose coefficient varies between groups.
        references: Reference level of a categorical covariate; the first in sorted order when not given.
        coding: A published coding to sum under, so that the sums of several sites can be combined.
        by_group: Also keep the products of each innermost group, as a site has to send them.

    Returns:
        Sums. They are not automatically anonymous: ask `release()` before they leave a site.

    Raises:
        ModelError: If a column has the wrong type or nothing is left to add up.
        SourceError: If the frame cannot be read or lacks a column.

    >>> rows = pa.table({"change": [3.0, 5, 4, 8], "sex": ["f", "m", "f", "m"], "clinic": [1, 1, 2, 2]})
    >>> sufficient_statistics(rows, "change", ["sex"], ["clinic"]).sums.xtx
    array([[4., 2.],
           [2., 2.]])
    """
    roles = Roles.asked(outcome, covariates, groups, slope)
    with opened(frame, roles.columns, as_text=roles.covariates) as source:
        profile = profile_of(source.frame, roles)
        if coding is not None and coding_roles(coding) != roles:
            raise ModelError("The coding belongs to another model (outcome, covariates, groups or slope differ).")
        numbers = _numbers(profile, roles, coding)
        categories = tuple(profile.distinct)
        rows = coded(source.frame, numbers, categories, roles.groups, whole=not profile.left_out)
        tables = _cells(rows, profile, len(numbers), len(groups) if by_group else 0)
        if coding is None:
            coding = coding_of(roles, numbers, _levels(categories, tables), references or {})
        return _added_up(rows, coding, tables, profile, source.kind, by_group)


def coding_roles(coding: Coding) -> Roles:
    """The columns that a coding reads."""
    return Roles(coding.outcome.name, tuple(term.name for term in coding.terms), coding.groups, coding.slope)


def _numbers(profile: Profile, roles: Roles, coding: Coding | None) -> list[NumberTerm]:
    if coding is None:
        center = number_term(roles.outcome, profile).center
        terms = [number_term(name, profile) for name in profile.ranges if name != roles.outcome]
        # A group's own intercept is its effect where the slope's column is zero: that one is not centered.
        terms = [replace(term, center=0.0) if term.name == roles.slope else term for term in terms]
        return [*terms, NumberTerm(roles.outcome, center, 1.0)]
    if {term.name for term in coding.numbers} != set(profile.ranges) - {roles.outcome}:
        raise ModelError("A covariate that is a number in the coding is a category here, or the other way round.")
    return [*coding.numbers, coding.outcome]


def _cells(rows: Frame, profile: Profile, m: int, groups: int) -> list[Cells]:
    if groups:
        return [cells_of(rows, m, tuple(range(len(profile.distinct))), groups)]
    return [cells_of(rows, m, chosen) for chosen in sets_of_categories(list(profile.distinct.values()))]


def _levels(categories: Sequence[str], tables: Sequence[Cells]) -> dict[str, set[str]]:
    return {
        name: {level for table in tables if k in table.levels for level in table.levels[k]}
        for k, name in enumerate(categories)
    }


def _added_up(
    rows: Frame, coding: Coding, tables: list[Cells], profile: Profile, kind: FrameKind, by_group: bool
) -> SufficientStatistics:
    own = group_sums(rows, coding)
    products: dict[str, Any] = {}
    if by_group:
        place = {key: j for j, key in enumerate(zip(*(column.to_pylist() for column in own.keys.columns), strict=True))}
        cell_keys = zip(*(column.to_pylist() for column in tables[0].keys.columns), strict=True)
        grams = products_by_group(tables[0], coding, np.array([place[key] for key in cell_keys]), len(own.n))
        products = {"group_xtx": grams[:, :-1, :-1], "group_xty": grams[:, :-1, -1], "group_yty": grams[:, -1, -1]}
        gram = grams.sum(axis=0)
    else:
        gram = products_of(tables, coding)
    slope = None if coding.slope is None else coding.columns.index(coding.slope)
    if own.zx is not None and own.zy is not None and slope is not None:
        products |= {
            "group_zx": np.stack([own.x, own.zx], axis=1),
            "group_zz": np.stack([own.x, own.zx], axis=1)[:, :, [0, slope]],
            "group_zy": np.column_stack([own.y, own.zy]),
        }
    sums = MixedStatistics(
        n=int(own.n.sum()),
        xtx=gram[:-1, :-1],
        xty=gram[:-1, -1],
        yty=gram[-1, -1],
        group_n=own.n,
        group_x=own.x,
        group_y=own.y,
        parent=_numbered(own.keys.column(0)) if len(coding.groups) > 1 else None,
        slope=slope,
        **products,
    )
    return SufficientStatistics(coding, sums, plain_keys(own.keys), profile.left_out, kind)


def _numbered(outer: pa.ChunkedArray) -> IntArray:
    """The outer group of each inner one, numbered in the order of the sorted keys."""
    return as_numpy(outer.combine_chunks().dictionary_encode().indices).astype(np.int64)
