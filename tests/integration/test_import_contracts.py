"""The direction of imports is a test, not a wish."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_import_contracts_hold():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    declared = (ROOT / ".importlinter").read_text(encoding="utf-8").count("[importlinter:contract:")
    assert f"{declared} kept, 0 broken" in done.stdout
