"""Whose records a viewer reaches: one condition, used by every question about a person."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, exists, false, or_, select, true

from benchwell.register.schema import courses, grants, people, safety_prompts, users
from benchwell.register.viewer import Role, Viewer

# By other names than the tables that a question itself may be about.
_own, _later = courses.alias("own_courses"), courses.alias("later_courses")
_seen_to, _place, _taken_over = (courses.alias(name) for name in ("seen_to", "place_of_course", "taken_over"))
_waits = safety_prompts.alias("prompts_that_wait")
RAISED = "raised"  # as in `prompts`, which asks this module who may see what


def own_people(viewer: Viewer) -> ColumnElement[bool]:
    """A condition on `people.id`: the people whom this viewer may see one by one.

    A clinician reaches whom they treat, or treated last; a patient the own record, and a program with a key those of
    its organization, or all if its key is for every organization. Everybody else sees groups of people, never one.

    A safety answer must not wait for somebody who is not there: where nobody who can sign in treats a person, every
    clinician of the place reaches the person for as long as such an answer has not been seen.
    """
    if viewer.role is Role.CLINICIAN and viewer.practitioner_id is not None:
        mine = and_(_own.c.practitioner_id == viewer.practitioner_id, _is_last(_own, _later))
        return or_(_has_course(mine), people.c.id.in_(_waits_for_nobody(viewer.organization_id)))
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


def _is_last(course: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Whether a course runs, or nobody else has treated the person since it ended: who handed over sees no further."""
    since = or_(other.c.end_date.is_(None), other.c.end_date > course.c.end_date)
    someone = and_(other.c.person_id == course.c.person_id, other.c.practitioner_id != course.c.practitioner_id, since)
    return or_(course.c.end_date.is_(None), ~exists().where(someone).correlate(course))


def _waits_for_nobody(organization_id: str | None) -> Select[tuple[str]]:
    """People of a place (or of none) with a raised answer that nobody has seen, whom nobody treats who can sign in."""
    signs_in = (
        select(grants.c.practitioner_id)
        .join(users, users.c.id == grants.c.user_id)
        .where(grants.c.role == Role.CLINICIAN.value, grants.c.practitioner_id.is_not(None), ~users.c.disabled)
    )
    same = _waits.c.person_id
    seen_to = exists().where(
        _seen_to.c.person_id == same, _seen_to.c.practitioner_id.in_(signs_in), _is_last(_seen_to, _taken_over)
    )
    here = exists().where(_place.c.person_id == same, _place.c.organization_id == organization_id)
    somewhere = exists().where(_place.c.person_id == same, _place.c.organization_id.is_not(None))
    return select(same).where(
        _waits.c.seen_at.is_(None),
        _waits.c.state == RAISED,
        ~seen_to.correlate(_waits),
        or_(here.correlate(_waits), ~somewhere.correlate(_waits)),
    )


def reaches_person(connection: Connection, viewer: Viewer, person_id: str) -> bool:
    """Whether a viewer may see one person's record. An erased record is reached by nobody."""
    asked = select(people.c.id).where(people.c.id == person_id, people.c.erased_at.is_(None), own_people(viewer))
    return connection.execute(asked).first() is not None
