"""What the lake holds is shown by the live service: people, courses, contacts, marks, scores and decisions.

Only a lake that has changed since the last time is read; what was entered live and is not in the lake yet is never
touched, and nobody who was erased comes back.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import pyarrow as pa

from benchwell.engine import DuckDBEngine
from benchwell.lake import Lake
from benchwell.pipeline.holdings import Holdings
from benchwell.pipeline.inputs import present_instruments
from benchwell.pipeline.live.service import LiveService
from benchwell.register import Register
from benchwell.register import copying as to
from benchwell.register.alone import alone
from benchwell.register.copying import SNAPSHOT
from benchwell.register.tombstones import erased_among
from benchwell.registry import Instrument, Registry
from benchwell.scoring import score_assessments

SOURCE_PREFIX = "register/"  # names of the sources that the register gave the lake; no file has a slash in its name
_NAMED = (("organizations", "organization_id"), ("practitioners", "practitioner_id"), ("people", "person_id"))
PATIENCE = 600.0  # seconds to wait for another program that is on this way
_AT_ONCE = 2_000  # rows in one commit, so that a score that is entered meanwhile does not wait
_TREATMENTS = {"done": "treatment_done", "ordered": "treatment_ordered"}
Row = dict[str, Any]
Progress = Callable[[str, int], None]


@dataclass
class Brought:
    """What was looked at.

    Attributes:
        changed: False: the lake is as it was the last time, or another program looks at it; nothing was read.
        rows: Rows read, by table of the register.
        gone: Rows that the lake has no longer, by table.
        left_out: People who were erased here and are still in the lake.
        apart: Assessments that have the id of another person's record, which came in here: they are left out.
    """

    changed: bool
    rows: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    left_out: int = 0
    apart: int = 0


def bring_from_lake(service: LiveService, *, progress: Progress | None = None, patience: float = PATIENCE) -> Brought:
    """Copy what is new in the lake into the register. A repetition changes nothing.

    Args:
        service: A workspace and its register.
        progress: Hears of each table of the register and how many rows of it were copied so far; what it raises ends
            the copying, which is begun anew the next time.
        patience: Seconds to wait for another program that is at it. After them nothing is read: that one does it.

    Raises:
        LakeError: If the lake is damaged.
        RegisterError: If the register refuses.
    """
    with alone(service.register, patience) as is_ours:
        if not is_ours:
            return Brought(changed=False)
        return bring(service.workspace.holdings, service.register, progress=progress)


def bring(workspace: Holdings, register: Register, *, progress: Progress | None = None) -> Brought:
    """The same, from the parts of a workspace, for a caller that is `alone`. Errors as in `bring_from_lake`."""
    snapshot = workspace.lake.snapshot()
    with register.read() as connection:
        if to.fact(connection, SNAPSHOT) == snapshot.id:
            return Brought(changed=False)
    with workspace.engine() as engine:
        source = _Source(engine, workspace.lake, snapshot, workspace.registry)
        brought = _Copy(register, source, progress or (lambda _table, _rows: None)).run()
    register.write(lambda connection: to.set_fact(connection, SNAPSHOT, snapshot.id))
    return brought


@dataclass
class _Source:
    """The lake at one moment, as rows of the register's shape."""

    engine: DuckDBEngine
    lake: Lake
    snapshot: Any
    registry: Registry

    def rows(self, table: str, *columns: str) -> Iterator[Row]:
        """Rows of a canonical table, as they stand."""
        frame = self.lake.read(self.engine, table, self.snapshot).select(*columns)
        for batch in self.engine.batches(frame, _AT_ONCE):
            yield from batch.to_pylist()

    def scores(self) -> Iterator[Row]:
        """Scores of every assessment, by the same scoring as an edition's."""
        found = present_instruments(self.engine, self._read, self.registry, dt.date.max)
        if not found:
            return
        dated = self.engine.keep(self.engine.with_epoch_days(self._read("assessments"), {"day": "date"}))
        scores = score_assessments(dated, found)
        columns = ("assessment_id", "instrument", "scale", "value", "status", "reason")
        for batch in self.engine.batches(scores.filter(~nw.col("scale").is_null()).select(*columns), _AT_ONCE):
            for row in batch.to_pylist():
                instrument = found[row.pop("instrument")]
                yield row | {"band": _band(instrument, row["scale"], row["value"])}

    def own_sources(self) -> set[str]:
        """Hashes of what the register itself gave the lake."""
        told: pa.Table = self.lake.intakes()
        return {one["source_hash"] for one in told.to_pylist() if str(one["file"]).startswith(SOURCE_PREFIX)}

    def _read(self, table: str) -> nw.LazyFrame[Any]:
        return self.lake.read(self.engine, table, self.snapshot)


def _band(instrument: Instrument, scale: str, value: float | None) -> str | None:
    known = next((one for one in instrument.scales if one.id == scale), None)
    if value is None or known is None:
        return None
    reached = [one.label for one in instrument.bands_of(known) if value >= one.min]
    return reached[-1] if reached else None


@dataclass
class _Copy:
    """One run: what is known so far, and what was seen."""

    register: Register
    source: _Source
    progress: Progress
    brought: Brought = field(default_factory=lambda: Brought(changed=True))
    _known: dict[str, set[str]] = field(default_factory=dict)
    _erased: set[str] = field(default_factory=set)
    _gone_courses: set[str] = field(default_factory=set)
    _apart: set[str] = field(default_factory=set)

    def run(self) -> Brought:
        with self.register.read() as connection:
            for table in ("organizations", "practitioners", "people", "courses"):
                self._known[table] = to.known_ids(connection, table)
        self._copy("organizations", self._organizations())
        self._copy("practitioners", self._practitioners())
        self._copy("people", self._people())
        self._whole("courses", self._courses())
        self._whole("contacts", self._contacts())
        self._whole("marks", self._marks())
        copied = self._whole("assessments", self._assessments())
        self._scores(copied)
        self._whole("consents", self._consents())
        self._take_away_courses()
        return self.brought

    # --- what each table of the register is made of -----------------------------------------------------------------

    def _organizations(self) -> Iterator[Row]:
        for row in self.source.rows("organizations", "organization_id", "part_of", "name"):
            yield {"id": row["organization_id"], "part_of": row["part_of"], "name": row["name"]}

    def _practitioners(self) -> Iterator[Row]:
        for row in self.source.rows("practitioners", "practitioner_id", "organization_id"):
            yield {"id": row["practitioner_id"], "organization_id": row["organization_id"]}

    def _people(self) -> Iterator[Row]:
        for row in self.source.rows("patients", "patient_id", "birth_date", "birth_year", "language"):
            born = row["birth_date"].year if row["birth_date"] else row["birth_year"]
            yield {"id": row["patient_id"], "birth_year": born, "language": row["language"]}

    def _courses(self) -> Iterator[Row]:
        names = ("organization_id", "practitioner_id", "condition", "therapy", "start_date", "end_date", "end_reason")
        for row in self.source.rows("episodes", "episode_id", "patient_id", *names):
            yield {"id": row.pop("episode_id"), "person_id": row.pop("patient_id")} | row

    def _contacts(self) -> Iterator[Row]:
        names = ("practitioner_id", "date", "kind", "attended")
        for row in self.source.rows("encounters", "encounter_id", "episode_id", "patient_id", *names):
            ids = {
                "id": row.pop("encounter_id"),
                "course_id": row.pop("episode_id"),
                "person_id": row.pop("patient_id"),
            }
            if row["date"] is not None:
                yield ids | row

    def _marks(self) -> Iterator[Row]:
        for row in self.source.rows("events", "event_id", "patient_id", "episode_id", "date", "kind"):
            ids = {"id": row["event_id"], "person_id": row["patient_id"], "course_id": row["episode_id"]}
            if row["date"] is not None and row["kind"] is not None:
                yield ids | {"date": row["date"], "kind": row["kind"]}
        for row in self.source.rows("procedures", "procedure_id", "patient_id", "date", "kind"):
            if row["date"] is not None and row["kind"] in _TREATMENTS:
                ids = {"id": row["procedure_id"], "person_id": row["patient_id"], "course_id": None}
                yield ids | {"date": row["date"], "kind": _TREATMENTS[row["kind"]]}

    def _assessments(self) -> Iterator[Row]:
        names = ("instrument", "scale", "date", "time", "items", "total", "unit", "language", "informant", "mode")
        received = {"received_at": self.source.snapshot.taken_at.timestamp(), "retracted": False}
        for row in self.source.rows("assessments", "assessment_id", "patient_id", "episode_id", *names):
            ids = {
                "id": row.pop("assessment_id"),
                "person_id": row.pop("patient_id"),
                "course_id": row.pop("episode_id"),
            }
            if row["date"] is not None and row["instrument"] is not None:
                yield ids | row | received

    def _consents(self) -> Iterator[Row]:
        """Decisions that others stated; what the register itself gave the lake is here already, as it was made."""
        own = self.source.own_sources()
        names = ("patient_id", "purpose", "date", "decision")
        for row in self.source.rows("consents", *names, "source_hash"):
            if row["source_hash"] not in own and row["decision"] is not None:
                told = "|".join(str(row[name]) for name in (*names, "source_hash"))
                at = dt.datetime.combine(row["date"], dt.time(), dt.UTC).timestamp()
                said = {name: row[name] for name in ("purpose", "date", "decision")}
                number = hashlib.sha256(told.encode()).hexdigest()[:32]
                about = {"id": f"lake-{number}", "person_id": row["patient_id"], "text_version": "lake"}
                yield about | said | {"decided_at": at}

    # --- how they are written ---------------------------------------------------------------------------------------

    def _copy(self, table: str, rows: Iterator[Row]) -> set[str]:
        """Write rows in chunks; returns the ids that the lake has."""
        ids: set[str] = set()
        for chunk in _chunks(rows):

            def write(connection: Any, chunk: list[Row] = chunk) -> list[Row]:
                usable = self._usable(connection, chunk)  # in the same transaction: somebody may be erased meanwhile
                if table == "assessments":
                    usable = self._without_others(connection, usable)
                self._write(connection, table, usable)
                return usable

            usable = self.register.write(write)
            ids |= {row["id"] for row in usable}
            self._remember(table, usable)
            self.brought.rows[table] = self.brought.rows.get(table, 0) + len(usable)
            self.progress(table, self.brought.rows[table])
        return ids

    def _whole(self, table: str, rows: Iterator[Row]) -> set[str]:
        """Write rows, then take away what the lake has no longer (courses wait until nothing names them)."""
        with self.register.read() as connection:
            before = to.settled_ids(connection, table)
        ids = self._copy(table, rows)
        gone = before - ids - self._apart
        self.brought.gone[table] = len(gone)
        if table == "courses":
            self._gone_courses = gone
        elif gone:
            self.register.write(lambda connection: to.take_away(connection, table, gone))
        return ids

    def _take_away_courses(self) -> None:
        if self._gone_courses:
            self.register.write(lambda connection: to.take_away(connection, "courses", self._gone_courses))

    def _write(self, connection: Any, table: str, rows: Sequence[Row]) -> None:
        if table == "consents":
            self._make_known(connection, rows)
            to.copy_consents(connection, rows)
            return
        if table not in ("organizations", "people"):
            self._make_known(connection, rows)
        to.copy_rows(connection, table, rows)

    def _make_known(self, connection: Any, rows: Sequence[Row]) -> None:
        """Whoever is only named gets a row of its own, so that the record that names them may stand."""
        for table, column in _NAMED:
            named = {row[column] for row in rows if row.get(column) is not None} - self._known[table]
            to.make_known(connection, table, named)
        for row in rows:
            if row.get("course_id") not in self._known["courses"] and "course_id" in row:
                row["course_id"] = None

    def _usable(self, connection: Any, chunk: list[Row]) -> list[Row]:
        """Without records of nobody, and of people who were erased here."""
        key = "person_id" if "person_id" in chunk[0] else "id" if "birth_year" in chunk[0] else None
        if key is None:
            return chunk
        named = {row[key] for row in chunk if row[key] is not None}
        self._erased |= erased_among(connection, named)
        return [row for row in chunk if row[key] is not None and row[key] not in self._erased]

    def _without_others(self, connection: Any, rows: list[Row]) -> list[Row]:
        """Without records of a system that numbers like another one, which sent its own here."""
        self._apart |= to.of_others(connection, rows)
        self.brought.apart = len(self._apart)
        return [row for row in rows if row["id"] not in self._apart]

    def _remember(self, table: str, rows: list[Row]) -> None:
        """What is surely in the register now."""
        self.brought.left_out = len(self._erased)
        if table in self._known:
            self._known[table] |= {row["id"] for row in rows}
        for other, column in _NAMED:
            self._known[other] |= {row[column] for row in rows if row.get(column) is not None}

    def _scores(self, copied: set[str]) -> None:
        count = 0
        for chunk in _chunks(self.source.scores()):

            def write(connection: Any, rows: Sequence[Mapping[str, Any]] = chunk) -> None:
                waiting = to.waiting_ids(connection, "assessments")
                to.copy_scores(
                    connection,
                    [row for row in rows if row["assessment_id"] in copied and row["assessment_id"] not in waiting],
                )

            self.register.write(write)
            count += len(chunk)
            self.brought.rows["scores"] = count
            self.progress("scores", count)


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
