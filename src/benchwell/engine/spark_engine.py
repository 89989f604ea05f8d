"""The large engine: PySpark (`pip install benchwell[spark]`, needs Java 17 or later)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa

from benchwell.engine.base import Frame
from benchwell.engine.frames import conform
from benchwell.errors import EngineError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SparkEngine:
    """Narwhals frames over a Spark session."""

    name = "spark"

    def __init__(self, session: SparkSession | None = None) -> None:
        """Take a session, or start a local one.

        Raises:
            EngineError: If PySpark is not installed.
        """
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise EngineError("Spark is not installed.", hint="pip install 'benchwell[spark]'") from None
        self.session: Any = session or (
            SparkSession.builder.master("local[2]")
            .appName("benchwell")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.session.timeZone", "UTC")
            .getOrCreate()
        )

    def close(self) -> None:
        """Stop the session, and with it every frame made from it."""
        self.session.stop()

    def read(self, files: Sequence[Path], schema: pa.Schema) -> Frame:
        """Parquet files as one lazy frame; no files give an empty frame of `schema`."""
        if not files:
            return self.from_arrow(schema.empty_table())
        # Files written before a column existed lack it; the first file alone would decide otherwise.
        native = self.session.read.option("mergeSchema", "true").parquet(*(str(file) for file in files))
        return conform(nw.from_native(native), schema)

    def from_arrow(self, table: pa.Table) -> Frame:
        """An Arrow table as a lazy frame."""
        frame: Frame = nw.from_native(self.session.createDataFrame(table))
        return frame

    def with_epoch_days(self, frame: Frame, days: Mapping[str, str]) -> Frame:
        """Add integer days since 1970-01-01: `{new column: date column}`."""
        from pyspark.sql import functions

        native = nw.to_native(frame)
        added = native.withColumns({new: functions.unix_date(date).cast("bigint") for new, date in days.items()})
        result: Frame = nw.from_native(added)
        return result

    def keep(self, frame: Frame) -> Frame:
        """Compute a frame once and cut its lineage."""
        kept: Frame = nw.from_native(nw.to_native(frame).localCheckpoint())
        return kept

    def to_arrow(self, frame: Frame) -> pa.Table:
        """Collect into an Arrow table."""
        return nw.to_native(frame).toArrow()

    def batches(self, frame: Frame, rows: int) -> Iterator[pa.RecordBatch]:
        """Collect piece by piece; Spark gathers the whole on the driver first."""
        yield from self.to_arrow(frame).to_batches(max_chunksize=rows)
