"""A person is erased from register, lake and private rows, and no later source brings them back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import insert

from benchwell.engine import DuckDBEngine
from benchwell.errors import LakeError, RegisterError
from benchwell.lake.lock import write_lock
from benchwell.pipeline.live.erasing import ask_for_deletion, carry_out, list_requests
from benchwell.pipeline.live.from_lake import bring_from_lake
from benchwell.pipeline.live.to_lake import flow
from benchwell.register import schema as s
from benchwell.register.copying import SNAPSHOT, set_fact
from benchwell.register.erasing import begin_erasure
from erasing_case import everything
from live_house import OTHER, OWN, House, add_scores, live_house

DAY = dt.date(2026, 6, 8)
SOURCE = "cd" * 32


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


def _merge(house: House, source: str = SOURCE, **changed: Any) -> None:
    rows = {
        "patients": [{"patient_id": one, "region": f"region-{one}"} for one in (OWN, OTHER)],
        "encounters": [{"encounter_id": f"e-{one}", "patient_id": one, "date": DAY} for one in (OWN, OTHER)],
        "ratings": [{"rating_id": f"r-{one}", "encounter_id": f"e-{one}", "value": 1.0} for one in (OWN, OTHER)],
    } | changed
    tables = {name: pa.Table.from_pylist(one) for name, one in rows.items()}
    house.service.workspace.lake.merge(tables, source_hash=source, file="people.csv", counts={"accepted": 2})


def _cells(house: House) -> str:
    """Every value in every data file of the lake, of whatever version, and every byte beside them."""
    folder = house.service.workspace.path / "lake"
    text = [str(pq.read_table(path, partitioning=None).to_pylist()) for path in folder.rglob("*.parquet")]
    return "\n".join(text) + "".join(
        path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file()
    )


def _carry_out(house: House) -> Any:
    number = ask_for_deletion(house.service, OWN, 1.0)
    return carry_out(house.service, number, 2.0, decided_by="an-admin")


def test_live_erasing_leaves_nothing_in_register_lake_and_rows(house: House) -> None:
    service = house.service
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 17.25)])
    add_scores(house, OTHER, "course-3", "phq-9", [("2026-06-01", 11.5)])
    _merge(house)
    flow(service)
    _merge(house, "ef" * 32, encounters=[{"encounter_id": "e-more", "patient_id": OWN, "date": DAY}])
    bring_from_lake(service)
    rows = service.workspace.path / "editions" / "an-edition" / "rows"
    rows.mkdir(parents=True)
    (rows.parent / "manifest.json").write_text("{}", encoding="utf-8")
    pq.write_table(pa.table({"patient_id": [OWN]}), rows / "outcomes.parquet")
    assert OWN in _cells(house)

    receipt = _carry_out(house)

    assert (receipt.carried_out_at, receipt.carried_out_by, receipt.editions_without_rows) == (2.0, "an-admin", 1)
    assert receipt.lake_files
    cells = _cells(house)
    assert OWN not in cells
    assert "17.25" not in cells
    assert f"region-{OTHER}" in cells
    assert "11.5" in cells
    with service.register.read() as connection:
        text = everything(connection)
    assert OWN not in text
    assert "17.25" not in text
    assert OTHER in text
    files = [path for path in service.workspace.path.parent.glob("register.db*") if path.is_file()]
    assert not any(OWN.encode() in path.read_bytes() for path in files)
    assert not rows.exists()
    assert list_requests(service) == ()
    assert carry_out(service, receipt.number, 3.0, decided_by="another").carried_out_by == "an-admin"


def test_live_erasing_lasts_when_a_source_is_read_again(house: House) -> None:
    service = house.service
    _merge(house)
    bring_from_lake(service)
    _carry_out(house)
    _merge(house, "01" * 32)
    service.register.write(lambda connection: set_fact(connection, SNAPSHOT, "another"))
    bring_from_lake(service)
    flow(service)
    assert OWN not in _cells(house)
    with DuckDBEngine() as engine:
        read = service.workspace.lake.read(engine, "ratings", service.workspace.lake.snapshot())
        assert engine.to_arrow(read)["rating_id"].to_pylist() == [f"r-{OTHER}"]
    with service.register.read() as connection:
        assert OWN not in everything(connection)


def test_live_erasing_lasts_when_another_lake_brings_the_person(house: House) -> None:
    _carry_out(house)
    (house.service.workspace.path / "lake" / "erased.json").unlink()  # as a lake that never knew
    _merge(house)
    assert bring_from_lake(house.service).left_out == 1
    with house.service.register.read() as connection:
        assert OWN not in everything(connection)


def test_live_erasing_goes_on_after_the_lake_was_busy(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 18)])
    flow(house.service)
    number = ask_for_deletion(house.service, OWN, 1.0)
    lock = house.service.workspace.path / "lake" / ".lock"
    with write_lock(lock), pytest.raises(LakeError, match="Another intake"):
        carry_out(house.service, number, 2.0, decided_by="an-admin")
    assert [one.id for one in list_requests(house.service)] == [number]
    assert house.service.workspace.lake.snapshot().rows["assessments"] == 1
    carry_out(house.service, number, 3.0, decided_by="an-admin")
    assert house.service.workspace.lake.snapshot().rows["assessments"] == 0


def test_live_erasing_lets_nothing_flow_once_it_has_begun(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 18)])
    house.service.register.write(lambda connection: begin_erasure(connection, 1.0, OWN))
    flow(house.service)
    assert OWN not in _cells(house)


def test_live_erasing_twice_asked_is_once_asked_and_a_refusal_ends_it(house: House) -> None:
    number = ask_for_deletion(house.service, OWN, 1.0)
    assert ask_for_deletion(house.service, OWN, 2.0) == number
    with pytest.raises(RegisterError, match="no such request"):
        carry_out(house.service, "nowhere", 2.0, decided_by="an-admin")
    refused = {"id": "r2", "person_id": OTHER, "asked_at": 1.0, "state": "refused"}
    house.service.register.write(lambda connection: connection.execute(insert(s.deletion_requests).values(**refused)))
    with pytest.raises(RegisterError, match="refused before"):
        carry_out(house.service, "r2", 2.0, decided_by="an-admin")


def test_live_erasing_keeps_the_lake_verifiable_and_says_what_is_gone(house: House) -> None:
    _merge(house)
    lake = house.service.workspace.lake
    before = lake.snapshot()
    _carry_out(house)
    assert lake.verify_snapshot(lake.snapshot()) == []
    assert any("are gone" in line for line in lake.verify_snapshot(before))
