"""The ledger: one line per intake, written last. What no line names did not happen."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from benchwell.errors import LakeError
from benchwell.lake.snapshot import TableState, states_from_dict, states_to_dict
from benchwell.lake.store import DeltaStore, lake_errors

_LINES_PER_FILE = 32

SCHEMA = pa.schema(
    [
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("source_hash", pa.string(), nullable=False),
        pa.field("mapping_hash", pa.string()),
        pa.field("file", pa.string()),
        pa.field("taken_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("counts", pa.string()),  # JSON: what intake accepted, corrected, rejected
        pa.field("tables", pa.string(), nullable=False),  # JSON: version, rows and digest of every table after it
    ]
)


@dataclass(frozen=True)
class Line:
    """One complete intake."""

    sequence: int
    source_hash: str
    mapping_hash: str | None
    file: str
    taken_at: dt.datetime
    counts: Mapping[str, int]
    tables: Mapping[str, TableState]

    def to_arrow(self) -> pa.Table:
        """One row of the ledger."""
        row = {
            "sequence": self.sequence,
            "source_hash": self.source_hash,
            "mapping_hash": self.mapping_hash,
            "file": self.file,
            "taken_at": self.taken_at,
            "counts": json.dumps(dict(self.counts), sort_keys=True),
            "tables": json.dumps(states_to_dict(self.tables), sort_keys=True),
        }
        return pa.Table.from_pylist([row], schema=SCHEMA)

    @classmethod
    def from_row(cls, row: Mapping[str, object]) -> Self:
        """Read one row of the ledger."""
        known = {name: row[name] for name in ("sequence", "source_hash", "mapping_hash", "file", "taken_at")}
        counts, tables = json.loads(str(row["counts"])), states_from_dict(json.loads(str(row["tables"])))
        return cls(**known, counts=counts, tables=tables)  # type: ignore[arg-type]  # the schema gives these types


class Ledger:
    """The `intakes` table."""

    def __init__(self, store: DeltaStore) -> None:
        self.store = store

    def rows(self) -> pa.Table:
        """All lines as an Arrow table, oldest first."""
        files = self.store.files()
        with lake_errors("The ledger of intakes"):
            parts = [pq.read_table(file.path, schema=SCHEMA, partitioning=None) for file in files]
        return pa.concat_tables([SCHEMA.empty_table(), *parts]).sort_by("sequence")

    def lines(self) -> list[Line]:
        """All complete intakes, oldest first."""
        try:
            return [Line.from_row(row) for row in self.rows().to_pylist()]
        except (ValueError, KeyError, TypeError):
            raise LakeError(
                "The ledger of intakes is damaged.", hint="restore the lake's folder from a backup"
            ) from None

    def append(self, line: Line) -> None:
        """Add a line; now and then the many small files become one."""
        files = self.store.files()
        if len(files) < _LINES_PER_FILE:
            self.store.commit(self.store.write(line.to_arrow()), [])
        else:
            rows = pa.concat_tables([self.rows(), line.to_arrow()])
            self.store.commit(self.store.write(rows), files)
