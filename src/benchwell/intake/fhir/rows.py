"""What mappers pass on: a resource and where it stood, in; rows of tables and findings, out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from benchwell.intake.fhir.resources import Resource
from benchwell.intake.reasons import REASONS

if TYPE_CHECKING:
    from benchwell.intake.fhir.forms import Forms
    from benchwell.intake.fhir.references import References
    from benchwell.registry import Registry


@dataclass(frozen=True, slots=True)
class Found:
    """A decoded resource and its place.

    Attributes:
        resource: As decoded.
        row: Line of an NDJSON file, entry of a Bundle, or 1 for a resource that is a file; 1 is the first.
        full_url: What entries of a Bundle call it.
    """

    resource: Resource
    row: int
    full_url: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One refusal, correction or flag: a row number, a FHIR path, a reason code; never a value."""

    row: int
    column: str
    reason: str
    action: str


@dataclass
class Rows:
    """Rows by table, in the order of the table's columns, and what was found on the way. One per chunk of a file."""

    tables: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)  # rows of which nothing came in

    def add(self, table: str, row: tuple[Any, ...]) -> None:
        """Add one row."""
        self.tables.setdefault(table, []).append(row)

    def note(self, row: int, column: str, reason: str, action: str | None = None) -> None:
        """Record a finding on a row that comes in.

        Raises:
            KeyError: If the reason code is not declared in `reasons.REASONS`.
        """
        self.findings.append(Finding(row, column, reason, action or REASONS[reason].action))

    def refuse(self, row: int, column: str, reason: str) -> None:
        """Record that nothing of a row comes in, and why."""
        self.note(row, column, reason, "rejected")
        self.refused.add(row)

    def table(self, name: str, schema: pa.Schema) -> pa.Table:
        """The rows of one table as Arrow; empty if there are none."""
        rows = self.tables.get(name)
        if not rows:
            return schema.empty_table()
        columns = zip(*rows, strict=True)
        arrays = [pa.array(column, one.type) for column, one in zip(columns, schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=schema)


@dataclass(frozen=True)
class Context:
    """What a mapper may ask.

    Attributes:
        registry: Instruments and their codes.
        references: Which id a reference means.
        forms: Questionnaires of the same source.
        as_of: Snapshot date; later dates are refused.
    """

    registry: Registry
    references: References
    forms: Forms
    as_of: dt.date


Mapper = Callable[[Found, Context, Rows], None]
Mappers = Mapping[type[Resource], Mapper]
