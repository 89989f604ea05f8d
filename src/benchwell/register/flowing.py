"""Rows that wait for the lake: what was entered or changed here since they last went there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from benchwell.register import copying
from benchwell.register import schema as s

Row = dict[str, Any]
FLOW = "flow"  # the fact that numbers what goes to the lake
# Labels, notes, names of people, and whoever entered a record are in none of these.
_FLOWS: dict[str, tuple[str, ...]] = {
    "organizations": ("id", "part_of", "name"),
    "practitioners": ("id", "organization_id"),
    "people": ("id", "birth_year", "language"),
    "courses": (
        "id", "person_id", "organization_id", "practitioner_id", "condition", "therapy", "start_date", "end_date",
        "end_reason",
    ),
    "contacts": ("id", "course_id", "person_id", "practitioner_id", "date", "kind", "attended"),
    "marks": ("id", "person_id", "course_id", "date", "kind"),
    "assessments": (
        "id", "person_id", "course_id", "instrument", "scale", "language", "informant", "mode", "date", "time", "items",
        "total", "unit", "retracted",
    ),
}  # fmt: skip
_ONE_FORM = "#"  # a form that holds several instruments gives `id` and `id#instrument`


@dataclass(frozen=True)
class Waiting:
    """One moment's rows that wait for the lake.

    Attributes:
        number: Of this flow; the same until the lake is known to have it.
        rows: By table of the register, without `changed`; of consents, the word that holds for each day.
        seen: The count of changes of each row as read, by table and id.
    """

    number: int
    rows: dict[str, list[Row]]
    seen: dict[str, dict[str, int]]

    def __len__(self) -> int:
        return sum(len(ids) for ids in self.seen.values())


def waiting(connection: Connection) -> Waiting:
    """Everything that waits. Nothing of somebody who is being erased does, nor does a tombstone."""
    number = int(copying.fact(connection, FLOW) or "1")
    rows: dict[str, list[Row]] = {}
    seen: dict[str, dict[str, int]] = {}
    for name, columns in _FLOWS.items():
        table = s.METADATA.tables[name]
        asked = select(table.c.changed, *(table.c[column] for column in columns)).where(table.c.changed > 0)
        if name == "people":
            asked = asked.where(table.c.erased_at.is_(None))
        elif "person_id" in table.c:
            asked = asked.where(table.c.person_id.not_in(_leaving()))
        found = [dict(row._mapping) for row in connection.execute(asked.order_by(table.c.id))]
        seen[name] = {row["id"]: row.pop("changed") for row in found}
        rows[name] = found
    rows["assessments"] += _same_forms(connection, rows["assessments"])
    seen["consents"], rows["consents"] = _consents(connection)
    return Waiting(number, rows, seen)


def settle(connection: Connection, flowed: Waiting) -> None:
    """The lake has what was read: it waits no longer, unless it was changed since."""
    for table, seen in flowed.seen.items():
        copying.reset(connection, table, seen)
    copying.set_fact(connection, FLOW, str(flowed.number + 1))


def waiting_count(connection: Connection) -> int:
    """How many rows wait."""
    return len(waiting(connection))


def _leaving() -> Select[tuple[str]]:
    return select(s.people.c.id).where(s.people.c.erased_at.is_not(None))


def _same_forms(connection: Connection, rows: Iterable[Row]) -> list[Row]:
    """The other instruments of forms of which one waits: a form goes as a whole, or the lake takes the rest back."""
    ids = {row["id"] for row in rows}
    forms = {one.split(_ONE_FORM)[0] for one in ids}
    table = s.assessments
    if not any(_ONE_FORM in one or "/" in one for one in ids):
        return []
    asked = select(*(table.c[column] for column in _FLOWS["assessments"])).where(
        table.c.id.contains(_ONE_FORM, autoescape=True), table.c.retracted.is_(False)
    )
    parts = (dict(row._mapping) for row in connection.execute(asked.order_by(table.c.id)))
    return [row for row in parts if row["id"] not in ids and row["id"].split(_ONE_FORM)[0] in forms]


def _consents(connection: Connection) -> tuple[dict[str, int], list[Row]]:
    """Waiting decisions, and the last word of each person, purpose and day that one of them is about."""
    table = s.consents
    new = connection.execute(select(table).where(table.c.changed > 0, table.c.person_id.not_in(_leaving()))).all()
    days = {(row.person_id, row.purpose, row.date) for row in new}
    last: dict[tuple[Any, ...], Any] = {}
    about = select(table).where(table.c.person_id.in_({row.person_id for row in new})).order_by(table.c.sequence)
    for row in connection.execute(about) if new else ():
        last[row.person_id, row.purpose, row.date] = row
    rows = [
        {"person_id": person, "purpose": purpose, "date": day, "decision": last[person, purpose, day].decision}
        for person, purpose, day in sorted(days)
        if last[person, purpose, day].decided_by != "lake"  # then the lake has said it last, and has it
    ]
    return {row.id: row.changed for row in new}, rows
