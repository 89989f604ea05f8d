"""One person leaves the lake: every file that holds a row about them is rewritten or removed, in the history too.

Snapshots of earlier editions then miss files, and say so when they are verified; the figures that those editions froze
stand (METHODS M8.7). A keyed hash of the ids stays, so that a source that is read again does not bring the person back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchwell.durable import fsync_files, whole_file
from benchwell.errors import LakeError
from benchwell.lake.snapshot import keyed_digest
from benchwell.lake.store import DataFile, DeltaStore, lake_errors
from benchwell.tables import Table

_FILE = "erased.json"
_IDS = ("patient_id", "encounter_id")  # by which a row belongs to somebody: ratings name their contact only


def erased_hashes(lake: Path) -> frozenset[str]:
    """Keyed hashes of the ids of everybody who was erased here.

    Raises:
        LakeError: If the list cannot be read.
    """
    path = lake / _FILE
    if not path.exists():
        return frozenset()
    try:
        return frozenset(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise LakeError(f"{path} cannot be read.", hint="restore it from a backup") from None


def remember_erased(lake: Path, key: bytes, ids: Mapping[str, set[str]]) -> None:
    """Add ids to the list, by the column that holds them; the list is whole or as it was."""
    held = erased_hashes(lake) | {_hash(key, column, one) for column, values in ids.items() for one in values}
    with lake_errors("The list of erased people"), whole_file(lake / _FILE, is_private=True) as file:
        file.write(json.dumps(sorted(held), indent=0).encode())


def without_erased(batches: Mapping[str, pa.Table], lake: Path, key: bytes) -> dict[str, pa.Table]:
    """Tables of a source, less the rows of people who were erased."""
    held = erased_hashes(lake)
    if not held:
        return dict(batches)
    return {name: _filtered(rows, held, key) for name, rows in batches.items()}


def _filtered(rows: pa.Table, held: frozenset[str], key: bytes) -> pa.Table:
    for column in _IDS:
        if column in rows.column_names:
            values = rows[column].unique().drop_null().to_pylist()
            gone = [one for one in values if _hash(key, column, one) in held]
            if gone:
                rows = rows.filter(pc.invert(_is_of(rows[column], gone)))
    return rows


def contacts_of(files: list[DataFile], patient_id: str) -> set[str]:
    """Ids of a person's contacts in some files of `encounters`."""
    found: set[str] = set()
    for file in files:
        with lake_errors("Table encounters"):
            rows = pq.read_table(file.path, columns=["encounter_id", "patient_id"], partitioning=None)
        found |= set(rows.filter(_is_of(rows["patient_id"], [patient_id]))["encounter_id"].to_pylist())
    return found


def stored_files(store: DeltaStore) -> list[DataFile]:
    """Every data file of a table that is on disk, of whatever version."""
    return [DataFile(path, path.stat().st_size, 0) for path in sorted(store.folder.glob("*.parquet"))]


def holding(table: Table, files: list[DataFile], ids: Mapping[str, set[str]]) -> dict[str, pa.Table]:
    """The files that hold rows of somebody, with the rows of everybody else, by name."""
    found = {}
    for file in files:
        with lake_errors(f"Table {table.name}"):
            present = set(pq.read_schema(file.path).names) & set(table.columns)
            named = [column for column in _IDS if column in present]
            if not named:
                continue
            own = _own(pq.read_table(file.path, columns=named, partitioning=None), ids)
            if pc.any(own).as_py():
                rows = table.conform(pq.read_table(file.path, partitioning=None))
                found[file.name] = rows.filter(pc.invert(own))
    return found


def remove_files(store: DeltaStore, names: list[str]) -> None:
    """Unlink data files."""
    with lake_errors(f"Table {store.name}"):
        for name in names:
            (store.folder / name).unlink()
        fsync_files([], store.folder)


def _own(rows: pa.Table, ids: Mapping[str, set[str]]) -> pa.Array:
    own = pa.repeat(False, rows.num_rows)
    for column in rows.column_names:
        own = pc.or_(own, _is_of(rows[column], sorted(ids.get(column, ()))).combine_chunks())
    return own


def _is_of(column: pa.ChunkedArray, values: list[str]) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(values, column.type))


def _hash(key: bytes, column: str, value: str) -> str:
    return keyed_digest(key, ["erased", column, value])
