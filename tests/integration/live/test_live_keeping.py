"""Records that arrive together become what they would become one after another."""

from __future__ import annotations

import datetime as dt
import random
import re
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select

from benchwell.pipeline.live.keeping import Arrival, Arrived, keep_together
from benchwell.pipeline.live.receiving import Entry, NotReceivedError, receive
from benchwell.pipeline.live.scored import score_entry
from benchwell.register import Role, Viewer
from benchwell.register import schema as s
from live_house import NORTH, SOUTH, House, add_scores, live_house

DAY = dt.date(2026, 6, 20)
PEOPLE = [f"synthetic-p{number}" for number in range(1, 9)]
VIEWERS = (
    Viewer(Role.CLIENT, client_id="north", organization_id=NORTH),
    Viewer(Role.CLIENT, client_id="south", organization_id=SOUTH),
    Viewer(Role.CLIENT, client_id="adds", organization_id=NORTH, scopes=frozenset({"people.write"})),
    None,
)
NAMESPACES = {"north": f"organization:{NORTH}", "south": f"organization:{SOUTH}", "adds": f"organization:{NORTH}"}
TABLES: dict[str, tuple[Any, set[str]]] = {
    "assessments": (s.assessments, {"sequence", "id"}),
    "scores": (s.scores, {"assessment_id"}),
    "prompts": (s.safety_prompts, {"id", "assessment_id"}),
    "log": (s.audit, {"sequence"}),
    "people": (s.people, set()),
    "courses": (s.courses, {"id"}),
}


def _furnish(connection: Any) -> None:
    """More people; some of them with two courses on one day, with none, or with no expected course."""
    for number, person in enumerate(PEOPLE[3:], start=4):
        connection.execute(insert(s.people).values(id=person, origin="live", birth_year=1980))
        for course in range((2, 1, 0, 1, 2)[number - 4]):
            about = {"id": f"course-{number}-{course}", "person_id": person, "origin": "live"}
            where = {"organization_id": (NORTH, SOUTH)[number % 2], "practitioner_id": ("c1", "c2")[number % 2]}
            start = None if number == 8 else dt.date(2026, 5, 1 + course)
            connection.execute(insert(s.courses).values(**about, **where, start_date=start))
    for client in VIEWERS[:3]:
        assert client is not None
        row = {"id": client.client_id, "name": client.client_id, "organization_id": client.organization_id}
        connection.execute(insert(s.clients).values(**row, secret=str(client.client_id), scopes=[], created_at=0.0))


def _arrival(house: House, rng: random.Random) -> Arrival:
    viewer = rng.choice(VIEWERS)
    items = tuple(float(rng.randrange(4)) if rng.random() < 0.95 else None for _ in range(9))
    person = rng.choice([*PEOPLE, "synthetic-nobody", "synthetic-new"])
    entry = Entry(
        person,
        rng.choice([None, None, None, None, "course-1", "course-4-1"]),
        rng.choice(["phq-9", "phq-9", "gad-7"]),
        DAY - dt.timedelta(days=rng.choice([0, 1, 2, 60])),
        time=rng.choice([None, "09:00", "10:30"]),
        items=items,
        source="api",
        entered_by=viewer.client_id if viewer else "clinician",
        assessment_id=rng.choice([None, *(f"QuestionnaireResponse/{n}" for n in range(12))]),
        namespace=NAMESPACES.get((viewer.client_id or "") if viewer else ""),
    )
    if entry.instrument == "gad-7":
        entry = Entry(**{**vars(entry), "items": items[:7]})
    return Arrival(house.service, score_entry(house.service, entry), 1000.0, viewer, "test", copy_context())


def _arrivals(house: House, rng: random.Random) -> list[Arrival]:
    return [_arrival(house, rng) for _ in range(rng.randrange(1, 25))]


def _told(one: Arrived | NotReceivedError) -> Any:
    """What became of a record, without ids that are made up anew each time."""
    if isinstance(one, NotReceivedError):
        return one.reason
    received = one.received
    prompts = [(prompt.item, prompt.state) for prompt in received.prompts]
    where = (received.person_id, _plainly(received.course_id), received.practitioner_id)
    changed = sorted(_plainly(topic) for topic in one.changed)
    return received.is_new, received.is_correction, received.scores, received.signal, prompts, where, changed


def _plainly(text: object) -> str:
    """Without an id that was made up."""
    return re.sub("[0-9a-f]{32}", "…", str(text))


def _rows(house: House, table: str) -> list[tuple[str, ...]]:
    """What stands in a table, in whatever order."""
    columns, without = TABLES[table]
    with house.service.register.read() as connection:
        found = connection.execute(select(columns)).mappings().all()
    return sorted(
        tuple(_plainly(f"{name}={value}") for name, value in row.items() if name not in without) for row in found
    )


@pytest.mark.parametrize("seed", range(4))
def test_live_keeping_together_is_keeping_one_after_another(tmp_path: Path, register_url: str, seed: int) -> None:
    """The plain twin: each by itself, in a write of its own, always on SQLite."""
    for name in ("together", "apart"):
        (tmp_path / name).mkdir()
    with (
        live_house(tmp_path / "together", url=register_url) as together,
        live_house(tmp_path / "apart") as apart,
    ):
        for house in (together, apart):
            house.service.register.write(_furnish)
        for turn in range(6):
            several, each = (_arrivals(house, random.Random(1000 * seed + turn)) for house in (together, apart))
            futures = [together.service.register.submit_joined(keep_together, one) for one in several]
            done = [_outcome(future) for future in futures]
            alone = [_outcome(apart.service.register.submit_joined(keep_together, one)) for one in each]
            assert [_told(one) for one in done] == [_told(one) for one in alone]
        for table in TABLES:
            assert _rows(together, table) == _rows(apart, table), table


def _outcome(future: Any) -> Arrived | NotReceivedError:
    try:
        done: Arrived = future.result(20)
    except NotReceivedError as problem:
        return problem
    return done


def test_live_keeping_asks_as_often_for_many_as_for_two(tmp_path: Path, register_url: str) -> None:
    asked: list[str] = []
    with live_house(tmp_path, url=register_url) as house:
        house.service.register.write(_furnish)
        register = house.service.register
        event.listen(register.engine, "before_cursor_execute", lambda _c, _k, statement, *_: asked.append(statement))
        north = [person for person in PEOPLE if person not in ("synthetic-p4", "synthetic-p6", "synthetic-p8")]
        counts = []
        for people in (north[:2], north):
            asked.clear()
            several = [
                _plain(house, person, f"QuestionnaireResponse/{len(people)}-{number}")
                for number, person in enumerate(people)
            ]
            kept = register.write(lambda connection, several=several: keep_together(connection, several))
            assert all(isinstance(one, Arrived) and one.received.is_new for one in kept)
            counts.append(len(asked))
        assert counts[0] == counts[1]


def _plain(house: House, person: str, id_: str) -> Arrival:
    entry = Entry(person, None, "phq-9", DAY, items=(1.0,) * 8 + (0.0,), source="api", assessment_id=id_)
    return Arrival(house.service, score_entry(house.service, entry), 1000.0, None, "test", copy_context())


def test_live_keeping_looks_at_each_long_course_by_itself(tmp_path: Path, register_url: str) -> None:
    """More scores than one question may answer: none of the other course's must be missing."""
    with live_house(tmp_path, url=register_url) as house:
        days = [(str(dt.date(2026, 6, 19) - dt.timedelta(days=number)), 20.0) for number in range(505)]
        add_scores(house, "synthetic-p1", "course-1", "phq-9", days)
        add_scores(house, "synthetic-p2", "course-2", "phq-9", [("2026-06-01", 22.0), ("2026-06-08", 18.0)])
        several = [_plain(house, f"synthetic-p{n}", f"QuestionnaireResponse/{n}") for n in (1, 2)]
        kept = house.service.register.write(lambda connection: keep_together(connection, several))
        received = [one.received for one in kept if isinstance(one, Arrived)]
        assert [one.signal and one.signal.n_scores for one in received] == [500, 3]


def test_live_keeping_goes_on_when_nobody_waits_any_longer(tmp_path: Path) -> None:
    with live_house(tmp_path) as house:
        future = receive(house.service, Entry("synthetic-p1", None, "phq-9", DAY, total=9.0), 1000.0)
        assert not future.cancel()
        assert future.result(10).is_new
