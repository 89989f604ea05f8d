"""Find the stored rows that a batch supersedes, and compute the rows that take their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchwell.engine import DuckDBEngine
from benchwell.errors import LakeError
from benchwell.lake.rules import Supersede
from benchwell.lake.store import DataFile, lake_errors
from benchwell.tables import Table

_PROVENANCE = {"source_hash", "source_row"}
_ROW, _FILE, _POSITION = "__row", "__file", "__position"

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Hits:
    """Where stored rows meet rows of a batch: three columns of equal length, in stored order."""

    file: IntArray
    """Index into the list of files."""
    position: IntArray
    """Row within that file."""
    row: IntArray
    """Row of the batch with the same key."""

    def __len__(self) -> int:
        return len(self.file)


@dataclass(frozen=True)
class Change:
    """What one version of a table changes."""

    rows: pa.Table
    remove: list[DataFile]
    superseded: int


def check_keys(engine: DuckDBEngine, table: Table, batch: pa.Table) -> None:
    """Refuse a batch that states one record twice, or a record without its key.

    Raises:
        LakeError: Naming the table and how many keys; never a key.
    """
    for field in table.schema:
        unknown = batch[field.name].null_count
        if unknown and not field.nullable:
            raise LakeError(
                f"{unknown} rows for table {table.name} have no {field.name}, which is part of the record's key.",
                hint="reject these rows at intake",
            )
    keys = engine.connection.from_arrow(batch.select(list(table.key)))
    # GROUP BY treats two nulls as equal, as record keys here do.
    twice = engine.connection.sql(
        f"SELECT count(*) FROM (SELECT count(*) AS n FROM keys GROUP BY {_columns(table.key)}) WHERE n > 1"  # noqa: S608 names are our own
    ).fetchall()[0][0]
    keys.close()
    if twice:
        raise LakeError(
            f"{twice} records for table {table.name} come more than once in one source.",
            hint=f"a record's key is {', '.join(table.key)}; keep one row for each at intake",
        )


def find_hits(engine: DuckDBEngine, table: Table, files: Sequence[DataFile], batch: pa.Table) -> Hits:
    """Which stored rows have the key of which batch row. Keys compare null-safe."""
    if not files or not batch.num_rows:
        nothing = np.empty(0, dtype=np.int64)
        return Hits(nothing, nothing, nothing)
    known = {field.name: field.nullable for field in table.schema}
    same = " AND ".join(
        f'stored."{key}" {"IS NOT DISTINCT FROM" if known[key] else "="} incoming."{key}"' for key in table.key
    )
    keys = batch.select(list(table.key)).append_column(_ROW, pa.array(np.arange(batch.num_rows)))
    paths = [str(file.path) for file in files]
    incoming = engine.connection.from_arrow(keys)  # noqa: F841 DuckDB finds it by its name
    numbered = engine.connection.from_arrow(  # noqa: F841
        pa.table({"filename": paths, _FILE: pa.array(range(len(paths)), pa.int64())})
    )
    with lake_errors(f"Table {table.name}"):
        found = engine.connection.sql(
            f"""
            SELECT {_FILE}, file_row_number AS {_POSITION}, {_ROW}
            FROM read_parquet($files, filename = true, file_row_number = true) AS stored
            JOIN incoming ON {same}
            JOIN numbered USING (filename)
            ORDER BY ALL
            """,  # noqa: S608 names are our own
            params={"files": paths},
        ).to_arrow_table()
    return Hits(*(found[column].to_numpy().astype(np.int64) for column in (_FILE, _POSITION, _ROW)))


def supersede(
    engine: DuckDBEngine, table: Table, rule: Supersede, files: Sequence[DataFile], batch: pa.Table
) -> Change:
    """Rows to write and files to drop, so that each key of the batch has exactly one row afterwards.

    Files without a superseded row are left alone: a batch of new records is a plain append.
    """
    hits = find_hits(engine, table, files, batch)
    if not len(hits):
        return Change(batch, [], 0)
    kept, old = split(files, hits, table)
    if rule is Supersede.PATCH:
        batch = _patch(batch, old, hits.row)
    dirty = [files[index] for index in np.unique(hits.file)]
    return Change(pa.concat_tables([kept, batch]), dirty, len(hits))


def split(files: Sequence[DataFile], hits: Hits, table: Table) -> tuple[pa.Table, pa.Table]:
    """The rows of the touched files that no hit names, and those that hits name, both in stored order."""
    kept, old = [table.empty()], [table.empty()]
    for index in np.unique(hits.file):
        with lake_errors(f"Table {table.name}"):
            rows = table.conform(pq.read_table(files[index].path, partitioning=None))
        gone = np.zeros(rows.num_rows, dtype=bool)
        gone[hits.position[hits.file == index]] = True
        kept.append(rows.filter(pa.array(~gone)))
        old.append(rows.filter(pa.array(gone)))
    return pa.concat_tables(kept), pa.concat_tables(old)


def _patch(batch: pa.Table, old: pa.Table, row: IntArray) -> pa.Table:
    """Fill the nulls of the batch from the stored rows; `old[i]` belongs to batch row `row[i]`."""
    where = np.full(batch.num_rows, -1, dtype=np.int64)
    where[row] = np.arange(len(row))
    before = old.take(pa.array(where, mask=where < 0))
    columns = [
        batch[name] if name in _PROVENANCE else pc.coalesce(batch[name], before[name]) for name in batch.column_names
    ]
    return pa.Table.from_arrays(columns, schema=batch.schema)


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
