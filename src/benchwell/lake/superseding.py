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
from benchwell.lake.recency import Cells, Flags, Versions, apart
from benchwell.lake.rules import Supersede
from benchwell.lake.store import DataFile, lake_errors
from benchwell.tables import Table
from benchwell.tables.table import VERSION

_SOURCE = {"source_hash", "source_row"}
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
    """What one version of a table changes.

    Attributes:
        rows: To be written.
        remove: Files to drop.
        superseded: Stored records that later ones took the place of.
        older: Records of the batch that are older than what is stored, which stays.
        undated: Records of the batch that change a stored one without both sides saying which version they are.
    """

    rows: pa.Table
    remove: list[DataFile]
    superseded: int
    older: int = 0
    undated: int = 0


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

    A record that is older than the stored one, by what their sources say of their versions, does not take its place.
    Where a source says nothing of it, what arrives later is the newer. Files without a superseded row are left alone: a
    batch of new records is a plain append.
    """
    hits = find_hits(engine, table, files, batch)
    if not len(hits):
        return Change(batch, [], 0)
    kept, old = split(files, hits, table)
    before, now = Versions.of(old), Versions.of(batch.take(pa.array(hits.row)))
    stale = now.older(before)
    undated = _differing(engine, table, rule, batch.take(pa.array(hits.row)), old, ~(before.known & now.known))
    if rule is Supersede.PATCH:
        batch = _patch(table, batch, old, hits.row, stale)
    elif stale.any():
        stays = np.ones(batch.num_rows, dtype=bool)
        stays[hits.row[stale]] = False
        batch = batch.filter(pa.array(stays))
        hits = Hits(hits.file[~stale], hits.position[~stale], hits.row[~stale])
        kept, _ = split(files, hits, table)
    dirty = [files[index] for index in np.unique(hits.file)]
    older = int(np.sum(stale))
    return Change(pa.concat_tables([kept, batch]), dirty, len(stale) - older, older, undated)


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


def _differing(
    engine: DuckDBEngine, table: Table, rule: Supersede, batch: pa.Table, old: pa.Table, among: Flags
) -> int:
    """How many of some rows say something else than the stored ones; where values are patched, a null says nothing."""
    if not among.any():
        return 0
    chosen = pa.array(among)
    told = [name for name in table.columns if name not in {*table.key, *_SOURCE, *VERSION, "stated_apart"}]
    pairs = {f"{side}{name}": rows[name].filter(chosen) for side, rows in (("a", batch), ("b", old)) for name in told}
    differs = "IS DISTINCT FROM" if rule is Supersede.REPLACE else "<>"
    either = " OR ".join(f'"a{name}" {differs} "b{name}"' for name in told)
    both = engine.connection.from_arrow(pa.table(pairs))
    counted = both.filter(either).aggregate("count(*)").fetchall()[0][0]
    both.close()
    return int(counted)


def _patch(table: Table, batch: pa.Table, old: pa.Table, row: IntArray, stale: Flags) -> pa.Table:
    """Put the batch over the stored rows, value by value: the newer one counts, a null says nothing.

    Args:
        table: Which table.
        batch: As it came.
        old: Stored rows; `old[i]` belongs to batch row `row[i]`.
        row: See there.
        stale: For each stored row, whether the one of the batch is older.
    """
    where = np.full(batch.num_rows, -1, dtype=np.int64)
    where[row] = np.arange(len(row))
    before = old.take(pa.array(where, mask=where < 0))
    behind = np.zeros(batch.num_rows, dtype=bool)
    behind[row] = stale
    now, then = Versions.of(batch), Versions.of(before)
    rows = now.where(now.known & ~behind, then)
    stated = Cells(before)
    columns, cells = {name: batch[name] for name in table.key}, {}
    for name in set(batch.column_names) - set(table.key):
        if name in _SOURCE:  # of the newer statement
            columns[name] = pc.if_else(pa.array(behind), before[name], batch[name])
        elif name not in VERSION and name != "stated_apart":
            columns[name], cells[name] = _newer(batch[name], before[name], now, stated.of(name))
    columns |= rows.columns() | {"stated_apart": apart(rows, cells)}
    return pa.Table.from_arrays([columns[field.name] for field in batch.schema], schema=batch.schema)


def _newer(
    batch: pa.ChunkedArray, before: pa.ChunkedArray, now: Versions, then: Versions
) -> tuple[pa.ChunkedArray, tuple[Versions, Flags]]:
    """The newer values of one column, the versions that they are of, and where there are any."""
    here, there = (np.asarray(column.is_valid()) for column in (batch, before))
    taken = here & ~(there & now.older(then))
    values = pc.if_else(pa.array(taken), batch, before)
    return values, (now.where(taken, then), here | there)


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
