"""Snapshots: frozen, checkable, honest about damage."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from benchwell.engine import DuckDBEngine
from benchwell.errors import LakeError
from benchwell.lake import TABLE_NAMES, Commit, Lake, Snapshot
from benchwell.lake.lock import write_lock
from benchwell.tables import TABLES
from benchwell.tables.table import OF_THE_LAKE


def put(lake: Lake, source: str, people: list[str], day: int = 1) -> Commit:
    at = dt.datetime(2026, 3, day, 23, 30, tzinfo=dt.UTC)
    table = pa.table({"patient_id": people, "sex": [source] * len(people)})
    return lake.merge({"patients": table}, source_hash=source, file="f.csv", counts={}, at=at)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake.create(tmp_path / "lake", key=b"k" * 32)
    put(made, "s1", ["p1", "p2"], day=1)
    put(made, "s2", ["p2", "p3"], day=3)
    return made


def sexes(lake: Lake, snapshot: Snapshot) -> list[str]:
    with DuckDBEngine() as engine:
        return sorted(engine.to_arrow(lake.read(engine, "patients", snapshot))["sex"].to_pylist())


def test_a_snapshot_stays_what_it_was(lake: Lake) -> None:
    old = lake.snapshot(dt.date(2026, 3, 2))
    assert sexes(lake, old) == ["s1", "s1"]
    assert sexes(lake, lake.snapshot()) == ["s1", "s2", "s2"]
    assert old.rows["patients"] == 2
    assert old.taken_at == dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC)


def test_a_day_before_the_first_intake_has_no_snapshot(lake: Lake) -> None:
    with pytest.raises(LakeError, match="held nothing on 2026-02-28") as none:
        lake.snapshot(dt.date(2026, 2, 28))
    assert none.value.hint == "the first intake was on 2026-03-01"


def test_a_snapshot_survives_the_manifest(lake: Lake) -> None:
    snapshot = lake.snapshot()
    read_back = Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict())))
    assert read_back == snapshot
    assert lake.verify_snapshot(read_back) == []
    with pytest.raises(LakeError, match="not a snapshot record"):
        Snapshot.from_dict({"id": "x"})


def test_the_id_follows_content_and_key_only(lake: Lake, tmp_path: Path) -> None:
    same = Lake.create(tmp_path / "same", key=b"k" * 32)
    put(same, "s1", ["p1", "p2"], day=5)
    middle = same.snapshot().id
    put(same, "s2", ["p2", "p3"], day=6)
    other_key = Lake.create(tmp_path / "other")
    put(other_key, "s1", ["p1", "p2"])
    put(other_key, "s2", ["p2", "p3"])
    assert same.snapshot().id == lake.snapshot().id
    assert len({middle, same.snapshot().id, other_key.snapshot().id}) == 3


def test_a_changed_byte_is_named(lake: Lake) -> None:
    snapshot = lake.snapshot()
    victim = lake.files("patients", snapshot)[0]
    blob = bytearray(victim.read_bytes())
    blob[len(blob) // 2] ^= 1
    victim.write_bytes(bytes(blob))
    assert lake.verify_snapshot(snapshot) == [
        f"Table patients version {snapshot.versions['patients']}: the bytes of file {victim.name} have changed."
    ]
    assert lake.verify_snapshot(snapshot, full=False) == []
    victim.write_bytes(b"")
    assert len(lake.verify_snapshot(snapshot, full=False)) == 1


def test_a_missing_file_is_named(lake: Lake) -> None:
    snapshot = lake.snapshot()
    lake.files("patients", snapshot)[0].unlink()
    with pytest.raises(LakeError, match="Version 2 of table patients is incomplete: 1 of its"):
        lake.files("patients", snapshot)
    assert "Version 2 of table patients" in lake.verify_snapshot(snapshot)[0]


def test_a_missing_version_is_named(lake: Lake) -> None:
    snapshot = lake.snapshot()
    state = replace(snapshot.tables["patients"], version=99)
    later = replace(snapshot, tables={**snapshot.tables, "patients": state})
    with pytest.raises(LakeError, match="Version 99 of table patients"):
        lake.files("patients", later)
    assert "Version 99 of table patients" in lake.verify_snapshot(later)[0]


def test_a_snapshot_of_another_version_does_not_pass(lake: Lake) -> None:
    snapshot = lake.snapshot()
    state = replace(snapshot.tables["patients"], version=1)
    swapped = replace(snapshot, tables={**snapshot.tables, "patients": state})
    assert lake.verify_snapshot(swapped) == [
        "Table patients version 1 does not list the files that the snapshot was taken of."
    ]
    assert "id does not belong" in lake.verify_snapshot(replace(snapshot, id="0" * 64))[0]


def test_a_lake_of_an_earlier_release_gains_its_new_columns_and_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = TABLES["patients"]
    narrow = replace(full, schema=full.schema.remove(full.schema.get_field_index("insurance")))
    with monkeypatch.context() as earlier:
        earlier.setitem(TABLES, "patients", narrow)
        earlier.setattr("benchwell.lake.lake.TABLE_NAMES", tuple(n for n in TABLE_NAMES if n != "ratings"))
        put(Lake.create(tmp_path / "lake"), "s1", ["p1", "p2"])
    lake = Lake(tmp_path / "lake")
    old = lake.snapshot()
    assert sexes(lake, old) == ["s1", "s1"]
    assert lake.files("ratings", old) == []
    for source, people in (("s2", ["p2"]), ("s3", ["p3"])):
        put(lake, source, people)
    with DuckDBEngine() as engine:
        rows = engine.to_arrow(lake.read(engine, "patients", lake.snapshot()))
    assert rows.column_names == [name for name in full.columns if name not in OF_THE_LAKE]
    assert rows["insurance"].null_count == rows.num_rows == 3
    assert lake.verify_snapshot(lake.snapshot()) == lake.verify_snapshot(old) == []


def test_an_unknown_table_is_not_in_the_lake(lake: Lake) -> None:
    with pytest.raises(LakeError, match="No table 'scores'"):
        lake.files("scores", lake.snapshot())


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"format": 1, "key": "zz", "created_at": "x"}'])
def test_a_folder_that_is_no_lake_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "lake.json").write_text(content)
    with pytest.raises(LakeError, match=r"is not a lake|cannot be read"):
        Lake(tmp_path)


def test_a_lake_of_a_later_format_is_refused(lake: Lake) -> None:
    card = json.loads((lake.path / "lake.json").read_text())
    (lake.path / "lake.json").write_text(json.dumps(card | {"format": 2}))
    with pytest.raises(LakeError, match="has format 2; this Benchwell reads format 1"):
        Lake(lake.path)


def test_a_lake_is_never_made_over_something(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="is there already"):
        Lake.create(lake.path)
    (tmp_path / "empty").mkdir()
    assert Lake.create(tmp_path / "empty").snapshot().rows["patients"] == 0
    assert not list(tmp_path.glob(".empty-*"))


def damage_log(folder: Path) -> None:
    for entry in (folder / "_delta_log").glob("*.json"):
        entry.write_text("{{{")


@pytest.mark.parametrize("damage", [damage_log, shutil.rmtree, lambda f: shutil.rmtree(f / "_delta_log")])
@pytest.mark.parametrize("table", ["patients", "intakes"])
def test_damage_is_an_error_of_ours(lake: Lake, table: str, damage: object) -> None:
    snapshot = lake.snapshot()
    damage(lake.path / table)  # type: ignore[operator]
    if table == "patients":
        assert lake.verify_snapshot(snapshot)
        with pytest.raises(LakeError, match="patients"):
            lake.files("patients", snapshot)
    else:
        with pytest.raises(LakeError, match="intakes"):
            lake.snapshot()
    with pytest.raises(LakeError, match=table):
        put(lake, "s3", ["p4"])


@pytest.mark.parametrize("torn", ["", '{"commitInfo":{}}\n{"add":{"pa', "\0\0\0"])
def test_a_half_written_version_that_nobody_was_told_of_is_dropped(lake: Lake, torn: str) -> None:
    entry = lake.path / "patients" / "_delta_log" / f"{lake.snapshot().versions['patients'] + 1:020}.json"
    entry.write_text(torn)
    assert sexes(lake, lake.snapshot()) == ["s1", "s2", "s2"]
    put(lake, "s3", ["p4"])
    assert sexes(lake, lake.snapshot()) == ["s1", "s2", "s2", "s3"]
    assert lake.verify_snapshot(lake.snapshot()) == []


def test_one_writer_at_a_time_and_readers_do_not_wait(lake: Lake) -> None:
    with write_lock(lake.path / ".lock"):
        with pytest.raises(LakeError, match="Another intake is writing"):
            put(lake, "s3", ["p4"])
        assert sexes(lake, lake.snapshot()) == ["s1", "s2", "s2"]
    assert not put(lake, "s3", ["p4"]).already


def test_the_lake_is_private_to_its_owner(lake: Lake) -> None:
    assert lake.path.stat().st_mode & 0o077 == 0
    assert (lake.path / "lake.json").stat().st_mode & 0o077 == 0


def test_a_lake_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("benchwell.lake.lake.fsync_files", no_space)
    with pytest.raises(LakeError, match="cannot be read or written"):
        Lake.create(tmp_path / "lake")
    assert list(tmp_path.iterdir()) == []


def test_a_lake_that_cannot_be_locked_says_so(lake: Lake) -> None:
    (lake.path / ".lock").unlink()
    (lake.path / ".lock").mkdir()
    with pytest.raises(LakeError, match="cannot be written"):
        put(lake, "s3", ["p4"])


def test_a_ledger_line_that_makes_no_sense_is_an_error_of_ours(lake: Lake) -> None:
    ledger = lake._ledger.store
    line = lake.intakes().slice(0, 1)
    broken = line.set_column(line.schema.get_field_index("tables"), line.schema.field("tables"), pa.array(["{"]))
    ledger.commit(ledger.write(broken), [])
    with pytest.raises(LakeError, match="ledger of intakes is damaged"):
        lake.snapshot()


def test_a_time_without_a_zone_is_refused(lake: Lake) -> None:
    with pytest.raises(ValueError, match="time zone"):
        lake.merge({}, source_hash="s3", file="f", counts={}, at=dt.datetime(2026, 1, 1))
