"""Circles that were held: the agenda as it was, and what was said."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from benchwell.register.copying import make_known
from benchwell.register.schema import circles
from benchwell.register.tokens import new_id


@dataclass(frozen=True)
class Circle:
    """One circle.

    Attributes:
        id: Its id.
        held: The day.
        edition: Id of the edition that the agenda came from.
        agenda: The agenda as it was, as plain data.
        minutes: What was said.
    """

    id: str
    held: dt.date
    edition: str
    agenda: Any
    minutes: str


def keep_circle(
    connection: Connection, now: float, organization_id: str, *, held: dt.date, edition: str, agenda: Any, minutes: str
) -> str:
    """Keep a circle that was held; its id. An edition may name a place that nothing here has named yet."""
    made = new_id()
    make_known(connection, "organizations", (organization_id,))
    row = {"id": made, "organization_id": organization_id, "held": held, "edition": edition}
    connection.execute(insert(circles).values(**row, agenda=agenda, minutes=minutes, created_at=now))
    return made


def circles_of(connection: Connection, organization_id: str) -> tuple[Circle, ...]:
    """An organization's circles, the latest first."""
    asked = select(circles).where(circles.c.organization_id == organization_id)
    found = connection.execute(asked.order_by(circles.c.held.desc(), circles.c.created_at.desc(), circles.c.id))
    return tuple(Circle(row.id, row.held, row.edition, row.agenda, row.minutes or "") for row in found)
