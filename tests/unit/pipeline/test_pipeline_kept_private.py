"""What a workspace writes about people is for its owner, and a list of rejections computes nothing."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchwell.pipeline.exporting_fhir import _whole_or_nothing
from benchwell.pipeline.workspace import Workspace

HEADER = "patient_id,date,instrument,total"


def test_rejections_are_private_and_their_name_is_short_enough(tmp_path: Path) -> None:
    source = tmp_path / f"{'a' * 240}.csv"
    source.write_text(f"{HEADER}\np1,2025-01-10,phq-9,12\np1,2025-03-10,phq-9,99\n")
    told = Workspace(tmp_path / "practice").intake(source, as_of="2026-01-01", accept_guess=True)
    assert told.rejections is not None
    assert told.rejections.stat().st_mode & 0o077 == 0
    with told.rejections.open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["row"], row["file"]) == ("2", source.name)


@pytest.mark.parametrize("begin", ["=", "+", "-", "@"])
def test_no_name_in_a_list_of_rejections_is_a_formula(tmp_path: Path, begin: str) -> None:
    source = tmp_path / f"{begin}1+1.csv"
    source.write_text(f"{HEADER}\np1,2025-01-10,phq-9,12\np1,2025-03-10,phq-9,99\n")
    told = Workspace(tmp_path / "practice").intake(source, as_of="2026-01-01", accept_guess=True)
    assert told.rejections is not None
    with told.rejections.open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["file"] == f"'{source.name}"


def test_scores_that_are_handed_on_are_private_at_first(tmp_path: Path) -> None:
    for name in ("scores.ndjson", "scores.ndjson.gz"):
        with _whole_or_nothing(tmp_path / name) as file:
            file.write(b"{}\n")
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
