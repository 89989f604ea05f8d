"""One definition, two engines, the same numbers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq

from benchwell.engine import Engine, to_arrow
from benchwell.lake import Lake
from benchwell.tables import TABLES

DATES = [dt.date(1970, 1, 1), dt.date(1969, 12, 31), dt.date(1900, 1, 1), None, dt.date(2024, 2, 29)]
DAYS = [0, -1, -25567, None, 19782]
TABLE = pa.table(
    {
        "id": ["a", "b", "c", "d", None],
        "date": DATES,
        "value": [0.1, None, -3.5, 1e-12, 2.0],
        "met": [True, None, False, True, False],
        "items": [[1.0, None], None, [], [0.0], [3.0, 2.0, 1.0]],
    }
)


def by_id(table: pa.Table) -> list[dict[str, object]]:
    return sorted(table.to_pylist(), key=lambda row: str(row["id"]))


def test_rows_come_back_as_they_went_in(engine: Engine) -> None:
    assert by_id(engine.to_arrow(engine.from_arrow(TABLE))) == by_id(TABLE)


def test_days_count_from_1970_in_both_directions(engine: Engine) -> None:
    frame = engine.with_epoch_days(engine.from_arrow(TABLE), {"day": "date", "again": "date"})
    table = engine.to_arrow(frame)
    expected = dict(zip(DATES, DAYS, strict=True))
    assert {row["date"]: row["day"] for row in table.to_pylist()} == expected
    assert table["day"].to_pylist() == table["again"].to_pylist()
    assert table.schema.field("day").type == pa.int64()


def test_files_of_many_versions_read_as_one_frame(engine: Engine, tmp_path: Path) -> None:
    schema = pa.schema([*TABLE.schema, pa.field("added_later", pa.string()), pa.field("flag", pa.bool_())])
    later = TABLE.append_column("added_later", pa.array(["x"] * 5)).select(["added_later", "value", "id"])
    pq.write_table(TABLE, tmp_path / "1.parquet")
    pq.write_table(later, tmp_path / "2.parquet")
    files = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    table = engine.to_arrow(engine.read(files, schema))
    assert table.column_names == schema.names
    assert table.num_rows == 10
    assert sorted(map(str, table["added_later"].to_pylist())) == ["None"] * 5 + ["x"] * 5
    assert table["flag"].null_count == 10
    assert table["date"].null_count == 1 + 5


def test_no_files_read_as_an_empty_frame_of_the_schema(engine: Engine) -> None:
    for name in ("assessments", "patients", "scores"):
        table = engine.to_arrow(engine.read([], TABLES[name].schema))
        assert table.column_names == TABLES[name].columns
        assert table.num_rows == 0


def test_a_kept_frame_outlives_its_source(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "1.parquet"
    pq.write_table(TABLE, path)
    kept = engine.keep(engine.read([path], TABLE.schema).filter(nw.col("value") > 0))
    path.unlink()
    assert sorted(engine.to_arrow(kept)["value"].to_pylist()) == [1e-12, 0.1, 2.0]
    # A frame made from a kept one can be kept again.
    assert engine.to_arrow(engine.keep(kept.select("id"))).num_rows == 3


def test_a_lake_snapshot_reads_the_same_on_both(engine: Engine, tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    for source, total in (("s1", 12.0), ("s2", 14.0)):
        rows = pa.table({"assessment_id": ["a1", source], "date": DATES[:2], "total": [total, None]})
        lake.merge({"assessments": rows}, source_hash=source, file="f.csv", counts={})
    frame = lake.read(engine, "assessments", lake.snapshot())
    found = engine.to_arrow(frame.select("assessment_id", "total", "source_hash").sort("assessment_id"))
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("a1", 14.0, "s2"),
        ("s1", None, "s1"),
        ("s2", None, "s2"),
    ]


def test_any_frame_collects_to_arrow(engine: Engine) -> None:
    assert to_arrow(engine.from_arrow(TABLE.select(["id", "value"]))).num_rows == 5


def test_batches_are_the_whole_frame_in_order_piece_by_piece(engine: Engine) -> None:
    frame = engine.from_arrow(pa.table({"n": list(range(10))})).sort("n", descending=True)
    pieces = list(engine.batches(frame, 4))
    assert [n for piece in pieces for n in piece["n"].to_pylist()] == list(range(9, -1, -1))
    assert max(piece.num_rows for piece in pieces) <= 4
