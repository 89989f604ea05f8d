"""Own history: an organization's previous window, shrunken, since an extreme one regresses anyway (METHODS M4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.benchmarks.cells import ALL
from benchwell.benchmarks.results import INSUFFICIENT, OK
from benchwell.benchmarks.windows import Windows
from benchwell.models.intervals import normal_interval
from benchwell.terms import BenchmarkKind

_ALONE = "no_other_organizations: shrinking needs others to lean on; look at the run chart instead"


def history_records(results: pa.Table, windows: Windows) -> Iterator[dict[str, Any]]:
    """One record per organization with a row in the previous window.

    Args:
        results: Organization results of the measure, rolling windows included.
        windows: Of the benchmark.
    """
    if windows.previous is None:
        return
    of_window = pc.and_(pc.equal(results["period"], windows.previous), pc.equal(results["stratum"], ALL))
    yield from map(_record, results.filter(of_window).to_pylist())


def _record(row: dict[str, Any]) -> dict[str, Any]:
    record = {
        "kind": BenchmarkKind.OWN_HISTORY.value,
        "method": "shrunken",
        "tier": "organization",
        "tier_id": row["organization_id"],
        "stratum": ALL,
        "level": ALL,
        "period": row["period"],
        "weighting": None,
        "n_organizations": 1,
        "n_patients": row["n_eligible"],
        "n_followed": row["n_followed"],
        "completeness": row["completion"],
        "field_reliability": row["reliability"],
    }
    if row["status"] != OK:
        return record | {"status": INSUFFICIENT, "reason": row["reason"]}
    if row["shrunken"] is None:
        return record | {"status": INSUFFICIENT, "reason": _ALONE}
    lower, upper = normal_interval(row["shrunken"], row["shrunken_sd"])
    return record | {
        "status": OK,
        "estimate": row["shrunken"],
        "standard_error": row["shrunken_sd"],
        "lower": float(lower),
        "upper": float(upper),
        "interval_method": "posterior",
    }
