"""A build that is killed while it writes leaves no half edition, and the next build succeeds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from benchwell.benchmarks import verify, write_edition
from unit.benchmarks.benchmarks_cases import make_inputs

# Kills itself after some files are on disk, before the rename.
_BUILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from unit.benchmarks.benchmarks_cases import make_inputs
from benchwell.benchmarks import write
written = 0
durably = write._write_durably
def killed_midway(path, content):
    global written
    durably(path, content)
    written += 1
    if written == 4:
        os.kill(os.getpid(), signal.SIGKILL)
write._write_durably = killed_midway
write.write_edition(Path({folder!r}), make_inputs())
"""


def test_a_killed_build_is_invisible_and_can_be_repeated(tmp_path: Path) -> None:
    script = _BUILD.format(tests=str(Path(__file__).parents[2]), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=120, env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    left = [path.name for path in tmp_path.iterdir()]
    assert left
    assert all(name.startswith(".building-") for name in left)
    edition = write_edition(tmp_path, make_inputs())
    assert [path.name for path in tmp_path.iterdir()] == [edition.id]
    assert verify(edition.path).passed
