"""From frozen statistics and declarations to every published number: what `build` runs and `verify` runs again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.benchmarks.records import benchmark_records
from benchwell.benchmarks.results import organization_results
from benchwell.benchmarks.windows import Windows
from benchwell.errors import DeclarationError
from benchwell.registry import Benchmark, CaseMix, Measure, Reference
from benchwell.tables import DERIVED


@dataclass(frozen=True)
class Declarations:
    """The declarations behind an edition, by id."""

    measures: Mapping[str, Measure]
    benchmarks: Mapping[str, Benchmark]
    references: Mapping[str, Reference]
    casemix: Mapping[str, CaseMix] = field(default_factory=dict)


@dataclass(frozen=True)
class Computed:
    """Everything that is published."""

    organization_results: pa.Table
    benchmarks: pa.Table


def compute(
    statistics: pa.Table,
    organizations: pa.Table,
    declarations: Declarations,
    as_of: dt.date,
    *,
    edition: str | None = None,
) -> Computed:
    """Compute organization results and benchmark records: a pure function of its arguments.

    Args:
        statistics: `tables.DERIVED["statistics"]` of all measures.
        organizations: `tables.CANONICAL["organizations"]`; `part_of`, `region` and `country` make the tiers.
        declarations: Measures, benchmarks and references of the edition.
        as_of: The snapshot's date, which decides the last mature quarter.
        edition: The edition's id, once it has one.

    Raises:
        DeclarationError: If two benchmarks of one measure declare different minimums, periods or seeds.
    """
    measures = sorted({benchmark.measure for benchmark in declarations.benchmarks.values()})

    parts = [
        _one_measure(
            statistics.filter(pc.equal(statistics["measure"], measure_id)),
            organizations,
            declarations,
            declarations.measures[measure_id],
            as_of,
            edition,
        )
        for measure_id in measures
    ]
    return Computed(
        _joined("organization_results", [part.organization_results for part in parts]),
        _joined("benchmarks", [part.benchmarks for part in parts]),
    )


def _one_measure(
    statistics: pa.Table,
    organizations: pa.Table,
    declarations: Declarations,
    measure: Measure,
    as_of: dt.date,
    edition: str | None,
) -> Computed:
    mine = [one for _, one in sorted(declarations.benchmarks.items()) if one.measure == measure.id]
    _ensure_one_voice(mine)
    windows = {benchmark.id: Windows.of(measure, benchmark, as_of) for benchmark in mine}
    every = Windows((), frozenset(), _all_quarters(windows.values()), None)
    extended = pa.concat_tables([statistics, every.rolled(statistics, measure)])
    found = organization_results(extended, measure, mine[0].gates, edition=edition, seed=mine[0].seed)
    records = [
        benchmark_records(
            extended,
            found,
            organizations,
            measure,
            benchmark,
            declarations.references,
            windows[benchmark.id],
            edition=edition,
        )
        for benchmark in mine
    ]
    return Computed(_joined("organization_results", [found]), _joined("benchmarks", records))


def _all_quarters(windows: Iterable[Windows]) -> dict[str, tuple[str, ...]]:
    return {label: quarters for one in windows for label, quarters in one.quarters.items()}


def _ensure_one_voice(benchmarks: Sequence[Benchmark]) -> None:
    """An organization has one result per measure, so benchmarks of one measure share what decides it."""
    first = benchmarks[0]
    for other in benchmarks[1:]:
        same = (other.gates.organization_n, other.period, other.seed) == (
            first.gates.organization_n,
            first.period,
            first.seed,
        )
        if not same:
            raise DeclarationError(
                f"Benchmarks {first.id!r} and {other.id!r} of measure {first.measure!r} declare different "
                "gates.organization_n, period or seed.",
                hint="Give both the same, or build them in two editions.",
            )


def _joined(name: str, parts: Sequence[pa.Table]) -> pa.Table:
    table = DERIVED[name]
    joined = pa.concat_tables([table.conform(part) for part in parts]) if parts else table.empty()
    return joined.sort_by([(column, "ascending") for column in table.key]).combine_chunks()
