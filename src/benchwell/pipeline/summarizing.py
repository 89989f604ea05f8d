"""An edition in a few lines: what the command line prints and `--json` gives."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from benchwell.benchmarks import Edition
from benchwell.registry import Benchmark, Measure
from benchwell.reports.benchmark_lines import benchmark_lines, decile_lines, refusal_lines
from benchwell.reports.names import counted_among
from benchwell.reports.site_lines import site_lines
from benchwell.signals import EditionSource, edition_colours, four_views, funnel_view
from benchwell.signals.reading import ReadOnce, preferred_adjustment
from benchwell.signals.words import count, direction
from benchwell.tables import DERIVED
from benchwell.terms import Adjustment

# Only the common figure stands in a summary: the table holds those without each organization, too.
_PLAIN_KEYS = tuple(name for name in DERIVED["benchmarks"].columns if name != "without")
_SITE_KEYS = tuple(name for name in DERIVED["organization_results"].columns if name not in ("stratum", "level"))


def edition_summary(edition: Edition) -> dict[str, Any]:
    """The common benchmarks of an edition (all organizations, no stratum), with every field of their record.

    Args:
        edition: The edition.

    Returns:
        `edition`, `path`, `as_of`; `colours`, how many states the edition holds and how many are expected to be false;
        and per benchmark its people, its records, each organization's result, its views under every adjustment with
        the model behind each and how many organizations change state (no ids), and ready words for a screen.
    """
    once = ReadOnce.of(edition)
    records = edition.arrow("benchmarks").to_pylist()
    results = edition.arrow("organization_results").to_pylist()
    return {
        "edition": edition.id,
        "path": str(edition.path),
        "as_of": edition.as_of,
        "colours": edition_colours(once).to_dict(),
        "benchmarks": [
            _benchmark(edition, once, benchmark, records, results)
            for _, benchmark in sorted(edition.declarations.benchmarks.items())
        ],
    }


def _benchmark(
    edition: Edition,
    once: EditionSource,
    benchmark: Benchmark,
    records: list[dict[str, Any]],
    results: list[dict[str, Any]],
) -> dict[str, Any]:
    measure = edition.declarations.measures[benchmark.measure]
    own = [row for row in results if row["measure"] == measure.id and row["period"] == row["stratum"] == "all"]
    common = [row for row in records if row["benchmark"] == benchmark.id and _is_common(row)]
    views = four_views(once, measure)
    return {
        "id": benchmark.id,
        "title": benchmark.title,
        "measure": measure.id,
        "direction": direction(measure.better),
        "people": _people(own),
        "counted": f"Counted among {counted_among(measure)}.",
        "limits": _limits(once, measure),
        "organizations": {status: sum(row["status"] == status for row in own) for status in _statuses(own)},
        "lines": [asdict(line) for line in benchmark_lines(common, measure)],
        "top_tenth": [asdict(line) for line in decile_lines(common, measure)],
        "refused": list(refusal_lines(common)),
        "sites": [asdict(line) for line in site_lines(own, measure)],
        "adjustment": preferred_adjustment(once, measure.id).value,
        "views": views.to_dict() | {"lines": list(views.lines) if len(views.views) > 1 else []},
        "records": [{key: row[key] for key in _PLAIN_KEYS} for row in common],
        "results": [{key: row[key] for key in _SITE_KEYS} for row in own],
    }


def _is_common(row: dict[str, Any]) -> bool:
    if row["adjustment"] != Adjustment.UNADJUSTED:
        return False
    if row["tier"] == "external":  # its period is the reference's own year
        return True
    return bool(row["tier"] == "all" and row["stratum"] == row["period"] == "all" and row["without"] == "")


def _limits(edition: EditionSource, measure: Measure) -> list[str]:
    funnel = funnel_view(edition, measure)
    return [funnel.note] if funnel is not None and funnel.note else []


def _statuses(rows: list[dict[str, Any]]) -> list[str]:
    return sorted({row["status"] for row in rows})


def _people(rows: list[dict[str, Any]]) -> str:
    eligible = sum(row["n_eligible"] or 0 for row in rows)
    followed = sum(row["n_followed"] or 0 for row in rows)
    shown = sum(row["status"] == "ok" for row in rows)
    clinics = f"{count(len(rows), 'clinic')}, {shown:,} with a figure"
    people = f"{eligible:,} eligible {'person' if eligible == 1 else 'people'}"
    if all(row["n_followed"] is None for row in rows):
        return f"{clinics}; {count(eligible, 'person', 'people')} counted, as the source states them"
    if not eligible:
        return f"{clinics}; nobody is eligible and far enough in time yet"
    return f"{clinics}; {followed:,} of {people} followed up ({followed / eligible:.0%})".replace("%", " %")
