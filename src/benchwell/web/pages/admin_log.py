"""The log of who read or changed what, for administrators: to look through, and to take along."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse, StreamingResponse

from benchwell.i18n import moment
from benchwell.publish.spreadsheet import csv_lines
from benchwell.register.accounts import accounts
from benchwell.register.audit import log
from benchwell.register.audit_reading import AuditFilter, AuditLine, all_audit_lines, audit_lines
from benchwell.web.pages.admin import ADMIN
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()
_PAGE = 100
_COLUMNS = ("number", "at", "name", "user", "program", "role", "action", "route", "person", "detail")


@routes.get("/admin/log", ADMIN)
def look(
    visit: Here, user: str = "", person: str = "", since: str = "", until: str = "", before: str = ""
) -> HTMLResponse:
    """Lines of the log, the newest first."""
    wanted = _filter(user, person, since, until, before)
    with visit.register.read() as connection:
        lines = audit_lines(connection, wanted, most=_PAGE)
        people_here = accounts(connection)
    typed: dict[str, Any] = {"user": user, "person": person, "since": since, "until": until}
    older = urlencode(typed | {"before": lines[-1].sequence}) if len(lines) == _PAGE else ""
    shown: dict[str, Any] = {"lines": lines, "accounts": people_here, "older": older, "query": urlencode(typed)}
    shown |= {"instant": instant, "moment": _moment, "zone": dt.datetime.now().astimezone().tzname()}
    return visit.page("admin/log.html.j2", **shown, **typed)


@routes.get("/admin/log.csv", ADMIN)
def take(visit: Here, user: str = "", person: str = "", since: str = "", until: str = "") -> StreamingResponse:
    """The same lines, all of them, as CSV."""
    visit.register.write(lambda connection: log(connection, visit.now, visit.viewer, "export", "/admin/log.csv"))
    wanted = _filter(user, person, since, until, "")
    kept = {"content-disposition": 'attachment; filename="benchwell-log.csv"'}
    return StreamingResponse(_csv(visit, wanted), media_type="text/csv; charset=utf-8", headers=kept)


def instant(seconds: float) -> str:
    """An instant for programs: ISO 8601 in UTC, to the second.

    >>> instant(0)
    '1970-01-01T00:00:00Z'
    """
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _moment(seconds: float) -> str:
    return moment(seconds, to_the_second=True)


def _filter(user: str, person: str, since: str, until: str, before: str) -> AuditFilter:
    return AuditFilter(
        user_id=user or None,
        person_id=person.strip() or None,
        since=_begins(since),
        until=_begins(until, later=1),  # the last day is in it
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None,
    )


def _begins(text: str, *, later: int = 0) -> float | None:
    """When a day, or one so many days later, begins by the clock of the service, as its pages tell it."""
    try:
        asked = dt.datetime.fromisoformat(text) + dt.timedelta(later)
        return asked.timestamp() if len(text) == 10 else None
    except (ValueError, OverflowError):
        return None


def _csv(visit: Visit, wanted: AuditFilter) -> Iterator[str]:
    yield csv_lines([_COLUMNS])
    with visit.register.read() as connection:
        for line in all_audit_lines(connection, wanted):
            yield csv_lines([_cells(line)])


def _cells(line: AuditLine) -> tuple[object, ...]:
    who = (line.name, line.user_id, line.client_id, line.role.value)
    return (line.sequence, instant(line.at), *who, line.action, line.route, line.person_id, line.detail)
