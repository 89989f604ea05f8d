"""The default engine: DuckDB, embedded."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Self

import duckdb
import narwhals as nw
import pyarrow as pa

from benchwell.engine.base import Frame
from benchwell.engine.frames import conform
from benchwell.engine.quiet_exit import leave_quietly
from benchwell.tables.days import EPOCH

# Else a function that it does not know makes DuckDB fetch an extension from the network.
_OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


leave_quietly()


class DuckDBEngine:
    """Narwhals frames over one in-memory DuckDB connection, which spills to a private folder.

    Frames live as long as their engine: close it (or leave its `with` block) after the last one is collected.
    Threads default to the machine's cores.

    >>> import datetime as dt
    >>> with DuckDBEngine() as engine:
    ...     frame = engine.from_arrow(pa.table({"date": [dt.date(1970, 1, 11)]}))
    ...     engine.to_arrow(engine.with_epoch_days(frame, {"day": "date"}))["day"].to_pylist()
    [10]
    """

    name = "duckdb"

    def __init__(self, *, memory_limit: str = "2GB", threads: int | None = None) -> None:
        spill = tempfile.mkdtemp(prefix="benchwell-")
        # Also cleans up after an engine that nobody closed, without a ResourceWarning.
        self._remove_spill = weakref.finalize(self, shutil.rmtree, spill, ignore_errors=True)
        settings: dict[str, Any] = {"memory_limit": memory_limit, "temp_directory": spill} | _OFFLINE
        if threads is not None:
            settings["threads"] = threads
        self.connection = duckdb.connect(":memory:", config=settings)
        # A bar on stdout would mix with results; the doors draw their own on stderr.
        self.connection.execute("SET enable_progress_bar = false")
        self._kept = count()

    def close(self) -> None:
        """Release memory, threads and the spill folder; closing twice is fine."""
        self.connection.close()
        self._remove_spill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, files: Sequence[Path], schema: pa.Schema) -> Frame:
        """Parquet files as one lazy frame; no files give an empty frame of `schema`."""
        if not files:
            return self.from_arrow(schema.empty_table())
        relation = self.connection.read_parquet([str(file) for file in files], union_by_name=True)
        return conform(nw.from_native(relation), schema)

    def from_arrow(self, table: pa.Table) -> Frame:
        """An Arrow table as a lazy frame."""
        return nw.from_native(self.connection.from_arrow(table))

    def with_epoch_days(self, frame: Frame, days: Mapping[str, str]) -> Frame:
        """Add integer days since 1970-01-01: `{new column: date column}`."""
        return frame.with_columns(**{new: nw.col(date) - nw.lit(EPOCH) for new, date in days.items()})

    def keep(self, frame: Frame) -> Frame:
        """Compute a frame once into a temporary table."""
        name = f"kept_{next(self._kept)}"
        relation: duckdb.DuckDBPyRelation = nw.to_native(frame)
        relation.create(name)
        return nw.from_native(self.connection.table(name))

    def to_arrow(self, frame: Frame) -> pa.Table:
        """Collect into an Arrow table."""
        relation: duckdb.DuckDBPyRelation = nw.to_native(frame)
        return relation.to_arrow_table()

    def batches(self, frame: Frame, rows: int) -> Iterator[pa.RecordBatch]:
        """Collect piece by piece, at most `rows` at once."""
        relation: duckdb.DuckDBPyRelation = nw.to_native(frame)
        yield from relation.to_arrow_reader(rows)
