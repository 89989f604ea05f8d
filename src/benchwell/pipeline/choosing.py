"""Which benchmarks and measures an edition holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.benchmarks import Declarations
from benchwell.errors import UnknownDeclarationError
from benchwell.registry import Benchmark, Instrument, Measure, Registry
from benchwell.registry.measure import EventRate, PublishedRate, Retention, TwoMeasure, WaitDays
from benchwell.terms import BenchmarkKind


@dataclass(frozen=True)
class Present:
    """What a snapshot has anything of.

    Attributes:
        instruments: Declared instruments with at least one assessment, by id.
        published: Pairs of source and measure name with at least one official rate.
        encounters: Whether there is any contact.
        events: Kinds of events that occur.
    """

    instruments: Mapping[str, Instrument]
    published: frozenset[tuple[str, str]]
    encounters: bool
    events: frozenset[str]

    def serves(self, measure: Measure) -> bool:
        """Whether the snapshot has what a measure needs."""
        endpoint = measure.endpoint
        if isinstance(endpoint, PublishedRate):
            return (endpoint.source, endpoint.name) in self.published
        if isinstance(endpoint, TwoMeasure):
            return all(part.instrument in self.instruments for part in endpoint.parts)
        if isinstance(endpoint, EventRate):
            return endpoint.event in self.events
        if isinstance(endpoint, Retention | WaitDays):
            return self.encounters
        return any(instrument in self.instruments for instrument in measure.instruments)


def published_pairs(rates: pa.Table) -> frozenset[tuple[str, str]]:
    """Source and measure of every official rate.

    >>> sorted(published_pairs(pa.table({"source": ["s", "s"], "measure": ["recovery", "recovery"]})))
    [('s', 'recovery')]
    """
    pairs = rates.select(["source", "measure"]).group_by(["source", "measure"]).aggregate([]).to_pylist()
    return frozenset((row["source"], row["measure"]) for row in pairs)


def distinct(column: pa.ChunkedArray) -> frozenset[str]:
    """Values that occur, without null."""
    return frozenset(value for value in pc.unique(column).to_pylist() if value is not None)


def choose(registry: Registry, present: Present, wanted: Sequence[str] | None) -> Declarations:
    """The declarations of an edition: those asked for, or every one that the snapshot has data for.

    A measure that has data but no benchmark of its own gets a plain one, so that nothing with data is left out.

    Raises:
        UnknownDeclarationError: If a benchmark is asked for, or a case mix is named, that is not declared.
    """
    if wanted is None:
        served = {name: one for name, one in registry.measures.items() if present.serves(one)}
        benchmarks = {name: one for name, one in registry.benchmarks.items() if one.measure in served}
        covered = {one.measure for one in benchmarks.values()}
        plain = [plain_benchmark(one) for name, one in served.items() if name not in covered]
        benchmarks |= {one.id: one for one in plain}
    else:
        benchmarks = _asked_for(registry, wanted)
    measures = {one.measure: registry.measure(one.measure) for one in benchmarks.values()}
    named = {reference for one in benchmarks.values() for reference in one.references}
    mixes = sorted({one.casemix for one in benchmarks.values() if one.casemix is not None})
    return Declarations(
        measures,
        benchmarks,
        {name: registry.reference(name) for name in sorted(named)},
        {name: registry.case_mix(name) for name in mixes},
    )


def _asked_for(registry: Registry, wanted: Iterable[str]) -> dict[str, Benchmark]:
    plain = {one.id: one for one in map(plain_benchmark, registry.measures.values())}
    known = plain | dict(registry.benchmarks)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UnknownDeclarationError.from_id("benchmark", unknown[0], list(known))
    return {name: known[name] for name in wanted}


def plain_benchmark(measure: Measure) -> Benchmark:
    """The benchmark of a measure for which nobody declared one: common figure and quartiles, default gates."""
    return Benchmark(
        id=f"{measure.id}-plain",
        revision=1,
        title=f"{measure.title}, among the services here",
        why="Nobody has declared a benchmark for this measure yet; this is the common figure and its spread.",
        author="Benchwell",
        measure=measure.id,
        population="all services in this workspace",
        kinds=(BenchmarkKind.MEAN, BenchmarkKind.PERCENTILE),
        tiers=("all",),
    )


def instruments_of(measures: Iterable[Measure], registry: Registry) -> dict[str, Instrument]:
    """Every instrument that a measure names, by id."""
    names = {name for measure in measures for name in measure.instruments}
    for measure in measures:
        if isinstance(measure.endpoint, TwoMeasure):
            names |= {part.instrument for part in measure.endpoint.parts}
    return {name: registry.instrument(name) for name in sorted(names)}
