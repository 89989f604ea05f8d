"""Whose records a viewer reaches: one condition, used by every question about a person."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, exists, false, select, true

from benchwell.register.schema import courses, people
from benchwell.register.viewer import Role, Viewer

_own = courses.alias("own_courses")  # by another name than the courses that a question itself may be about


def own_people(viewer: Viewer) -> ColumnElement[bool]:
    """A condition on `people.id`: the people whom this viewer may see one by one.

    A clinician reaches the people of own courses, a patient the own record, and a program with a key those of its
    organization, or all if its key is for every organization. Everybody else sees groups of people, never one.
    """
    if viewer.role is Role.CLINICIAN and viewer.practitioner_id is not None:
        return _has_course(_own.c.practitioner_id == viewer.practitioner_id)
    if viewer.role is Role.PATIENT and viewer.person_id is not None:
        return people.c.id == viewer.person_id
    if viewer.role is Role.CLIENT and viewer.client_id is not None:
        if viewer.organization_id is None:
            return true()
        return _has_course(_own.c.organization_id == viewer.organization_id)
    return false()


def _has_course(of: ColumnElement[bool]) -> ColumnElement[bool]:
    # Asked for each person: a list of everybody of a large clinic would be made anew for every single one.
    return exists().where(_own.c.person_id == people.c.id, of).correlate(people)


def reaches_person(connection: Connection, viewer: Viewer, person_id: str) -> bool:
    """Whether a viewer may see one person's record. An erased record is reached by nobody."""
    asked = select(people.c.id).where(people.c.id == person_id, people.c.erased_at.is_(None), own_people(viewer))
    return connection.execute(asked).first() is not None
