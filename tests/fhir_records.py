"""Resources as plain data, through the record mappers and `merge`: for tests of all folders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from benchwell.intake.fhir.forms import Forms
from benchwell.intake.fhir.record_mappers import MAPPERS, RAW, merge, retract
from benchwell.intake.fhir.references import References
from benchwell.intake.fhir.resources import Known
from benchwell.intake.fhir.rows import Context, Finding, Found, Rows
from benchwell.registry import Registry

AS_OF = dt.date(2026, 6, 30)
_DECODER = msgspec.json.Decoder(Known)


@dataclass(frozen=True)
class Taken:
    """What came of some resources."""

    tables: dict[str, pa.Table]
    rows: Rows
    merged: list[Finding]

    def rows_of(self, table: str) -> list[dict[str, Any]]:
        return self.tables[table].to_pylist() if table in self.tables else []

    def only(self, table: str) -> dict[str, Any]:
        (row,) = self.rows_of(table)
        return dict(row)

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Column and reason of every finding, those of `merge` last."""
        return [(one.column, one.reason) for one in (*self.rows.findings, *self.merged)]


def found_of(resources: Iterable[dict[str, Any]]) -> list[Found]:
    return [Found(_DECODER.decode(msgspec.json.encode(one)), row) for row, one in enumerate(resources, start=1)]


def context_of(found: Iterable[Found]) -> Context:
    references = References()
    for one in found:
        references.add(one)
    return Context(Registry([]), references, Forms(), AS_OF)


def map_all(resources: Iterable[dict[str, Any]], deleted: Iterable[tuple[str, str]] = ()) -> Rows:
    found = found_of(resources)
    context, rows = context_of(found), Rows()
    for one in found:
        MAPPERS[type(one.resource)](one, context, rows)
    for row, (kind, id_) in enumerate(deleted, start=len(found) + 1):
        retract(kind, id_, row, rows)
    return rows


def take(*resources: dict[str, Any], deleted: Iterable[tuple[str, str]] = (), **options: Any) -> Taken:
    rows = map_all(resources, deleted)
    tables, merged = merge({name: rows.table(name, schema) for name, schema in RAW.items()}, **options)
    return Taken(tables, rows, merged)


def at(reference: str) -> dict[str, str]:
    return {"reference": reference}


def coded(code: str, system: str | None = None) -> dict[str, Any]:
    return {"coding": [{"code": code} | ({"system": system} if system else {})]}
