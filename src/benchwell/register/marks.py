"""Marks in a course: a medicine begins, the therapy changes, something happens in life."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select

from benchwell.register.schema import marks
from benchwell.register.tokens import new_id

KINDS: Final = (
    "medication_started",
    "medication_changed",
    "medication_stopped",
    "therapy_changed",
    "therapy_paused",
    "therapist_changed",
    "hospital_stay",
    "life_event",
    "other",
)


@dataclass(frozen=True)
class Mark:
    """One mark.

    Attributes:
        id: Its id.
        course_id: Within which course.
        date: Its day.
        kind: One of `KINDS`, or what another system calls it.
        note: The clinician's own words; they never leave the register.
    """

    id: str
    course_id: str | None
    date: dt.date
    kind: str
    note: str | None


def marks_of(connection: Connection, person_id: str) -> tuple[Mark, ...]:
    """All marks of a person, by day. Whoever asks has been let in for this person."""
    asked = select(marks).where(marks.c.person_id == person_id).order_by(marks.c.date, marks.c.id)
    return tuple(Mark(row.id, row.course_id, row.date, row.kind, row.note) for row in connection.execute(asked))


def add_mark(
    connection: Connection, *, person_id: str, course_id: str | None, date: dt.date, kind: str, note: str | None
) -> str:
    """Keep a mark; returns its id."""
    mark = new_id()
    connection.execute(
        insert(marks).values(
            id=mark, person_id=person_id, course_id=course_id, date=date, kind=kind, note=note, origin="live"
        )
    )
    return mark
