"""Somebody changes the mind between two steps: after the data came in, and after an edition was built."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from benchwell.benchmarks import Edition
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.to_lake import flow
from benchwell.pipeline.workspace import Workspace
from benchwell.register import Register
from benchwell.register import schema as s
from benchwell.register.consents import decide
from benchwell.terms import Purpose
from live_house import NORTH, live_house

PEOPLE = [f"synthetic-{number:02}" for number in range(30)]
TODAY = dt.date.today()


def _furnish(connection: Any) -> None:
    """Thirty people, each with a score before and one after."""
    connection.execute(insert(s.organizations).values(id=NORTH, name="North", origin="live"))
    first, last = TODAY - dt.timedelta(days=200), TODAY - dt.timedelta(days=100)
    for person in PEOPLE:
        connection.execute(insert(s.people).values(id=person, origin="live"))
        course = {"id": f"course-{person}", "person_id": person, "organization_id": NORTH, "origin": "live"}
        connection.execute(insert(s.courses).values(start_date=first, **course))
        for day, total in ((first, 18.0), (last, 4.0)):
            about = {"person_id": person, "course_id": course["id"], "instrument": "phq-9", "source": "clinician"}
            row = about | {"id": f"{person}-{day}", "date": day, "total": total, "received_at": 1.0}
            connection.execute(insert(s.assessments).values(**row))


def _withdraw(register: Register, person: str) -> None:
    said = {"text_version": "1", "decided_by": "person"}
    register.write(lambda c: decide(c, time.time(), person, Purpose.LEARNING, "withdrawn", **said) and None)


def _counted(edition: Edition) -> int:
    return max(row["n_followed"] or 0 for row in edition.arrow("organization_results").to_pylist())


def test_who_withdraws_after_the_intake_is_in_no_edition_built_from_then_on(tmp_path: Path) -> None:
    with live_house(tmp_path) as house:
        path = house.service.workspace.path
    workspace = Workspace.open(path)
    tomorrow = (TODAY + dt.timedelta(days=1)).isoformat()
    with Register.in_file(path / "register.db") as register:
        register.write(_furnish)
        flow(LiveService(workspace, register))  # the scores are in the lake before anybody changes their mind
        before = workspace.build(as_of=TODAY.isoformat())
        assert _counted(before) == len(PEOPLE)
        _withdraw(register, PEOPLE[0])
        after = workspace.build(as_of=tomorrow)
        assert _counted(after) == len(PEOPLE) - 1
        # What was built before stands as it was: it is frozen, and says so (`docs/limitations.md`).
        assert _counted(workspace.edition(before.id)) == len(PEOPLE)
