"""One person and the courses of care: read, begun, ended."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from benchwell.register.schema import assessments, courses, people, practitioners
from benchwell.register.tokens import new_id
from benchwell.register.viewer import Viewer

# The words that intake and measures know (`retention-6m` counts the first two as planned).
END_REASONS: Final = ("completed", "planned", "dropped_out", "referred", "moved", "died", "other")


@dataclass(frozen=True)
class Person:
    """Who it is.

    Attributes:
        id: The pseudonym.
        label: What the clinician calls the record; "" if nothing was given.
        birth_year: Year of birth, if known.
        language: The person's language, if known.
    """

    id: str
    label: str
    birth_year: int | None
    language: str | None


@dataclass(frozen=True)
class Course:
    """One course of care.

    Attributes:
        id: Its id.
        person_id: Whose.
        organization_id: Where.
        practitioner_id: By whom.
        condition: What is treated.
        therapy: How.
        start_date: First day.
        end_date: Last day; null while it runs.
        end_reason: One of `END_REASONS`, or what another system calls it.
    """

    id: str
    person_id: str
    organization_id: str | None
    practitioner_id: str | None
    condition: str | None
    therapy: str | None
    start_date: dt.date | None
    end_date: dt.date | None
    end_reason: str | None


@dataclass(frozen=True)
class FormRow:
    """The answers of one form.

    Attributes:
        assessment_id: The form.
        instrument: Id of the instrument.
        date: Its day.
        items: Answers in the instrument's order, null where one is missing; null for a stated total.
        source: lake, link, kiosk, clinician or api.
    """

    assessment_id: str
    instrument: str
    date: dt.date
    items: tuple[float | None, ...] | None
    source: str


def find_person(connection: Connection, person_id: str) -> Person | None:
    """Who it is; null if there is nobody, or the record was erased."""
    row = connection.execute(select(people).where(people.c.id == person_id, people.c.erased_at.is_(None))).one_or_none()
    return Person(row.id, row.label or "", row.birth_year, row.language) if row else None


def courses_of(connection: Connection, person_id: str) -> tuple[Course, ...]:
    """A person's courses, the latest first."""
    found = [_course(row) for row in connection.execute(select(courses).where(courses.c.person_id == person_id))]
    return tuple(sorted(found, key=lambda one: (one.start_date or dt.date.min, one.id), reverse=True))


def whose(connection: Connection, person_id: str) -> tuple[frozenset[str], frozenset[str]]:
    """The ids of a person's courses, and of everybody who treats or has treated the person."""
    found = connection.execute(select(courses.c.id, courses.c.practitioner_id).where(courses.c.person_id == person_id))
    rows = found.all()
    return frozenset(row.id for row in rows), frozenset(row.practitioner_id for row in rows if row.practitioner_id)


def forms_of(connection: Connection, person_id: str) -> tuple[FormRow, ...]:
    """Forms of a person that hold answers or a stated total, by day."""
    asked = (
        select(assessments)
        .where(assessments.c.person_id == person_id, assessments.c.retracted.is_(False))
        .order_by(assessments.c.date, assessments.c.time, assessments.c.sequence)
    )
    return tuple(
        FormRow(row.id, row.instrument, row.date, tuple(row.items) if row.items else None, row.source)
        for row in connection.execute(asked)
    )


def add_person(
    connection: Connection,
    viewer: Viewer,
    *,
    label: str,
    birth_year: int | None,
    condition: str | None,
    therapy: str | None,
    start_date: dt.date,
) -> str:
    """Begin the record and first course of somebody whom the viewer treats; returns the person's id."""
    person = new_id()
    connection.execute(insert(people).values(id=person, label=label, birth_year=birth_year, origin="live"))
    add_course(connection, viewer, person, condition=condition, therapy=therapy, start_date=start_date)
    return person


def add_course(
    connection: Connection,
    viewer: Viewer,
    person_id: str,
    *,
    condition: str | None,
    therapy: str | None,
    start_date: dt.date,
) -> str:
    """Begin a course with the viewer; returns its id."""
    course = new_id()
    organization = (
        viewer.organization_id
        or connection.execute(
            select(practitioners.c.organization_id).where(practitioners.c.id == viewer.practitioner_id)
        ).scalar_one_or_none()
    )
    connection.execute(
        insert(courses).values(
            id=course,
            person_id=person_id,
            organization_id=organization,
            practitioner_id=viewer.practitioner_id,
            condition=condition,
            therapy=therapy,
            start_date=start_date,
            origin="live",
        )
    )
    return course


def end_course(
    connection: Connection, viewer: Viewer, person_id: str, course_id: str, *, date: dt.date, reason: str
) -> bool:
    """End a course that is the viewer's own; false if there is no such open course."""
    done = connection.execute(
        update(courses)
        .where(
            courses.c.id == course_id,
            courses.c.person_id == person_id,
            courses.c.practitioner_id == viewer.practitioner_id,
            courses.c.end_date.is_(None),
        )
        .values(end_date=date, end_reason=reason)
    )
    return bool(done.rowcount)


def _course(row: Row[Any]) -> Course:
    return Course(
        row.id,
        row.person_id,
        row.organization_id,
        row.practitioner_id,
        row.condition,
        row.therapy,
        row.start_date,
        row.end_date,
        row.end_reason,
    )
