"""A small edition in memory: real kernels over stated counts, so that signals and pages can be tested alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from benchwell.benchmarks.results import organization_results
from benchwell.models.deciles import top_decile_of_proportions
from benchwell.models.quantiles import quantile_type7
from benchwell.registry import Registry
from benchwell.registry.benchmark import Benchmark
from benchwell.registry.measure import Measure
from benchwell.tables import DERIVED, TABLES

EDITION_ID = "2026-test-1"

MEASURE: dict[str, Any] = {
    "id": "response-12-weeks",
    "revision": 1,
    "title": "Response at 12 weeks",
    "why": "How many people are at least half better after 12 weeks.",
    "author": "Benchwell test",
    "better": "higher",
    "instruments": ["phq-9"],
    "index": {"rule": "start_date"},
    "baseline": {},
    "followup": {"from_day": 56, "to_day": 112, "pick": "closest", "target_day": 84},
    "endpoint": {"kind": "response"},
    "primary_denominator": "observed",
    "margin": 0.03,
}

# Eligible, followed, met: twelve clinics with a real spread between them.
CLINICS: dict[str, tuple[int, int, int]] = {
    "north": (240, 200, 124),
    "south": (150, 120, 57),
    "east": (200, 160, 88),
    "west": (120, 92, 42),
    "hill": (260, 210, 84),
    "lake": (180, 150, 63),
    "river": (300, 240, 150),
    "wood": (160, 130, 66),
    "meadow": (220, 180, 90),
    "harbor": (140, 110, 44),
    "mill": (190, 160, 101),
    "bridge": (170, 140, 56),
    "tiny": (6, 5, 3),
}


def a_measure(**changes: Any) -> Measure:
    return Measure.model_validate(MEASURE | changes)


def a_benchmark(measure: str = MEASURE["id"], **changes: Any) -> Benchmark:
    return Benchmark.model_validate(
        {
            "id": f"{measure}-all",
            "revision": 1,
            "title": "All clinics",
            "why": "To see one's own figure beside that of others.",
            "author": "Benchwell test",
            "measure": measure,
            "population": "all clinics of the test network",
            "kinds": ["mean", "percentile", "top_decile"],
            "gates": {"tier_organizations": 5},
        }
        | changes
    )


@dataclass(frozen=True)
class MemoryEdition:
    declarations: Registry
    tables: Mapping[str, pa.Table]
    id: str = EDITION_ID
    manifest: Mapping[str, Any] = field(default_factory=dict)

    def table(self, name: str) -> pa.Table:
        return self.tables[name] if name in self.tables else TABLES[name].empty()


def edition(
    clinics: Mapping[str, tuple[int, int | None, int]] = CLINICS,
    *,
    measure: Measure | None = None,
    benchmark: Benchmark | None = None,
    quarters: Mapping[str, Mapping[str, tuple[int, int, int]]] | None = None,
    strata: Mapping[str, Mapping[str, Mapping[str, tuple[int, int, int]]]] | None = None,
    records: Sequence[Mapping[str, Any]] | None = None,
) -> MemoryEdition:
    """An edition with one measure. `quarters[period][clinic]`, `strata[variable][level][clinic]` are counts."""
    measure = measure or a_measure()
    benchmark = benchmark or a_benchmark(measure.id)
    cells = {("all", "all", "all"): clinics}
    for period, found in (quarters or {}).items():
        cells[period, "all", "all"] = found
    for variable, levels in (strata or {}).items():
        for level, found in levels.items():
            cells["all", variable, level] = found
    statistics = DERIVED["statistics"].conform(
        pa.Table.from_pylist(
            [
                statistics_row(measure, clinic, counts, *cell)
                for cell, found in cells.items()
                for clinic, counts in found.items()
            ]
        )
    )
    results = organization_results(statistics, measure, benchmark.gates, edition=EDITION_ID)
    made = records if records is not None else benchmark_rows(results, measure, benchmark)
    flow = [
        {"measure": measure.id, "step": 1, "reason": "no_baseline", "count": 31, "remaining": 900},
        {"measure": measure.id, "step": 2, "reason": "immature", "count": 120, "remaining": 780},
        {"measure": measure.id, "step": 3, "reason": "analysed", "count": 780, "remaining": 780},
    ]
    return MemoryEdition(
        Registry([measure, benchmark]),
        {
            "statistics": statistics,
            "organization_results": results,
            "benchmarks": pa.Table.from_pylist(list(made), schema=DERIVED["benchmarks"].schema),
            "exclusions": DERIVED["exclusions"].conform(pa.Table.from_pylist(flow)),
        },
    )


def statistics_row(
    measure: Measure, clinic: str, counts: tuple[int, int | None, int], period: str, stratum: str, level: str
) -> dict[str, Any]:
    n, followed, met = counts
    row: dict[str, Any] = {
        "measure": measure.id,
        "organization_id": clinic,
        "period": period,
        "stratum": stratum,
        "level": level,
    }
    if measure.is_published:
        return row | {"published_rate": met / n, "published_denominator": float(n), "state": "published"}
    # Equal weights: what inverse probability gives when nothing predicts follow-up.
    weight = n / followed if followed else 1.0
    return row | {
        "n_eligible": n,
        "n_followed": followed,
        "n_met": met,
        "sum_value": float(met),
        "sum_value_squared": float(met),
        "sum_weight": weight * followed,
        "sum_weight_squared": weight**2 * followed,
        "sum_weight_value": weight * met,
        "sum_weight_squared_value": weight**2 * met,
        "sum_weight_squared_value_squared": weight**2 * met,
        "day_p25": 78.0,
        "day_p50": 84.0,
        "day_p75": 91.0,
        "state": "row",
    }


def benchmark_rows(results: pa.Table, measure: Measure, benchmark: Benchmark) -> list[dict[str, Any]]:
    rows = [
        row
        for row in results.to_pylist()
        if (row["period"], row["stratum"], row["status"]) == ("all", "all", "ok") and row["estimate"] is not None
    ]
    names = [row["organization_id"] for row in rows]
    made = []
    for without in ("", *names):
        used = [row for row in rows if row["organization_id"] != without]
        y = np.array([row["estimate"] for row in used])
        n = np.array([float(row["n_followed"] or row["n_eligible"]) for row in used])
        head = {
            "benchmark": benchmark.id,
            "measure": measure.id,
            "tier": "all",
            "tier_id": "",
            "stratum": "all",
            "level": "all",
            "period": "all",
            "without": without,
            "adjustment": "unadjusted",
            "denominator": measure.primary_denominator.value,
            "weighting": "unweighted",
            "population": benchmark.population,
            "status": "ok" if len(used) >= benchmark.gates.tier_organizations else "insufficient",
            "reason": None,
            "n_organizations": len(used),
            "n_patients": int(n.sum()),
            "n_followed": int(n.sum()),
            "completeness": _share(used),
            "field_reliability": float(np.median([row["reliability"] or 0.0 for row in used])) if used else None,
            "provisional": False,
            "source": None,
            "edition": EDITION_ID,
        }
        if len(used) < benchmark.gates.tier_organizations:
            made.append(head | {"kind": "mean", "method": "mean"})
            continue
        se = float(y.std(ddof=1) / np.sqrt(len(y)))
        made.append(head | _record("mean", "mean", float(y.mean()), se))
        made += [
            head | _record("percentile", f"p{p}", float(quantile_type7(y, p / 100)), se * 1.25) for p in (25, 50, 75)
        ]
        if measure.summary == "proportion" and len(used) >= 10:
            top = top_decile_of_proportions(np.round(y * n), n, better=measure.better)
            made.append(head | _record("top_decile", "top_decile.raw", top.raw, se * 2))
            made.append(head | _record("top_decile", "top_decile.constrained_eb", top.constrained, se * 2))
    return made


def _record(kind: str, method: str, estimate: float, se: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "method": method,
        "estimate": estimate,
        "lower": estimate - 1.96 * se,
        "upper": estimate + 1.96 * se,
        "standard_error": se,
        "interval_method": "jackknife",
    }


def _share(rows: Sequence[Mapping[str, Any]]) -> float | None:
    if not rows or any(row["n_followed"] is None for row in rows):
        return None
    return sum(row["n_followed"] for row in rows) / sum(row["n_eligible"] for row in rows)
