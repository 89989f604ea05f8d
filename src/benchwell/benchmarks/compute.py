"""From frozen statistics and declarations to every published number: what `build` runs and `verify` runs again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.benchmarks.adjusted import adjusted_results
from benchwell.benchmarks.bands import with_bands, with_q_values
from benchwell.benchmarks.records import benchmark_records
from benchwell.benchmarks.results import organization_results
from benchwell.benchmarks.windows import Windows
from benchwell.errors import DeclarationError
from benchwell.registry import Benchmark, CaseMix, CurveDeclaration, EpisodeRule, Measure, Reference
from benchwell.tables import DERIVED

# Frozen inputs beside the statistics; each may be empty.
FROZEN_BESIDE = ("adjusted_sums", "coefficients", "model_checks", "monitoring_months", "imputations")


@dataclass(frozen=True)
class Declarations:
    """The declarations behind an edition, by id; `episode_rules` holds the rule that made courses, if one did."""

    measures: Mapping[str, Measure]
    benchmarks: Mapping[str, Benchmark]
    references: Mapping[str, Reference]
    casemix: Mapping[str, CaseMix] = field(default_factory=dict)
    episode_rules: Mapping[str, EpisodeRule] = field(default_factory=dict)
    response_curves: Mapping[str, CurveDeclaration] = field(default_factory=dict)


@dataclass(frozen=True)
class Computed:
    """Everything that is published."""

    organization_results: pa.Table
    adjusted_results: pa.Table
    benchmarks: pa.Table


def compute(
    statistics: pa.Table,
    organizations: pa.Table,
    declarations: Declarations,
    as_of: dt.date,
    *,
    adjusted_sums: pa.Table | None = None,
    model_checks: pa.Table | None = None,
    edition: str | None = None,
) -> Computed:
    """Compute results, adjusted results and benchmark records: a pure function of its arguments.

    Args:
        statistics: `tables.DERIVED["statistics"]` of all measures.
        organizations: `tables.CANONICAL["organizations"]`; `part_of`, `region` and `country` make the tiers.
        declarations: Measures, benchmarks and references of the edition.
        as_of: The snapshot's date, which decides the last mature quarter.
        adjusted_sums: `tables.DERIVED["adjusted_sums"]` of all measures; None where nothing was adjusted.
        model_checks: `tables.DERIVED["model_checks"]` of the same models.
        edition: The edition's id, once it has one.

    Raises:
        DeclarationError: If two benchmarks of one measure declare different minimums, probabilities of a light,
            periods, seeds or case mixes.
    """
    measures = sorted({benchmark.measure for benchmark in declarations.benchmarks.values()})
    frozen = _Frozen(
        statistics,
        DERIVED["adjusted_sums"].empty() if adjusted_sums is None else adjusted_sums,
        DERIVED["model_checks"].empty() if model_checks is None else model_checks,
        organizations,
    )
    parts = [_one_measure(frozen, declarations, declarations.measures[one], as_of, edition) for one in measures]
    results = _joined("organization_results", [part.organization_results for part in parts])
    adjusted = _joined("adjusted_results", [part.adjusted_results for part in parts])
    return Computed(results, with_q_values(adjusted), _joined("benchmarks", [part.benchmarks for part in parts]))


@dataclass(frozen=True)
class _Frozen:
    """What everything is computed from, apart from declarations."""

    statistics: pa.Table
    adjusted_sums: pa.Table
    model_checks: pa.Table
    organizations: pa.Table


def _one_measure(
    frozen: _Frozen, declarations: Declarations, measure: Measure, as_of: dt.date, edition: str | None
) -> Computed:
    mine = [one for _, one in sorted(declarations.benchmarks.items()) if one.measure == measure.id]
    _ensure_one_voice(mine)
    windows = {benchmark.id: Windows.of(measure, benchmark, as_of) for benchmark in mine}
    every = Windows((), frozenset(), _all_quarters(windows.values()), None)
    statistics = frozen.statistics.filter(pc.equal(frozen.statistics["measure"], measure.id))
    extended = pa.concat_tables([statistics, every.rolled(statistics, measure)])
    gates, seed = mine[0].gates, mine[0].seed
    found = organization_results(extended, measure, gates, edition=edition, seed=seed)
    adjusted = adjusted_results(frozen.adjusted_sums, frozen.model_checks, found, measure, edition=edition, seed=seed)
    records = [
        benchmark_records(
            extended,
            found,
            frozen.organizations,
            measure,
            benchmark,
            declarations.references,
            windows[benchmark.id],
            adjusted=adjusted,
            edition=edition,
        )
        for benchmark in mine
    ]
    benchmarks = _joined("benchmarks", records)
    banded = with_bands(adjusted.results, found, benchmarks, measure, gates, edition=edition)
    return Computed(found, banded, benchmarks)


def _all_quarters(windows: Iterable[Windows]) -> dict[str, tuple[str, ...]]:
    return {label: quarters for one in windows for label, quarters in one.quarters.items()}


def _ensure_one_voice(benchmarks: Sequence[Benchmark]) -> None:
    """An organization has one result per measure, so benchmarks of one measure share what decides it."""
    first = benchmarks[0]
    for other in benchmarks[1:]:
        if _decides(other) != _decides(first):
            raise DeclarationError(
                f"Benchmarks {first.id!r} and {other.id!r} of measure {first.measure!r} declare different "
                "gates.organization_n, gates.light_probability, period, seed or casemix.",
                hint="Give both the same, or build them in two editions.",
            )


def _decides(benchmark: Benchmark) -> tuple[Any, ...]:
    """What an organization's result and band rest on."""
    gates = benchmark.gates
    return gates.organization_n, gates.light_probability, benchmark.period, benchmark.seed, benchmark.casemix


def _joined(name: str, parts: Sequence[pa.Table]) -> pa.Table:
    table = DERIVED[name]
    joined = pa.concat_tables([table.conform(part) for part in parts]) if parts else table.empty()
    return joined.sort_by([(column, "ascending") for column in table.key]).combine_chunks()
