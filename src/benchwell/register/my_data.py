"""Everything that the register holds about one person, for that person; and what the person asks for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from benchwell.register.audit import log
from benchwell.register.links import use_link
from benchwell.register.schema import (
    assessments,
    choices,
    consents,
    contacts,
    courses,
    deletion_requests,
    grants,
    marks,
    organizations,
    people,
    practitioners,
    safety_prompts,
    scores,
)
from benchwell.register.sessions import close_session, open_session
from benchwell.register.tokens import new_id
from benchwell.register.viewer import Role, Viewer

WITHDRAWN = "withdrawn"  # why a request to delete ended that its person took back


@dataclass(frozen=True)
class OwnScore:
    """One scale of one questionnaire."""

    scale: str
    value: float | None
    status: str
    band: str | None


@dataclass(frozen=True)
class OwnAnswers:
    """One questionnaire as it was answered, with its scores."""

    id: str
    course_id: str | None
    instrument: str
    date: dt.date
    time: str | None
    items: tuple[float | None, ...] | None
    total: float | None
    scale: str | None
    unit: str | None
    language: str | None
    informant: str | None
    mode: str | None
    source: str
    received_at: float
    scores: tuple[OwnScore, ...]


@dataclass(frozen=True)
class OwnCourse:
    """One course of care, with the names of who treats."""

    id: str
    organization: str | None
    practitioner: str | None
    condition: str | None
    therapy: str | None
    start_date: dt.date | None
    end_date: dt.date | None
    end_reason: str | None


@dataclass(frozen=True)
class OwnDecision:
    """One decision on one purpose."""

    id: str
    purpose: str
    decision: str
    date: dt.date
    decided_at: float
    text_version: str
    decided_by: str


@dataclass(frozen=True)
class Deletion:
    """A request to delete, and what became of it. Its id is the number of the receipt."""

    id: str
    asked_at: float
    state: str
    decided_at: float | None
    reason: str | None


@dataclass(frozen=True)
class OwnRecord:
    """All that the register holds about a person.

    Attributes:
        person_id: The pseudonym.
        label: What the clinic calls the record.
        birth_year: Year of birth.
        language: Of the person.
        answers: Questionnaires, by day.
        courses: By first day.
        contacts: Day, hour, kind and whether it took place.
        marks: Day, kind and note of what happened on the way.
        prompts: Answers that were shown to the clinician at once: day raised, item, what was done.
        decisions: Every decision, in their order.
        deletions: Requests to delete.
        choices: What the person switched for the own views.
    """

    person_id: str
    label: str | None
    birth_year: int | None
    language: str | None
    answers: tuple[OwnAnswers, ...]
    courses: tuple[OwnCourse, ...]
    contacts: tuple[tuple[dt.date, str | None, str | None, bool | None], ...]
    marks: tuple[tuple[dt.date, str, str | None], ...]
    prompts: tuple[tuple[float, int, str | None], ...]
    decisions: tuple[OwnDecision, ...]
    deletions: tuple[Deletion, ...]
    choices: dict[str, bool]


def record_of(connection: Connection, person_id: str) -> OwnRecord | None:
    """What the register holds about a person; null if there is no such person, or the record was erased.

    Nothing of anybody else is read: every query names the person.
    """
    person = connection.execute(
        select(people).where(people.c.id == person_id, people.c.erased_at.is_(None))
    ).one_or_none()
    if person is None:
        return None
    return OwnRecord(
        person_id=person.id,
        label=person.label,
        birth_year=person.birth_year,
        language=person.language,
        answers=_answers(connection, person_id),
        courses=_courses(connection, person_id),
        contacts=_rows(connection, contacts, person_id, "date", "time", "kind", "attended"),
        marks=_rows(connection, marks, person_id, "date", "kind", "note"),
        prompts=_rows(connection, safety_prompts, person_id, "raised_at", "item", "action"),
        decisions=decisions_of(connection, person_id),
        deletions=deletions_of(connection, person_id),
        choices=choices_of(connection, person_id),
    )


def label_of(connection: Connection, person_id: str) -> str:
    """What the clinic calls a record; "" if nothing was given."""
    return str(connection.execute(select(people.c.label).where(people.c.id == person_id)).scalar() or "")


def names_of_treating(connection: Connection, person_id: str) -> dict[str, str]:
    """Accounts of those who treat or treated a person, with their names; who has no name here is left out."""
    asked = (
        select(grants.c.user_id, practitioners.c.name)
        .join(practitioners, practitioners.c.id == grants.c.practitioner_id)
        .join(courses, courses.c.practitioner_id == practitioners.c.id)
        .where(courses.c.person_id == person_id, practitioners.c.name.is_not(None))
    )
    return {row.user_id: row.name for row in connection.execute(asked)}


def decisions_of(connection: Connection, person_id: str) -> tuple[OwnDecision, ...]:
    """Every decision of a person, in the order in which they were made."""
    asked = select(consents).where(consents.c.person_id == person_id).order_by(consents.c.sequence)
    return tuple(
        OwnDecision(row.id, row.purpose, row.decision, row.date, row.decided_at, row.text_version, row.decided_by)
        for row in connection.execute(asked)
    )


def choices_of(connection: Connection, person_id: str) -> dict[str, bool]:
    """What a person switched for the own views."""
    return {row.name: row.value for row in connection.execute(select(choices).where(choices.c.person_id == person_id))}


def choose(connection: Connection, now: float, person_id: str, name: str, *, value: bool) -> None:
    """Keep what a person switched; the last one holds."""
    connection.execute(delete(choices).where(choices.c.person_id == person_id, choices.c.name == name))
    connection.execute(insert(choices).values(person_id=person_id, name=name, value=value, decided_at=now))


def ask_deletion(connection: Connection, now: float, person_id: str) -> Deletion:
    """Keep a request to delete; asking again while one waits gives that one."""
    waiting = next((one for one in deletions_of(connection, person_id) if one.state == "asked"), None)
    if waiting is not None:
        return waiting
    made = Deletion(new_id(), now, "asked", None, None)
    connection.execute(insert(deletion_requests).values(id=made.id, person_id=person_id, asked_at=now, state="asked"))
    return made


def withdraw_deletion(connection: Connection, now: float, person_id: str, number: str) -> bool:
    """Take a request to delete back, while it has not been answered; whether there was one to take back."""
    is_here = select(people.c.id).where(people.c.id == person_id, people.c.erased_at.is_(None))
    own = (deletion_requests.c.id == number) & deletion_requests.c.person_id.in_(is_here)
    taken = update(deletion_requests).where(own, deletion_requests.c.state == "asked")
    return connection.execute(taken.values(state="refused", decided_at=now, reason=WITHDRAWN)).rowcount == 1


def deletions_of(connection: Connection, person_id: str) -> tuple[Deletion, ...]:
    """A person's requests to delete, the earliest first."""
    asked = select(deletion_requests).where(deletion_requests.c.person_id == person_id)
    found = connection.execute(asked.order_by(deletion_requests.c.asked_at, deletion_requests.c.id))
    return tuple(Deletion(row.id, row.asked_at, row.state, row.decided_at, row.reason) for row in found)


def enter_by_link(connection: Connection, now: float, token: str, before: str | None = None) -> str | None:
    """Use a link to the own page once: a session of its own, for an hour.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        token: Of the link.
        before: Hash of the session that this browser had; it ends: nothing of whoever sat there reaches into it.

    Returns:
        The token for the cookie; null if the link does not work, or no longer.
    """
    link = use_link(connection, now, "my_data", token)
    if link is None or link.person_id is None:
        return None
    if before is not None:
        close_session(connection, before)
    viewer = Viewer(Role.PATIENT, person_id=link.person_id)
    log(connection, now, viewer, "sign_in", "/my/enter/{token}", person_id=link.person_id)
    return open_session(connection, now, person_id=link.person_id, link=link.id)


def _answers(connection: Connection, person_id: str) -> tuple[OwnAnswers, ...]:
    wanted = (assessments.c.person_id == person_id) & assessments.c.retracted.is_(False)
    by_id: dict[str, list[OwnScore]] = {}
    scored = select(scores).join(assessments, assessments.c.id == scores.c.assessment_id).where(wanted)
    for row in connection.execute(scored.order_by(scores.c.assessment_id, scores.c.scale)):
        by_id.setdefault(row.assessment_id, []).append(OwnScore(row.scale, row.value, row.status, row.band))
    ordered = select(assessments).where(wanted).order_by(assessments.c.date, assessments.c.time, assessments.c.sequence)
    return tuple(_answer(row, tuple(by_id.get(row.id, ()))) for row in connection.execute(ordered))


def _answer(row: Row[Any], found: tuple[OwnScore, ...]) -> OwnAnswers:
    return OwnAnswers(
        id=row.id,
        course_id=row.course_id,
        instrument=row.instrument,
        date=row.date,
        time=row.time,
        items=None if row.items is None else tuple(row.items),
        total=row.total,
        scale=row.scale,
        unit=row.unit,
        language=row.language,
        informant=row.informant,
        mode=row.mode,
        source=row.source,
        received_at=row.received_at,
        scores=found,
    )


def _courses(connection: Connection, person_id: str) -> tuple[OwnCourse, ...]:
    asked = (
        select(courses, organizations.c.name.label("organization"), practitioners.c.name.label("practitioner"))
        .outerjoin(organizations, organizations.c.id == courses.c.organization_id)
        .outerjoin(practitioners, practitioners.c.id == courses.c.practitioner_id)
        .where(courses.c.person_id == person_id)
        .order_by(courses.c.start_date, courses.c.id)
    )
    return tuple(
        OwnCourse(
            row.id,
            row.organization,
            row.practitioner,
            row.condition,
            row.therapy,
            row.start_date,
            row.end_date,
            row.end_reason,
        )
        for row in connection.execute(asked)
    )


def _rows(connection: Connection, table: Any, person_id: str, *columns: str) -> tuple[Any, ...]:
    """Some columns of a person's rows, by the first of them."""
    wanted = [table.c[name] for name in columns]
    found = connection.execute(select(*wanted).where(table.c.person_id == person_id).order_by(wanted[0], table.c.id))
    return tuple(tuple(row) for row in found)
