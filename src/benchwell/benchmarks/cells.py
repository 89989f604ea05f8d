"""Cells: which organizations stand behind one benchmark record (tier x period x stratum level)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from benchwell.benchmarks.cohort import Cohort
from benchwell.benchmarks.columns import floats
from benchwell.benchmarks.pooling import Everyone, everyone
from benchwell.benchmarks.results import OK
from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.registry import Benchmark, Measure
from benchwell.terms import Adjustment, Denominator

ALL = "all"
# Which column of organizations gives the group that a tier compares within.
_TIER_COLUMN = {"organization": "part_of", "region": "region", "country": "country"}


@dataclass(frozen=True)
class Cell:
    """One cell with its organizations.

    Attributes:
        tier: organization (children of one parent), region, country or all.
        tier_id: Which one.
        stratum: "all" or a declared variable.
        level: Its level.
        period: Period of the index dates.
        cohort: Organizations that have a figure.
        eligible: Eligible people in each of them, shape (k,).
        followed: Followed people, shape (k,), NaN where the source does not say.
        everyone: Everybody who counts in the pooled figure, small organizations too.
    """

    tier: str
    tier_id: str
    stratum: str
    level: str
    period: str
    cohort: Cohort
    eligible: FloatArray
    followed: FloatArray
    everyone: Everyone

    @cached_property
    def field_reliability(self) -> Mapping[str | None, float]:
        """Median reliability of the figures, by the organization that is left out; None is nobody left out."""
        reliability, k = self.cohort.shrinkage.reliability if self.cohort.k else np.empty(0), self.cohort.k
        if not k:
            return {}
        found: dict[str | None, float] = {None: float(np.median(reliability))}
        if k > 1:
            order = np.argsort(reliability, kind="stable")
            place = np.empty(k, dtype=np.int64)
            place[order] = np.arange(k)
            # Of k - 1 sorted values the middle ones; those after the missing one have moved down by one place.
            middle = [np.where(at < place, at, at + 1) for at in ((k - 2) // 2, (k - 1) // 2)]
            median = reliability[order][np.array(middle)].mean(axis=0)
            found |= dict(zip(self.cohort.ids, median.tolist(), strict=True))
        return found


def cells(
    results: pa.Table,
    parts: tuple[FloatArray, FloatArray],
    organizations: pa.Table,
    measure: Measure,
    benchmark: Benchmark,
    periods: tuple[str, ...],
) -> Iterator[Cell]:
    """All cells of a benchmark that hold at least one organization, in a fixed order.

    Args:
        results: Organization results, or the adjusted ones of one adjustment.
        parts: What each of their rows adds to a pooled figure, those of small organizations too: numerator and
            denominator, each of shape (rows,).
        organizations: Their tiers.
        measure: The measure.
        benchmark: The declaration.
        periods: Which periods.
    """
    if len(parts[0]) != results.num_rows:
        raise ValueError("each row of the results needs its part of the pooled figure")
    wanted = (ALL, *(stratum.by for stratum in benchmark.strata))
    columns = {name: results[name].to_pylist() for name in ("period", "stratum", "level", "organization_id", "status")}
    places: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for place, (period, stratum, level) in enumerate(
        zip(columns["period"], columns["stratum"], columns["level"], strict=True)
    ):
        if period in periods and stratum in wanted:
            places[period, stratum, level].append(place)
    members = tier_members(organizations, benchmark)
    for key in sorted(places):
        inside_cell = sorted(places[key], key=lambda place: columns["organization_id"][place])
        rows = results.take(pa.array(inside_cell))
        ids = rows["organization_id"].to_pylist()
        usable = _usable(rows)
        for (tier, tier_id), belongs in members.items():
            inside = np.array([one in belongs or tier == ALL for one in ids], dtype=bool)
            if inside.any():
                members_here = np.array(inside_cell)[inside]
                yield _cell(
                    rows.filter(pa.array(inside)),
                    usable[inside],
                    (parts[0][members_here], parts[1][members_here]),
                    measure,
                    benchmark,
                    (tier, tier_id, *key),
                )


def tier_members(organizations: pa.Table, benchmark: Benchmark) -> Mapping[tuple[str, str], frozenset[str]]:
    """Organization ids by tier and tier id; tier "all" has everyone and needs no list."""
    found: dict[tuple[str, str], set[str]] = {}
    ids = organizations["organization_id"].to_pylist()
    for tier in benchmark.tiers:
        if tier == ALL:
            found[ALL, ALL] = set()
            continue
        for one, group in zip(ids, organizations[_TIER_COLUMN[tier]].to_pylist(), strict=True):
            if group is not None:
                found.setdefault((tier, group), set()).add(one)
    return {key: frozenset(found[key]) for key in sorted(found)}


def _usable(rows: pa.Table) -> BoolArray:
    ok = np.array([status == OK for status in rows["status"].to_pylist()])
    return ok & (np.nan_to_num(floats(rows["variance"])) > 0)


def _cell(
    rows: pa.Table,
    usable: BoolArray,
    parts: tuple[FloatArray, FloatArray],
    measure: Measure,
    benchmark: Benchmark,
    place: tuple[str, str, str, str, str],
) -> Cell:
    tier, tier_id, period, stratum, level = place
    cohort = _cohort(rows.filter(pa.array(usable)), measure)
    eligible, followed = np.nan_to_num(floats(rows["n_eligible"])), floats(rows["n_followed"])
    ids = tuple(rows["organization_id"].to_pylist())
    pooled_from = everyone(
        *parts, cohort, ids, usable, eligible, followed, benchmark.gates, public=measure.is_published
    )
    return Cell(tier, tier_id, stratum, level, period, cohort, eligible[usable], followed[usable], pooled_from)


def _cohort(rows: pa.Table, measure: Measure) -> Cohort:
    eligible, followed = floats(rows["n_eligible"]), floats(rows["n_followed"])
    variance = floats(rows["variance"])
    people = eligible
    size = eligible
    if not measure.is_published and measure.primary_denominator is Denominator.OBSERVED:
        people = size = followed
    elif measure.primary_denominator is Denominator.ESTIMATED:
        size = floats(rows["effective_n"])
    if measure.summary == "rate":
        # Person-years, up to a constant: the variance of a rate is the pooled rate over them.
        people = 1 / variance
    return Cohort(
        ids=tuple(rows["organization_id"].to_pylist()),
        estimate=floats(rows["estimate"]),
        weight=people,
        size=size,
        variance=variance,
        is_proportion=measure.summary == "proportion",
        better=measure.better,
        is_adjusted=rows.num_rows > 0 and rows["adjustment"][0].as_py() != Adjustment.UNADJUSTED,
    )
