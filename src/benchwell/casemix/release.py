"""Whether sums may leave a site: sums are not automatically anonymous (METHODS M3.5).

For an indicator column the diagonal of X'X is a head count, the rest are cross-tabulations, and X'y is a subtotal: with
a head count of 1 it is one person's score. What a site must not send can also be had by subtraction, so the reference
level of a category, and "no" of a yes/no column, count as cells too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from benchwell.casemix.coding import CategoryTerm
from benchwell.errors import ModelError
from benchwell.models.arrays import FloatArray

if TYPE_CHECKING:
    from benchwell.casemix.sufficient import SufficientStatistics

_FEWEST_ROWS = 50
_ROWS_PER_COLUMN = 10
_SAME = 1e-9


@dataclass(frozen=True)
class FailingCell:
    """What keeps sums from leaving; the count itself is not told.

    Attributes:
        group: Number of the group in the statistics, from 0.
        columns: The columns of the cell; empty for the number of rows.
        reason: Why, in words.
    """

    group: int
    columns: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Release:
    """The decision on sums that are to leave a site.

    Attributes:
        decision: `release` or `refuse`.
        k: Smallest head count that may leave.
        failing: What fails, by column; empty when released.
        instead: What to do when refused.
    """

    decision: Literal["release", "refuse"]
    k: int
    failing: tuple[FailingCell, ...]
    instead: str = ""

    def __repr__(self) -> str:
        if not self.failing:
            return f"Release({self.decision}, k={self.k})"
        groups = len({cell.group for cell in self.failing})
        columns = sorted({column for cell in self.failing for column in cell.columns})
        return (
            f"Release({self.decision}, k={self.k}: {len(self.failing)} cells of {groups} groups fail; "
            f"columns {', '.join(columns) or 'none, too few rows'})"
        )

    @property
    def released(self) -> bool:
        """Whether the sums may leave."""
        return self.decision == "release"


def check_release(statistics: SufficientStatistics, k: int = 10) -> Release:
    """Check every group's sums: rows at least max(50, 10 columns), every head count and cross-count at least k.

    Two levels of one category exclude each other, so their cross-count of 0 is structural; any other 0 is a fact about
    people and fails. Continuous columns must have been rounded to a published grid before summing: sums do not show it.

    Args:
        statistics: With the products of each group (`by_group=True`, or `from_sites`), as those are what leaves.
        k: Smallest head count, 10 by default, 11 under CMS terms.

    Raises:
        ModelError: If the products by group are not there, or k is below 2.

    Source:
        METHODS M3.5.
    """
    if k < 2:
        raise ModelError("k, the smallest head count that may leave, is at least 2.")
    products = statistics.sums.group_xtx
    if products is None:
        raise ModelError(
            "Whether sums may leave is decided per group, and these carry no products by group.",
            hint="sufficient_statistics(..., by_group=True)",
        )
    failing = tuple(cell for j, xtx in enumerate(products) for cell in _failing(statistics, j, xtx, k))
    if not failing:
        return Release("release", k, ())
    return Release("refuse", k, failing, "join levels, or send only observed, expected and variance (small-site route)")


def _failing(statistics: SufficientStatistics, group: int, xtx: FloatArray, k: int) -> Iterator[FailingCell]:
    fewest = max(_FEWEST_ROWS, _ROWS_PER_COLUMN * len(xtx))
    if xtx[0, 0] < fewest:
        yield FailingCell(group, (), f"fewer than {fewest} rows")
    variables = list(_indicators(statistics, xtx))
    for names, rows in variables:
        counts = rows @ xtx @ rows.T
        for place, name in enumerate(names):
            if counts[place, place] < k - _SAME:
                yield FailingCell(group, (name,), f"fewer than {k} people")
    for (names, rows), (others, other_rows) in combinations(variables, 2):
        counts = rows @ xtx @ other_rows.T
        for a, b in np.argwhere(counts < k - _SAME):
            yield FailingCell(group, (names[a], others[b]), f"fewer than {k} people in both")


def _indicators(statistics: SufficientStatistics, xtx: FloatArray) -> Iterator[tuple[list[str], FloatArray]]:
    """Per variable of indicators: its cells' names, and each cell as a combination of the design's columns."""
    columns, identity = statistics.columns, np.eye(len(xtx))
    for term in statistics.coding.terms:
        places = [columns.index(name) for name in term.columns]
        own = identity[places]
        if isinstance(term, CategoryTerm):
            names = [*term.columns, f"{term.name}[{term.reference}]"]
        elif _holds_only_0_and_1(statistics, places[0]):
            names = [term.name, f"not {term.name}"]
        else:
            continue
        yield names, np.vstack([own, identity[0] - own.sum(axis=0)])


def _holds_only_0_and_1(statistics: SufficientStatistics, place: int) -> bool:
    """Whether the squares of a column sum to its sum in every group, as for 0 and 1 alone."""
    products: Any = statistics.sums.group_xtx
    return bool(np.allclose(products[:, place, place], products[:, 0, place], rtol=_SAME, atol=_SAME))
