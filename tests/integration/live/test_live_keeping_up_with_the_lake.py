"""What is taken into the lake while a server runs is shown by it, and ways to and from the lake never cross."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import func, select

from benchwell.errors import RegisterError
from benchwell.pipeline.live import from_lake, keeping_up, to_lake
from benchwell.pipeline.live.from_lake import bring_from_lake
from benchwell.pipeline.live.keeping_up import keep_up
from benchwell.pipeline.live.news import Item
from benchwell.pipeline.live.to_lake import flow
from benchwell.register import Register
from benchwell.register import schema as s
from benchwell.register.alone import alone
from live_house import OWN, House, add_scores, live_house
from live_server import live_server

DAY = dt.date(2026, 6, 8)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


def _take_in(house: House, assessment: str) -> None:
    """One form, as an intake in another process leaves it in the lake."""
    row = {"assessment_id": assessment, "patient_id": OWN, "episode_id": "course-1", "instrument": "phq-9", "date": DAY}
    forms = pa.Table.from_pylist([row | {"items": [2.0, 2, 1, 1, 1, 2, 1, 0, 0]}])
    house.service.workspace.lake.merge(
        {"assessments": forms}, source_hash="ab" * 32, file="a.csv", counts={"accepted": 1}
    )


def _count(house: House) -> int:
    with house.service.register.read() as connection:
        return int(connection.execute(select(func.count()).select_from(s.scores)).scalar_one())


def test_live_intake_done_while_serving_appears(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping_up, "EVERY", 0.02)
    bring_from_lake(house.service)  # as `benchwell serve` does before it listens
    told, heard = threading.Event(), []

    def hear(item: Item) -> None:
        heard.append(item.kind)
        told.set()

    monkeypatch.setattr(house.service.news, "publish_all", hear)
    with live_server(house.app):
        assert _count(house) == 0
        _take_in(house, "a1")
        assert told.wait(30)
        assert _count(house) == 1
        assert heard == ["reload"]
    assert not any(thread.name == "keeping-up" for thread in threading.enumerate())


def test_live_lake_as_it_was_disturbs_no_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    bring_from_lake(house.service)
    heard: list[Item] = []
    monkeypatch.setattr(house.service.news, "publish_all", heard.append)
    look = keep_up(house.service)._look
    look(lambda: None)
    assert heard == []
    _take_in(house, "a1")
    look(lambda: None)
    look(lambda: None)
    assert [item.kind for item in heard] == ["reload"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_register_gives_one_turn_at_a_time(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres_url") if kind == "postgresql" else f"sqlite:///{tmp_path / 'r.db'}"
    with Register(url) as one, Register(url) as other:
        with alone(one, 0) as first, alone(other, 0) as second, alone(one, 0.05) as third:
            assert (first, second, third) == (True, False, False)
        with pytest.raises(ValueError, match="in the middle"), alone(one, 0):
            raise ValueError("in the middle")
        with alone(other, 0) as after:
            assert after


def test_register_turn_is_waited_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'r.db'}"
    got: list[bool] = []

    def wait(register: Register) -> None:
        with alone(register, 30) as is_ours:
            got.append(is_ours)

    with Register(url) as register:
        waiting = threading.Thread(target=wait, args=(register,))
        with alone(register, 0):
            waiting.start()
            waiting.join(0.2)
            assert got == []
        waiting.join(30)
    assert got == [True]


def test_live_score_that_flows_meanwhile_is_not_taken_for_gone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at the lake of a moment before must not retract what has just gone there."""
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 18)])
    _take_in(house, "a1")
    monkeypatch.setattr(to_lake, "PATIENCE", 0.0)
    refused: list[str] = []

    def flow_meanwhile(table: str, _: int) -> None:
        if table == "courses" or not refused:
            with pytest.raises(RegisterError, match="Another program"):
                flow(house.service)
            refused.append(table)

    bring_from_lake(house.service, progress=flow_meanwhile)
    assert refused
    assert flow(house.service) is not None
    with house.service.register.read() as connection:
        rows: list[Any] = list(connection.execute(select(s.assessments.c.retracted)).scalars())
    assert rows == [False, False]


def test_live_look_leaves_it_to_whoever_is_at_it(house: House) -> None:
    _take_in(house, "a1")
    with alone(house.service.register, 0):
        assert not bring_from_lake(house.service, patience=0).changed
        assert _count(house) == 0
    assert from_lake.bring_from_lake(house.service).changed
    assert _count(house) == 1
