"""A killed intake is invisible, and running it again completes it: nothing lost, nothing doubled."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from benchwell.engine import DuckDBEngine
from benchwell.lake import Lake, Snapshot

# The child counts how often it forces something to disk, and dies by SIGKILL right before the n-th time:
# every state that a power cut could leave behind starts at one of these points.
CHILD = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from benchwell.lake import Lake

path, source, people, die_at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
real, calls = os.fsync, 0
def fsync(descriptor):
    global calls
    calls += 1
    if calls == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
    real(descriptor)
os.fsync = fsync
ids = [str(i) for i in range(people)]
tables = {
    "patients": pa.table({"patient_id": ids, "sex": [source] * people}),
    "episodes": pa.table({"episode_id": ids, "patient_id": ids, "therapy": [source] * people}),
    "assessments": pa.table({"assessment_id": ids, "patient_id": ids, "unit": [source] * people}),
}
print("start", flush=True)
Lake(path).merge(tables, source_hash=source, file="f.csv", counts={"accepted": people})
print(calls, flush=True)
"""
COLUMN = {"patients": "sex", "episodes": "therapy", "assessments": "unit"}


def run(lake: Path, source: str, people: int, die_at: int = 0) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", CHILD, str(lake), source, str(people), str(die_at)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)


def content(lake: Lake, snapshot: Snapshot) -> dict[str, list[str]]:
    with DuckDBEngine() as engine:
        return {
            table: sorted(engine.to_arrow(lake.read(engine, table, snapshot))[column].to_pylist())
            for table, column in COLUMN.items()
        }


@pytest.fixture
def seeded(tmp_path: Path) -> Path:
    path = tmp_path / "seeded"
    Lake.create(path)
    assert run(path, "old", 3).returncode == 0
    return path


def test_killed_before_any_write_to_disk(seeded: Path, tmp_path: Path) -> None:
    points = int(run(shutil.copytree(seeded, tmp_path / "whole"), "new", 5).stdout.split()[-1])
    assert points >= 4 * 4  # three tables and the ledger: file, folder, log entry, log folder
    old = content(Lake(seeded), Lake(seeded).snapshot())
    new = {table: ["new"] * 5 for table in COLUMN}
    tail_seen = False
    for die_at in range(1, points + 1, 2):
        path = shutil.copytree(seeded, tmp_path / f"killed-{die_at}")
        assert run(path, "new", 5, die_at).returncode == -signal.SIGKILL
        lake = Lake(path)
        # The ledger's line is visible from its rename on, one step before it is forced to disk.
        complete = lake.intakes().num_rows == 2
        assert content(lake, lake.snapshot()) == (new if complete else old)
        assert lake.verify_snapshot(lake.snapshot()) == []
        tail_seen |= any(s.latest() > lake.snapshot().versions[n] for n, s in lake._stores.items())
        done = lake.merge(_tables("new", 5), source_hash="new", file="f.csv", counts={})
        assert done.already == complete
        assert content(lake, lake.snapshot()) == new
        assert not list(path.rglob(".draft-*"))
    assert tail_seen, "no kill fell between two tables: the test lost its point"


def test_another_source_after_a_kill_brings_in_nothing_of_the_killed_one(seeded: Path) -> None:
    points = int(run(shutil.copytree(seeded, seeded.with_name("whole")), "new", 5).stdout.split()[-1])
    assert run(seeded, "new", 5, points - 4).returncode == -signal.SIGKILL  # all tables are in, the ledger is not
    lake = Lake(seeded)
    lake.merge({"organizations": pa.table({"organization_id": ["c1"]})}, source_hash="x", file="x.csv", counts={})
    assert content(lake, lake.snapshot()) == {table: ["old"] * 3 for table in COLUMN}


def test_killed_at_random_moments(tmp_path: Path) -> None:
    dice = random.Random(20260105)
    path = tmp_path / "lake"
    lake = Lake.create(path)
    expected = {table: [] for table in COLUMN}
    for number in range(8):
        source, people = f"s{number}", 20_000 + number
        arguments = [sys.executable, "-c", CHILD, str(path), source, str(people), "0"]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "start\n"
            time.sleep(dice.uniform(0.0, 0.35))
            child.kill()
        found, after = content(lake, lake.snapshot()), {table: [source] * people for table in COLUMN}
        assert found in (expected, after)
        assert lake.verify_snapshot(lake.snapshot()) == []
        if number % 2:
            assert run(path, source, people).returncode == 0
            assert content(lake, lake.snapshot()) == after
        expected = content(lake, lake.snapshot())


def _tables(source: str, people: int) -> dict[str, pa.Table]:
    ids = [str(i) for i in range(people)]
    return {
        "patients": pa.table({"patient_id": ids, "sex": [source] * people}),
        "episodes": pa.table({"episode_id": ids, "patient_id": ids, "therapy": [source] * people}),
        "assessments": pa.table({"assessment_id": ids, "patient_id": ids, "unit": [source] * people}),
    }
