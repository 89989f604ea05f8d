"""The page on synthetic worlds runs, names every switch, and the study's table says what does not hold."""

from __future__ import annotations

import dataclasses
import importlib
import json
import subprocess
import sys

import pytest

from benchwell import synthetic


@pytest.fixture
def recovery(monkeypatch, repository):
    monkeypatch.syspath_prepend(str(repository.root / "scripts"))
    return importlib.import_module("docgen.recovery")


def test_the_examples_run_from_top_to_bottom(repository, tmp_path):
    page = repository.root / "docs" / "how-to" / "make-a-synthetic-world.md"
    script = "\n".join(repository.blocks(page, "python run"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_kind_of_switch_is_on_the_page(repository):
    page = (repository.root / "docs" / "how-to" / "make-a-synthetic-world.md").read_text(encoding="utf-8")
    groups = [field.default for field in dataclasses.fields(synthetic.World) if dataclasses.is_dataclass(field.default)]
    assert len(groups) == 6
    assert [type(group).__name__ for group in groups if f"{type(group).__name__}(" not in page] == []


def test_a_figure_that_misses_its_target_is_shown_as_such(recovery, tmp_path):
    row = {"question": "q", "methods": "M1", "setting": "worlds", "target": "at most 5 %", "unit": "%", "planned": 500}
    rows = [
        row | {"claim": "one", "found": 0.061, "error": 0.0021, "replicates": 100, "holds": False},
        row | {"claim": "two", "found": None, "error": None, "replicates": 500, "holds": None},
        row
        | {
            "claim": "three",
            "unit": "",
            "found": -0.0312,
            "error": 0.004,
            "replicates": 500,
            "planned": 500,
            "holds": True,
        },
    ]
    path = tmp_path / "recovery.json"
    path.write_text(json.dumps({"seed": 1, "rows": rows}), encoding="utf-8")
    page = "\n".join(recovery.recovery(path))
    assert "| worlds (M1) | one | at most 5 % | 6.1 % | 0.21 | 100 of 500 | **no** |" in page
    assert "|  | two | at most 5 % | – | – | 500 |  |" in page
    assert "|  | three | at most 5 % | −0.0312 | 0.004 | 500 | yes |" in page
    assert "seed 1" in page


def test_before_the_first_study_there_is_no_table(recovery, tmp_path):
    assert recovery.recovery(tmp_path / "none.json") == []
