"""What is entered live reaches the lake once, as one source, and comes back from there as it was."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import delete, insert, select, update

from benchwell.engine import DuckDBEngine
from benchwell.lake import Lake
from benchwell.pipeline.live import to_lake
from benchwell.pipeline.live.from_lake import bring_from_lake
from benchwell.pipeline.live.to_lake import flow
from benchwell.pipeline.workspace import Workspace
from benchwell.register import Register
from benchwell.register import schema as s
from benchwell.register.consents import current, decide
from benchwell.register.flowing import waiting_count
from benchwell.terms import Purpose
from live_house import NORTH, OWN, House, add_scores, live_house

DAY = dt.date(2026, 6, 8)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


def _lake(house: House, table: str) -> list[dict[str, Any]]:
    lake = house.service.workspace.lake
    with DuckDBEngine() as engine:
        rows: pa.Table = engine.to_arrow(lake.read(engine, table, lake.snapshot()))
    return rows.to_pylist()


def _rows(house: House, *columns: Any) -> list[Any]:
    with house.service.register.read() as connection:
        return [tuple(row) for row in connection.execute(select(*columns))]


def _write(house: House, *statements: Any) -> None:
    house.service.register.write(lambda connection: [connection.execute(one) for one in statements])


def _decide(house: House, decision: str, now: float) -> None:
    by = {"text_version": "v1", "decided_by": "person"}
    house.service.register.write(lambda connection: decide(connection, now, OWN, "learning", decision, **by))


def _learning(house: House) -> tuple[str, str]:
    """What holds for learning: in the register, and in the lake."""
    with house.service.register.read() as connection:
        here = current(connection, OWN)[Purpose.LEARNING].state
    return here, next(row["decision"] for row in _lake(house, "consents") if row["purpose"] == "learning")


def test_live_flow_states_scores_people_and_courses(house: House) -> None:
    ids = add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 18), ("2026-06-08", 14)])
    report = flow(house.service)
    assert report is not None
    assert (report.accepted, report.rejected) == (report.read, 0)
    found = {row["assessment_id"]: row for row in _lake(house, "assessments")}
    assert sorted(found) == sorted(ids)
    assert {(row["patient_id"], row["episode_id"], row["total"], row["source"]) for row in found.values()} == {
        (OWN, "course-1", 18.0, "register"),
        (OWN, "course-1", 14.0, "register"),
    }
    assert {row["patient_id"]: row["birth_year"] for row in _lake(house, "patients")}[OWN] == 1981
    assert {row["episode_id"]: row["organization_id"] for row in _lake(house, "episodes")}["course-1"] == NORTH


def test_live_flow_twice_is_once(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 18)])
    flow(house.service)
    snapshot = house.service.workspace.lake.snapshot().id
    assert flow(house.service) is None
    assert house.service.workspace.lake.snapshot().id == snapshot
    assert not bring_from_lake(house.service).changed
    with house.service.register.read() as connection:
        assert waiting_count(connection) == 0


def test_live_flow_goes_on_after_it_was_killed_in_between(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 18)])
    with monkeypatch.context() as killed:
        killed.setattr(to_lake, "settle", _die)
        with pytest.raises(KeyboardInterrupt):
            flow(house.service)
    lines = house.service.workspace.lake.intakes().num_rows
    report = flow(house.service)
    assert report is not None
    assert report.already
    assert house.service.workspace.lake.intakes().num_rows == lines
    assert flow(house.service) is None
    assert len(_lake(house, "assessments")) == 1


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_live_flow_states_a_correction_a_way_back_and_a_retraction(house: House) -> None:
    (one,) = add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 18)])
    record = update(s.assessments).where(s.assessments.c.id == one)
    for total in (18.0, 8.0, 18.0):  # the same words again are a new statement, not one that was heard before
        _write(house, record.values(total=total))
        flow(house.service)
        assert [row["total"] for row in _lake(house, "assessments")] == [total]
    _write(house, record.values(retracted=True))
    flow(house.service)
    assert _lake(house, "assessments") == []


def test_live_flow_never_takes_labels_notes_or_names(house: House) -> None:
    mark = {"id": "m1", "person_id": OWN, "course_id": "course-1", "date": DAY, "kind": "medication_started"}
    _write(house, insert(s.marks).values(**mark, note="synthetic-note-words", origin="live"))
    flow(house.service)
    assert [(row["kind"], row["date"]) for row in _lake(house, "events")] == [("medication_started", DAY)]
    words = b"".join(path.read_bytes() for path in house.service.workspace.lake.path.rglob("*") if path.is_file())
    tables = [_lake(house, name) for name in ("patients", "events", "practitioners", "episodes", "assessments")]
    for secret in ("synthetic-note-words", "P. 1", "Clinician One"):
        assert secret.encode() not in words
        assert secret not in str(tables)


def test_live_flow_keeps_what_only_the_lake_knows(house: House) -> None:
    contact = {"encounter_id": "e1", "episode_id": "course-1", "patient_id": OWN, "date": DAY, "minutes": 50.0}
    _merge(house, {"encounters": [contact | {"attended": None}]})
    bring_from_lake(house.service)
    _write(house, update(s.contacts).values(attended=True))
    flow(house.service)
    assert [(row["minutes"], row["attended"]) for row in _lake(house, "encounters")] == [(50.0, True)]


def _merge(house: House, tables: dict[str, list[dict[str, Any]]], source: str = "ab") -> None:
    house.service.workspace.lake.merge(
        {name: pa.Table.from_pylist(rows) for name, rows in tables.items()},
        source_hash=source * 32,
        file=f"{source}.csv",
        counts={"accepted": 1},
    )


@pytest.mark.parametrize("flows_between", [True, False])
@pytest.mark.parametrize(
    "words", [("granted", "withdrawn"), ("declined", "granted"), ("granted", "declined", "granted")]
)
def test_live_flow_lets_the_last_word_of_a_day_hold(
    house: House, words: tuple[str, ...], *, flows_between: bool
) -> None:
    now = time.time()
    for number, word in enumerate(words):
        _decide(house, word, now + number)
        if flows_between:
            flow(house.service)
    flow(house.service)
    assert _learning(house) == (words[-1], words[-1])
    assert len(_lake(house, "consents")) == 1


def _today(now: float) -> dt.date:
    return dt.datetime.fromtimestamp(now).astimezone().date()


@pytest.mark.parametrize("flowed_before", [True, False])
@pytest.mark.parametrize(("here", "elsewhere"), [("granted", "declined"), ("declined", "granted")])
def test_live_flow_lets_a_refusal_win_over_a_grant_of_the_same_day_elsewhere(
    house: House, here: str, elsewhere: str, *, flowed_before: bool
) -> None:
    now = time.time()
    _decide(house, here, now)
    if flowed_before:
        flow(house.service)
    told = {"patient_id": OWN, "purpose": "learning", "date": _today(now), "decision": elsewhere}
    _merge(house, {"consents": [told]})
    flow(house.service)
    flow(house.service)
    assert _learning(house) == ("declined", "declined")


def test_live_flow_lets_a_person_change_what_another_source_said_today(house: House) -> None:
    now = time.time()
    told = {"patient_id": OWN, "purpose": "learning", "date": _today(now), "decision": "declined"}
    _merge(house, {"consents": [told]})
    bring_from_lake(house.service)
    _decide(house, "granted", now)
    flow(house.service)
    assert _learning(house) == ("granted", "granted")


def test_live_flow_of_one_instrument_leaves_the_others_of_its_form(house: House) -> None:
    base = {"person_id": OWN, "course_id": "course-1", "date": DAY, "source": "api", "received_at": 1.0}
    form = "QuestionnaireResponse/synthetic-1"
    rows = [base | {"id": f"{form}#{one}", "instrument": one, "total": 10.0} for one in ("phq-9", "gad-7")]
    _write(house, *(insert(s.assessments).values(**row) for row in rows))
    flow(house.service)
    _write(house, update(s.assessments).where(s.assessments.c.instrument == "phq-9").values(total=9.0))
    flow(house.service)
    assert {row["instrument"]: row["total"] for row in _lake(house, "assessments")} == {"phq-9": 9.0, "gad-7": 10.0}


def test_live_build_takes_the_register_in_first(tmp_path: Path) -> None:
    with live_house(tmp_path) as house:
        path = house.service.workspace.path
    workspace = Workspace.open(path)
    with Register.in_file(path / "register.db") as register:
        people = [{"id": f"synthetic-{number}", "origin": "live"} for number in range(30)]
        about = {"instrument": "phq-9", "source": "clinician", "received_at": 1.0, "course_id": None}
        totals = [("2026-01-05", 18.0), ("2026-04-06", 4.0)]
        course = {"origin": "live", "start_date": dt.date(2026, 1, 5), "organization_id": NORTH}

        def put(connection: Any) -> None:
            connection.execute(insert(s.organizations).values(id=NORTH, name="North", origin="live"))
            for person in people:
                connection.execute(insert(s.people).values(**person))
                own = f"course-{person['id']}"
                connection.execute(insert(s.courses).values(id=own, person_id=person["id"], **course))
                for day, total in totals:
                    row = about | {"id": f"{person['id']}-{day}", "person_id": person["id"], "course_id": own}
                    when = {"date": dt.date.fromisoformat(day), "total": total}
                    connection.execute(insert(s.assessments).values(**(row | when)))

        register.write(put)
    edition = workspace.build(as_of="2026-10-01")
    assert max(row["n_followed"] or 0 for row in edition.arrow("organization_results").to_pylist()) >= 30
    assert Lake(path / "lake").intakes()["file"].to_pylist() == ["register/1"]


def test_live_lake_takes_away_what_was_withdrawn_and_leaves_what_waits(house: House) -> None:
    scores = [
        {
            "assessment_id": f"a{n}",
            "patient_id": OWN,
            "episode_id": "e1",
            "instrument": "phq-9",
            "date": DAY,
            "total": 9.0,
        }
        for n in (1, 2)
    ]
    course = {"episode_id": "e1", "patient_id": OWN, "start_date": DAY}
    contact = {"encounter_id": "c1", "episode_id": "e1", "patient_id": OWN, "date": DAY}
    _merge(house, {"assessments": scores, "episodes": [course], "encounters": [contact]})
    (mine,) = add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 18)])
    bring_from_lake(house.service)
    _write(house, update(s.assessments).where(s.assessments.c.id == "a2").values(total=3.0))
    gone = [scores[0] | {"retracted": True}, scores[1] | {"total": 12.0}]
    _merge(
        house,
        {
            "assessments": gone,
            "episodes": [course | {"retracted": True}],
            "encounters": [contact | {"retracted": True}],
        },
        source="cd",
    )
    bring_from_lake(house.service)
    found = {
        row[0]: row[1:] for row in _rows(house, s.assessments.c.id, s.assessments.c.retracted, s.assessments.c.total)
    }
    assert found == {"a1": (True, 9.0), "a2": (False, 3.0), mine: (False, 18.0)}
    assert _rows(house, s.contacts.c.id) == []
    assert ("e1",) not in _rows(house, s.courses.c.id)


def test_live_lake_shows_scores_with_bands_and_people_who_are_only_named(house: House) -> None:
    form = {"patient_id": "synthetic-new", "episode_id": "nowhere", "instrument": "phq-9", "date": DAY}
    items = {"assessment_id": "a1", "items": [2.0, 2, 1, 1, 1, 2, 1, 0, 0]}
    _merge(
        house,
        {
            "assessments": [form | items],
            "events": [{"event_id": "v1", "patient_id": "synthetic-new", "date": DAY, "kind": "medication_started"}],
            "procedures": [{"procedure_id": "p1", "patient_id": "synthetic-new", "date": DAY, "kind": "done"}],
            "consents": [{"patient_id": OWN, "purpose": "research", "date": DAY, "decision": "declined"}],
        },
    )
    brought = bring_from_lake(house.service)
    assert brought.rows["assessments"] == 1
    assert _rows(house, s.scores.c.value, s.scores.c.status, s.scores.c.band) == [(10.0, "complete", "moderate")]
    assert _rows(house, s.assessments.c.source, s.assessments.c.course_id) == [("lake", None)]
    assert sorted(_rows(house, s.marks.c.kind)) == [("medication_started",), ("treatment_done",)]
    assert _rows(house, s.consents.c.decision, s.consents.c.decided_by) == [("declined", "lake")]
    house.service.register.write(lambda connection: connection.execute(delete(s.facts)))
    again = bring_from_lake(house.service)
    assert again.changed
    assert _rows(house, s.assessments.c.id) == [("a1",)]
    assert len(_rows(house, s.consents.c.id)) == 1
