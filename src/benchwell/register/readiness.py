"""What data health is told from: courses and questionnaires without anything that was answered."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from benchwell.register.copying import SNAPSHOT, fact
from benchwell.register.schema import assessments, courses, organizations, practitioners, teams

CourseRow = tuple[str, object, object, str | None]  # course, day of start, day of end, who treats
FormRow = tuple[str | None, str, object, object, object]  # course, instrument, day, items, total


def course_rows(connection: Connection, organization_id: str | None, team_id: str | None = None) -> list[CourseRow]:
    """Id, start, end and clinician of every course of an organization, or of one of its teams.

    Args:
        connection: To read with.
        organization_id: Whose; null: everybody's.
        team_id: Only courses with clinicians of this team.
    """
    asked = select(courses.c.id, courses.c.start_date, courses.c.end_date, courses.c.practitioner_id)
    found = connection.execute(_within(asked, organization_id, team_id))
    return [(row[0], row[1], row[2], row[3]) for row in found]


def form_rows(connection: Connection, organization_id: str | None, team_id: str | None = None) -> list[FormRow]:
    """Course, instrument, day, answers and total of every questionnaire that counts.

    Questionnaires without a course belong to whoever treats their person.

    Args:
        connection: To read with.
        organization_id: Whose; null: everybody's.
        team_id: Only of people with a course with a clinician of this team.
    """
    columns = (assessments.c.course_id, assessments.c.instrument, assessments.c.date, assessments.c["items"])
    asked = select(*columns, assessments.c.total).where(assessments.c.retracted.is_(False))
    if organization_id is not None or team_id is not None:
        own = _within(select(courses.c.id), organization_id, team_id)
        treated = _within(select(courses.c.person_id), organization_id, team_id)
        loose = assessments.c.course_id.is_(None) & assessments.c.person_id.in_(treated)
        asked = asked.where(or_(assessments.c.course_id.in_(own), loose))
    found = connection.execute(asked)
    return [(row[0], row[1], row[2], row[3], row[4]) for row in found]


def moment(connection: Connection) -> tuple[object, ...]:
    """What changes whenever any of it does: what was counted at the same moment need not be counted again.

    Counts of changes begin again when a row goes into the lake, so which lake that was is part of it.
    """
    kept = func.count().filter(assessments.c.retracted.is_(False))
    forms = select(func.max(assessments.c.sequence), func.count(), kept, func.sum(assessments.c.changed))
    treated = select(func.count(), func.sum(courses.c.changed))
    treating = select(func.count(), func.sum(practitioners.c.changed), func.count(practitioners.c.team_id))
    found = [tuple(connection.execute(one).one()) for one in (forms, treated, treating)]
    return (*found, fact(connection, SNAPSHOT))


def n_clinicians(connection: Connection, organization_id: str | None, team_id: str | None = None) -> int:
    """How many clinicians an organization, or one of its teams, has."""
    asked = select(func.count()).select_from(practitioners)
    if organization_id is not None:
        asked = asked.where(practitioners.c.organization_id == organization_id)
    if team_id is not None:
        asked = asked.where(practitioners.c.team_id == team_id)
    return int(connection.execute(asked).scalar_one())


def name_of(connection: Connection, organization_id: str, team_id: str | None = None) -> str:
    """What an organization, or a team, is called; its id where it has no name."""
    table, wanted = (organizations, organization_id) if team_id is None else (teams, team_id)
    found = connection.execute(select(table.c.name).where(table.c.id == wanted)).scalar_one_or_none()
    return str(found or wanted)


def organization_names(connection: Connection) -> list[tuple[str, str]]:
    """Id and name of every organization, in the order of names."""
    found = connection.execute(select(organizations.c.id, organizations.c.name)).all()
    return sorted(((row.id, row.name or row.id) for row in found), key=lambda one: (one[1].casefold(), one[0]))


def _within(asked: Select[Any], organization_id: str | None, team_id: str | None) -> Select[Any]:
    if organization_id is not None:
        asked = asked.where(courses.c.organization_id == organization_id)
    if team_id is not None:
        members = select(practitioners.c.id).where(practitioners.c.team_id == team_id)
        asked = asked.where(courses.c.practitioner_id.in_(members))
    return asked
