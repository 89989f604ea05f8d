"""What an engine must do. Everything else in the house is engine-neutral Narwhals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import narwhals as nw
import pyarrow as pa

Frame = nw.LazyFrame[Any]


class Engine(Protocol):
    """The one seam to DuckDB and Spark: reading, day arithmetic, keeping, collecting."""

    name: str

    def read(self, files: Sequence[Path], schema: pa.Schema) -> Frame:
        """Parquet files as one lazy frame; no files give an empty frame of `schema`."""
        ...

    def from_arrow(self, table: pa.Table) -> Frame:
        """An Arrow table as a lazy frame."""
        ...

    def with_epoch_days(self, frame: Frame, days: Mapping[str, str]) -> Frame:
        """Add integer days since 1970-01-01: `{new column: date column}`."""
        ...

    def keep(self, frame: Frame) -> Frame:
        """Compute a frame once and hold it, for frames that several stages read."""
        ...

    def to_arrow(self, frame: Frame) -> pa.Table:
        """Collect: only at a door, a fit, or the end of a stage."""
        ...

    def batches(self, frame: Frame, rows: int) -> Iterator[pa.RecordBatch]:
        """Collect piece by piece, in the frame's order: for what is written out and need not fit in memory."""
        ...

    def close(self) -> None:
        """Give memory, threads and files back; frames made from this engine end with it."""
        ...
