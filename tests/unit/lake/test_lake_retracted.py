"""What a source takes back stays in the lake's history and is read by nobody, until somebody states it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchwell.engine import DuckDBEngine
from benchwell.errors import MappingError
from benchwell.intake.mapping_file import parse_mapping
from benchwell.lake import Lake
from benchwell.tables import CANONICAL, TABLES


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake")


def put(lake: Lake, source: str, **tables: list[dict[str, Any]]) -> None:
    arrow = {name: pa.Table.from_pylist(rows, schema=TABLES[name].schema) for name, rows in tables.items()}
    lake.merge(arrow, source_hash=source, file=f"{source}.ndjson", counts={})


def read(lake: Lake, table: str, column: str) -> list[Any]:
    with DuckDBEngine() as engine:
        return sorted(engine.to_arrow(lake.read(engine, table, lake.snapshot()))[column].to_pylist())


def stored(lake: Lake, table: str) -> pa.Table:
    """What the files hold, whoever reads them."""
    files = lake.files(table, lake.snapshot())
    return pa.concat_tables([pq.read_table(file, partitioning=None) for file in files])


@pytest.mark.parametrize("table", ["assessments", "patients"])
def test_a_retracted_record_is_kept_and_not_read(lake: Lake, table: str) -> None:
    key = TABLES[table].key[0]
    put(lake, "s1", **{table: [{key: "a", "retracted": False}, {key: "b", "retracted": None}, {key: "c"}]})
    put(lake, "s2", **{table: [{key: "a", "retracted": True}]})
    assert read(lake, table, key) == ["b", "c"]
    assert sorted(stored(lake, table)[key].to_pylist()) == ["a", "b", "c"]
    assert lake.verify_snapshot(lake.snapshot()) == []


def test_every_canonical_table_can_be_retracted(lake: Lake) -> None:
    assert all("retracted" in table.columns for table in CANONICAL.values())


def test_an_earlier_snapshot_still_reads_what_was_taken_back_later(lake: Lake) -> None:
    put(lake, "s1", encounters=[{"encounter_id": "e"}])
    before = lake.snapshot()
    put(lake, "s2", encounters=[{"encounter_id": "e", "retracted": True}])
    with DuckDBEngine() as engine:
        assert engine.to_arrow(lake.read(engine, "encounters", before)).num_rows == 1
        assert engine.to_arrow(lake.read(engine, "encounters", lake.snapshot())).num_rows == 0


def test_a_later_statement_revives_a_person_and_a_passing_mention_does_not(lake: Lake) -> None:
    put(lake, "s1", patients=[{"patient_id": "p", "sex": "female", "retracted": False}])
    put(lake, "s2", patients=[{"patient_id": "p", "retracted": True}])
    put(lake, "s3", patients=[{"patient_id": "p", "retracted": None}])
    assert read(lake, "patients", "patient_id") == []
    put(lake, "s4", patients=[{"patient_id": "p", "retracted": False}])
    assert read(lake, "patients", "sex") == ["female"]


@pytest.mark.parametrize("column", ["retracted", "source_hash", "source_row"])
def test_a_mapping_cannot_fill_where_a_record_came_from(column: str) -> None:
    with pytest.raises(MappingError, match=f"has no column .*{column}"):
        parse_mapping(f"tables: {{patients: {{patient_id: ID, {column}: X}}}}", "m.yaml")


def test_a_mapping_cannot_fill_lists_of_codes() -> None:
    with pytest.raises(MappingError, match=r"has no column .*codes"):
        parse_mapping("tables: {conditions: {condition_id: ID, codes: X}}", "m.yaml")
