"""Stratum benchmarks that borrow from the other levels, beside the common one (METHODS M4.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from benchwell.benchmarks.cells import ALL, tier_members
from benchwell.benchmarks.figures import figures
from benchwell.benchmarks.gates import cell_reason
from benchwell.benchmarks.results import INSUFFICIENT, OK
from benchwell.models.arrays import FloatArray
from benchwell.models.hyper_uncertainty import spread_for_light
from benchwell.models.intervals import normal_interval
from benchwell.models.strata import borrow, poststratify
from benchwell.registry import Benchmark, Measure
from benchwell.tables import DERIVED
from benchwell.terms import BenchmarkKind

_NUMERIC = [field.name for field in DERIVED["statistics"].schema if field.type in (pa.int64(), pa.float64())]
_MIN_LEVELS = 3


def borrowed_records(
    statistics: pa.Table, organizations: pa.Table, measure: Measure, benchmark: Benchmark, periods: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """Borrowed means per stratum level, and the levels put together again in the tier's own shares.

    All people of a level count, also those of organizations too small for a figure of their own: that is what
    borrowing is for. A level that may not be published on its own still may not be published borrowed.
    """
    if BenchmarkKind.MEAN not in benchmark.kinds or measure.is_published:
        return
    rows = statistics.filter(pa.compute.equal(statistics["measure"], measure.id))
    ids = np.array(rows["organization_id"].to_pylist(), dtype=object)
    cells = list(zip(rows["period"].to_pylist(), rows["stratum"].to_pylist(), rows["level"].to_pylist(), strict=True))
    sums = {name: np.nan_to_num(rows[name].cast(pa.float64()).to_numpy()) for name in _NUMERIC}
    for (tier, tier_id), members in tier_members(organizations, benchmark).items():
        inside = np.array([tier == ALL or one in members for one in ids], dtype=bool)
        for period in periods:
            for stratum in benchmark.strata:
                levels = sorted(
                    {c[2] for c, within in zip(cells, inside, strict=True) if within and c[:2] == (period, stratum.by)}
                )
                masks = [inside & np.array([c == (period, stratum.by, level) for c in cells]) for level in levels]
                place = {"tier": tier, "tier_id": tier_id, "period": period, "stratum": stratum.by}
                yield from (place | record for record in _levels(levels, masks, ids, sums, measure, benchmark))


def _levels(
    levels: list[str],
    masks: list[np.ndarray],
    ids: np.ndarray,
    sums: dict[str, FloatArray],
    measure: Measure,
    benchmark: Benchmark,
) -> Iterator[dict[str, Any]]:
    reasons = [cell_reason(sums["n_eligible"][mask], benchmark.gates) for mask in masks]
    summed = {name: np.array([values[mask].sum() for mask in masks]) for name, values in sums.items()}
    known = figures(measure, summed).by_denominator.get(measure.primary_denominator)
    unknown = np.full(len(levels), np.nan)
    estimate, variance = (unknown, unknown) if known is None else (known.value, known.variance)
    usable = np.array(
        [reason is None and np.isfinite(y) and v > 0 for reason, y, v in zip(reasons, estimate, variance, strict=True)],
        dtype=bool,
    )
    base = [_record(level, mask, ids, sums) for level, mask in zip(levels, masks, strict=True)]
    if usable.sum() < _MIN_LEVELS:
        short = f"too_few_levels: {int(usable.sum())} levels have enough people; {_MIN_LEVELS} are needed to borrow"
        yield from (
            row | {"status": INSUFFICIENT, "reason": why or short} for row, why in zip(base, reasons, strict=True)
        )
        return
    found = borrow(estimate[usable], variance[usable])
    # Levels are few: the doubt about their mean and spread counts, or levels that seem alike would be certain (M3.9).
    spread = spread_for_light(estimate[usable], variance[usable], benchmark.seed)
    for place in np.flatnonzero(~usable):
        yield base[place] | {"status": INSUFFICIENT, "reason": reasons[place] or "no_figure"}
    for position, place in enumerate(np.flatnonzero(usable)):
        own = float(found.reliability[position])
        borrowed = f"mostly_borrowed: {own:.0%} of the information is the level's own".replace("%", " %")
        yield (
            base[place]
            | _figure(float(found.values[position]), float(spread[position]))
            | {
                "reason": borrowed if found.mostly_borrowed[position] else None,
                "field_reliability": own,
            }
        )
    people = summed["n_eligible"][usable]
    everyone = np.logical_or.reduce([masks[place] for place in np.flatnonzero(usable)])
    # Levels lean on one mean, so their errors do not cancel; the unborrowed figure's error is the safe one.
    error = float(np.sqrt(((people / people.sum()) ** 2 * variance[usable]).sum()))
    yield (
        _record(ALL, everyone, ids, sums)
        | {"method": "poststratified"}
        | _figure(poststratify(found.values, people), error)
    )


def _record(level: str, mask: np.ndarray, ids: np.ndarray, sums: dict[str, FloatArray]) -> dict[str, Any]:
    eligible, followed = float(sums["n_eligible"][mask].sum()), float(sums["n_followed"][mask].sum())
    return {
        "kind": BenchmarkKind.MEAN.value,
        "method": "borrowed",
        "level": level,
        "weighting": "patients",
        # An organization with people in several levels is still one.
        "n_organizations": len(set(ids[mask & (sums["n_eligible"] > 0)])),
        "n_patients": int(eligible),
        "n_followed": int(followed),
        "completeness": followed / eligible if eligible else None,
    }


def _figure(value: float, error: float) -> dict[str, Any]:
    lower, upper = normal_interval(value, error)
    return {
        "status": OK,
        "estimate": value,
        "standard_error": error,
        "lower": float(lower),
        "upper": float(upper),
        "interval_method": "posterior",
    }
