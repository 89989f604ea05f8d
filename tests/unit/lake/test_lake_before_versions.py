"""A lake that was made before records had versions is opened, widened and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from benchwell.engine import DuckDBEngine
from benchwell.lake import Lake
from benchwell.lake import lake as module
from benchwell.tables import TABLES, Table
from benchwell.tables.table import OF_THE_LAKE


def _without(table: Table) -> Table:
    fields = [field for field in table.schema if field.name not in OF_THE_LAKE]
    return Table(table.name, table.key, pa.schema(fields))


def put(lake: Lake, source: str, row: dict[str, Any]) -> None:
    lake.merge({"patients": pa.Table.from_pylist([row])}, source_hash=source, file=source, counts={})


def test_a_lake_from_before_versions_grows_the_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        old = {name: _without(table) for name, table in TABLES.items()}
        before.setattr(module, "TABLES", old)
        before.setattr("benchwell.lake.superseding.VERSION", {})
        lake = Lake.create(tmp_path / "lake")
        put(lake, "1", {"patient_id": "p", "sex": "female", "region": "N"})
    lake = Lake(tmp_path / "lake")
    put(lake, "2", {"patient_id": "p", "sex": "male", "stated_at": 5.0, "stated_with": 5.0})
    put(lake, "3", {"patient_id": "p", "sex": "other", "region": "S", "stated_at": 4.0, "stated_with": 4.0})
    with DuckDBEngine() as engine:
        (row,) = engine.to_arrow(lake.read(engine, "patients", lake.snapshot())).to_pylist()
    assert (row["sex"], row["region"]) == ("male", "S")
    assert lake.verify_snapshot(lake.snapshot()) == []
