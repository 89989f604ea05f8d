"""Benchmark records: the only way a benchmark leaves this room (METHODS M4.1).

A record says what the figure is, of whom, when, how sure, and how complete; a figure that may not be published is a
record too, with its reason and what it still needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from benchwell.benchmarks.adjusted import AdjustedResults
from benchwell.benchmarks.borrowing import borrowed_records
from benchwell.benchmarks.cells import ALL, Cell, cells
from benchwell.benchmarks.cohort import Cohort
from benchwell.benchmarks.columns import floats
from benchwell.benchmarks.external import reference_record
from benchwell.benchmarks.gates import DecileBasis, cell_reason, method_reason
from benchwell.benchmarks.history import history_records
from benchwell.benchmarks.methods import Method, methods_of
from benchwell.benchmarks.pooling import Everyone, pooling_parts
from benchwell.benchmarks.results import INSUFFICIENT, NUMERIC, OK
from benchwell.benchmarks.uncertainty import Bootstrap, Uncertainty, bootstrap, jackknife, leave_one_out
from benchwell.benchmarks.windows import Windows
from benchwell.models.arrays import FloatArray
from benchwell.registry import Benchmark, Measure, Reference
from benchwell.registry.measure import PublishedRate
from benchwell.tables import DERIVED
from benchwell.terms import Adjustment, BenchmarkKind

Record = dict[str, Any]
NOBODY_FOLLOWED = "nobody_followed: nobody who counts was followed"


def benchmark_records(
    statistics: pa.Table,
    results: pa.Table,
    organizations: pa.Table,
    measure: Measure,
    benchmark: Benchmark,
    references: Mapping[str, Reference],
    windows: Windows,
    *,
    adjusted: AdjustedResults | None = None,
    edition: str | None = None,
) -> pa.Table:
    """Every record of one benchmark: tiers x periods x strata x methods, without each organization, external ones.

    The adjusted records of the whole period and all strata stand beside the unadjusted ones (METHODS C9).

    Args:
        statistics: `tables.DERIVED["statistics"]`, rolling windows included.
        results: `tables.DERIVED["organization_results"]` of the measure, computed from them.
        organizations: `tables.CANONICAL["organizations"]`, for the tiers.
        measure: The benchmark's measure.
        benchmark: The declaration.
        references: External figures by id.
        windows: The rolling windows that the benchmark uses.
        adjusted: The measure's adjusted results; None where nothing was adjusted.
        edition: The edition's id, once it has one.

    Returns:
        `tables.DERIVED["benchmarks"]`, sorted by key.

    Source:
        METHODS M4.1 to M4.7.
    """
    mine = results.filter(pa.compute.equal(results["measure"], measure.id))
    common = _common(measure, benchmark, edition)
    rows: list[Record] = []
    sums = statistics.filter(pa.compute.equal(statistics["measure"], measure.id))
    sums = sums.sort_by([(name, "ascending") for name in DERIVED["organization_results"].key])
    parts = pooling_parts(measure, {name: floats(sums[name]) for name in NUMERIC})
    for cell in cells(mine, parts, organizations, measure, benchmark, windows.periods):
        rows += [
            common | {"provisional": cell.period in windows.provisional} | row
            for row in _of_cell(cell, measure, benchmark)
        ]
    rows += _adjusted(adjusted, organizations, measure, benchmark, common)
    extra = list(borrowed_records(statistics, organizations, measure, benchmark, windows.periods))
    if BenchmarkKind.FIXED_EXTERNAL in benchmark.kinds:
        extra += [_external(references[name], measure) for name in benchmark.references]
    if BenchmarkKind.OWN_HISTORY in benchmark.kinds:
        extra += list(history_records(mine, windows))
    rows += [common | {"provisional": row.get("period") in windows.provisional} | row for row in extra]
    table = DERIVED["benchmarks"]
    return pa.Table.from_pylist(rows, schema=table.schema).sort_by([(name, "ascending") for name in table.key])


def _adjusted(
    adjusted: AdjustedResults | None, organizations: pa.Table, measure: Measure, benchmark: Benchmark, common: Record
) -> Iterator[Record]:
    """Records of every adjustment, over the whole period."""
    if adjusted is None:
        return
    for adjustment, parts in adjusted.parts.items():
        of_adjustment = adjusted.results.filter(pa.compute.equal(adjusted.results["adjustment"], adjustment))
        # Levels have benchmarks in the clinical view; in the others they are read off the results.
        levels = adjustment == Adjustment.CLINICAL
        for cell in cells(of_adjustment, parts, organizations, measure, benchmark, (ALL,)):
            if cell.stratum != ALL and not levels:
                continue
            stated = common | {"adjustment": adjustment, "provisional": False}
            yield from (stated | row for row in _of_cell(cell, measure, benchmark))


def _common(measure: Measure, benchmark: Benchmark, edition: str | None) -> Record:
    return {
        "benchmark": benchmark.id,
        "measure": measure.id,
        "without": "",
        "adjustment": "unadjusted",
        "denominator": measure.primary_denominator.value,
        "weighting": benchmark.weighting,
        "population": benchmark.population,
        "source": _official(measure),
        "edition": edition,
    }


def _official(measure: Measure) -> str | None:
    """What weights and intervals of official rates rest on; None for figures from rows of people."""
    if not isinstance(measure.endpoint, PublishedRate):
        return None
    return (
        f"official rates ({measure.endpoint.source}); weights and intervals use the denominator that the source "
        "states, which may count more people than the rate is a share of"
    )


def _external(reference: Reference, measure: Measure) -> Record:
    place = {"tier": "external", "stratum": ALL, "level": ALL, "period": reference.year, "weighting": None}
    return {"kind": BenchmarkKind.FIXED_EXTERNAL.value} | place | reference_record(reference, measure)


def _of_cell(cell: Cell, measure: Measure, benchmark: Benchmark) -> Iterator[Record]:
    for method in methods_of(benchmark, measure):
        if method.is_pooled:
            yield from _of_everyone(cell, method, benchmark)
    yield from _of_organizations(cell, [m for m in methods_of(benchmark, measure) if not m.is_pooled], benchmark)


def _of_everyone(cell: Cell, method: Method, benchmark: Benchmark) -> Iterator[Record]:
    """The pooled figure: over every organization that counts, small ones too."""
    everyone = cell.everyone
    reason = cell_reason(everyone.eligible, benchmark.gates) or _nobody(everyone)
    base = _everyones(cell, method, everyone, benchmark)
    base |= _field(cell)
    if reason is not None:
        yield base | {"status": INSUFFICIENT, "reason": reason}
        return
    value, without_each = float(method.estimator(everyone.cohort)), leave_one_out(everyone.cohort, method)
    yield base | _mean(everyone.cohort, value, without_each)
    if cell.stratum != ALL:
        return
    # Without a small organization there is no record: the difference would be its figure.
    for place in np.flatnonzero(everyone.shown).tolist():
        others = everyone.without(place)
        organization = everyone.cohort.ids[place]
        record = _everyones(cell, method, others, benchmark) | _field(cell, organization) | {"without": organization}
        reason = cell_reason(others.eligible, benchmark.gates) or _nobody(others)
        if reason is not None:
            yield record | {"status": INSUFFICIENT, "reason": reason}
            continue
        yield record | _mean(others.cohort, float(without_each[place]), leave_one_out(others.cohort, method))


def _nobody(everyone: Everyone) -> str | None:
    """A rate of those who met it among people of whom nobody was asked again says nothing, not zero."""
    unseen = bool(np.all(everyone.followed == 0))
    return "nobody_followed: nobody of these people has a follow-up score yet" if unseen else None


def _field(cell: Cell, without: str | None = None) -> Record:
    """How reliable the figures of the cell are, as a whole or without one organization; nothing without figures."""
    value = cell.field_reliability.get(without)
    return {} if value is None else {"field_reliability": value}


def _everyones(cell: Cell, method: Method, everyone: Everyone, benchmark: Benchmark) -> Record:
    who = "; ".join(filter(None, (benchmark.population, everyone.note)))
    return _place(cell, method) | _people(everyone.eligible, everyone.followed) | {"population": who}


def _of_organizations(cell: Cell, methods: Sequence[Method], benchmark: Benchmark) -> Iterator[Record]:
    """Figures over the organizations that have one of their own."""
    gates = benchmark.gates
    closed = cell_reason(cell.eligible, gates)
    if closed is not None:
        yield from (_record(cell, method) | {"status": INSUFFICIENT, "reason": closed} for method in methods)
        return
    reliability = cell.cohort.shrinkage.reliability
    basis = DecileBasis.of(cell.cohort, reliability, gates)
    reasons = {m.name: method_reason(m.kind, m.p, cell.cohort.k, basis, gates) for m in methods}
    open_methods = [m for m in methods if reasons[m.name] is None and m.kind is not BenchmarkKind.MEAN]
    resampled = bootstrap(cell.cohort, open_methods, replicates=benchmark.replicates, seed=benchmark.seed)
    field = _field(cell)
    for method in methods:
        reason = reasons[method.name]
        if reason is not None:
            yield _record(cell, method) | field | {"status": INSUFFICIENT, "reason": reason}
            continue
        yield _record(cell, method) | field | _figure(cell.cohort, method, resampled)
        if method.compares and cell.stratum == ALL:
            known = resampled.without_each.get(method.name)
            without_each = leave_one_out(cell.cohort, method) if known is None else known
            yield from _without_each(cell, method, without_each, resampled, basis, benchmark)


def _record(cell: Cell, method: Method, kept: Sequence[int] | None = None) -> Record:
    """Identity and counts of a record; `kept` are the places of the organizations behind it, all by default."""
    places = slice(None) if kept is None else np.asarray(kept)
    return _place(cell, method) | _people(cell.eligible[places], cell.followed[places])


def _place(cell: Cell, method: Method) -> Record:
    return {
        "kind": method.kind.value,
        "method": method.name,
        "tier": cell.tier,
        "tier_id": cell.tier_id,
        "stratum": cell.stratum,
        "level": cell.level,
        "period": cell.period,
        "weighting": method.weighting,
    }


def _people(eligible: FloatArray, followed: FloatArray) -> Record:
    total = float(eligible.sum())
    # Official aggregates do not say how many were followed.
    known = bool(np.isfinite(followed).all()) and total > 0
    return {
        "n_organizations": len(eligible),
        "n_patients": int(total),
        "n_followed": int(followed.sum()) if known else None,
        "completeness": float(followed.sum()) / total if known else None,
    }


def _figure(cohort: Cohort, method: Method, resampled: Bootstrap) -> Record:
    value = float(method.estimator(cohort))
    if method.kind is BenchmarkKind.MEAN:
        return _mean(cohort, value, leave_one_out(cohort, method))
    return _stated(value, resampled.of(method, value))


def _mean(cohort: Cohort, value: float, without_each: FloatArray) -> Record:
    if not np.isfinite(value):
        return {"status": INSUFFICIENT, "reason": NOBODY_FOLLOWED}
    return _stated(value, jackknife(value, without_each, share=cohort.is_proportion))


def _stated(value: float, uncertainty: Uncertainty) -> Record:
    return {
        "status": OK,
        "estimate": value,
        "standard_error": uncertainty.standard_error,
        "lower": uncertainty.lower,
        "upper": uncertainty.upper,
        "interval_method": uncertainty.method,
    }


def _without_each(
    cell: Cell,
    method: Method,
    without_each: FloatArray,
    resampled: Bootstrap,
    basis: DecileBasis,
    benchmark: Benchmark,
) -> Iterator[Record]:
    """The benchmark without each organization, for comparing that organization with the others (M4.7)."""
    everyone = np.arange(cell.cohort.k)
    for place, organization in enumerate(cell.cohort.ids):
        others = everyone[everyone != place]
        record = _record(cell, method, others) | _field(cell, organization) | {"without": organization}
        reason = cell_reason(cell.eligible[others], benchmark.gates) or method_reason(
            method.kind, method.p, len(others), basis.without(place), benchmark.gates
        )
        if reason is not None:
            yield record | {"status": INSUFFICIENT, "reason": reason}
            continue
        value = float(without_each[place])
        yield record | _stated(value, resampled.without(method, place, value))
