"""Which of two statements of a record counts: the newer by its version, the later read where nobody says."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from benchwell.engine import DuckDBEngine
from benchwell.lake import Commit, Lake
from benchwell.tables import TABLES


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake")


def put(lake: Lake, source: str, **tables: list[dict[str, Any]]) -> Commit:
    arrow = {name: pa.Table.from_pylist(rows, schema=TABLES[name].schema) for name, rows in tables.items()}
    return lake.merge(arrow, source_hash=source, file=f"{source}.ndjson", counts={})


def read(lake: Lake, table: str, *columns: str) -> list[tuple[Any, ...]]:
    with DuckDBEngine() as engine:
        rows = engine.to_arrow(lake.read(engine, table, lake.snapshot())).to_pylist()
    return sorted(tuple(row[name] for name in columns) for row in rows)


def score(total: float, at: float | None, version: int | None = None, around: float | None = None) -> dict[str, Any]:
    stated = {"stated_at": at, "stated_version": version, "stated_with": around}
    return {"assessment_id": "a", "total": total, **stated}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (score(1, 5.0), score(2, 6.0)),
        (score(1, 5.0, 9), score(2, 6.0, 1)),  # time says more than number
        (score(1, 5.0, 1), score(2, 5.0, 2)),
        (score(1, None, 1), score(2, None, 2)),
        (score(1, None, 7), score(2, 5.0, 2)),  # as within one source: a known time before an unknown one
        (score(1, 5.0, 1, 5.0), score(2, 5.0, 1, 8.0)),  # the same form, with a total that was corrected
    ],
)
def test_the_newer_version_stands_whichever_was_read_first(
    lake: Lake, old: dict[str, Any], new: dict[str, Any]
) -> None:
    put(lake, "new", assessments=[new, {"assessment_id": "b", "total": 9}])
    late = put(lake, "old", assessments=[old])
    assert read(lake, "assessments", "assessment_id", "total", "source_hash") == [("a", 2, "new"), ("b", 9, "new")]
    assert (late.older["assessments"], late.superseded["assessments"], late.undated["assessments"]) == (1, 0, 0)
    again = put(lake, "newest", assessments=[new | {"stated_at": 99.0, "total": 3}])
    assert (again.older["assessments"], again.superseded["assessments"]) == (0, 1)
    assert lake.verify_snapshot(lake.snapshot()) == []


def test_without_a_version_what_is_read_last_counts_and_is_told(lake: Lake) -> None:
    put(lake, "1", assessments=[score(1, 5.0)])
    assert put(lake, "2", assessments=[score(2, None)]).undated == {"assessments": 1}
    assert put(lake, "3", assessments=[score(2, 4.0)]).undated == {"assessments": 0}  # it says the same
    assert read(lake, "assessments", "total") == [(2,)]


def test_a_record_that_was_taken_back_stays_so_for_older_versions_only(lake: Lake) -> None:
    put(lake, "1", assessments=[score(1, 5.0) | {"retracted": True}])
    put(lake, "2", assessments=[score(1, 4.0) | {"retracted": False}])
    assert read(lake, "assessments", "total") == []
    put(lake, "3", assessments=[score(3, 6.0) | {"retracted": False}])
    assert read(lake, "assessments", "total") == [(3,)]


PEOPLE = [
    {"patient_id": "p", "sex": "female", "region": "N", "language": "de", "stated_at": 1.0, "stated_with": 1.0},
    {"patient_id": "p", "sex": "male", "region": None, "language": "en", "stated_at": 2.0, "stated_with": 2.0},
    {"patient_id": "p", "sex": "other", "region": "S", "language": None, "stated_at": 3.0, "stated_with": 3.0},
    {"patient_id": "p", "sex": None, "region": None, "language": None, "stated_at": 4.0, "stated_with": 4.0},
]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5], ids=str)
def test_each_value_of_a_person_is_that_of_the_newest_version_that_has_one(lake: Lake, order: tuple[int, ...]) -> None:
    for place in order:
        put(lake, f"s{place}", patients=[PEOPLE[place]])
        put(lake, f"named{place}", patients=[{"patient_id": "p"}])  # somebody names the person and knows nothing else
    assert read(lake, "patients", "sex", "region", "language") == [("other", "S", "en")]


def test_what_a_table_adds_to_a_person_stays_when_a_newer_version_says_nothing_of_it(lake: Lake) -> None:
    put(lake, "fhir", patients=[PEOPLE[0]])
    put(lake, "table", patients=[{"patient_id": "p", "region": "X", "deprivation_quintile": 2}])
    put(lake, "later", patients=[PEOPLE[1]])
    assert read(lake, "patients", "sex", "region", "deprivation_quintile") == [("male", "X", 2)]


def test_a_source_that_holds_nothing_newer_writes_no_file(lake: Lake) -> None:
    put(lake, "new", assessments=[score(2, 6.0)])
    before = lake.files("assessments", lake.snapshot())
    put(lake, "old", assessments=[score(1, 5.0)])
    assert lake.files("assessments", lake.snapshot()) == before
