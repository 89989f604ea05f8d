"""Examples in the documentation run: tutorials end to end with the real command, Python blocks, declarations."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchwell.registry.registry import FOLDERS, parse

DOCS = Path(__file__).parents[2] / "docs"
RUNNABLE = sorted(page for page in DOCS.rglob("*.md") if "```bash run" in page.read_text(encoding="utf-8"))
WITH_PYTHON = sorted(page for page in DOCS.rglob("*.md") if "```python run" in page.read_text(encoding="utf-8"))
TUTORIALS = {"solo-therapist.md", "network-analyst.md", "researcher-rerun.md", "compare-fairly.md"}
TUTORIALS_IN_PYTHON = {"researcher-models.md"}


def run(command: list[str], folder: Path, examples: Path) -> None:
    """Run in a folder that holds the examples, as after a clone, with `benchwell` on the path."""
    shutil.copytree(examples, folder / "examples", dirs_exist_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | {"PATH": path}, timeout=300
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_every_tutorial_has_blocks_that_run():
    assert {page.name for page in RUNNABLE} >= TUTORIALS
    assert {page.name for page in WITH_PYTHON} >= TUTORIALS_IN_PYTHON


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_the_commands_of_a_page_run_from_top_to_bottom(page, repository, tmp_path):
    script = "\n".join(repository.blocks(page, "bash run"))
    run(["bash", "-euo", "pipefail", "-c", script], tmp_path, repository.root / "examples")


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_the_python_examples_run_from_top_to_bottom(page, repository, tmp_path):
    script = "\n".join(repository.blocks(page, "python run"))
    run([sys.executable, "-W", "error", "-c", script], tmp_path, repository.root / "examples")


@pytest.mark.parametrize("kind", ["instrument", "measure", "casemix", "benchmark", "reference"])
def test_the_declarations_of_the_how_to_pages_load(kind, repository):
    title = {"casemix": "case-mix"}.get(kind, kind)
    page = DOCS / "how-to" / f"define-a{'n' if kind == 'instrument' else ''}-{title}.md"
    blocks = repository.blocks(page, f"yaml {kind}")
    assert blocks
    for block in blocks:
        declaration = parse(block, FOLDERS[kind if kind in FOLDERS else f"{kind}s"], page.name)
        assert declaration.status == "draft"
