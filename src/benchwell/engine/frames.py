"""Take any frame that Narwhals knows; give any frame a table's shape."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pyarrow as pa

from benchwell.engine.base import Frame


def to_arrow(frame: Any) -> pa.Table:
    """Any Narwhals-supported frame (pandas, Polars, PyArrow, DuckDB, Spark) as an Arrow table.

    >>> to_arrow(pa.table({"n": [1]})).num_rows
    1
    """
    known = nw.from_native(frame)
    eager = known.collect(backend="pyarrow") if isinstance(known, nw.LazyFrame) else known
    return eager.to_arrow()


def conform(frame: Frame, schema: pa.Schema) -> Frame:
    """Order columns as in `schema`, and add those that the frame lacks as nulls of the right type."""
    present = set(frame.collect_schema().names())
    types = nw.from_native(schema.empty_table(), eager_only=True).schema
    lacking = {name: nw.lit(None).cast(types[name]) for name in schema.names if name not in present}
    return frame.with_columns(**lacking).select(schema.names) if lacking else frame.select(schema.names)
