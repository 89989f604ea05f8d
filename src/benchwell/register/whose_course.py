"""Whose record an entry goes into: the person, the course that ran on its day, and who treats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, insert, or_, select

from benchwell.i18n import _
from benchwell.register.put import put
from benchwell.register.records import Entry, NotReceivedError, Place
from benchwell.register.schema import choices, contacts, courses, people
from benchwell.register.scope import own_people
from benchwell.register.tokens import new_id
from benchwell.register.viewer import Viewer


def place_of(connection: Connection, entry: Entry, viewer: Viewer | None) -> Place:
    """Whose record an entry goes into.

    Args:
        connection: Inside a transaction.
        entry: The record.
        viewer: Must reach the person; null: whoever calls has made sure.

    Raises:
        NotReceivedError: If there is no such person for the viewer, or the course is not the person's.
    """
    asked = _asked_place(viewer, entry.course_id is not None)
    given: dict[str, Any] = {"person": entry.person_id, "day": entry.date, "course": entry.course_id}
    if entry.course_id is None:
        del given["course"]
    else:
        del given["day"]
    found = connection.execute(asked, given).all()
    if not found:
        raise NotReceivedError(
            "unknown_person",
            _("There is no such person here for whoever sends this."),
            hint=_("add the person first, or ask for a key that may do so"),
        )
    if entry.course_id is not None and found[0].course is None:
        raise NotReceivedError("unknown_course", _("This course is none of this person's."))
    return _place(_of_contact(connection, entry, found) if len(found) > 1 and entry.contact_id else found[0])


def places_of(connection: Connection, entries: Sequence[Entry], viewer: Viewer | None) -> list[Place | None]:
    """The same for several entries, in one question; null where it cannot be told at once: ask `place_of`.

    Args:
        connection: Inside a transaction.
        entries: The records.
        viewer: As in `place_of`.
    """
    rows: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(_asked_places(viewer), {"people": sorted({one.person_id for one in entries})}):
        rows[row.id].append(row)
    return [_easily(entry, rows[entry.person_id]) for entry in entries]


def _easily(entry: Entry, rows: Sequence[Row[Any]]) -> Place | None:
    if not rows or entry.course_id is not None:
        return None
    runs = [
        row
        for row in rows
        if row.course is not None
        and (row.start_date is None or row.start_date <= entry.date)
        and (row.end_date is None or row.end_date >= entry.date)
    ]
    if len(runs) == 1:
        return _place(runs[0])
    known = rows[0]  # no course, or several that ran
    return None if runs else Place(known.id, None, None, None, known.expected, known.label or "")


def _place(row: Row[Any]) -> Place:
    return Place(row.id, row.course, row.organization_id, row.practitioner_id, row.expected, row.label or "")


@lru_cache(maxsize=1024)
def _asked_places(viewer: Viewer | None) -> Select[Any]:
    asked = (
        select(people.c.id, courses.c.id.label("course"), courses.c.organization_id, courses.c.practitioner_id)
        .add_columns(choices.c.value.label("expected"), people.c.label, courses.c.start_date, courses.c.end_date)
        .outerjoin(courses, courses.c.person_id == people.c.id)
        .outerjoin(choices, and_(choices.c.person_id == people.c.id, choices.c.name == "expected"))
        .where(people.c.id.in_(bindparam("people", expanding=True)), people.c.erased_at.is_(None))
    )
    return asked if viewer is None else asked.where(own_people(viewer))


@lru_cache(maxsize=1024)
def _asked_place(viewer: Viewer | None, is_named: bool) -> Select[Any]:
    """The question of `place_of`; it is put together once for each viewer, since that takes longer than asking it."""
    day = bindparam("day", type_=courses.c.start_date.type)
    runs = and_(
        or_(courses.c.start_date.is_(None), courses.c.start_date <= day),
        or_(courses.c.end_date.is_(None), courses.c.end_date >= day),
    )
    if is_named:
        runs = courses.c.id == bindparam("course")
    asked = (
        select(people.c.id, courses.c.id.label("course"), courses.c.organization_id, courses.c.practitioner_id)
        .add_columns(choices.c.value.label("expected"), people.c.label)
        .outerjoin(courses, and_(courses.c.person_id == people.c.id, runs))
        .outerjoin(choices, and_(choices.c.person_id == people.c.id, choices.c.name == "expected"))
        .where(people.c.id == bindparam("person"), people.c.erased_at.is_(None))
        .order_by(courses.c.start_date.desc().nulls_last(), courses.c.id)
    )
    return asked if viewer is None else asked.where(own_people(viewer))


def _of_contact(connection: Connection, entry: Entry, found: Sequence[Row[Any]]) -> Row[Any]:
    asked = select(contacts.c.course_id).where(
        contacts.c.id == entry.contact_id, contacts.c.person_id == entry.person_id
    )
    course = connection.execute(asked).scalar_one_or_none()
    return next((row for row in found if row.course == course), found[0])


def add_unknown_person(connection: Connection, entry: Entry, viewer: Viewer) -> bool:
    """Begin the record of somebody whom a program names first, with a course at its organization from that day on.

    Returns:
        Whether there was none.
    """
    known = connection.execute(select(people.c.id).where(people.c.id == entry.person_id)).first()
    if known is not None:
        return False  # somebody else's, or erased: `place_of` refuses it
    put(connection, people, {"id": entry.person_id, "origin": "live"})
    course = {"id": new_id(), "person_id": entry.person_id, "organization_id": viewer.organization_id}
    connection.execute(insert(courses).values(**course, start_date=entry.date, origin="live"))
    return True
