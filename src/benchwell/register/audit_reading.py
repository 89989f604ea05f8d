"""Reading the log of who read or changed what: for administrators, and for the people it is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select, true

from benchwell.register.schema import audit, clients, users
from benchwell.register.viewer import Role


@dataclass(frozen=True)
class AuditLine:
    """One line of the log.

    Attributes:
        sequence: Its number; numbers grow.
        at: When, in seconds since 1970-01-01 UTC.
        name: Who, as an account or program is called now; null for people who came by a link, and for the public.
        user_id: The account.
        client_id: The program.
        role: In which role.
        action: read, write, export, sign_in, refuse …
        route: The pattern of the address.
        person_id: About whom.
        detail: A code.
    """

    sequence: int
    at: float
    name: str | None
    user_id: str | None
    client_id: str | None
    role: Role
    action: str
    route: str
    person_id: str | None
    detail: str | None


@dataclass(frozen=True)
class AuditFilter:
    """Which lines are asked for; what is null does not narrow.

    Attributes:
        user_id: Of this account.
        person_id: About this person.
        since: From this instant on, in seconds.
        until: Before this instant, in seconds.
        before: Before this line, to turn the page.
    """

    user_id: str | None = None
    person_id: str | None = None
    since: float | None = None
    until: float | None = None
    before: int | None = None


def audit_lines(connection: Connection, wanted: AuditFilter, *, most: int = 100) -> tuple[AuditLine, ...]:
    """Lines of the log, the newest first."""
    return tuple(map(_line, connection.execute(_newest_first(wanted).limit(most))))


def all_audit_lines(connection: Connection, wanted: AuditFilter) -> Iterator[AuditLine]:
    """Every line that is asked for, the newest first, one at a time: a log may be long."""
    streamed = connection.execution_options(yield_per=1000)
    for row in streamed.execute(_newest_first(wanted)):
        yield _line(row)


def readers_of(connection: Connection, person_id: str, *, most: int = 500) -> tuple[AuditLine, ...]:
    """Who read, changed or took along a person's record, the newest first; what was refused is left out.

    The person's own visits are in it too: their role is patient.

    Args:
        connection: Any.
        person_id: Whose record.
        most: Lines.
    """
    asked = _newest_first(AuditFilter(person_id=person_id)).where(audit.c.action != "refuse").limit(most)
    return tuple(map(_line, connection.execute(asked)))


def _newest_first(wanted: AuditFilter) -> Select[Any]:
    named = select(audit, users.c.name.label("user_name"), clients.c.name.label("client_name"))
    joined = named.outerjoin(users, users.c.id == audit.c.user_id).outerjoin(clients, clients.c.id == audit.c.client_id)
    return joined.where(*_conditions(wanted)).order_by(audit.c.sequence.desc())


def _conditions(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    yield true() if wanted.user_id is None else audit.c.user_id == wanted.user_id
    yield true() if wanted.person_id is None else audit.c.person_id == wanted.person_id
    yield true() if wanted.since is None else audit.c.at >= wanted.since
    yield true() if wanted.until is None else audit.c.at < wanted.until
    yield true() if wanted.before is None else audit.c.sequence < wanted.before


def _line(row: Row[Any]) -> AuditLine:
    return AuditLine(
        row.sequence,
        row.at,
        row.user_name or row.client_name,
        row.user_id,
        row.client_id,
        Role(row.role),
        row.action,
        row.route,
        row.person_id,
        row.detail,
    )
