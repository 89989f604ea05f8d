"""Merging: keys, supersession, idempotency, refusals."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchwell.engine import DuckDBEngine
from benchwell.errors import LakeError
from benchwell.lake import RULES, TABLE_NAMES, Commit, Lake, Supersede
from benchwell.tables import CANONICAL, TABLES
from benchwell.tables.table import OF_THE_LAKE

DAY = dt.date(2026, 1, 5)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake")


def put(lake: Lake, source: str, mapping: str | None = None, at: dt.datetime | None = None, **tables: Any) -> Commit:
    arrow = {name: pa.Table.from_pylist(rows, schema=_part(name, rows)) for name, rows in tables.items()}
    return lake.merge(
        arrow, source_hash=source, file=f"{source}.csv", counts={"accepted": 1}, mapping_hash=mapping, at=at
    )


def _part(name: str, rows: list[dict[str, Any]]) -> pa.Schema:
    return pa.schema([TABLES[name].schema.field(column).with_nullable(True) for column in rows[0]])


def rows_of(lake: Lake, table: str, *columns: str) -> list[tuple[Any, ...]]:
    with DuckDBEngine() as engine:
        found = engine.to_arrow(lake.read(engine, table, lake.snapshot()))
    return sorted((tuple(row[c] for c in columns) for row in found.to_pylist()), key=str)


def test_every_table_has_a_rule() -> None:
    assert set(RULES) == set(TABLE_NAMES) == {*CANONICAL, "rejections"}


def test_an_empty_lake_reads_as_empty_tables(lake: Lake) -> None:
    snapshot = lake.snapshot()
    assert set(snapshot.rows.values()) == {0}
    with DuckDBEngine() as engine:
        for name in TABLE_NAMES:
            table = engine.to_arrow(lake.read(engine, name, snapshot))
            assert table.schema.names == [one for one in TABLES[name].columns if one not in OF_THE_LAKE]
            assert table.num_rows == 0


def test_a_row_comes_back_as_it_went_in(lake: Lake) -> None:
    row = {"assessment_id": "a1", "patient_id": "p1", "instrument": "phq-9", "date": dt.date(1969, 12, 31)}
    put(lake, "s1", assessments=[row | {"items": [1.0, None, 3.0], "reviewed": True, "source_row": 7}])
    assert rows_of(lake, "assessments", "date", "items", "reviewed", "source_hash", "source_row", "total") == [
        (dt.date(1969, 12, 31), [1.0, None, 3.0], True, "s1", 7, None)
    ]


def test_a_document_is_replaced_whole(lake: Lake) -> None:
    put(lake, "s1", assessments=[{"assessment_id": "a1", "total": 12.0, "unit": "points"}])
    done = put(lake, "s2", assessments=[{"assessment_id": "a1", "total": 14.0, "unit": None}])
    assert done.superseded == {"assessments": 1}
    assert rows_of(lake, "assessments", "total", "unit", "source_hash") == [(14.0, None, "s2")]


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule is Supersede.PATCH])
def test_what_a_source_does_not_say_wipes_nothing(lake: Lake, name: str) -> None:
    key = TABLES[name].key[0]
    known = next(f.name for f in TABLES[name].schema if f.name != key and f.type == pa.string())
    put(lake, "s1", **{name: [{key: "x", known: "first", "source_row": 1}, {key: "y", known: "kept", "source_row": 2}]})
    put(lake, "s2", **{name: [{key: "x", known: None}, {key: "z", known: "new"}]})
    assert rows_of(lake, name, key, known, "source_hash", "source_row") == [
        ("x", "first", "s2", None),  # the record's last source, whose row this is not
        ("y", "kept", "s1", 2),
        ("z", "new", "s2", None),
    ]


def test_an_unknown_date_is_a_key_like_any_other(lake: Lake) -> None:
    undated = {"patient_id": "p1", "name": "comorbidity_count", "date": None}
    put(lake, "s1", characteristics=[undated | {"value": 1.0}, undated | {"date": DAY, "value": 5.0}])
    done = put(lake, "s2", characteristics=[undated | {"value": 2.0}])
    assert done.superseded == {"characteristics": 1}
    assert rows_of(lake, "characteristics", "date", "value") == [(None, 2.0), (DAY, 5.0)]


def test_the_same_source_again_changes_nothing(lake: Lake) -> None:
    first = put(lake, "s1", "m1", patients=[{"patient_id": "p1", "sex": "female"}])
    again = put(lake, "s1", "m1", patients=[{"patient_id": "p1", "sex": "female"}])
    assert (first.already, again.already) == (False, True)
    assert again.snapshot == first.snapshot
    assert again.counts == {"accepted": 1}
    assert lake.intakes().num_rows == 1


def test_a_corrected_mapping_leaves_no_trace_of_the_wrong_one(lake: Lake) -> None:
    put(lake, "s0", episodes=[{"episode_id": "e1", "therapy": "cbt", "mode": "in_person"}])
    put(lake, "s1", "wrong", episodes=[{"episode_id": "e1", "therapy": "05/01"}, {"episode_id": "05/01"}])
    put(lake, "s2", episodes=[{"episode_id": "e9", "therapy": "act"}])
    done = put(lake, "s1", "right", episodes=[{"episode_id": "e2", "therapy": "ipt", "mode": None}])
    assert not done.already
    assert rows_of(lake, "episodes", "episode_id", "therapy", "mode", "source_hash") == [
        ("e1", "cbt", "in_person", "s0"),
        ("e2", "ipt", None, "s1"),
        ("e9", "act", None, "s2"),
    ]


def test_going_back_to_an_earlier_mapping_is_a_change_again(lake: Lake) -> None:
    for mapping, total in (("m1", 1.0), ("m2", 2.0), ("m1", 1.0)):
        assert not put(lake, "s1", mapping, assessments=[{"assessment_id": f"a-{mapping}", "total": total}]).already
    assert rows_of(lake, "assessments", "assessment_id") == [("a-m1",)]


def test_rejections_are_kept_and_one_refusal_counts_once(lake: Lake) -> None:
    refusal = {"row": 3, "column": None, "reason": "duplicate_row", "action": "rejected", "file": "s1.csv"}
    rejections = pa.Table.from_pylist(
        [refusal, refusal, refusal | {"row": None}], schema=_part("rejections", [refusal])
    )
    lake.merge({}, source_hash="s1", file="s1.csv", rejections=rejections, counts={"rejected": 2})
    assert rows_of(lake, "rejections", "row", "column", "reason", "action", "source_hash") == [
        (3, None, "duplicate_row", "rejected", "s1"),
        (None, None, "duplicate_row", "rejected", "s1"),
    ]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"patient_id": "secret"}, {"patient_id": "secret"}], "1 records for table patients come more than once"),
        ([{"patient_id": None}], "1 rows for table patients have no patient_id"),
    ],
)
def test_a_batch_with_bad_keys_is_refused_whole(lake: Lake, rows: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(LakeError, match=says) as refused:
        put(lake, "s1", organizations=[{"organization_id": "c1"}], patients=rows)
    assert "secret" not in str(refused.value)
    assert lake.snapshot().rows["organizations"] == 0
    assert lake.intakes().num_rows == 0


@pytest.mark.parametrize("tables", [{"clinics": {"id": ["x"]}}, {"patients": {"patient_id": ["p"], "mood": [1]}}])
def test_an_unknown_table_or_column_is_refused(lake: Lake, tables: dict[str, Any]) -> None:
    with pytest.raises(LakeError, match=r"No table 'clinics'|Table patients does not have the shape"):
        lake.merge({n: pa.table(t) for n, t in tables.items()}, source_hash="s", file="f", counts={})


def test_a_value_of_the_wrong_type_is_refused_without_being_quoted(lake: Lake) -> None:
    wrong = pa.table({"patient_id": ["p1"], "birth_year": ["nineteen-secret"]})
    with pytest.raises(LakeError) as refused:
        lake.merge({"patients": wrong}, source_hash="s", file="f", counts={})
    assert "secret" not in str(refused.value)


def test_new_records_leave_stored_files_alone(lake: Lake) -> None:
    put(lake, "s1", patients=[{"patient_id": "p1"}])
    before = set(lake.files("patients", lake.snapshot()))
    put(lake, "s2", patients=[{"patient_id": "p2"}])
    assert before < set(lake.files("patients", lake.snapshot()))


def test_many_small_intakes_do_not_leave_many_small_files(lake: Lake) -> None:
    for number in range(70):
        put(lake, f"s{number}", patients=[{"patient_id": f"p{number}"}])
    snapshot = lake.snapshot()
    assert snapshot.rows["patients"] == 70
    assert len(lake.files("patients", snapshot)) < 10
    assert lake.intakes()["sequence"].to_pylist() == list(range(1, 71))
    assert lake.verify_snapshot(snapshot) == []


def test_other_delta_readers_see_the_same_rows(lake: Lake) -> None:
    deltalake = pytest.importorskip("deltalake")
    put(lake, "s1", patients=[{"patient_id": "p1", "sex": "male"}])
    put(lake, "s2", patients=[{"patient_id": "p1", "sex": "female"}])
    table = deltalake.DeltaTable(str(lake.path / "patients"))
    assert [pq.read_table(uri)["sex"].to_pylist() for uri in table.file_uris()] == [["female"]]
    assert table.to_pyarrow_table().num_rows == 1
