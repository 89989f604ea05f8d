"""A made-up clinic for the load: clinicians with people in care, a signed-in browser each, and one program's key."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from benchwell.pipeline.workspace import Workspace
from benchwell.register import Register
from benchwell.register import schema as s
from benchwell.register.clients import add_client
from benchwell.register.sessions import open_session

_PHQ9 = ("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8")
_ANSWERS = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")
PAST = 8  # scores that each person has already


@dataclass(frozen=True)
class Clinic:
    """What the load needs to know.

    Attributes:
        key: Of the program that posts.
        sessions: A token of each clinician's browser.
        people: Number of people in care.
    """

    key: str
    sessions: tuple[str, ...]
    people: int


def make_clinic(folder: Path, url: str | None, *, clinicians: int, people_each: int) -> Clinic:
    """Make the workspace and fill its register.

    Args:
        folder: Does not exist yet.
        url: A PostgreSQL register; null is the workspace's own file.
        clinicians: How many, each with an open page.
        people_each: People in care of each.
    """
    workspace = Workspace.create(folder)
    with Register(url) if url else Register.in_file(workspace.path / "register.db") as register:
        key, sessions = register.write(lambda connection: _furnish(connection, clinicians, people_each))
    return Clinic(key, sessions, clinicians * people_each)


def body(number: int, person: int) -> bytes:
    """A PHQ-9 of one person as a QuestionnaireResponse; every number is another record."""
    day = dt.date.today() - dt.timedelta(days=number % 20)
    items = [
        {
            "linkId": f"/{code}",
            "answer": [{"valueCoding": {"system": "http://loinc.org", "code": _ANSWERS[(number * 7 + place * 3) % 4]}}],
        }
        for place, code in enumerate(_PHQ9)
    ]
    items[-1]["answer"] = [{"valueCoding": {"system": "http://loinc.org", "code": _ANSWERS[number % 50 == 0]}}]
    resource = {
        "resourceType": "QuestionnaireResponse", "id": f"load-{number}", "status": "completed",
        "subject": {"reference": f"Patient/synthetic-{person}"}, "authored": f"{day}T10:00:00Z", "item": items,
    }  # fmt: skip
    return json.dumps(resource).encode()


def _furnish(connection: Any, clinicians: int, people_each: int) -> tuple[str, tuple[str, ...]]:
    live, now = {"origin": "live"}, time.time()
    connection.execute(insert(s.organizations).values(id="clinic", name="Synthetic clinic", **live))
    doctors = [
        {"id": f"c{n}", "organization_id": "clinic", "name": f"Clinician {n}", **live} for n in range(clinicians)
    ]
    users = [{"id": f"u{n}", "login": f"u{n}", "name": f"Clinician {n}", "created_at": now} for n in range(clinicians)]
    grants = [
        {
            "id": f"g{n}",
            "user_id": f"u{n}",
            "role": "clinician",
            "organization_id": "clinic",
            "practitioner_id": f"c{n}",
        }
        for n in range(clinicians)
    ]
    everybody = range(clinicians * people_each)
    start = dt.date.today() - dt.timedelta(days=120)
    people = [{"id": f"synthetic-{n}", "label": f"P. {n}", **live} for n in everybody]
    courses = [
        {"id": f"course-{n}", "person_id": f"synthetic-{n}", "organization_id": "clinic", "start_date": start,
         "practitioner_id": f"c{n % clinicians}", **live}
        for n in everybody
    ]  # fmt: skip
    past = [(n, m) for n in everybody for m in range(PAST)]
    assessments = [
        {"id": f"past-{n}-{m}", "person_id": f"synthetic-{n}", "course_id": f"course-{n}", "instrument": "phq-9",
         "date": start + dt.timedelta(days=7 * m), "total": float(20 - m), "source": "clinician", "received_at": now}
        for n, m in past
    ]  # fmt: skip
    scores = [
        {"assessment_id": f"past-{n}-{m}", "scale": "total", "value": float(20 - m), "status": "total_only"}
        for n, m in past
    ]
    for table, rows in (
        (s.practitioners, doctors), (s.users, users), (s.grants, grants), (s.people, people), (s.courses, courses),
        (s.assessments, assessments), (s.scores, scores),
    ):  # fmt: skip
        connection.execute(insert(table), rows)
    _, key = add_client(connection, now, "Load", ["scores.write"], "clinic")
    tokens = [open_session(connection, now, user_id=f"u{n}", grant_id=f"g{n}") for n in range(clinicians)]
    return key, tuple(tokens)
