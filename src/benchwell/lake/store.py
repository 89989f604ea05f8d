"""One Delta table on local disk: content-named Parquet files under a Delta log, both forced to disk."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, PostCommitHookProperties, Schema
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction

from benchwell.durable import fsync_files, fsync_path
from benchwell.errors import LakeError

_ROWS_PER_FILE = 1 << 20
_ROWS_PER_GROUP = 1 << 17  # enough groups in a file for all cores to read one file together
_READ_BYTES = 1 << 20
# Delta forgets versions after 30 days unless told otherwise; an edition must verify for as long as it is cited.
_KEEP_HISTORY = {
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a table: its name is the SHA-256 of its bytes, so a changed byte shows."""

    path: Path
    size: int
    rows: int

    @property
    def name(self) -> str:
        """The name in the Delta log."""
        return self.path.name


@contextmanager
def lake_errors(what: str) -> Iterator[None]:
    """Turn what Delta, Parquet and the disk may raise into one error of ours.

    Their own texts may quote data, so none is passed on.
    """
    try:
        yield
    except (DeltaError, OSError, pa.ArrowException) as problem:
        raise LakeError(
            f"{what} cannot be read or written ({type(problem).__name__}).",
            hint="restore the folder from a backup, or intake the sources again into a new lake",
        ) from None


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


class DeltaStore:
    """One Delta table. Writers hold the lake's lock; readers name a version."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    @classmethod
    def create(cls, folder: Path, schema: pa.Schema) -> DeltaStore:
        """Make an empty table, version 0."""
        DeltaTable.create(str(folder), schema, configuration=_KEEP_HISTORY)
        store = cls(folder)
        store._fsync_log()
        return store

    def latest(self) -> int:
        """The newest version in the log, which may be newer than the newest complete intake."""
        entries = self._entries()
        if not entries:
            raise LakeError(f"Table {self.name} is gone from the lake.", hint="restore the folder from a backup")
        return int(entries[-1].stem)

    def _entries(self) -> list[Path]:
        """The log's entries, one per version, oldest first."""
        return sorted(entry for entry in (self.folder / "_delta_log").glob("*.json") if entry.stem.isdigit())

    def files(self, version: int | None = None, *, present_only: bool = False) -> list[DataFile]:
        """The active files of a version (null is the newest), in name order.

        Args:
            version: Which version.
            present_only: Leave out what an erasure removed from an earlier version, rather than refuse.

        Raises:
            LakeError: If the version or one of its files is gone.
        """
        what = f"Table {self.name}" if version is None else f"Version {version} of table {self.name}"
        with lake_errors(what):
            actions = pa.table(DeltaTable(str(self.folder), version=version).get_add_actions()).to_pylist()
        files = [DataFile(self.folder / a["path"], a["size_bytes"], a["num_records"]) for a in actions]
        gone = sum(not file.path.exists() for file in files)
        if gone and present_only:
            files = [file for file in files if file.path.exists()]
        elif gone:
            raise LakeError(
                f"{what} is incomplete: {gone} of its {len(files)} files are gone.",
                hint="a vacuum or an erasure removed them; restore from a backup, or build a new edition",
            )
        return sorted(files, key=lambda file: file.name)

    def write(self, rows: pa.Table) -> list[DataFile]:
        """Write rows to files that no version names yet, and force them to disk."""
        starts = range(0, rows.num_rows, _ROWS_PER_FILE)
        with lake_errors(f"Table {self.name}"):
            files = [self._write_file(rows.slice(start, _ROWS_PER_FILE)) for start in starts]
            fsync_path(self.folder)
        return files

    def _write_file(self, rows: pa.Table) -> DataFile:
        draft = self.folder / f".draft-{uuid.uuid4().hex}"
        pq.write_table(rows, draft, compression="zstd", row_group_size=_ROWS_PER_GROUP)
        fsync_path(draft)
        path = self.folder / f"{file_digest(draft)}.parquet"
        draft.rename(path)
        return DataFile(path, path.stat().st_size, rows.num_rows)

    def commit(self, add: Sequence[DataFile], remove: Iterable[DataFile]) -> int:
        """Name and un-name files in one new version, and force the log to disk. Returns the version."""
        old, new = {file.name for file in remove}, {file.name: file for file in add}
        now = int(time.time() * 1000)
        removals = [RemoveAction(name, data_change=True, deletion_timestamp=now) for name in sorted(old - new.keys())]
        additions = [
            AddAction(name, file.size, {}, now, data_change=True, stats=json.dumps({"numRecords": file.rows}))
            for name, file in new.items()
            if name not in old
        ]
        with lake_errors(f"Table {self.name}"):
            table = DeltaTable(str(self.folder))
            keep_logs = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
            table.create_write_transaction(
                [*removals, *additions], "append", table.schema(), [], post_commithook_properties=keep_logs
            )
            self._fsync_log()
        return self.latest()

    def restore(self, version: int) -> int:
        """Make a new version that equals an older one. Returns the new version."""
        with lake_errors(f"Table {self.name}"):
            DeltaTable(str(self.folder)).restore(version)
            self._fsync_log()
        return self.latest()

    def widen(self, schema: pa.Schema) -> bool:
        """Add the columns that this release has and the stored table lacks; old rows read as null. True if any."""
        with lake_errors(f"Table {self.name}"):
            table = DeltaTable(str(self.folder))
            present = {field.name for field in table.schema().fields}
            lacking = [field.with_nullable(True) for field in schema if field.name not in present]
            if lacking:
                table.alter.add_columns(Schema.from_arrow(pa.schema(lacking)).fields)
                self._fsync_log()
        return bool(lacking)

    def drop_torn_tail(self, complete: int) -> None:
        """Remove the newest log entry if it is after a version and a power cut left it half-written.

        Only the newest can be torn, since each is on disk before the next is begun. No ledger line names it: nobody was
        told of it, and nobody can have read it.
        """
        newest = self._entries()[-1:]
        if newest and int(newest[0].stem) > complete and not _is_whole(newest[0]):
            newest[0].unlink()
            fsync_path(newest[0].parent)

    def drop_drafts(self) -> None:
        """Remove half-written files of a killed writer; call under the lake's lock."""
        for draft in self.folder.glob(".draft-*"):
            draft.unlink()

    def _fsync_log(self) -> None:
        log = self.folder / "_delta_log"
        newest = self._entries()[-1]
        # A checkpoint is written together with some commits, under the number of that commit.
        with_it = [*log.glob(f"{newest.stem}*"), *log.glob("_last_checkpoint")]
        fsync_files(with_it, log)


def _is_whole(entry: Path) -> bool:
    try:
        return all(isinstance(json.loads(line), dict) for line in entry.read_text(encoding="utf-8").splitlines())
    except ValueError:
        return False
