"""What a table is: a name, a key, and typed columns."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

TEXT = pa.string()
INTEGER = pa.int64()
NUMBER = pa.float64()
DATE = pa.date32()
FLAG = pa.bool_()


@dataclass(frozen=True)
class Table:
    """A table's name, its record key and its columns in order."""

    name: str
    key: tuple[str, ...]
    schema: pa.Schema

    @property
    def columns(self) -> list[str]:
        """Column names in order."""
        return list(self.schema.names)

    def empty(self) -> pa.Table:
        """A table of this shape without rows.

        >>> table("patients", ("patient_id",), patient_id=TEXT).empty().num_rows
        0
        """
        return self.schema.empty_table()

    def conform(self, table: pa.Table) -> pa.Table:
        """Order, add (as null) and cast columns to this schema; extra columns are an error.

        Raises:
            ValueError: If `table` has a column that the schema does not know.
        """
        extra = set(table.column_names) - set(self.columns)
        if extra:
            raise ValueError(f"table {self.name} has no column {sorted(extra)}")
        present = set(table.column_names)
        arrays = [
            table[field.name].cast(field.type) if field.name in present else pa.nulls(table.num_rows, field.type)
            for field in self.schema
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema)


# Key columns that may be unknown: an undated characteristic, a rejection of a whole row or file.
# Keys compare null-safe.
_UNKNOWN_IN_KEY = {
    ("characteristics", "date"),
    ("rejections", "file"),
    ("rejections", "row"),
    ("rejections", "column"),
    ("published_rates", "group_type"),
}


def table(name: str, key: tuple[str, ...], /, **columns: pa.DataType) -> Table:
    """Declare a table: its name, its key, and its columns in order; a key column is never null unless told so.

    >>> table("notes", ("note_id",), note_id=TEXT, text=TEXT).key
    ('note_id',)
    """
    required = {column for column in key if (name, column) not in _UNKNOWN_IN_KEY}
    fields = [pa.field(column, kind, nullable=column not in required) for column, kind in columns.items()]
    return Table(name, key, pa.schema(fields))


# Where a record came from. `source_hash` is the SHA-256 of the source's bytes, `source_row` its row (1 = first
# data row): enough to find a record again, nothing about the person. `retracted` is true where the source took the
# whole record back (entered in error, deleted): it stays in the lake's history and is read by nobody.
# The last three say which of two statements of a record is the newer one, where a source says so (FHIR does): when this
# version was stored and its number, and the newest of what it was put together with. Null where nobody knows: there
# the statement that comes in later counts.
VERSION = {"stated_at": NUMBER, "stated_version": INTEGER, "stated_with": NUMBER}
PROVENANCE = {"source_hash": TEXT, "source_row": INTEGER, "retracted": FLAG, **VERSION}
# Of people, places and courses several sources each know a part: these values are of another version than their row.
APART = pa.list_(pa.struct({"column": TEXT, "at": NUMBER, "version": INTEGER}))
PATCHED = {**PROVENANCE, "stated_apart": APART}
OF_THE_LAKE = (*VERSION, "stated_apart")  # columns that the lake needs, and nobody who reads what stands in it


def as_it_stands(table: pa.Table) -> pa.Table:
    """A canonical table without the columns that only the lake needs.

    >>> as_it_stands(pa.table({"patient_id": ["p"], "stated_at": [None]})).column_names
    ['patient_id']
    """
    return table.drop_columns([name for name in OF_THE_LAKE if name in table.column_names])
