"""Both engines leave out what a source has taken back."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from benchwell.engine import Engine
from benchwell.lake import Lake
from benchwell.tables import TABLES
from benchwell.tables.table import OF_THE_LAKE


def test_retracted_records_are_read_by_no_engine(engine: Engine, tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    for source, rows in {
        "s1": [("a", False), ("b", None), ("c", True), ("d", False)],
        "s2": [("c", False), ("d", True)],
    }.items():
        batch = [{"assessment_id": name, "retracted": flag} for name, flag in rows]
        table = pa.Table.from_pylist(batch, schema=TABLES["assessments"].schema)
        lake.merge({"assessments": table}, source_hash=source, file="f.ndjson", counts={})
    read = engine.to_arrow(lake.read(engine, "assessments", lake.snapshot()))
    assert sorted(read["assessment_id"].to_pylist()) == ["a", "b", "c"]
    assert read.schema.names == [name for name in TABLES["assessments"].columns if name not in OF_THE_LAKE]
    assert engine.to_arrow(lake.read(engine, "rejections", lake.snapshot())).num_rows == 0
