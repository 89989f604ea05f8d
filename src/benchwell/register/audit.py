"""The log of who read or changed what of whom: rows are added, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from benchwell.register.schema import audit, people
from benchwell.register.viewer import Viewer

_ADD = insert(audit)  # put together once: that takes longer than adding a line


def log(
    connection: Connection,
    now: float,
    viewer: Viewer,
    action: str,
    route: str,
    *,
    person_id: str | None = None,
    detail: str | None = None,
) -> None:
    """Add one line.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        viewer: Who.
        action: read, write, export, sign_in, refuse …
        route: The pattern of the address, without ids.
        person_id: About whom.
        detail: A code, never words or values of a person.
    """
    who = {"user_id": viewer.user_id, "client_id": viewer.client_id, "role": viewer.role.value}
    what = {"at": now, "action": action, "route": route, "person_id": person_id, "detail": detail}
    connection.execute(_ADD, who | what)


class Line(NamedTuple):
    """Who did what, by which way."""

    viewer: Viewer
    action: str
    route: str


def log_lines(connection: Connection, now: float, lines: Sequence[Line], person_id: str) -> None:
    """Add several lines about one person.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        lines: What to add.
        person_id: About whom.
    """
    log_about(connection, now, [(one, person_id) for one in lines])


def log_about(connection: Connection, now: float, lines: Sequence[tuple[Line, str]]) -> None:
    """Add several lines, each about a person.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        lines: What to add, and about whom.
    """
    rows = [
        {"at": now, "user_id": one.viewer.user_id, "client_id": one.viewer.client_id, "role": one.viewer.role.value,
         "action": one.action, "route": one.route, "person_id": person_id, "detail": None}
        for one, person_id in lines
    ]  # fmt: skip
    if not rows:
        return
    connection.execute(_ADD, rows if len(rows) > 1 else rows[0])  # drivers do one row faster than a list of one


def log_many(
    connection: Connection, now: float, viewer: Viewer, action: str, route: str, person_ids: Iterable[str]
) -> None:
    """Add one line for each person whose data a page with many people shows.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        viewer: Who.
        action: read, write or export.
        route: The pattern of the address, without ids.
        person_ids: About whom; each once, however often they stand on the page.
    """
    who = {"user_id": viewer.user_id, "client_id": viewer.client_id, "role": viewer.role.value}
    what = {"at": now, "action": action, "route": route}
    if lines := [who | what | {"person_id": person} for person in dict.fromkeys(person_ids)]:
        connection.execute(insert(audit), lines)


def log_refusal(connection: Connection, now: float, viewer: Viewer, route: str, person_id: str | None) -> None:
    """Add a line about something that was refused; the person is named only if there is such a person.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        viewer: Who.
        route: The pattern of the address, without ids.
        person_id: Whom the address named; it may be anything that was typed.
    """
    known = person_id and connection.execute(select(people.c.id).where(people.c.id == person_id)).scalar()
    log(connection, now, viewer, "refuse", route, person_id=known or None)
