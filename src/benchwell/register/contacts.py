"""Contacts of a course: planned, attended, or missed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from benchwell.register.schema import contacts, people
from benchwell.register.scope import own_people
from benchwell.register.tokens import new_id
from benchwell.register.viewer import Role, Viewer

KINDS: Final = ("session", "first_contact", "group", "review", "phone", "video", "home_visit")


@dataclass(frozen=True)
class Contact:
    """One contact.

    Attributes:
        id: Its id.
        person_id: With whom.
        course_id: Within which course.
        date: Its day.
        time: Its time as `HH:MM`, if known.
        kind: One of `KINDS`, or what another system calls it.
        attended: Whether it took place; null while it is planned, or not said.
    """

    id: str
    person_id: str
    course_id: str | None
    date: dt.date
    time: str | None
    kind: str | None
    attended: bool | None


def contacts_on(connection: Connection, viewer: Viewer, day: dt.date) -> tuple[Contact, ...]:
    """The viewer's own contacts of one day that were not missed, by time."""
    asked = (
        select(contacts)
        .join(people, people.c.id == contacts.c.person_id)
        .where(own_people(viewer), people.c.erased_at.is_(None), contacts.c.date == day)
        .where(contacts.c.attended.is_not(False))
    )
    if viewer.role is Role.CLINICIAN:
        # A contact without a name is with whoever treats the person.
        mine = contacts.c.practitioner_id == viewer.practitioner_id
        asked = asked.where(mine | contacts.c.practitioner_id.is_(None))
    found = [_contact(row) for row in connection.execute(asked)]
    return tuple(sorted(found, key=lambda one: (one.time or "99", one.id)))


def contacts_of(connection: Connection, person_id: str) -> tuple[Contact, ...]:
    """All contacts of a person, by day. Whoever asks has been let in for this person."""
    asked = select(contacts).where(contacts.c.person_id == person_id)
    return tuple(sorted(map(_contact, connection.execute(asked)), key=lambda one: (one.date, one.time or "99", one.id)))


def add_contact(
    connection: Connection,
    *,
    person_id: str,
    course_id: str,
    practitioner_id: str | None,
    date: dt.date,
    time: str | None,
    kind: str,
    attended: bool | None,
) -> str:
    """Keep a contact; returns its id."""
    contact = new_id()
    connection.execute(
        insert(contacts).values(
            id=contact,
            course_id=course_id,
            person_id=person_id,
            practitioner_id=practitioner_id,
            date=date,
            time=time,
            kind=kind,
            attended=attended,
            origin="live",
        )
    )
    return contact


def set_attended(connection: Connection, person_id: str, contact_id: str, attended: bool) -> bool:
    """Say whether a contact took place; false if the person has no such contact."""
    done = connection.execute(
        update(contacts).where(contacts.c.id == contact_id, contacts.c.person_id == person_id).values(attended=attended)
    )
    return bool(done.rowcount)


def _contact(row: Row[Any]) -> Contact:
    return Contact(row.id, row.person_id, row.course_id, row.date, row.time, row.kind, row.attended)


def attended_days(connection: Connection, viewer: Viewer, *, person_id: str | None = None) -> dict[str, list[dt.date]]:
    """Days of attended contacts of the people whom the viewer may see, in order, by course."""
    asked = (
        select(contacts.c.course_id, contacts.c.date)
        .join(people, people.c.id == contacts.c.person_id)
        .where(own_people(viewer), contacts.c.attended.is_(True), contacts.c.course_id.is_not(None))
        .order_by(contacts.c.date)
    )
    if person_id is not None:
        asked = asked.where(contacts.c.person_id == person_id)
    found: defaultdict[str, list[dt.date]] = defaultdict(list)
    for row in connection.execute(asked):
        found[row.course_id].append(row.date)
    return dict(found)
