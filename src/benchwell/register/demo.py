"""What a demonstration needs of the register: whose people it shows, and labels for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from benchwell.register.schema import courses, people, practitioners, teams
from benchwell.register.tokens import new_id


@dataclass(frozen=True)
class Busiest:
    """Where the demonstration plays.

    Attributes:
        organization_id: The clinic with the most people in treatment.
        practitioner_id: The clinician there with the most.
        open_courses: That clinician's people in treatment, with their course, the earliest start first.
    """

    organization_id: str
    practitioner_id: str
    open_courses: tuple[tuple[str, str, dt.date], ...]


def busiest(connection: Connection) -> Busiest | None:
    """The clinician with the most people in treatment; null if nobody is."""
    count = func.count(courses.c.id)
    first = connection.execute(
        select(courses.c.organization_id, courses.c.practitioner_id)
        .where(courses.c.end_date.is_(None), courses.c.practitioner_id.is_not(None))
        .group_by(courses.c.organization_id, courses.c.practitioner_id)
        .order_by(count.desc(), courses.c.practitioner_id)
        .limit(1)
    ).one_or_none()
    if first is None:
        return None
    found = connection.execute(
        select(courses.c.person_id, courses.c.id, courses.c.start_date)
        .where(courses.c.practitioner_id == first.practitioner_id, courses.c.end_date.is_(None))
        .order_by(courses.c.start_date, courses.c.id)
    )
    open_courses = tuple((row.person_id, row.id, row.start_date) for row in found)
    return Busiest(first.organization_id, first.practitioner_id, open_courses)


def make_team(connection: Connection, organization_id: str, name: str) -> str:
    """One team with every clinician of an organization; returns its id."""
    team = new_id()
    connection.execute(insert(teams).values(id=team, organization_id=organization_id, name=name))
    connection.execute(
        update(practitioners).where(practitioners.c.organization_id == organization_id).values(team_id=team)
    )
    return team


def label_people(connection: Connection, labels: Mapping[str, str]) -> None:
    """Call people something, by id."""
    for person, label in labels.items():
        connection.execute(update(people).where(people.c.id == person).values(label=label))


def people_of(connection: Connection, practitioner_id: str) -> tuple[str, ...]:
    """Everybody whom a clinician has ever treated here, by id."""
    asked = select(courses.c.person_id).where(courses.c.practitioner_id == practitioner_id).distinct()
    return tuple(sorted(connection.execute(asked).scalars()))
