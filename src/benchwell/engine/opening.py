"""Open whatever holds rows (a frame of any library, a Parquet file) as one lazy frame on an engine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import narwhals as nw
import pyarrow as pa

from benchwell.engine.base import Frame
from benchwell.engine.duckdb_engine import DuckDBEngine
from benchwell.errors import BenchwellError, SourceError

FrameKind = Literal["pandas", "polars", "pyarrow"]

# What summing needs at most; the rest of a process (libraries, a fit) has to fit into half a gigabyte beside it.
_MEMORY = "300MB"


@dataclass(frozen=True)
class Opened:
    """A lazy frame with the asked columns, and the kind of frame that its owner works with."""

    frame: Frame
    kind: FrameKind


@contextmanager
def opened(source: Any, columns: Sequence[str], *, as_text: Collection[str] = ()) -> Iterator[Opened]:
    """Open a source for as long as the `with` block lasts.

    In-memory frames and Parquet files go to DuckDB; a DuckDB relation and a Spark frame stay on their own engine.

    Args:
        source: A frame that Narwhals knows (pandas, Polars, PyArrow, DuckDB, PySpark), or the path of a Parquet file.
        columns: Columns to keep, in this order.
        as_text: Columns whose dictionary (categorical) values are read as text, whatever they hold.

    Raises:
        SourceError: If the source is neither a frame nor a readable Parquet file, or lacks a column.

    >>> with opened(pa.table({"a": [1], "b": [2]}), ["b"]) as rows:
    ...     rows.frame.collect_schema().names(), rows.kind
    (['b'], 'pyarrow')
    """
    columns = list(dict.fromkeys(columns))
    if isinstance(source, str | Path):
        with _duckdb() as engine:
            yield Opened(_columns(_parquet(engine, Path(source)), columns), "pyarrow")
        return
    known = _known(source)
    made_by = known.implementation
    kind: FrameKind = "pandas" if made_by.is_pandas() else "polars" if made_by.is_polars() else "pyarrow"
    if isinstance(known, nw.LazyFrame) and not made_by.is_polars():
        yield Opened(_columns(known, columns), kind)
        return
    table = _arrow(_columns(known, columns), as_text)
    with _duckdb() as engine:
        yield Opened(engine.from_arrow(table), kind)


def column_names(source: Any) -> list[str]:
    """The columns of a frame or Parquet file, without reading a row.

    Raises:
        SourceError: If the source is neither a frame nor a readable Parquet file.

    >>> column_names(pa.table({"a": [1]}))
    ['a']
    """
    if isinstance(source, str | Path):
        import pyarrow.parquet as pq

        try:
            return list(pq.read_schema(source).names)
        except (OSError, pa.ArrowInvalid):
            raise _unreadable(Path(source)) from None
    names: list[str] = _known(source).collect_schema().names()
    return names


def rows_of(source: Any, columns: Sequence[str], *, as_text: Collection[str] = ()) -> pa.Table:
    """Some columns of a frame or Parquet file as Arrow, in the order of the rows.

    Raises:
        SourceError: As `opened`.

    >>> rows_of(pa.table({"a": [1, 2], "b": [3, 4]}), ["b"])["b"].to_pylist()
    [3, 4]
    """
    columns = list(dict.fromkeys(columns))
    if isinstance(source, str | Path):
        import pyarrow.parquet as pq

        lacking = set(columns) - set(column_names(source))
        if lacking:
            raise _lacks(lacking, column_names(source))
        return _plain(pq.read_table(source, columns=columns), as_text)
    return _arrow(_columns(_known(source), columns), as_text)


def _duckdb() -> DuckDBEngine:
    return DuckDBEngine(memory_limit=_MEMORY)


def _parquet(engine: DuckDBEngine, path: Path) -> Frame:
    import duckdb

    try:
        return nw.from_native(engine.connection.read_parquet(str(path)))
    except duckdb.Error:
        raise _unreadable(path) from None


def _unreadable(path: Path) -> SourceError:
    return SourceError(f"{path.name} cannot be read as a Parquet file.", hint="check the path and the file's format")


def _known(source: Any) -> Any:
    try:
        return nw.from_native(source)
    except TypeError:
        raise SourceError(
            f"A {type(source).__name__} is not a frame.",
            hint="give a pandas, Polars, PyArrow, DuckDB or PySpark frame, or the path of a Parquet file",
        ) from None


def _columns(frame: Any, columns: list[str]) -> Any:
    names = frame.collect_schema().names()
    lacking = set(columns) - set(names)
    if lacking:
        raise _lacks(lacking, names)
    return frame.select(columns)


def _lacks(lacking: Collection[str], names: Sequence[str]) -> SourceError:
    return SourceError(
        f"No column {', '.join(repr(name) for name in sorted(lacking))} in the data.",
        hint=f"the columns are {', '.join(names)}",
    )


def _arrow(frame: Any, as_text: Collection[str]) -> pa.Table:
    eager = frame.collect(backend="pyarrow") if isinstance(frame, nw.LazyFrame) else frame
    try:
        return _plain(eager.to_arrow(), as_text)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise BenchwellError(
            "A column mixes types, for instance numbers and text.", hint="give each column one type"
        ) from None


def _plain(table: pa.Table, as_text: Collection[str]) -> pa.Table:
    """Without dictionary types, which engines read in different ways."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            plain = table.column(place).cast(field.type.value_type)
            table = table.set_column(place, field.name, plain.cast(pa.string()) if field.name in as_text else plain)
    return table
