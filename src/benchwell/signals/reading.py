"""What a signal reads: the tables of one edition, and the declarations they were computed from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import narwhals as nw

from benchwell.errors import EditionError, UnknownDeclarationError
from benchwell.registry.benchmark import Benchmark
from benchwell.registry.casemix import CaseMix
from benchwell.registry.measure import Measure
from benchwell.terms import Adjustment

Row = Mapping[str, Any]

ALL = "all"


class FrozenDeclarations(Protocol):
    """Declarations by id; an edition's own, or a registry."""

    @property
    def measures(self) -> Mapping[str, Measure]:
        """Measures by id."""
        ...

    @property
    def benchmarks(self) -> Mapping[str, Benchmark]:
        """Benchmarks by id."""
        ...

    @property
    def casemix(self) -> Mapping[str, CaseMix]:
        """Case mixes by id."""
        ...


class EditionSource(Protocol):
    """The part of an edition that signals need; `benchmarks.Edition` is one."""

    @property
    def id(self) -> str:
        """The edition's id, which travels with every figure."""
        ...

    @property
    def declarations(self) -> FrozenDeclarations:
        """The declarations as frozen in the edition."""
        ...

    def table(self, name: str) -> Any:
        """A table of `tables.DERIVED`, as any frame that Narwhals supports."""
        ...


@runtime_checkable
class WithDocuments(Protocol):
    """An edition that also holds how its models were fitted."""

    def document(self, name: str) -> Any:
        """What a JSON file beside the tables says; None where there is none."""
        ...


class _Held:
    """An edition whose tables are read once each."""

    def __init__(self, edition: EditionSource) -> None:
        self._edition = edition
        self._tables: dict[str, Any] = {}

    @property
    def id(self) -> str:
        """The edition's id."""
        return self._edition.id

    @property
    def declarations(self) -> FrozenDeclarations:
        """The declarations as frozen in the edition."""
        return self._edition.declarations

    def table(self, name: str) -> Any:
        """A table, read on first use."""
        if name not in self._tables:
            self._tables[name] = self._read(name)
        return self._tables[name]

    def document(self, name: str) -> Any:
        """What a JSON file beside the tables says; None where there is none."""
        return document(self._edition, name)

    def _read(self, name: str) -> Any:
        return self._edition.table(name)


class ReadOnce(_Held):
    """An edition whose tables are read once each: for whoever asks for many measures."""

    @classmethod
    def of(cls, edition: EditionSource) -> EditionSource:
        """The edition, read once; the same object if it is so already."""
        return edition if isinstance(edition, _Held) else cls(edition)


class OneMeasure(_Held):
    """An edition narrowed to one measure, each table read once: for views that compare many times."""

    def __init__(self, edition: EditionSource, measure: str) -> None:
        super().__init__(edition)
        self._measure = measure

    @classmethod
    def of(cls, edition: EditionSource, measure: str) -> OneMeasure:
        """The edition narrowed to a measure; the same object if it is so already."""
        return edition if isinstance(edition, cls) and edition._measure == measure else cls(edition, measure)

    def _read(self, name: str) -> Any:
        """The rows of one measure, or the whole table where rows belong to none."""
        native = super()._read(name)
        frame = nw.from_native(native) if not isinstance(native, nw.DataFrame | nw.LazyFrame) else native
        if "measure" in frame.collect_schema().names():
            frame = frame.filter(nw.col("measure") == nw.lit(self._measure))
        return frame.collect() if isinstance(frame, nw.LazyFrame) else frame


def document(edition: EditionSource, name: str) -> Any:
    """How models were fitted, as plain data; None where the edition does not hold it."""
    return edition.document(name) if isinstance(edition, WithDocuments) else None


def casemix_of(edition: EditionSource, measure: str) -> CaseMix | None:
    """The case mix that an edition's benchmarks of a measure name; None if none does."""
    declared = [one for _, one in sorted(edition.declarations.benchmarks.items()) if one.measure == measure]
    named = next((one.casemix for one in declared if one.casemix is not None), None)
    return None if named is None else edition.declarations.casemix.get(named)


def measure_of(edition: EditionSource, measure: str | Measure) -> Measure:
    """A measure as frozen in the edition.

    Raises:
        UnknownDeclarationError: If the edition has none of that id.
    """
    if isinstance(measure, Measure):
        return measure
    known = edition.declarations.measures
    if measure not in known:
        raise UnknownDeclarationError.from_id("measure in this edition", measure, list(known))
    return known[measure]


def organization_name(edition: EditionSource, organization_id: str) -> str:
    """What the edition calls an organization; its id where it has no name."""
    found = rows(edition, "organizations", organization_id=organization_id)
    return str(found[0]["name"] or organization_id) if found else organization_id


def rows(edition: EditionSource, table: str, **where: str) -> list[dict[str, Any]]:
    """Rows of an edition's table whose columns equal `where`, as plain dictionaries.

    Args:
        edition: The edition.
        table: A name in `tables.DERIVED`.
        **where: Column and wanted value.

    Returns:
        The rows, in the order of the edition.
    """
    native = edition.table(table)
    frame = nw.from_native(native) if not isinstance(native, nw.DataFrame | nw.LazyFrame) else native
    for column, value in where.items():
        frame = frame.filter(nw.col(column) == nw.lit(value))
    eager = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    found: list[dict[str, Any]] = eager.to_arrow().to_pylist()
    return found


def adjustments(edition: EditionSource, measure: str) -> tuple[Adjustment, ...]:
    """The views of a measure's figures that the edition can show, unadjusted first (METHODS M3.1).

    An adjustment whose model failed its checks has no figure, so it is not among them.
    """
    found = rows(edition, "adjusted_results", measure=measure, period=ALL, stratum=ALL, status="ok")
    present = {row["adjustment"] for row in found} | {Adjustment.UNADJUSTED.value}
    return tuple(one for one in Adjustment if one.value in present)


def preferred_adjustment(edition: EditionSource, measure: str) -> Adjustment:
    """The view that a comparison uses unless another is asked for: clinical where there is one (METHODS M3.1)."""
    return Adjustment.CLINICAL if Adjustment.CLINICAL in adjustments(edition, measure) else Adjustment.UNADJUSTED


def organization_rows(
    edition: EditionSource,
    measure: str,
    *,
    period: str = ALL,
    stratum: str = ALL,
    adjustment: Adjustment = Adjustment.UNADJUSTED,
) -> list[dict[str, Any]]:
    """Results of all organizations for one measure, period, stratum and adjustment, by organization id."""
    where = {"measure": measure, "period": period, "stratum": stratum}
    if adjustment is Adjustment.UNADJUSTED:
        found = rows(edition, "organization_results", **where)
    else:
        found = rows(edition, "adjusted_results", adjustment=adjustment.value, **where)
    return sorted(found, key=lambda row: (str(row["organization_id"]), str(row["level"])))


def organization_row(
    edition: EditionSource,
    organization_id: str,
    measure: str,
    *,
    period: str = ALL,
    adjustment: Adjustment = Adjustment.UNADJUSTED,
) -> Row:
    """The one result of an organization.

    Raises:
        EditionError: If the measure has no result of this organization.
    """
    found = organization_rows(edition, measure, period=period, adjustment=adjustment)
    for row in found:
        if row["organization_id"] == organization_id:
            return row
    raise EditionError(
        f"Edition {edition.id} has no result of organization {organization_id!r} for measure {measure!r}, "
        f"period {period!r}.",
        hint=f"it holds {len(found)} organizations for this measure; look at table organization_results.",
    )
