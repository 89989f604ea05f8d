"""Open a source as text, whatever it is: a CSV file, an XLSX file, or a frame in memory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from benchwell.engine import to_arrow
from benchwell.errors import SourceError
from benchwell.intake.csv_source import read_csv
from benchwell.intake.mapping import Mapping
from benchwell.intake.raw import RawTable, finish
from benchwell.intake.xlsx_source import read_xlsx

_EXCEL = {".xlsx", ".xlsm"}


def open_source(source: Path | str | Any, mapping: Mapping | None = None) -> RawTable:
    """A file or frame as a raw table.

    Raises:
        SourceError: If it cannot be read as a table; says why and what to do.
    """
    if isinstance(source, str | Path):
        return _open_file(Path(source), mapping)
    return _open_frame(source)


def _open_file(path: Path, mapping: Mapping | None) -> RawTable:
    if path.is_dir():
        raise SourceError(f"{path} is a folder without FHIR.", hint="name one CSV or XLSX file, or a folder of FHIR R4")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}.", hint="check the path") from None
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read: {error.strerror or type(error).__name__}.", hint="check permissions"
        ) from None
    if path.suffix.lower() in _EXCEL or content.startswith(b"PK\x03\x04"):
        return read_xlsx(content, path.name, mapping.sheet if mapping else None)
    return read_csv(content, path.name, mapping.delimiter if mapping else None)


def _open_frame(frame: Any) -> RawTable:
    try:
        table = to_arrow(frame)
    except TypeError:
        raise SourceError(
            f"A {type(frame).__name__} is no source.", hint="give a file, or a pandas, Polars, PyArrow or DuckDB frame"
        ) from None
    if not table.num_columns:
        raise SourceError("The frame has no columns.")
    text = pa.Table.from_arrays([_as_text(column) for column in table.columns], names=table.column_names)
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(text, sink)  # the same content from pandas or Polars has the same hash
    source_hash = hashlib.sha256(sink.getvalue()).hexdigest()
    rows = np.arange(1, table.num_rows + 1, dtype=np.int64)
    return finish("frame", source_hash, text, rows, np.zeros(0, dtype=np.int64))


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        whole = pc.cast(column, pa.timestamp("s", kind.tz), safe=False)
        return pc.strftime(whole, format="%Y-%m-%dT%H:%M:%S")
    if pa.types.is_floating(kind):
        return _number_text(column)
    try:
        return column.cast(pa.string())
    except pa.ArrowNotImplementedError:
        raise SourceError(
            f"A column of type {kind} cannot be read.", hint="give text, numbers, dates or yes/no"
        ) from None


def _number_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole numbers without a point, so that an id that became 1503.0 through a gap is 1503 again."""
    values = column.cast(pa.float64())
    gone = pc.fill_null(pc.is_nan(values), True)
    values = pc.if_else(gone, pa.scalar(None, pa.float64()), values)
    whole = pc.fill_null(pc.and_(pc.equal(values, pc.floor(values)), pc.less(pc.abs(values), 1e15)), False)
    integers = pc.if_else(whole, values, pa.scalar(None, pa.float64())).cast(pa.int64()).cast(pa.string())
    return pc.if_else(whole, integers, values.cast(pa.string()))
