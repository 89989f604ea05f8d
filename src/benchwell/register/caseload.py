"""The people of one clinician at a glance: who they are, what was scored when, and nothing of anybody else's."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from benchwell.register.schema import assessments, choices, courses, people, scores
from benchwell.register.scope import own_people
from benchwell.register.viewer import Role, Viewer


@dataclass(frozen=True)
class CaseRow:
    """One person of a caseload, with the latest course that is the viewer's own.

    Attributes:
        person_id: The pseudonym.
        label: What the clinician calls the person; "" if nothing was given.
        course_id: The latest own course.
        condition: What is treated.
        start_date: When the course began.
        end_date: When it ended; null while it runs.
    """

    person_id: str
    label: str
    course_id: str
    condition: str | None
    start_date: dt.date | None
    end_date: dt.date | None

    @property
    def is_open(self) -> bool:
        """Whether the course still runs."""
        return self.end_date is None


@dataclass(frozen=True)
class ScoreRow:
    """One score of one form.

    Attributes:
        assessment_id: The form.
        course_id: Of which course; null if the form names none.
        instrument: Id of the instrument.
        scale: Id of the scale.
        date: Day of the form.
        value: The score; null if the form could not be scored.
        status: One of `terms.ScoreStatus`.
        band: Name of the severity band.
        reason: Why there is no full score.
        received_at: When it arrived.
    """

    assessment_id: str
    course_id: str | None
    instrument: str
    scale: str
    date: dt.date
    value: float | None
    status: str
    band: str | None
    reason: str | None
    received_at: float


def case_rows(connection: Connection, viewer: Viewer) -> tuple[CaseRow, ...]:
    """Everybody whom the viewer treats or has treated, by label."""
    asked = (
        select(people.c.id, people.c.label, courses)
        .join(courses, courses.c.person_id == people.c.id)
        .where(own_people(viewer), people.c.erased_at.is_(None))
        .order_by(courses.c.start_date, courses.c.id)
    )
    if viewer.role is Role.CLINICIAN:
        asked = asked.where(courses.c.practitioner_id == viewer.practitioner_id)
    latest: dict[str, CaseRow] = {}
    for row in connection.execute(asked).mappings():
        person = row[people.c.id]
        found = CaseRow(
            person, row[people.c.label] or "", row[courses.c.id], row["condition"], row["start_date"], row["end_date"]
        )
        if person not in latest or found.is_open or not latest[person].is_open:
            latest[person] = found
    return tuple(sorted(latest.values(), key=lambda one: (one.label.casefold(), one.person_id)))


def score_rows(connection: Connection, viewer: Viewer, *, person_id: str | None = None) -> dict[str, list[ScoreRow]]:
    """Scores of the people whom the viewer may see, in the order of the forms' days, by person.

    Args:
        connection: To read with.
        viewer: Who asks.
        person_id: Only this person; null is everybody with an open course.
    """
    asked = (
        select(assessments, scores)
        .join(scores, scores.c.assessment_id == assessments.c.id)
        .join(people, people.c.id == assessments.c.person_id)
        .where(own_people(viewer), people.c.erased_at.is_(None), assessments.c.retracted.is_(False))
        .order_by(assessments.c.date, assessments.c.time, assessments.c.sequence)
    )
    if person_id is not None:
        asked = asked.where(assessments.c.person_id == person_id)
    else:
        open_ones = select(courses.c.person_id).where(courses.c.end_date.is_(None))
        asked = asked.where(assessments.c.person_id.in_(open_ones))
    found: defaultdict[str, list[ScoreRow]] = defaultdict(list)
    for row in connection.execute(asked).mappings():
        found[row["person_id"]].append(
            ScoreRow(
                row[assessments.c.id],
                row["course_id"],
                row["instrument"],
                row[scores.c.scale],
                row["date"],
                row["value"],
                row["status"],
                row["band"],
                row["reason"],
                row["received_at"],
            )
        )
    return dict(found)


def last_scores(connection: Connection, viewer: Viewer, ids: Collection[str]) -> dict[str, dt.date]:
    """The day of the newest valid score of some of the viewer's people, also of those whose course has ended."""
    asked = (
        select(assessments.c.person_id, func.max(assessments.c.date).label("newest"))
        .join(scores, scores.c.assessment_id == assessments.c.id)
        .join(people, people.c.id == assessments.c.person_id)
        .where(own_people(viewer), assessments.c.person_id.in_(ids), assessments.c.retracted.is_(False))
        .where(scores.c.value.is_not(None))
        .group_by(assessments.c.person_id)
    )
    return {row.person_id: row.newest for row in connection.execute(asked)}


def wants_expected(connection: Connection, viewer: Viewer) -> dict[str, bool]:
    """Who has chosen whether an expected course is computed and shown; people who have not are left out."""
    asked = (
        select(choices.c.person_id, choices.c.value)
        .join(people, people.c.id == choices.c.person_id)
        .where(own_people(viewer), choices.c.name == "expected")
    )
    return {row.person_id: bool(row.value) for row in connection.execute(asked)}
