"""What is added to a course beside scores: a record begins, a mark, a contact, an end. Each is checked first."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from benchwell.errors import RegisterError
from benchwell.i18n import _
from benchwell.pipeline.live import clock
from benchwell.pipeline.live.courses import course_of
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.telling import write_and_tell
from benchwell.register import Viewer
from benchwell.register.audit import log
from benchwell.register.contacts import add_contact, set_attended
from benchwell.register.courses import Course, add_course, add_person, courses_of, end_course
from benchwell.register.marks import add_mark

_LABEL, _NOTE, _WORDS = 60, 2000, 120
_TIME = re.compile(r"^([01][0-9]|2[0-3]):[0-5][0-9]$")


def begin_person(
    service: LiveService,
    viewer: Viewer,
    now: float,
    *,
    label: str,
    birth_year: int | None,
    condition: str | None,
    therapy: str | None,
    start_date: dt.date,
) -> str:
    """Begin a record and its first course; returns the person's id.

    Raises:
        RegisterError: If there is no label, a text is too long, or the course would begin in the future.
    """
    if not label:
        raise RegisterError(_("The record needs a name."), hint=_("initials or a number of your own are enough"))
    _short(label, _LABEL)
    _may_begin(viewer, condition, therapy, start_date)

    def write(connection: Any) -> str:
        person = add_person(
            connection,
            viewer,
            label=label,
            birth_year=birth_year,
            condition=condition,
            therapy=therapy,
            start_date=start_date,
        )
        log(connection, now, viewer, "write", "/people/new", person_id=person)
        return person

    return service.register.write(write)


def begin_course(
    service: LiveService,
    viewer: Viewer,
    person_id: str,
    *,
    condition: str | None,
    therapy: str | None,
    start_date: dt.date,
) -> str:
    """Begin another course with the viewer; returns its id.

    Raises:
        RegisterError: If one with the viewer still runs, a text is too long, or it would begin in the future.
    """
    _may_begin(viewer, condition, therapy, start_date)
    with service.register.read() as connection:
        running = [one for one in courses_of(connection, person_id) if one.end_date is None]
    if any(one.practitioner_id == viewer.practitioner_id for one in running):
        raise RegisterError(_("A course with you still runs."), hint=_("end it first"))
    return write_and_tell(
        service,
        person_id,
        lambda connection: add_course(
            connection, viewer, person_id, condition=condition, therapy=therapy, start_date=start_date
        ),
    )


def note_mark(
    service: LiveService, viewer: Viewer, person_id: str, *, kind: str, date: dt.date, note: str | None
) -> str:
    """Keep a mark in the running course; returns its id.

    Raises:
        RegisterError: If the day has not come yet, or the note is too long.
    """
    _not_ahead(date)
    _short(note or "", _NOTE)
    course = _running(service, viewer, person_id)
    course_id = course.id if course else None
    return write_and_tell(
        service,
        person_id,
        lambda connection: add_mark(
            connection, person_id=person_id, course_id=course_id, date=date, kind=kind, note=note
        ),
    )


def note_contact(
    service: LiveService,
    viewer: Viewer,
    person_id: str,
    *,
    kind: str,
    date: dt.date,
    time: str | None,
    attended: bool | None,
) -> str:
    """Keep a contact of the running course; returns its id.

    Raises:
        RegisterError: If no course runs, the time is none, or it is said to have taken place on a day to come.
    """
    if attended is not None:
        _not_ahead(date)
    if time is not None and not _TIME.match(time):
        raise RegisterError(_("The time is not a time."), hint=_("write it as 14:30, or leave it empty"))
    course = _running(service, viewer, person_id)
    if course is None:
        raise RegisterError(_("No course runs."), hint=_("begin one first"))
    return write_and_tell(
        service,
        person_id,
        lambda connection: add_contact(
            connection,
            person_id=person_id,
            course_id=course.id,
            practitioner_id=viewer.practitioner_id,
            date=date,
            time=time,
            kind=kind,
            attended=attended,
        ),
    )


def say_attended(service: LiveService, person_id: str, contact_id: str, attended: bool) -> None:
    """Say whether a contact took place.

    Raises:
        RegisterError: If the person has no such contact.
    """
    if not write_and_tell(
        service, person_id, lambda connection: set_attended(connection, person_id, contact_id, attended)
    ):
        raise RegisterError(_("There is no such contact."))


def close_course(
    service: LiveService, viewer: Viewer, person_id: str, course_id: str, *, date: dt.date, reason: str
) -> None:
    """End a course of the viewer.

    Raises:
        RegisterError: If there is no such running course, or the day is before its start or has not come yet.
    """
    _not_ahead(date)
    with service.register.read() as connection:
        found = next((one for one in courses_of(connection, person_id) if one.id == course_id), None)
    if found is not None and found.start_date is not None and date < found.start_date:
        raise RegisterError(_("The last day is before the first."))
    done = write_and_tell(
        service,
        person_id,
        lambda connection: end_course(connection, viewer, person_id, course_id, date=date, reason=reason),
    )
    if not done:
        raise RegisterError(_("There is no such running course of yours."))


def _running(service: LiveService, viewer: Viewer, person_id: str) -> Course | None:
    with service.register.read() as connection:
        return course_of(courses_of(connection, person_id), viewer.practitioner_id)


def _may_begin(viewer: Viewer, condition: str | None, therapy: str | None, start_date: dt.date) -> None:
    if viewer.practitioner_id is None:
        raise RegisterError(
            _("Your account is not linked to a clinician of this service."), hint=_("ask an administrator")
        )
    _not_ahead(start_date)
    _short(condition or "", _WORDS)
    _short(therapy or "", _WORDS)


def _not_ahead(day: dt.date) -> None:
    # A day of the place where people are treated may have begun already where this program does not run.
    if day > clock.today() + dt.timedelta(days=1):
        raise RegisterError(_("The day has not come yet."))
    if day < dt.date(1900, 1, 1):
        raise RegisterError(_("The day is too long ago."))


def _short(text: str, longest: int) -> None:
    if len(text) > longest:
        raise RegisterError(_("A text is too long: at most {n} letters.").format(n=longest))
