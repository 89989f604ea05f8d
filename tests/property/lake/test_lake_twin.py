"""The lake against a slow twin: a plain dict per table, changed record by record."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from benchwell.engine import DuckDBEngine
from benchwell.lake import Lake
from benchwell.tables import TABLES

PERSON = st.sampled_from(["p1", "p2", "p3", "p4"])
MAYBE = st.sampled_from([None, "x", "y"])
DATE = st.sampled_from([None, dt.date(1969, 7, 20), dt.date(2026, 1, 5)])

PATIENT = st.fixed_dictionaries({"patient_id": PERSON, "sex": MAYBE, "region": MAYBE})
TRAIT = st.fixed_dictionaries({"patient_id": PERSON, "name": st.just("n"), "date": DATE, "code": MAYBE})
SCORE = st.fixed_dictionaries(
    {"assessment_id": PERSON, "unit": MAYBE, "items": st.none() | st.lists(st.none() | st.sampled_from([0.0, 3.0]))}
)


def unique(name: str, rows: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(rows, max_size=6, unique_by=lambda row: tuple(row[k] for k in TABLES[name].key))


BATCH = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["s1", "s2", "s3"]),
        "mapping": st.sampled_from([None, "m1"]),
        "tables": st.fixed_dictionaries(
            {
                "patients": unique("patients", PATIENT),
                "characteristics": unique("characteristics", TRAIT),
                "assessments": unique("assessments", SCORE),
            }
        ),
    }
)
PATCHED = {"patients"}
State = dict[str, dict[tuple[Any, ...], dict[str, Any]]]


class Twin:
    """What the documentation says, one record at a time."""

    def __init__(self) -> None:
        self.state: State = {"patients": {}, "characteristics": {}, "assessments": {}}
        self.history: list[tuple[str, str | None, State]] = []  # source, mapping, state before it

    def merge(self, source: str, mapping: str | None, tables: dict[str, list[dict[str, Any]]]) -> bool:
        own = [entry for entry in self.history if entry[0] == source]
        if own and own[-1][1] == mapping:
            return True
        before = {name: dict(records) for name, records in self.state.items()}
        if own:
            self._withdraw(source, own[0][2])
        for name, rows in tables.items():
            for row in rows:
                self._put(name, tuple(row[k] for k in TABLES[name].key), row | {"source_hash": source})
        self.history.append((source, mapping, before))
        return False

    def _withdraw(self, source: str, first: State) -> None:
        for name, records in self.state.items():
            for key in [key for key, record in records.items() if record["source_hash"] == source]:
                del records[key]
                if key in first[name]:
                    records[key] = first[name][key]

    def _put(self, name: str, key: tuple[Any, ...], row: dict[str, Any]) -> None:
        old = self.state[name].get(key)
        if old is not None and name in PATCHED:
            row = {column: old[column] if value is None else value for column, value in row.items()}
        self.state[name][key] = row


def read(lake: Lake, engine: DuckDBEngine, name: str, columns: list[str]) -> list[dict[str, Any]]:
    return engine.to_arrow(lake.read(engine, name, lake.snapshot()).select(columns)).to_pylist()


COLUMNS = {
    "patients": ["patient_id", "sex", "region", "source_hash"],
    "characteristics": ["patient_id", "name", "date", "code", "source_hash"],
    "assessments": ["assessment_id", "unit", "items", "source_hash"],
}


@seed(20260105)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
@given(st.lists(BATCH, min_size=2, max_size=7))
def test_any_sequence_of_intakes_gives_what_the_twin_gives(batches: list[dict[str, Any]]) -> None:
    twin = Twin()
    with tempfile.TemporaryDirectory() as folder, DuckDBEngine() as engine:
        lake = Lake.create(Path(folder) / "lake")
        for batch in batches:
            tables = {
                name: pa.Table.from_pylist(
                    rows, schema=pa.schema([TABLES[name].schema.field(c) for c in COLUMNS[name] if c != "source_hash"])
                )
                for name, rows in batch["tables"].items()
            }
            source, mapping = batch["source"], batch["mapping"]
            done = lake.merge(tables, source_hash=source, file="f.csv", counts={}, mapping_hash=mapping)
            assert done.already == twin.merge(source, mapping, batch["tables"])
            for name, columns in COLUMNS.items():
                found = sorted(read(lake, engine, name, columns), key=repr)
                expected = sorted(({c: r[c] for c in columns} for r in twin.state[name].values()), key=repr)
                assert found == expected
                assert lake.snapshot().rows[name] == len(expected)
        assert lake.verify_snapshot(lake.snapshot()) == []
