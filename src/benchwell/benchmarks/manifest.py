"""The manifest: everything a reader needs to judge an edition, and everything `verify` needs to check it (M13.1)."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.benchmarks.compute import FROZEN_BESIDE, Computed, Declarations
from benchwell.benchmarks.digest import table_digest
from benchwell.models.heterogeneity import tau2_dersimonian_laird
from benchwell.registry import Declaration, Instrument, hash_canonical
from benchwell.tables import DERIVED
from benchwell.tables.table import as_it_stands
from benchwell.terms import Adjustment

FORMAT = 1
LIMITS = (
    "Unadjusted figures do not say whom an organization sees: more severe problems can show as lower rates.",
    "Adjusted figures allow for what was recorded when care began, and for nothing else; their models count as known.",
    "Observed over expected compares an organization with the reference, never with another organization.",
    "A figure describes the people who are counted; it does not say what the care caused.",
    "People without a follow-up score may differ from those with one; three denominators and bounds show how much.",
    "A rolling window shares most of its people with the next one: neighbours are no independent tests of each other.",
    "Intervals of benchmarks come from resampling organizations; with few organizations they are rough.",
    "Tables of this edition hold small cells of single organizations: it is for use inside, not for publication.",
)


@dataclass(frozen=True)
class Code:
    """What computed the edition (null where unknown).

    Attributes:
        version: Of the package.
        source_sha256: Over the package's source files and declarations: the same code wherever it is installed.
        lock_sha256: Of the lock file, where it runs from a checkout.
        commit: Of the checkout; told, but not part of the edition's identity.
    """

    version: str
    source_sha256: str | None = None
    lock_sha256: str | None = None
    commit: str | None = None


@dataclass(frozen=True)
class Inputs:
    """Everything that goes into an edition.

    Attributes:
        statistics: Frozen `tables.DERIVED["statistics"]`.
        curves: Frozen tables of the expected courses by name (`tables.curves`); empty: none was asked for.
        adjusted: Frozen tables of the case-mix models by name (`compute.FROZEN_BESIDE`); empty: nothing was adjusted.
        exclusions: `tables.DERIVED["exclusions"]`.
        organizations: `tables.CANONICAL["organizations"]`.
        declarations: Measures, benchmarks, references, case mixes and the episode rule.
        instruments: Instruments of the measures, by id.
        as_of: The snapshot's date.
        snapshot: Id and table versions of the lake's snapshot, as plain data.
        code: What computes.
        engine: Name of the engine that summed.
        settings: Workspace settings that could move a number, as plain data.
        outcomes: Private rows, or None.
        features: Private strata of the rows, or None.
        extra_files: Further files by relative path, such as the method page.
        supersedes: Id of the edition that this one corrects.
        correction_reason: Why; required with `supersedes`.
        supersedes_sha256: Manifest hash of the superseded edition.
        approvals: Who approved it, in words.
        deviations: Departures from the declared methods, in words.
        reading: How many courses were derived, contacts joined or left, and scores folded.
        licence: Under which the edition may be used.
        limits: What it cannot tell, in plain words.
    """

    statistics: pa.Table
    exclusions: pa.Table
    organizations: pa.Table
    declarations: Declarations
    as_of: dt.date
    code: Code
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    snapshot: Mapping[str, Any] = field(default_factory=dict)
    adjusted: Mapping[str, pa.Table] = field(default_factory=dict)
    curves: Mapping[str, pa.Table] = field(default_factory=dict)
    engine: str = "duckdb"
    settings: Mapping[str, Any] = field(default_factory=dict)
    outcomes: pa.Table | None = None
    features: pa.Table | None = None
    extra_files: Mapping[str, bytes] = field(default_factory=dict)
    supersedes: str | None = None
    correction_reason: str | None = None
    supersedes_sha256: str | None = None
    approvals: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    reading: Mapping[str, int] = field(default_factory=dict)
    licence: str = "not stated"
    limits: tuple[str, ...] = LIMITS

    def beside(self, name: str) -> pa.Table:
        """One of the frozen inputs beside the statistics, in its table's shape; empty where nothing was adjusted."""
        table = DERIVED[name]
        return table.conform(self.adjusted[name]) if name in self.adjusted else table.empty()


def all_declarations(inputs: Inputs) -> dict[str, Mapping[str, Declaration]]:
    """Declarations by folder name."""
    found = inputs.declarations
    # Editions without curves are named as they were before there were any.
    curves = {"response_curves": found.response_curves} if found.response_curves else {}
    return {
        "instruments": inputs.instruments,
        "measures": found.measures,
        "benchmarks": found.benchmarks,
        "references": found.references,
        "casemix": found.casemix,
        "episode_rules": found.episode_rules,
        **curves,
    }


def identity(inputs: Inputs) -> dict[str, Any]:
    """What an edition is a function of: snapshot, declarations and code. Its hash is the edition's name.

    Of the snapshot only its id counts, which is made from content: when it was taken and how often the lake had been
    written to before are told beside it.
    """
    return {
        "as_of": inputs.as_of.isoformat(),
        "snapshot": inputs.snapshot.get("id"),
        "declarations": declaration_hashes(all_declarations(inputs)),
        "code": {
            "version": inputs.code.version,
            "source": inputs.code.source_sha256,
            "lock": inputs.code.lock_sha256,
        },
        "settings": dict(inputs.settings),
        "inputs": {
            name: table_digest(table)
            for name, table in (
                ("statistics", inputs.statistics),
                ("exclusions", inputs.exclusions),
                ("organizations", as_it_stands(inputs.organizations)),
                *((name, inputs.beside(name)) for name in FROZEN_BESIDE),
                *inputs.curves.items(),
            )
        },
        "supersedes": inputs.supersedes,
        "correction_reason": inputs.correction_reason,
    }


def edition_id(identified: Mapping[str, Any]) -> str:
    """Name of an edition from its identity.

    >>> edition_id({"as_of": "2026-01-31"})
    '2026-01-31-0d993b375c79'
    """
    return f"{identified['as_of']}-{hash_canonical(identified)[:12]}"


def declaration_hashes(declarations: Mapping[str, Mapping[str, Declaration]]) -> dict[str, Any]:
    """Revision and both hashes of each declaration: what can move a number, apart from wording."""
    return {
        folder: {
            name: {"revision": one.revision, "numbers": one.numbers_hash, "text": one.text_hash}
            for name, one in sorted(known.items())
        }
        for folder, known in declarations.items()
    }


def build_manifest(inputs: Inputs, identified: Mapping[str, Any], computed: Computed) -> dict[str, Any]:
    """The manifest without its file list and its own hash."""
    return {
        "format": FORMAT,
        "id": edition_id(identified),
        "identity": dict(identified),
        "engine": inputs.engine,
        "platform": {"system": platform.system(), "machine": platform.machine(), "python": platform.python_version()},
        "disclosure": {"profile": "inside", "suppressed_cells": None, "epsilon": None},
        "supersedes_sha256": inputs.supersedes_sha256,
        "approvals": list(inputs.approvals),
        "deviations": list(inputs.deviations),
        "reading": dict(inputs.reading),
        "licence": inputs.licence,
        "limits": list(inputs.limits),
        "snapshot": dict(inputs.snapshot),
        "commit": inputs.code.commit,
    } | derived(identified, inputs.declarations, inputs.statistics, inputs.exclusions, computed)


def derived(
    identified: Mapping[str, Any],
    declarations: Declarations,
    statistics: pa.Table,
    exclusions: pa.Table,
    computed: Computed,
) -> dict[str, Any]:
    """What the manifest says about identity, declarations and numbers: `verify` writes it again and compares."""
    benchmarks = dict(sorted(declarations.benchmarks.items()))
    whole = _whole_period(computed.organization_results)
    return {
        "kind": sorted({benchmark.cadence.kind for benchmark in benchmarks.values()}),
        "as_of": identified["as_of"],
        "periods": {name: list(one.period) if one.period else None for name, one in benchmarks.items()},
        "maturity": {name: _maturity(one) for name, one in sorted(declarations.measures.items())},
        "seeds": {name: {"seed": one.seed, "replicates": one.replicates} for name, one in benchmarks.items()},
        "gates": {name: one.gates.model_dump(mode="json") for name, one in benchmarks.items()},
        "conventions": {
            "quantile": "type 7 unweighted; smallest value with cumulative share >= p weighted",
            "interval": "95 % two-sided",
        },
        "exclusion_flow": exclusions.to_pylist(),
        "diagnostics": diagnostics(whole),
        "adjusted_diagnostics": {
            adjustment: diagnostics(
                computed.adjusted_results.filter(pc.equal(computed.adjusted_results["adjustment"], adjustment))
            )
            for adjustment in _adjustments(computed.adjusted_results)
        },
        "completeness": _completeness(whole),
        "counts": {
            "measures": len(declarations.measures),
            "organizations": len(set(statistics["organization_id"].to_pylist())),
            "benchmark_records": computed.benchmarks.num_rows,
        },
        "supersedes": identified["supersedes"],
        "correction_reason": identified["correction_reason"],
    }


def diagnostics(results: pa.Table) -> dict[str, Any]:
    """Reliability and overdispersion of each measure's field of organizations, over the whole period."""
    found: dict[str, Any] = {}
    for row in _whole_period(results).to_pylist():
        if row["reliability"] is not None:
            found.setdefault(row["measure"], []).append((row["estimate"], row["variance"], row["reliability"]))
    return {measure: _field_diagnostics(np.array(rows, dtype=np.float64)) for measure, rows in sorted(found.items())}


def _adjustments(results: pa.Table) -> list[str]:
    return sorted(set(pc.unique(results["adjustment"]).to_pylist()) - {Adjustment.UNADJUSTED.value})


def _field_diagnostics(rows: Any) -> dict[str, Any]:
    estimate, variance, reliability = rows.T
    weight = 1 / variance
    z = (estimate - (weight * estimate).sum() / weight.sum()) * np.sqrt(weight)
    low, high = np.quantile(z, [0.1, 0.9])
    return {
        "organizations": len(rows),
        "reliability": {f"p{p}": float(np.quantile(reliability, p / 100)) for p in (0, 25, 50, 75, 100)},
        # Mean squared z, the tails pulled in at 10 and 90 %: about 1 when organizations differ by chance alone (M5.1).
        "overdispersion": float((np.clip(z, low, high) ** 2).mean()),
        # Variance of the organizations' own figures, beyond chance (M3.9): 0 where they differ by chance alone.
        "variance_between": float(tau2_dersimonian_laird(estimate, variance)),
    }


def _completeness(results: pa.Table) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = {}
    for row in results.to_pylist():
        found.setdefault(row["measure"], {})[row["organization_id"]] = row["completion"]
    return found


def _whole_period(results: pa.Table) -> pa.Table:
    return results.filter(pc.and_(pc.equal(results["period"], "all"), pc.equal(results["stratum"], "all")))


def _maturity(measure: Any) -> str:
    if measure.followup is None:
        return "as published" if measure.is_published else "no follow-up window"
    days = measure.followup.to_day + measure.followup.grace_days
    return f"index date + {measure.followup.to_day} days + {measure.followup.grace_days} days of grace = {days} days"
