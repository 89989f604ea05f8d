"""The way to the lake, back from it, and out of it holds on PostgreSQL as it does on SQLite."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
from sqlalchemy import delete, select

from benchwell.pipeline.live.erasing import ask_for_deletion, carry_out
from benchwell.pipeline.live.from_lake import bring_from_lake
from benchwell.pipeline.live.receiving import Entry, receive
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.to_lake import flow
from benchwell.register import Register
from benchwell.register import schema as s
from benchwell.register.flowing import waiting_count
from erasing_case import everything
from live_house import OWN, add_scores, live_house

DAY = dt.date(2026, 6, 8)


def test_live_postgres_brings_flows_and_erases(postgres_url: str, tmp_path: Path) -> None:
    form = {"assessment_id": "a1", "patient_id": "synthetic-new", "instrument": "phq-9", "date": DAY}
    forms = pa.Table.from_pylist([form | {"items": [2.0, 2, 1, 1, 1, 2, 1, 0, 0]}])
    with live_house(tmp_path, url=postgres_url) as house:
        service = house.service
        service.workspace.lake.merge(
            {"assessments": forms}, source_hash="ab" * 32, file="a.csv", counts={"accepted": 1}
        )
        add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 18)])
        assert bring_from_lake(service).rows["assessments"] == 1
        report = flow(service)
        assert report is not None
        assert service.workspace.lake.snapshot().rows["assessments"] == 2
        service.register.write(lambda connection: connection.execute(delete(s.facts)))
        assert bring_from_lake(service).rows["assessments"] == 2
        with service.register.read() as connection:
            assert waiting_count(connection) == 0
            rows = connection.execute(select(s.scores.c.value).order_by(s.scores.c.value)).scalars().all()
        assert rows == [10.0, 18.0]
        carry_out(service, ask_for_deletion(service, OWN, 1.0), 2.0, decided_by="an-admin")
        assert service.workspace.lake.snapshot().rows["assessments"] == 1
        with service.register.read() as connection:
            assert OWN not in everything(connection)


def test_live_postgres_keeps_one_of_two_equal_forms_that_come_at_once(postgres_url: str, tmp_path: Path) -> None:
    with live_house(tmp_path, url=postgres_url) as house:
        other = LiveService(house.service.workspace, Register(postgres_url))
        try:
            for total in range(5, 15):
                entry = Entry(OWN, "course-1", "phq-9", DAY, total=total)
                futures = [receive(service, entry, 1.0) for service in (house.service, other) * 3]
                received = [future.result(20) for future in futures]
                assert [one.is_new for one in received].count(True) == 1
                assert len({one.assessment_id for one in received}) == 1
        finally:
            other.close()
