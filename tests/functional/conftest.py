"""The whole product: a practice of 20 people in our own template, its workspace and its edition, built once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchwell import Edition, Workspace
from benchwell.cli import app
from functional.product_cases import AS_OF, Ran, environment, practice_rows, write_rows


@pytest.fixture(scope="session")
def cli() -> Callable[..., Ran]:
    """The command line in this process: quick, same exit codes."""

    def run(*arguments: object) -> Ran:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.stderr
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture(scope="session")
def shell() -> Callable[..., Ran]:
    """The command line as a person starts it: a process of its own."""

    def run(*arguments: object, cwd: Path | None = None, **more: str) -> Ran:
        command = [sys.executable, "-m", "benchwell.cli", *(str(argument) for argument in arguments)]
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", cwd=cwd, env=environment(**more), timeout=120, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def practice_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The practice's file. Do not change it."""
    return write_rows(tmp_path_factory.mktemp("practice") / "practice.csv", practice_rows())


@pytest.fixture(scope="session")
def practice(tmp_path_factory: pytest.TempPathFactory, practice_csv: Path) -> Workspace:
    """A workspace with the practice and one edition. Do not change it: copy it with `own_practice`."""
    workspace = Workspace.create(tmp_path_factory.mktemp("workspaces") / "practice", name="North Practice")
    workspace.intake(practice_csv)
    workspace.build(as_of=AS_OF, benchmarks=["network-phq9-response-12w", "phq9-change-12w-plain"])
    return workspace


@pytest.fixture(scope="session")
def edition(practice: Workspace) -> Edition:
    """The practice's edition. Do not change it."""
    return practice.edition()


@pytest.fixture
def own_practice(practice: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the practice's workspace that a test may change."""
    return Workspace(shutil.copytree(practice.path, tmp_path / "own"))
