"""The second look at a frame: the engine adds up what a linear mixed model needs, and no row leaves it.

Two aggregates. *Cells*: rows with the same categories are added up together, which gives every product of columns
(a product with an indicator is a sum over some cells). *Groups*: sums of each column per innermost group.
With many levels there may be nearly as many cells as rows; then pairs of categories take the place of all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from benchwell.casemix.arrow_arrays import floats
from benchwell.casemix.coding import CategoryTerm, Coding, NumberTerm, named
from benchwell.casemix.profile import as_level, as_number, is_usable
from benchwell.engine import Frame, to_arrow
from benchwell.errors import ModelError
from benchwell.models.arrays import FloatArray, IntArray

# Up to so many combinations of levels, one table of cells is smaller and faster than one for each pair.
_MOST_CELLS = 20_000


def coded(
    frame: Frame, numbers: Sequence[NumberTerm], categories: Sequence[str], groups: Sequence[str], *, whole: bool
) -> Frame:
    """Complete rows with short names: centered numbers `x0...`, levels `c0...` as text, group keys `g0...`.

    Args:
        frame: The opened frame.
        numbers: Numeric covariates in order, the outcome last.
        categories: Categorical covariates in order.
        groups: Grouping columns from the outside in.
        whole: Whether every row is known to be complete.
    """
    schema = frame.collect_schema()
    columns = [*(term.name for term in numbers), *categories, *groups]
    complete = frame if whole else frame.filter(*(is_usable(name, schema) for name in columns))
    return complete.select(
        *((as_number(term.name) - term.center).alias(f"x{k}") for k, term in enumerate(numbers)),
        *(as_level(name, schema).alias(f"c{k}") for k, name in enumerate(categories)),
        *(_group_key(name, schema).alias(f"g{k}") for k, name in enumerate(groups)),
    )


def _group_key(name: str, schema: Mapping[str, Any]) -> nw.Expr:
    key = nw.col(name)
    return key.cast(nw.String) if isinstance(schema[name], nw.Categorical | nw.Enum) else key


@dataclass(frozen=True)
class Cells:
    """Sums per combination of levels of some categories.

    Attributes:
        categories: Which categories, as numbers.
        levels: Text of the level of each, per cell.
        n: Rows, shape (cells,).
        sums: Sum of each number, shape (cells, m).
        products: Sum of products of numbers, shape (cells, m, m).
        keys: Group keys of each cell, when summed by group.
    """

    categories: tuple[int, ...]
    levels: dict[int, list[str]]
    n: FloatArray
    sums: FloatArray
    products: FloatArray
    keys: pa.Table


def cells_of(frame: Frame, m: int, categories: tuple[int, ...], groups: int = 0) -> Cells:
    """Add up rows with the same levels of `categories` (and the same groups)."""
    pairs = list(combinations_with_replacement(range(m), 2))
    wide = frame.with_columns(*((nw.col(f"x{a}") * nw.col(f"x{b}")).alias(f"p{a}_{b}") for a, b in pairs))
    by = [*(f"g{k}" for k in range(groups)), *(f"c{k}" for k in categories)]
    values = [*(f"x{k}" for k in range(m)), *(f"p{a}_{b}" for a, b in pairs)]
    aggregates = [nw.len().alias("n"), *(nw.col(name).sum() for name in values)]
    summed = to_arrow(wide.group_by(*by).agg(*aggregates) if by else wide.select(*aggregates))
    products = np.empty((summed.num_rows, m, m))
    for a, b in pairs:
        products[:, a, b] = products[:, b, a] = floats(summed, f"p{a}_{b}")
    return Cells(
        categories,
        {k: summed[f"c{k}"].to_pylist() for k in categories},
        floats(summed, "n"),
        np.column_stack([floats(summed, f"x{k}") for k in range(m)]),
        products,
        summed.select([f"g{k}" for k in range(groups)]),
    )


def sets_of_categories(distinct: list[int]) -> list[tuple[int, ...]]:
    """All categories at once, or all pairs when there would be too many cells.

    >>> sets_of_categories([5, 3, 2]), sets_of_categories([900, 90, 9])
    ([(0, 1, 2)], [(0, 1), (0, 2), (1, 2)])
    """
    if np.prod(distinct, dtype=np.float64) <= _MOST_CELLS or len(distinct) < 3:
        return [tuple(range(len(distinct)))]
    return list(combinations(range(len(distinct)), 2))


def products_of(tables: list[Cells], coding: Coding) -> FloatArray:
    """Products of all columns of [X, y] over all rows, from tables of cells, shape (p + 1, p + 1).

    Args:
        tables: Every pair of categories must be together in at least one of them.
        coding: Its terms say the order of the columns; the outcome comes last.
    """
    numbers, categories = _places(coding)
    gram = np.zeros((len(coding.columns) + 1,) * 2)
    scale = _scales(coding)
    for table in tables:
        dense, places = _indicators(table, coding, categories)
        gram[np.ix_(places, places)] = dense.T @ (table.n[:, None] * dense)
        gram[np.ix_(places, numbers)] = dense.T @ table.sums
        gram[np.ix_(numbers, places)] = gram[np.ix_(places, numbers)].T
        gram[np.ix_(numbers, numbers)] = table.products.sum(axis=0)
    return gram / np.outer(scale, scale)


def products_by_group(table: Cells, coding: Coding, group: IntArray, n_groups: int) -> FloatArray:
    """The same per group, shape (n_groups, p + 1, p + 1); `group` says whose each cell is."""
    numbers, categories = _places(coding)
    dense, places = _indicators(table, coding, categories)
    grams = np.zeros((n_groups, *(len(coding.columns) + 1,) * 2))
    scale = _scales(coding)
    order = np.argsort(group, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        gram, n = grams[group[own[0]]], table.n[own]
        gram[np.ix_(places, places)] = dense[own].T @ (n[:, None] * dense[own])
        gram[np.ix_(places, numbers)] = dense[own].T @ table.sums[own]
        gram[np.ix_(numbers, places)] = gram[np.ix_(places, numbers)].T
        gram[np.ix_(numbers, numbers)] = table.products[own].sum(axis=0)
    return grams / np.outer(scale, scale)


def _scales(coding: Coding) -> FloatArray:
    """What each column of [X, y] is divided by: after summing, as that costs nothing."""
    return np.append(coding.constants[1], coding.outcome.scale)


def _places(coding: Coding) -> tuple[IntArray, list[IntArray]]:
    """Where the numbers (the outcome last) and the levels of each category stand among the columns of [X, y]."""
    numbers, categories, place = [], [], 1
    for term in coding.terms:
        own = np.arange(place, place + len(term.columns))
        if isinstance(term, CategoryTerm):
            categories.append(own)
        else:
            numbers.append(place)
        place += len(own)
    return np.array([*numbers, place], dtype=np.int64), categories


def _indicators(table: Cells, coding: Coding, categories: list[IntArray]) -> tuple[FloatArray, IntArray]:
    """The constant and an indicator of every level but the reference, per cell; and their places in the design."""
    dense, places = [np.ones((len(table.n), 1))], [np.zeros(1, dtype=np.int64)]
    for k in table.categories:
        term = coding.categories[k]
        codes = codes_of(table.levels[k], term)
        dense.append((codes[:, None] == np.arange(1, len(term.levels))).astype(np.float64))
        places.append(categories[k])
    return np.concatenate(dense, axis=1), np.concatenate(places)


def codes_of(levels: list[str], term: CategoryTerm) -> IntArray:
    """The place of each level in the term; 0 is the reference.

    Raises:
        ModelError: If a level is not in the coding, for instance in a frame that came later.
    """
    known = {level: code for code, level in enumerate(term.levels)}
    unknown = set(levels) - set(known)
    if unknown:
        raise ModelError(
            f"{term.name!r} has {len(unknown)} level(s) that the coding does not know.",
            hint=f"in the coding, {named(term.levels)}: recode the others, or fit again with them",
        )
    return np.array([known[level] for level in levels], dtype=np.int64)


@dataclass(frozen=True)
class GroupSums:
    """Sums per innermost group, in the order of their keys."""

    keys: pa.Table
    n: IntArray
    x: FloatArray
    y: FloatArray
    zx: FloatArray | None
    zy: FloatArray | None


def group_sums(frame: Frame, coding: Coding) -> GroupSums:
    """X'1, y'1 and, with a slope, its products with each column, per innermost group."""
    by = [f"g{k}" for k in range(len(coding.groups))]
    columns = _column_expressions(coding)
    slope = None if coding.slope is None else coding.columns.index(coding.slope)
    wide = {f"s{k}": column for k, column in enumerate(columns)}
    if slope is not None:
        wide |= {f"z{k}": column * columns[slope - 1] for k, column in enumerate(columns)}
    summed = to_arrow(
        frame.with_columns(**wide).group_by(*by).agg(nw.len().alias("n"), *(nw.col(name).sum() for name in wide))
    ).sort_by([(name, "ascending") for name in by])
    n = floats(summed, "n")
    scale = _scales(coding)
    x = np.column_stack([n, *(floats(summed, f"s{k}") for k in range(len(columns)))]) / scale
    zx = None
    if slope is not None:
        products = np.column_stack([*(floats(summed, f"z{k}") for k in range(len(columns)))])
        zx = np.column_stack([x[:, slope], products / scale[slope] / scale[1:]])
    return GroupSums(
        summed.select(by).rename_columns(list(coding.groups)),
        n.astype(np.int64),
        x[:, :-1],
        x[:, -1],
        None if zx is None else zx[:, :-1],
        None if zx is None else zx[:, -1],
    )


def _column_expressions(coding: Coding) -> list[nw.Expr]:
    """Every column of [X, y] but the constant, from the short names of a coded frame."""
    numbers, categories, columns = 0, 0, []
    for term in coding.terms:
        if isinstance(term, CategoryTerm):
            held = nw.col(f"c{categories}")
            columns += [(held == nw.lit(level)).cast(nw.Int8).cast(nw.Float64) for level in term.levels[1:]]
            categories += 1
        else:
            columns.append(nw.col(f"x{numbers}"))
            numbers += 1
    return [*columns, nw.col(f"x{numbers}")]
