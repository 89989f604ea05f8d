"""A year of birth is an age; an unknown age is named as unknown, never as too young."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from benchwell import Workspace

SCORES = {"patient_id": ["a", "a"], "date": ["2024-01-05", "2025-01-04"], "instrument": ["phq-9"] * 2, "total": [15, 3]}


@pytest.mark.parametrize(
    ("birth_year", "status", "reason"),
    [(1980, "followed", None), (2015, "excluded", "under-12"), (None, "excluded", "age-unknown")],
)
def test_age_from_a_year_of_birth(tmp_path: Path, birth_year: int | None, status: str, reason: str | None) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.intake(pa.table(SCORES | {"birth_year": pa.array([birth_year] * 2, pa.int64())}))
    outcomes = workspace.build(as_of="2025-12-31", benchmarks=["phq9-remission-12m-plain"]).table("outcomes")
    assert [(row["status"], row["reason"]) for row in outcomes.rows(named=True)] == [(status, reason)]
