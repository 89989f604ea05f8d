"""Take any frame that Narwhals knows."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pyarrow as pa


def to_arrow(frame: Any) -> pa.Table:
    """Any Narwhals-supported frame (pandas, Polars, PyArrow, DuckDB, Spark) as an Arrow table.

    >>> to_arrow(pa.table({"n": [1]})).num_rows
    1
    """
    known = nw.from_native(frame)
    eager = known.collect(backend="pyarrow") if isinstance(known, nw.LazyFrame) else known
    return eager.to_arrow()
