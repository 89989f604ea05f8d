"""Which record of an edition a comparison is with (METHODS M4.1, M4.7)."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.errors import UnknownDeclarationError
from benchwell.registry.benchmark import Benchmark
from benchwell.registry.measure import Measure
from benchwell.signals.comparison import BenchmarkUsed
from benchwell.signals.reading import ALL, EditionSource, Row, rows
from benchwell.terms import Adjustment, BenchmarkKind


@dataclass(frozen=True)
class Wanted:
    """What a comparison asks for.

    Attributes:
        measure: The measure.
        declaration: The benchmark; None takes any of the measure.
        kind: Which kind of benchmark value.
        method: Which method of that kind; None takes the first that holds a figure.
        tier: Which tier.
        tier_id: Which group of that tier the organization belongs to; None for all.
        organization_id: Whose record, if there is one without the organization; "" for the one that holds everybody.
        adjustment: The view.
    """

    measure: Measure
    declaration: Benchmark | None
    kind: BenchmarkKind
    method: str | None
    tier: str
    tier_id: str | None
    organization_id: str
    adjustment: Adjustment


def group_of(edition: EditionSource, organization_id: str, tier: str) -> str | None:
    """Which network, region or country the organization belongs to; None where the edition does not say."""
    column = {"organization": "part_of", "region": "region", "country": "country"}.get(tier)
    found = rows(edition, "organizations", organization_id=organization_id) if column else []
    return found[0][column] if found and column else None


def current_window(edition: EditionSource, measure: Measure) -> str:
    """The latest rolling window of the edition; "all" if it rolls none."""
    periods = {str(row["period"]) for row in rows(edition, "organization_results", measure=measure.id, stratum=ALL)}
    return max((one for one in periods if ".." in one), default=ALL)


def benchmark_declaration(edition: EditionSource, measure: Measure, wanted: str | Benchmark | None) -> Benchmark | None:
    """The declaration asked for; else the first of the measure of which the edition holds records.

    Raises:
        UnknownDeclarationError: If the edition has no such benchmark.
    """
    if isinstance(wanted, Benchmark):
        return wanted
    if wanted is not None:
        known = edition.declarations.benchmarks
        if wanted not in known:
            raise UnknownDeclarationError.from_id("benchmark in this edition", wanted, list(known))
        return known[wanted]
    in_edition = {str(row["benchmark"]) for row in rows(edition, "benchmarks", measure=measure.id)}
    declared = [one for id_, one in sorted(edition.declarations.benchmarks.items()) if one.measure == measure.id]
    return next((one for one in declared if one.id in in_edition), declared[0] if declared else None)


def find_record(edition: EditionSource, wanted: Wanted) -> BenchmarkUsed | None:
    """The record asked for: without the organization if there is one, else the one that holds everybody."""
    found = rows(edition, "benchmarks", measure=wanted.measure.id, kind=wanted.kind.value, stratum=ALL)
    if wanted.declaration is not None:
        found = [row for row in found if row["benchmark"] == wanted.declaration.id]
    found = [row for row in found if _is_asked_for(row, wanted)]
    # Methods of one kind stand in the edition's order; one without this organization goes first (M4.7).
    found.sort(key=lambda row: (row["without"] != wanted.organization_id, row["status"] != "ok"))
    return BenchmarkUsed.of(found[0]) if found else None


def _is_asked_for(row: Row, wanted: Wanted) -> bool:
    if wanted.method is not None and row["method"] != wanted.method:
        return False
    if row["adjustment"] != wanted.adjustment:
        return False
    if wanted.kind is BenchmarkKind.FIXED_EXTERNAL:  # its period is the reference's year
        return True
    if wanted.kind is BenchmarkKind.OWN_HISTORY:  # its period is the window before this one
        return bool(row["tier_id"] == wanted.organization_id)
    if row["tier"] != wanted.tier or row["period"] != ALL:
        return False
    if row["without"] == "":  # of its own group: another region's figure is none of this clinic's
        return bool(wanted.tier == ALL or row["tier_id"] == wanted.tier_id)
    return bool(row["without"] == wanted.organization_id)
