"""The people of one measure as arrays: whom a denominator counts, what they weigh, and which cells they fall into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.models.arrays import BoolArray, FloatArray, IntArray
from benchwell.registry import Measure
from benchwell.terms import Denominator, OutcomeStatus

ALL, UNKNOWN = "all", "unknown"
LEVEL = "level_"
# Endpoints whose value is a gain, so that "no follow-up" can be counted as "no gain" (as in the unadjusted figures).
_GAINS = frozenset({"change", "percent_change", "saes"})


@dataclass(frozen=True)
class People:
    """People of one measure under one denominator, in a fixed order.

    Attributes:
        rows: Their rows, with the raw adjusters.
        outcome: What is summed: 1 or 0 for a yes/no endpoint, else the value; shape (n,).
        weight: Inverse probability of follow-up; None where everybody weighs 1.
        organizations: Ids, sorted.
        organization: Index of each person's organization, shape (n,).
    """

    rows: pa.Table
    outcome: FloatArray
    weight: FloatArray | None
    organizations: tuple[str, ...]
    organization: IntArray

    @property
    def n(self) -> int:
        """How many."""
        return len(self.outcome)

    @property
    def weights(self) -> FloatArray:
        """Weights, 1 where nobody is weighted."""
        return np.ones(self.n) if self.weight is None else self.weight

    def take(self, kept: BoolArray) -> People:
        """Some of them; organizations stay."""
        weight = None if self.weight is None else self.weight[kept]
        rows = self.rows.filter(pa.array(kept))
        return People(rows, self.outcome[kept], weight, self.organizations, self.organization[kept])


def people_of(rows: pa.Table, measure: Measure, denominator: Denominator) -> People | None:
    """Select and code whom a denominator counts; None where the measure does not define it.

    Args:
        rows: Eligible episodes of the measure, sorted by episode, with columns of `tables.DERIVED["outcomes"]`.
        measure: Its endpoint says whether the missing can be counted.
        denominator: Observed people, all eligible with the missing as not met, or the followed with their weights.

    Source:
        METHODS C3, M1.4, M1.5.
    """
    share = measure.summary == "proportion"
    outcome = _floats(rows["met"] if share else rows["value"])
    followed = np.asarray(pc.equal(rows["status"], OutcomeStatus.FOLLOWED.value).to_numpy(zero_copy_only=False))
    counted = followed.astype(bool) & np.isfinite(outcome)
    weight = None
    if denominator is Denominator.ALL_ELIGIBLE:
        if not share and measure.endpoint.kind not in _GAINS:
            return None
        outcome, counted = np.where(counted, outcome, 0.0), np.ones(rows.num_rows, dtype=np.bool_)
    elif denominator is Denominator.ESTIMATED:
        weight = _floats(rows["weight"])
        counted &= np.isfinite(weight)
        weight = weight[counted]
    if not counted.any():
        return None
    organizations, organization = _codes(rows["organization_id"])
    return People(rows.filter(pa.array(counted)), outcome[counted], weight, tuple(organizations), organization[counted])


def levels_of(rows: pa.Table, stratum: str) -> tuple[tuple[str, ...], IntArray]:
    """Levels of a declared stratum and each person's; an unknown value is a level of its own."""
    if stratum == ALL:
        return (ALL,), np.zeros(rows.num_rows, dtype=np.int64)
    name = f"{LEVEL}{stratum}"
    if name not in rows.column_names:
        return (UNKNOWN,), np.zeros(rows.num_rows, dtype=np.int64)
    return _codes(pc.fill_null(rows[name], UNKNOWN))


def quarters_of(rows: pa.Table) -> tuple[tuple[str, ...], IntArray]:
    """Quarters of the index date and each person's."""
    return _codes(pc.fill_null(rows["quarter"], UNKNOWN))


def by_cell(cell: IntArray, cells: int, columns: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Sum columns by cell.

    >>> by_cell(np.array([0, 1, 1]), 2, {"n": np.ones(3)})["n"]
    array([1., 2.])
    """
    return {
        name: np.asarray(np.bincount(cell, weights=values, minlength=cells), dtype=np.float64)
        for name, values in columns.items()
    }


def _codes(column: pa.ChunkedArray) -> tuple[tuple[str, ...], IntArray]:
    encoded = column.combine_chunks().cast(pa.string()).dictionary_encode()
    words: Sequence[str] = encoded.dictionary.to_pylist()
    order = sorted(range(len(words)), key=lambda place: words[place])
    place_of = np.empty(len(words), dtype=np.int64)
    place_of[order] = np.arange(len(words))
    codes = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    return tuple(words[place] for place in order), place_of[codes]


def _floats(column: pa.ChunkedArray) -> FloatArray:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
