"""Who is in the demonstration: a user of every role, and a day of one clinician."""

from __future__ import annotations

import datetime as dt
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchwell.pipeline.live.demo_roles import ROLES
from benchwell.pipeline.live.receiving import receive
from benchwell.pipeline.live.service import LiveService
from benchwell.register import Role, Viewer
from benchwell.register.accounts import accounts, add_account, add_grant, set_password
from benchwell.register.contacts import add_contact
from benchwell.register.copying import fact, set_fact
from benchwell.register.courses import add_person
from benchwell.register.demo import Busiest, busiest, label_people, make_team, people_of
from benchwell.register.marks import add_mark
from benchwell.register.passwords import hash_password
from benchwell.register.records import Entry

if TYPE_CHECKING:
    from benchwell.register.records import RegisterConnection as Connection

_DAY = "demo_day"
_TEAM = "demo_team"
_HOURS = ("09:00", "10:00", "11:00", "13:30", "14:30", "15:30")
_BETTER = (1, 2, 2, 2, 1, 1, 2, 1, 0)
_LETTERS = "ABCDEFGHIJKLMNOPRSTUVWYZ"


@dataclass(frozen=True)
class DemoUser:
    """Somebody who can sign in to the demonstration.

    Attributes:
        login: Sign-in name.
        password: New at each start.
        sees: What there is to see in this role.
    """

    login: str
    password: str
    sees: str


def furnish(service: LiveService, today: dt.date) -> tuple[DemoUser, ...]:
    """Give the demonstration its users, and the chosen clinician a day of work. Once a day; passwords at each start."""
    password = secrets.token_urlsafe(9)
    hashed = hash_password(password)
    forms: list[Entry] = []

    def put(connection: Connection) -> tuple[DemoUser, ...]:
        where = busiest(connection)
        if where is None:
            return ()
        team = fact(connection, _TEAM)
        if team is None:
            team = make_team(connection, where.organization_id, "Day team (synthetic)")
            set_fact(connection, _TEAM, team)
            label_people(connection, _labels(people_of(connection, where.practitioner_id)))
            _past(connection, where)
            forms.extend(_forms(connection, where, today))
        if fact(connection, _DAY) != today.isoformat():
            _plan_day(connection, where, today)
            set_fact(connection, _DAY, today.isoformat())
        known = {one.login: one.id for one in accounts(connection)}
        for role, _sees in ROLES:
            if role.value in known:
                set_password(connection, known[role.value], hashed)
            else:
                _add_user(connection, role, hashed, where, team)
        return tuple(DemoUser(role.value, password, sees) for role, sees in ROLES)

    users = service.register.write(put)
    for form in forms:
        receive(service, form, time.time()).result()
    return users


def _add_user(connection: Connection, role: Role, hashed: str, where: Busiest, team: str) -> None:
    user = add_account(connection, time.time(), role.value, f"Demo {role.value}", hashed=hashed)
    add_grant(
        connection,
        user,
        role,
        organization_id=where.organization_id,
        team_id=team,
        practitioner_id=where.practitioner_id,
        person_id=where.open_courses[0][0],
        contract="demo-contract",
    )


def _labels(ids: tuple[str, ...]) -> dict[str, str]:
    """Initials, as a practice might write them; the same at each start."""
    count = len(_LETTERS)
    return {one: f"{_LETTERS[n % count]}. {_LETTERS[(n * 7 + n // count) % count]}." for n, one in enumerate(ids)}


def _plan_day(connection: Connection, where: Busiest, today: dt.date) -> None:
    for (person, course, _), hour in zip(where.open_courses, _HOURS, strict=False):
        add_contact(
            connection,
            person_id=person,
            course_id=course,
            practitioner_id=where.practitioner_id,
            date=today,
            time=hour,
            kind="session",
            attended=None,
        )


def _forms(connection: Connection, where: Busiest, today: dt.date) -> list[Entry]:
    """Somebody who has not answered for weeks, and an answer by link that somebody must look at: Today shows both."""
    viewer = Viewer(Role.CLINICIAN, organization_id=where.organization_id, practitioner_id=where.practitioner_id)
    start = today - dt.timedelta(63)
    quiet = add_person(
        connection, viewer, label="Q. A.", birth_year=1984, condition=None, therapy="counselling", start_date=start
    )
    person, course, _ = where.open_courses[min(2, len(where.open_courses) - 1)]
    answers = ((quiet, None, start, (2, 2, 2, 2, 1, 2, 2, 1, 0)), (quiet, None, start + dt.timedelta(14), _BETTER))
    return [
        Entry(who, which, "phq-9", date, items=items, source="link")
        for who, which, date, items in (*answers, (person, course, today, (2, 2, 1, 2, 1, 1, 1, 0, 1)))
    ]


def _past(connection: Connection, where: Busiest) -> None:
    """Some treatment events, so that a course shows what happened besides scores."""
    for place, (person, course, start) in enumerate(where.open_courses[:4]):
        kind = ("medication_started", "therapy_changed", "life_event", "medication_changed")[place]
        day = start + dt.timedelta(21 + 7 * place)
        if day < dt.date.today():
            add_mark(connection, person_id=person, course_id=course, date=day, kind=kind, note=None)
