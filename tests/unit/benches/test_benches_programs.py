"""Who is not installed is named, and the comparison goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.models import programs
from benchmarks.models.contest import OURS


@pytest.fixture
def _bare_machine(monkeypatch, tmp_path):
    monkeypatch.setattr(programs, "PYTHON_OF_OTHERS", tmp_path / "no-such-python")
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)


@pytest.mark.usefixtures("_bare_machine")
def test_whoever_is_not_installed_is_named():
    found, lacking = programs.installed(["gpboost", "statsmodels", "lme4"])
    assert [program.contestant for program in found] == [OURS]
    assert [line.split(",")[0] for line in lacking] == [
        "gpboost: not installed (not in .venv-bench)",
        "statsmodels: not installed (not in .venv-bench)",
        "lme4: not installed (no R with lme4 here)",
    ]


@pytest.mark.usefixtures("_bare_machine")
def test_whoever_is_not_asked_for_is_not_missed():
    assert programs.installed([])[1] == []


def test_a_program_reads_its_own_form_of_the_same_file():
    program = programs.Program(OURS, "1", ("Rscript", "fit.R"), reads=".rds")
    assert program.command(Path("linear_500.parquet"), "nested") == ["Rscript", "fit.R", "linear_500.rds", "nested"]
