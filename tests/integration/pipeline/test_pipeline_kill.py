"""A kill at any moment: what was acknowledged stays, nothing half-done is seen, and a rerun completes it.

One process loads the product once and forks for each try, so that many moments cost little time.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchwell import Edition, Workspace, verify
from functional.product_cases import AS_OF, practice_rows, write_rows

BENCHMARKS = ["phq9-change-12w-plain"]
# Counts how often it forces something to disk; dies right before the n-th time, or when a clock runs out.
FORGE = """
import json, os, signal, sys, time
import deltalake, duckdb, narwhals, pyarrow.csv, pyarrow.parquet
import benchwell.pipeline.building, benchwell.pipeline.taking_in
from benchwell import Workspace

def work(order):
    real, calls = os.fsync, 0
    def fsync(descriptor):
        nonlocal calls
        calls += 1
        if calls == order["die_at"]:
            os.kill(os.getpid(), signal.SIGKILL)
        real(descriptor)
    os.fsync = fsync
    if order["seconds"]:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, order["seconds"])
    workspace = Workspace(order["workspace"])
    if order["source"]:
        workspace.intake(order["source"])
    else:
        workspace.build(as_of=order["as_of"], benchmarks=order["benchmarks"])
    return calls

benchwell.pipeline.building.code()  # once: somebody may commit to this checkout meanwhile

for line in sys.stdin:
    order = json.loads(line)
    begin = time.perf_counter()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, str(work(order)).encode())
        except BaseException as error:
            os.write(write, repr(error).encode())
        os._exit(0)
    os.close(write)
    said = os.read(read, 4096).decode()
    os.close(read)
    _, status = os.waitpid(child, 0)
    answer = {"killed": os.WIFSIGNALED(status), "said": said, "seconds": time.perf_counter() - begin}
    print(json.dumps(answer), flush=True)
"""


class Forge:
    """Runs one job in a process that may die."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(
        self, workspace: Path, source: Path | None = None, *, die_at: int = 0, seconds: float = 0.0
    ) -> dict[str, Any]:
        order = {
            "workspace": str(workspace),
            "source": None if source is None else str(source),
            "as_of": AS_OF,
            "benchmarks": BENCHMARKS,
            "die_at": die_at,
            "seconds": seconds,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        if not answer["killed"]:
            assert answer["said"].isdigit(), answer["said"]
        return answer


@pytest.fixture(scope="module")
def forge() -> Iterator[Forge]:
    with subprocess.Popen(
        [sys.executable, "-c", FORGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as one:
        yield Forge(one)
        one.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the first half of the people taken in, and the second half beside it."""
    folder = tmp_path_factory.mktemp("kill")
    half = len(practice_rows()) // 2
    write_rows(folder / "second.csv", practice_rows()[half:])
    Workspace(folder / "home").intake(write_rows(folder / "first.csv", practice_rows()[:half]))
    return folder


def moments(points: int, seconds: float) -> list[dict[str, Any]]:
    """Four places at which something is forced to disk, the last among them, and two moments of the clock."""
    dice = random.Random(20260105)
    places = sorted({*dice.sample(range(1, points), 3), points})
    return [*({"die_at": place} for place in places), *({"seconds": dice.uniform(0.1, seconds)} for _ in range(2))]


def test_a_killed_intake_loses_nothing_and_is_completed_by_a_rerun(forge, started, tmp_path):
    second = started / "second.csv"
    whole = forge.run(shutil.copytree(started / "home", tmp_path / "whole"), second)
    expected = Workspace(tmp_path / "whole").lake.snapshot().rows
    before = Workspace(started / "home").lake.snapshot().rows
    assert expected["assessments"] == len(practice_rows()) > before["assessments"]
    killed = 0
    for number, moment in enumerate(moments(int(whole["said"]), whole["seconds"])):
        home = shutil.copytree(started / "home", tmp_path / f"killed-{number}")
        killed += forge.run(home, second, **moment)["killed"]
        workspace = Workspace(home)
        snapshot = workspace.lake.snapshot()
        assert snapshot.rows in (before, expected)
        assert workspace.lake.verify_snapshot(snapshot) == []
        again = workspace.intake(second)
        assert again.already == (snapshot.rows == expected)
        assert workspace.lake.snapshot().rows == expected
        # What came before the kill still gives the same edition as where nothing was killed.
        assert workspace.intake(started / "first.csv").already
    assert killed >= 4


def test_a_killed_build_shows_no_half_edition_and_is_completed_by_a_rerun(forge, started, tmp_path):
    ready = shutil.copytree(started / "home", tmp_path / "ready")
    Workspace(ready).intake(started / "second.csv")
    reference = shutil.copytree(ready, tmp_path / "whole")
    whole = forge.run(reference)
    (expected,) = Workspace(reference).editions()
    killed = 0
    for number, moment in enumerate(moments(int(whole["said"]), whole["seconds"])):
        home = shutil.copytree(ready, tmp_path / f"killed-{number}")
        killed += forge.run(home, **moment)["killed"]
        workspace = Workspace(home)
        for path in workspace.editions():  # whatever can be seen is whole
            assert verify(path).passed
        forge.run(home)
        edition = workspace.edition()
        assert edition.id == expected.name
        assert Edition.load(expected).manifest["sha256"] == edition.manifest["sha256"]
        assert [path.name for path in (home / "editions").iterdir()] == [expected.name]
    assert killed >= 4
