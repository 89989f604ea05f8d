"""What was entered live goes into the lake, as one source among others, so that the next edition counts it.

A flow reads everything that waits in one moment, merges it in one commit of the lake, and only then says in the
register that it waits no longer. Killed in between, the next flow states the same again, which changes nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from benchwell.engine import DuckDBEngine
from benchwell.intake.result import Counts
from benchwell.lake import RULES, Lake, Supersede
from benchwell.pipeline.holdings import Holdings
from benchwell.pipeline.intake_report import Gathered, IntakeReport
from benchwell.pipeline.live.from_lake import PATIENCE, SOURCE_PREFIX, bring
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.workspace import REGISTER_FILE
from benchwell.register import Register
from benchwell.register.alone import alone
from benchwell.register.copying import SNAPSHOT, fact, set_fact
from benchwell.register.flowing import Waiting, settle, waiting
from benchwell.register.refusals import BusyRegisterError
from benchwell.tables import CANONICAL, DERIVED
from benchwell.tables.table import OF_THE_LAKE

Row = Mapping[str, Any]
# Table of the register, table of the lake, and under which names the lake knows the columns.
_CANONICAL: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("organizations", "organizations", {"id": "organization_id"}),
    ("practitioners", "practitioners", {"id": "practitioner_id"}),
    ("people", "patients", {"id": "patient_id"}),
    ("courses", "episodes", {"id": "episode_id", "person_id": "patient_id"}),
    ("contacts", "encounters", {"id": "encounter_id", "course_id": "episode_id", "person_id": "patient_id"}),
    ("marks", "events", {"id": "event_id", "course_id": "episode_id", "person_id": "patient_id"}),
    ("assessments", "assessments", {"id": "assessment_id", "course_id": "episode_id", "person_id": "patient_id"}),
    ("consents", "consents", {"person_id": "patient_id"}),
)


@dataclass(frozen=True)
class LiveEntries:
    """What waits in the register, as a source that an intake merges.

    Attributes:
        tables: Canonical tables by name; only those with rows.
        counts: All of them accepted: each was checked when it was entered.
        source_hash: SHA-256 of the content and the number of the flow.
        file: `register/` and the number of the flow.
        rejections: None.
        notes: What was decided for the whole of it.
    """

    tables: Mapping[str, pa.Table]
    counts: Counts
    source_hash: str
    file: str
    rejections: pa.Table = field(default_factory=DERIVED["rejections"].empty)
    notes: tuple[str, ...] = ("Entered in the live service; checked on entry.",)


def flow(service: LiveService) -> IntakeReport | None:
    """Take what waits in the register into the lake.

    Returns:
        What an intake reports; null if nothing waited.

    Raises:
        LakeError: If another writer is at work, or the lake is damaged. Nothing is lost: it goes on waiting.
        RegisterError: If the register refuses.
    """
    return _alone(service.workspace.holdings, service.register)


def take_in_register(workspace: Holdings) -> IntakeReport | None:
    """The same for a workspace whose register is not open. Errors as in `flow`, and if it cannot be opened."""
    address = workspace.settings.register_url
    with Register(address) if address else Register.in_file(workspace.path / REGISTER_FILE) as register:
        return _alone(workspace, register)


def _alone(workspace: Holdings, register: Register) -> IntakeReport | None:
    with alone(register, PATIENCE) as is_ours:
        if not is_ours:
            raise BusyRegisterError(
                "Another program is taking scores between the register and the lake.",
                hint="wait until it ends, then run this again; a killed one is not in the way",
            )
        return _flow(workspace, register)


def _flow(workspace: Holdings, register: Register) -> IntakeReport | None:
    # First what the lake has heard from others: of two words on one day, each side must know the other's.
    bring(workspace, register)
    with register.read() as connection:
        found = waiting(connection)
        copied = fact(connection, SNAPSHOT)
    if not len(found):
        return None
    lines = workspace.lake.intakes().num_rows
    alone = workspace.lake.snapshot().id == copied
    entries = live_entries(found, workspace.lake)
    gathered = Gathered(workspace)
    gathered.merge(entries, reading="register")
    report = gathered.report(entries.file)
    alone = alone and workspace.lake.intakes().num_rows == lines + 1

    def settled(connection: Any) -> None:
        settle(connection, found)
        if alone:  # nothing else came into the lake: the register has all of it
            set_fact(connection, SNAPSHOT, report.snapshot)

    register.write(settled)
    return report


def live_entries(found: Waiting, lake: Lake) -> LiveEntries:
    """Rows of the register as canonical tables.

    Args:
        found: What waits.
        lake: What it knows about the same records beyond what the register holds is kept.
    """
    tables = {}
    for own, name, renamed in _CANONICAL:
        rows = [{renamed.get(key, key): value for key, value in row.items()} for row in found.rows[own]]
        if name == "assessments":
            rows = [row | {"source": "register"} for row in rows]
        if rows:
            known = _typed(name, rows)
            tables[name] = (
                _with_stored(name, known, lake) if RULES[name] is Supersede.REPLACE else _conformed(name, known)
            )
    count = sum(table.num_rows for table in tables.values())
    digest = hashlib.sha256(f"register|{found.number}|".encode())
    digest.update(json.dumps(found.rows, sort_keys=True, default=_text).encode())
    return LiveEntries(tables, Counts(count, count, 0, 0, 0), digest.hexdigest(), f"{SOURCE_PREFIX}{found.number}")


def _typed(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = CANONICAL[name].schema
    columns = [schema.field(column) for column in schema.names if column in rows[0]]
    return pa.Table.from_pylist(rows, schema=pa.schema(columns))


def _conformed(name: str, rows: pa.Table) -> pa.Table:
    return CANONICAL[name].conform(rows)


def _with_stored(name: str, rows: pa.Table, lake: Lake) -> pa.Table:
    """A record that replaces one of the lake keeps what only the lake knows of it, such as minutes of a contact."""
    table = CANONICAL[name]
    mine = [column for column in table.columns if column in rows.column_names]
    source = {"source_hash", "source_row", *OF_THE_LAKE}
    others = [column for column in table.columns if column not in mine and column not in source]
    if not others or len(table.key) > 1:
        return _conformed(name, rows)
    key = table.key[0]
    with DuckDBEngine() as engine:
        stored = lake.read(engine, name, lake.snapshot()).select(key, *others)
        ids = engine.from_arrow(rows.select([key]))
        found: pa.Table = engine.to_arrow(stored.join(ids, on=key, how="inner").sort(key))
    if not found.num_rows:
        return _conformed(name, rows)
    by_id = {row[key]: row for row in found.to_pylist()}
    nothing = dict.fromkeys(others)
    return pa.Table.from_pylist(
        [{**nothing, **by_id.get(row[key], {}), **row} for row in rows.to_pylist()], schema=table.schema
    )


def _text(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
