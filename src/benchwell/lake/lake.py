"""The lake: one Delta table per canonical table, merged by record key, read by snapshot."""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchwell.durable import fsync_files
from benchwell.engine import DuckDBEngine, Engine, Frame
from benchwell.errors import LakeError
from benchwell.lake.erasing import contacts_of, holding, remember_erased, remove_files, stored_files, without_erased
from benchwell.lake.ledger import SCHEMA as LEDGER_SCHEMA
from benchwell.lake.ledger import Ledger, Line
from benchwell.lake.lock import write_lock
from benchwell.lake.rules import RULES
from benchwell.lake.snapshot import Snapshot, TableState, keyed_digest, state_of
from benchwell.lake.standing import standing
from benchwell.lake.store import DataFile, DeltaStore, file_digest, lake_errors
from benchwell.lake.superseding import Change, check_keys, supersede
from benchwell.lake.withdrawal import withdraw
from benchwell.tables import CANONICAL, TABLES

FORMAT = 1
TABLE_NAMES = (*CANONICAL, "rejections")
_CARD = "lake.json"
_LEDGER = "intakes"
_SMALL_FILE_ROWS = 1 << 17
_SMALL_FILES = 64


@dataclass(frozen=True)
class Commit:
    """What one merge did."""

    already: bool
    """The same source, read the same way, was the last thing this lake heard of it: nothing was written."""
    sequence: int
    """The ledger line that holds it."""
    snapshot: Snapshot
    superseded: Mapping[str, int]
    """Stored records that a later one took the place of, per table."""
    older: Mapping[str, int]
    """Records that are older than what is stored, by what their sources say: what is stored stays. Per table."""
    undated: Mapping[str, int]
    """Records that took the place of stored ones without anybody saying which is the newer. Per table."""
    counts: Mapping[str, int]


class Lake:
    """Delta tables in one folder. One writer at a time; readers never wait.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lake = Lake.create(Path(folder) / "lake")
    ...     people = pa.table({"patient_id": ["p1"], "sex": ["female"]})
    ...     first = lake.merge({"patients": people}, source_hash="ab", file="people.csv", counts={"accepted": 1})
    ...     again = lake.merge({"patients": people}, source_hash="ab", file="people.csv", counts={"accepted": 1})
    ...     (first.already, again.already, lake.snapshot().rows["patients"])
    (False, True, 1)
    """

    def __init__(self, path: Path) -> None:
        """Open a lake.

        Raises:
            LakeError: If the folder is not a lake, or its card cannot be read.
        """
        self.path = Path(path)
        self._key, self.created_at = _read_card(self.path)
        self._stores = {name: DeltaStore(self.path / name) for name in TABLE_NAMES}
        self._ledger = Ledger(DeltaStore(self.path / _LEDGER))

    @classmethod
    def create(cls, path: Path, *, key: bytes | None = None) -> Lake:
        """Make an empty lake; it appears whole or not at all.

        Args:
            path: Folder to make; may exist if it is empty.
            key: Secret that snapshot ids are keyed with; a random one if null. Give one only where ids must be the
                same in several lakes, for instance for public data.

        Raises:
            LakeError: If something is there already.
        """
        path = Path(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise LakeError(f"{path} is there already.", hint="open it, or choose another folder")
        card = {
            "format": FORMAT,
            "created_at": dt.datetime.now(dt.UTC).isoformat(),
            "key": (key or secrets.token_bytes(32)).hex(),
        }
        with lake_errors(f"The folder {path}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
            try:
                _fill(draft, card)
                draft.rename(path)
            except OSError:
                shutil.rmtree(draft, ignore_errors=True)
                raise
            fsync_files([], path.parent)
        return cls(path)

    def merge(
        self,
        tables: Mapping[str, pa.Table],
        *,
        source_hash: str,
        file: str,
        rejections: pa.Table | None = None,
        counts: Mapping[str, int],
        mapping_hash: str | None = None,
        at: dt.datetime | None = None,
    ) -> Commit:
        """Bring one source in: all of its tables, or nothing.

        Records are written by key. A newer record supersedes an older one by the rule of its table (`rules.py`): newer
        by what their sources say of their versions, and later where they say nothing. The same source, read the same
        way as last time, changes nothing. The same source under another mapping first withdraws what it said before,
        so that a corrected mapping leaves no trace of the wrong one.

        Args:
            tables: Canonical tables; columns may be missing (unknown) and tables may be missing or empty.
            source_hash: SHA-256 of the source's bytes.
            file: Name of the source, for the ledger.
            rejections: Rows of `tables.TABLES["rejections"]`.
            counts: What intake counted, for instance accepted, corrected, rejected.
            mapping_hash: Hash of the mapping that the source was read with.
            at: When; now if null. Must have a time zone.

        Returns:
            What was done, and the snapshot after it.

        Raises:
            ValueError: If `at` has no time zone.
            LakeError: If another writer is at work, a record comes twice in one source or lacks its key, a table or
                column is not known, or the lake is damaged. Nothing of the source is visible then.
        """
        if at is not None and at.tzinfo is None:
            raise ValueError("`at` needs a time zone")
        batches = _conform(tables, rejections, source_hash)
        with write_lock(self.path / ".lock"), DuckDBEngine() as engine:
            batches = without_erased(batches, self.path, self._key)  # under the lock: an erasure may have just ended
            lines = self._ledger.lines()
            own = [line for line in lines if line.source_hash == source_hash]
            if own and own[-1].mapping_hash == mapping_hash:
                return Commit(True, own[-1].sequence, self._snapshot(lines[-1]), {}, {}, {}, own[-1].counts)
            for name, batch in batches.items():
                check_keys(engine, TABLES[name], batch)
            states = self._settle(lines[-1].tables if lines else {})
            changes: dict[str, Change] = {}
            before = _before(lines, own[0]) if own else None
            for name in TABLE_NAMES:
                if before is not None:
                    states[name] = self._withdraw(engine, name, source_hash, before.get(name), states[name])
                batch = batches.get(name)
                if batch is not None and batch.num_rows:
                    states[name], changes[name] = self._write(engine, name, batch, states[name])
            taken_at = (at or dt.datetime.now(dt.UTC)).astimezone(dt.UTC)
            line = Line(len(lines) + 1, source_hash, mapping_hash, file, taken_at, dict(counts), states)
            # Until this line is on disk, no reader sees any of the versions written above.
            self._ledger.append(line)
        return Commit(
            False,
            line.sequence,
            self._snapshot(line),
            {name: one.superseded for name, one in changes.items()},
            {name: one.older for name, one in changes.items()},
            {name: one.undated for name, one in changes.items()},
            line.counts,
        )

    def erase(self, patient_id: str) -> int:
        """Remove everything about one person, from the present tables and from every earlier version.

        Earlier snapshots lose the files that held the person, and verifying them says so. Sources that are taken in
        later are read without the person. A repetition finds nothing left to do, or finishes what was interrupted.

        Args:
            patient_id: The person.

        Returns:
            How many data files held rows of the person.

        Raises:
            LakeError: If another writer is at work, or the lake is damaged.
        """
        with write_lock(self.path / ".lock"):
            lines = self._ledger.lines()
            states = self._settle(lines[-1].tables if lines else {})
            contacts = contacts_of(stored_files(self._stores["encounters"]), patient_id)
            ids = {"patient_id": {patient_id}, "encounter_id": contacts}
            remember_erased(self.path, self._key, ids)
            dirty = {name: holding(TABLES[name], stored_files(self._stores[name]), ids) for name in TABLE_NAMES}
            for name in TABLE_NAMES:
                active = [file for file in self._active(name, states) if file.name in dirty[name]]
                if active:
                    rows = pa.concat_tables([dirty[name][file.name] for file in active])
                    states[name] = self._commit(name, Change(rows, active, 0))
            if any(dirty.values()):
                self._ledger.append(_erasure(len(lines) + 1, states))
            # Only now no complete version that anybody may still ask for by default names them.
            for name, files in dirty.items():
                remove_files(self._stores[name], list(files))
        return sum(len(files) for files in dirty.values())

    def _active(self, name: str, states: Mapping[str, TableState]) -> list[DataFile]:
        return self._stores[name].files(states[name].version)

    def snapshot(self, as_of: dt.date | None = None) -> Snapshot:
        """The lake after its last complete intake, or as it was known at the end of a day (UTC).

        `as_of` is about when records *arrived*, not about when things happened to people.

        Raises:
            LakeError: If the lake held nothing on that day, or is damaged.
        """
        lines = self._ledger.lines()
        if as_of is not None and lines:
            first = lines[0].taken_at.date()
            lines = [line for line in lines if line.taken_at.date() <= as_of]
            if not lines:
                raise LakeError(f"The lake held nothing on {as_of}.", hint=f"the first intake was on {first}")
        if not lines:
            return Snapshot.of(self._key, self.created_at, {name: self._empty() for name in TABLE_NAMES})
        return self._snapshot(lines[-1])

    def intakes(self) -> pa.Table:
        """The ledger, oldest first."""
        return self._ledger.rows()

    def files(self, table: str, snapshot: Snapshot) -> list[Path]:
        """The Parquet files of a table in a snapshot, in name order.

        Raises:
            LakeError: If the table is not known, or its version or one of its files is gone.
        """
        return [file.path for file in self._files(table, snapshot)]

    def read(self, engine: Engine, table: str, snapshot: Snapshot) -> Frame:
        """A table of a snapshot as a lazy frame, without what a source has taken back and columns of the lake's own.

        Errors as in `files`.
        """
        return standing(engine.read(self.files(table, snapshot), TABLES[table].schema))

    def verify_snapshot(self, snapshot: Snapshot, *, full: bool = True) -> list[str]:
        """Check that a snapshot can still be read, unchanged.

        Args:
            snapshot: As taken, or read back from an edition's manifest.
            full: Also hash every byte; otherwise names and sizes only.

        Returns:
            One sentence per problem, naming table, version and file; empty if all is well.
        """
        problems = [line for name in snapshot.tables for line in self._verify_table(name, snapshot, full=full)]
        if Snapshot.of(self._key, snapshot.taken_at, snapshot.tables).id != snapshot.id:
            problems.append("The snapshot's id does not belong to its tables, or is from another lake.")
        return problems

    def _verify_table(self, name: str, snapshot: Snapshot, *, full: bool) -> list[str]:
        state = snapshot.tables[name]
        what = f"Table {name} version {state.version}"
        try:
            files = self._files(name, snapshot)
        except LakeError as problem:
            return [problem.message]
        problems = []
        if state_of(self._key, state.version, files) != state:
            problems.append(f"{what} does not list the files that the snapshot was taken of.")
        problems += [
            f"{what}: the bytes of file {file.name} have changed."
            for file in files
            if file.path.stat().st_size != file.size or (full and f"{file_digest(file.path)}.parquet" != file.name)
        ]
        return problems

    def _files(self, table: str, snapshot: Snapshot) -> list[DataFile]:
        if table not in self._stores:
            raise LakeError(f"No table {table!r} in the lake.", hint=f"known: {', '.join(self._stores)}")
        if table not in snapshot.tables:
            return []  # the snapshot is older than this table
        return self._stores[table].files(snapshot.tables[table].version)

    def _snapshot(self, line: Line) -> Snapshot:
        return Snapshot.of(self._key, line.taken_at, line.tables)

    def _empty(self) -> TableState:
        return TableState(0, 0, keyed_digest(self._key, []))

    def _settle(self, complete: Mapping[str, TableState]) -> dict[str, TableState]:
        """Undo what a killed writer left beyond the last complete intake, and follow this release's schema."""
        self._ledger.store.drop_drafts()
        return {name: self._settle_table(name, store, complete) for name, store in self._stores.items()}

    def _settle_table(self, name: str, store: DeltaStore, complete: Mapping[str, TableState]) -> TableState:
        state = complete.get(name) or self._empty()
        if complete and name not in complete and not store.folder.exists():
            DeltaStore.create(store.folder, TABLES[name].schema)  # the lake is older than this table
            fsync_files([store.folder], self.path)
        store.drop_drafts()
        store.drop_torn_tail(state.version)
        if store.latest() != state.version:
            state = replace(state, version=store.restore(state.version))
        if store.widen(TABLES[name].schema):
            state = replace(state, version=store.latest())
        return state

    def _withdraw(
        self, engine: DuckDBEngine, name: str, source_hash: str, before: TableState | None, state: TableState
    ) -> TableState:
        store = self._stores[name]
        earlier = store.files(before.version, present_only=True) if before else []
        change = withdraw(engine, TABLES[name], source_hash, store.files(state.version), earlier)
        return self._commit(name, change) if change else state

    def _write(self, engine: DuckDBEngine, name: str, batch: pa.Table, state: TableState) -> tuple[TableState, Change]:
        files = self._stores[name].files(state.version)
        change = supersede(engine, TABLES[name], RULES[name], files, batch)
        if not change.rows.num_rows and not change.remove:
            return state, change  # all of it was older than what is stored
        return self._commit(name, _fold_small(name, files, change)), change

    def _commit(self, name: str, change: Change) -> TableState:
        store = self._stores[name]
        version = store.commit(store.write(change.rows), change.remove)
        return state_of(self._key, version, store.files(version))


def _fill(folder: Path, card: Mapping[str, object]) -> None:
    for name in TABLE_NAMES:
        DeltaStore.create(folder / name, TABLES[name].schema)
    DeltaStore.create(folder / _LEDGER, LEDGER_SCHEMA)
    path = folder / _CARD
    path.touch(mode=0o600)
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    for inside, _, names in os.walk(folder):
        fsync_files([Path(inside) / name for name in names], Path(inside))


def _read_card(path: Path) -> tuple[bytes, dt.datetime]:
    if not (path / _CARD).is_file():
        raise LakeError(f"{path} is not a lake: it has no {_CARD}.", hint="`benchwell init` makes one")
    try:
        card = json.loads((path / _CARD).read_text(encoding="utf-8"))
        version, key = card["format"], bytes.fromhex(card["key"])
        created_at = dt.datetime.fromisoformat(card["created_at"])
    except (OSError, ValueError, KeyError, TypeError):
        raise LakeError(f"{path / _CARD} cannot be read.", hint="restore it from a backup") from None
    if version != FORMAT:
        raise LakeError(
            f"The lake at {path} has format {version}; this Benchwell reads format {FORMAT}.",
            hint="use the Benchwell version that wrote it, or intake the sources into a new lake",
        )
    return key, created_at


def _conform(tables: Mapping[str, pa.Table], rejections: pa.Table | None, source_hash: str) -> dict[str, pa.Table]:
    batches = {}
    for name, rows in tables.items():
        if name not in CANONICAL:
            raise LakeError(f"No table {name!r} in the lake.", hint=f"known: {', '.join(CANONICAL)}")
        batches[name] = _shape(name, rows, source_hash)
    if rejections is not None:
        rows = _shape("rejections", rejections, source_hash)
        # Two refusals of one cell for one reason are one refusal.
        batches["rejections"] = (
            rows.group_by(list(TABLES["rejections"].key), use_threads=False)
            .aggregate([("action", "first")])
            .rename_columns({"action_first": "action"})
            .select(rows.column_names)
        )
    return batches


def _shape(name: str, rows: pa.Table, source_hash: str) -> pa.Table:
    try:
        shaped = TABLES[name].conform(rows)
    except (ValueError, pa.ArrowException):
        # The original text may quote a value.
        raise LakeError(
            f"Table {name} does not have the shape that the lake expects.",
            hint=f"columns: {', '.join(TABLES[name].columns)}; types as in benchwell.tables",
        ) from None
    index = shaped.schema.get_field_index("source_hash")
    return shaped.set_column(index, shaped.schema.field(index), pa.array([source_hash] * shaped.num_rows, pa.string()))


def _erasure(sequence: int, states: Mapping[str, TableState]) -> Line:
    # Its own hash is of nothing but chance: it must be no source that could come again, and say nothing of whom.
    return Line(sequence, secrets.token_hex(32), None, "erasure", dt.datetime.now(dt.UTC), {}, states)


def _before(lines: list[Line], first: Line) -> Mapping[str, TableState]:
    """What the lake held before a source was first heard."""
    earlier = [line for line in lines if line.sequence < first.sequence]
    return earlier[-1].tables if earlier else {}


def _fold_small(name: str, files: list[DataFile], change: Change) -> Change:
    """Every so often, write the many small files of small intakes as one."""
    gone = {file.name for file in change.remove}
    small = [file for file in files if file.rows < _SMALL_FILE_ROWS and file.name not in gone]
    if len(small) < _SMALL_FILES:
        return change
    with lake_errors(f"Table {name}"):
        folded = [TABLES[name].conform(pq.read_table(file.path, partitioning=None)) for file in small]
    return replace(change, rows=pa.concat_tables([*folded, change.rows]), remove=[*change.remove, *small])
