"""Simulated clinics whose people differ, through the real models and figures: an edition in memory with every view."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from benchwell.benchmarks import Declarations, compute
from benchwell.casemix.expectations import expectations
from benchwell.casemix.model_record import as_plain
from benchwell.registry import Registry
from benchwell.registry.benchmark import Benchmark
from benchwell.registry.casemix import CaseMix
from benchwell.registry.measure import Measure
from benchwell.tables import CANONICAL, DERIVED
from signals_edition import EDITION_ID, MemoryEdition, a_benchmark, a_measure, statistics_row

CASEMIX = CaseMix.model_validate(
    {
        "id": "test-mix",
        "revision": 1,
        "title": "Case mix of the tests",
        "why": "What was there when care began.",
        "author": "Benchwell test",
        "variables": [
            {
                "name": "baseline",
                "source": "baseline",
                "role": "adjust",
                "kind": "clinical",
                "rationale": "Where people start decides much of where they arrive.",
                "form": {"kind": "linear", "centre": 15, "scale": 5},
                "missing": {"rule": "exclude"},
            },
            {
                "name": "deprivation_quintile",
                "source": "deprivation_quintile",
                "role": "adjust",
                "kind": "social",
                "rationale": "Hardship can make recovery harder; only in its own view.",
                "form": {"kind": "categories", "levels": ["1", "2", "3", "4", "5"], "reference": "3"},
                "missing": {"rule": "category"},
            },
        ],
    }
)


@dataclass(frozen=True)
class Truth:
    """What is true of a simulated network, on the log-odds scale.

    Attributes:
        clinics: Clinics.
        people: Mean people of a clinic.
        between: Standard deviation of clinics' own effects.
        severity: Effect of five points of baseline.
        hardship: Effect of one quintile of deprivation.
        sorting: Share of baseline and deprivation that lies between clinics, in [0, 1].
        followed: Share followed up.
    """

    clinics: int = 40
    people: int = 200
    between: float = 0.0
    severity: float = -0.6
    hardship: float = 0.0
    sorting: float = 0.3
    followed: float = 0.85


@dataclass(frozen=True)
class DocumentedEdition(MemoryEdition):
    """One that also says how its models were fitted, as one on disk does."""

    documents: dict[str, Any] = field(default_factory=dict)

    def document(self, name: str) -> Any:
        return self.documents.get(name)


def people(generator: np.random.Generator, truth: Truth) -> pa.Table:
    """One row per person, as `casemix.model_rows` gives them."""
    size = generator.integers(truth.people // 2, truth.people * 3 // 2, truth.clinics)
    clinic = np.repeat(np.arange(truth.clinics), size)
    own, rest = np.sqrt(truth.sorting), np.sqrt(1 - truth.sorting)
    draws = [
        generator.normal(size=truth.clinics)[clinic] * own + generator.normal(size=len(clinic)) * rest for _ in "12"
    ]
    baseline = np.clip(np.rint(15 + 4 * draws[0]), 10, 27)
    quintile = np.searchsorted([-0.84, -0.25, 0.25, 0.84], draws[1]) + 1
    effect = truth.between * generator.normal(size=truth.clinics)
    logit = effect[clinic] + truth.severity * (baseline - 15) / 5 + truth.hardship * (quintile - 3)
    met = generator.random(len(clinic)) < 1 / (1 + np.exp(-logit))
    seen = generator.random(len(clinic)) < truth.followed
    share = np.bincount(clinic, seen) / size
    return pa.table(
        {
            "measure": [a_measure().id] * len(clinic),
            "episode_id": [f"e{place:06d}" for place in range(len(clinic))],
            "organization_id": [f"c{place:03d}" for place in clinic],
            "status": pa.array(np.where(seen, "followed", "missing_mature")),
            "met": pa.array(met, mask=~seen),
            "value": pa.array(met.astype(float), mask=~seen),
            "weight": pa.array(1 / share[clinic], mask=~seen),
            "baseline": baseline,
            "deprivation_quintile": pa.array([str(one) for one in quintile]),
            "quarter": ["2024-Q1"] * len(clinic),
            "level_deprivation_quintile": pa.array([str(one) for one in quintile]),
        }
    )


def adjusted_edition(
    rows: pa.Table, *, measure: Measure | None = None, benchmark: Benchmark | None = None, casemix: CaseMix = CASEMIX
) -> DocumentedEdition:
    """Fit every view, compute every figure, and hold the edition in memory."""
    measure = measure or a_measure()
    strata = ("deprivation_quintile",)
    benchmark = benchmark or a_benchmark(
        measure.id, kinds=["mean"], replicates=100, casemix=casemix.id, strata=[{"by": strata[0]}]
    )
    fitted = expectations({measure.id: rows}, [measure], {measure.id: casemix}, {measure.id: strata})
    names = sorted(set(rows["organization_id"].to_pylist()))
    organizations = CANONICAL["organizations"].conform(pa.table({"organization_id": names}))
    made = compute(
        _statistics(rows, measure),
        organizations,
        Declarations({measure.id: measure}, {benchmark.id: benchmark}, {}, {casemix.id: casemix}),
        dt.date(2024, 12, 31),
        adjusted_sums=fitted.adjusted_sums,
        model_checks=fitted.model_checks,
        edition=EDITION_ID,
    )
    tables = {
        "organization_results": made.organization_results,
        "adjusted_results": made.adjusted_results,
        "benchmarks": made.benchmarks,
        "coefficients": fitted.coefficients,
        "model_checks": fitted.model_checks,
        "organizations": organizations,
    }
    documents = {"casemix_models.json": as_plain(fitted.models)}
    return DocumentedEdition(Registry([measure, benchmark, casemix]), tables, documents=documents)


def simulated(seed: int = 1, **truth: Any) -> DocumentedEdition:
    """An edition of a simulated network."""
    return adjusted_edition(people(np.random.default_rng(seed), Truth(**truth)))


def _statistics(rows: pa.Table, measure: Measure) -> pa.Table:
    found = []
    frame = rows.select(["organization_id", "deprivation_quintile", "status", "met"]).to_pylist()
    counts: dict[tuple[str, str, str], list[int]] = {}
    for row in frame:
        followed = row["status"] == "followed"
        for stratum, level in (("all", "all"), ("deprivation_quintile", row["deprivation_quintile"] or "unknown")):
            cell = counts.setdefault((row["organization_id"], stratum, level), [0, 0, 0])
            cell[0] += 1
            cell[1] += followed
            cell[2] += bool(followed and row["met"])
    for (clinic, stratum, level), (n, m, x) in counts.items():
        found.append(statistics_row(measure, clinic, (n, m, x), "all", stratum, level))
    return DERIVED["statistics"].conform(pa.Table.from_pylist(found))
