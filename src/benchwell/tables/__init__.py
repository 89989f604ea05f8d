"""Schemas of every table that crosses a room's wall.

Names follow FHIR and OMOP. Ids are strings, dates are dates, and unknown is null (never 0, never "").
Rooms meet here: a stage takes tables of these shapes and returns tables of these shapes, so no stage
needs to import another.
"""

from __future__ import annotations

from benchwell.tables.canonical import CANONICAL_TABLES
from benchwell.tables.curves import CURVE_TABLES
from benchwell.tables.models import MODEL_TABLES
from benchwell.tables.results import RESULT_TABLES
from benchwell.tables.rows import ROW_TABLES
from benchwell.tables.table import DATE, FLAG, INTEGER, NUMBER, TEXT, Table

__all__ = ["CANONICAL", "DATE", "DERIVED", "FLAG", "INTEGER", "NUMBER", "TABLES", "TEXT", "Table"]

CANONICAL: dict[str, Table] = {one.name: one for one in CANONICAL_TABLES}
DERIVED: dict[str, Table] = {one.name: one for one in (*ROW_TABLES, *MODEL_TABLES, *RESULT_TABLES, *CURVE_TABLES)}
TABLES: dict[str, Table] = CANONICAL | DERIVED
