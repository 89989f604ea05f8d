"""An edition in a few lines: what the command line prints and `--json` gives."""

from __future__ import annotations

from typing import Any

from benchwell.benchmarks import Edition
from benchwell.registry import Benchmark, Measure
from benchwell.reports.names import method_name
from benchwell.signals.words import direction, figure_of

_PLAIN_KEYS = (
    "benchmark",
    "measure",
    "kind",
    "method",
    "tier",
    "tier_id",
    "stratum",
    "level",
    "period",
    "adjustment",
    "denominator",
    "weighting",
    "population",
    "status",
    "reason",
    "n_organizations",
    "n_patients",
    "n_followed",
    "completeness",
    "estimate",
    "lower",
    "upper",
    "standard_error",
    "interval_method",
    "field_reliability",
    "provisional",
    "source",
    "edition",
)


def edition_summary(edition: Edition) -> dict[str, Any]:
    """The common benchmarks of an edition (all organizations, no stratum), with every field of their record.

    Args:
        edition: The edition.

    Returns:
        `edition`, `path`, `as_of`, and per benchmark its people, its records and ready words for a table.
    """
    records = edition.arrow("benchmarks").to_pylist()
    results = edition.arrow("organization_results").to_pylist()
    return {
        "edition": edition.id,
        "path": str(edition.path),
        "as_of": edition.as_of,
        "benchmarks": [
            _benchmark(edition, benchmark, records, results)
            for _, benchmark in sorted(edition.declarations.benchmarks.items())
        ],
    }


def _benchmark(
    edition: Edition, benchmark: Benchmark, records: list[dict[str, Any]], results: list[dict[str, Any]]
) -> dict[str, Any]:
    measure = edition.declarations.measures[benchmark.measure]
    own = [
        row for row in results if row["measure"] == measure.id and row["period"] == "all" and row["stratum"] == "all"
    ]
    common = [
        row
        for row in records
        if row["benchmark"] == benchmark.id
        and row["stratum"] == "all"
        and row["period"] == "all"
        and row["without"] == ""
        and row["tier"] in ("all", "external")
    ]
    return {
        "id": benchmark.id,
        "title": benchmark.title,
        "measure": measure.id,
        "direction": direction(measure.better),
        "people": _people(own),
        "organizations": {status: sum(row["status"] == status for row in own) for status in _statuses(own)},
        "rows": [_row(row, measure) for row in common],
        "records": [{key: row[key] for key in _PLAIN_KEYS} for row in common],
    }


def _statuses(rows: list[dict[str, Any]]) -> list[str]:
    return sorted({row["status"] for row in rows})


def _people(rows: list[dict[str, Any]]) -> str:
    eligible = sum(row["n_eligible"] or 0 for row in rows)
    followed = sum(row["n_followed"] or 0 for row in rows)
    shown = sum(row["status"] == "ok" for row in rows)
    services = f"{len(rows)} services, {shown} with a figure"
    if not followed:
        return f"{services}; {eligible:,} people counted (as the source states them)"
    return f"{services}; {followed:,} of {eligible:,} eligible people followed ({followed / eligible:.0%})"


def _row(row: dict[str, Any], measure: Measure) -> dict[str, Any]:
    figure = figure_of(measure)
    return {
        "label": method_name(row["method"]),
        "figure": figure.text(row["estimate"]) if row["estimate"] is not None else "not shown",
        "interval": figure.interval(row["lower"], row["upper"]) or "",
        "n_organizations": row["n_organizations"],
        "n_followed": row["n_followed"],
        "note": row["reason"] or ("provisional" if row["provisional"] else ""),
    }
