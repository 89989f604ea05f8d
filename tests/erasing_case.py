"""Somebody with a row in every table of the register, and what must not be found anywhere after they were erased."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON as JSON_TYPE
from sqlalchemy import Boolean, Connection, Date, Float, Integer, insert, select

from benchwell.register import schema as s

_KEPT = {"audit", "people", "deletion_requests"}  # filled by the register itself


def fill(connection: Connection, person: str, secret: str) -> None:
    """Give a person one row in every table that can hold one, with a word of their own in every text column.

    Tables that are added later are filled too: whoever adds one need not think of this test.
    """
    connection.execute(insert(s.people).values(id=person, label=secret, language="xx", origin="live"))
    connection.execute(insert(s.users).values(id=f"u-{person}", login=f"l-{person}", name=secret, created_at=1.0))
    grant = {"id": f"g-{person}", "user_id": f"u-{person}", "role": "patient", "person_id": person}
    connection.execute(insert(s.grants).values(**grant))
    for table in s.METADATA.sorted_tables:
        about = {"person_id", "assessment_id"} & set(table.c.keys())
        if about and table.name not in _KEPT | {"grants"}:
            connection.execute(insert(table).values(**_row(table, person, secret)))
    line = {"at": 1.0, "role": "patient", "action": "read", "route": "/mine", "user_id": f"u-{person}"}
    connection.execute(insert(s.audit).values(**line, person_id=person))
    other = line | {"role": "clinician", "user_id": "somebody"}
    connection.execute(insert(s.audit).values(**other, person_id=person))


def _row(table: Any, person: str, secret: str) -> dict[str, Any]:
    known = {
        "person_id": person,
        "user_id": f"u-{person}",
        "course_id": f"courses-{person}",
        "assessment_id": f"assessments-{person}",
        "id": f"{table.name}-{person}",
        "changed": 1,
    }
    row = {}
    for column in table.columns:
        if column.name in known:
            row[column.name] = known[column.name]
        elif column.name == "sequence" or column.name in ("organization_id", "practitioner_id", "team_id"):
            continue
        else:
            row[column.name] = _value(column, f"{secret}-{table.name}")
    return row


def _value(column: Any, text: str) -> Any:
    kind = column.type
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer):
        return 1
    if isinstance(kind, Float):
        return 1.5
    if isinstance(kind, Date):
        return dt.date(2026, 6, 1)
    if isinstance(kind, JSON_TYPE):
        return [text]
    return text[: kind.length or 100]


def everything(connection: Connection) -> str:
    """Every value of every table."""
    return "\n".join(str(connection.execute(select(table)).all()) for table in s.METADATA.sorted_tables)
