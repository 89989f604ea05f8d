"""A process is measured as a whole, and one that gives no result says why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.models.measured import Limits, last_json, measured, outcome_of

ROOT = Path(__file__).parents[3]


def python(code: str, limits: Limits | None = None):
    return measured([sys.executable, "-I", "-c", code], limits or Limits(seconds=60.0, gb=4.0))


def test_a_process_gives_its_result_time_and_memory():
    run = python("import json; held = b'1' * 200_000_000; print('[Info]'); print(json.dumps({'n': len(held)}))")
    assert (run.told, run.why) == ({"n": 200_000_000}, "")
    assert run.peak_gb > 0.2
    assert run.cpu > 0
    assert 0 < run.seconds < 60


def in_a_fresh_process(code: str) -> str:
    """Linux counts the memory of whoever starts a program as the program's, and this test process may be large."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_memory_is_of_the_process_itself_not_of_those_before():
    code = """if True:
        import sys
        from benchmarks.models.measured import Limits, measured

        for each in ("held = bytes(range(250)) * 1_200_000; print('{}')", "print('{}')"):
            print(measured([sys.executable, "-I", "-c", each], Limits()).peak_gb)
    """
    large, small = map(float, in_a_fresh_process(code).split())
    assert small < 0.1
    assert 0.3 < large < 0.4


def test_the_bench_itself_stays_small():
    code = "import sys, benchmarks.bench_models; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = set(in_a_fresh_process(code).split())
    assert "benchmarks" in loaded
    assert loaded & {"benchwell", "duckdb", "narwhals", "numpy", "pandas", "pyarrow", "scipy"} == set()


def test_a_process_that_takes_too_long_is_ended_and_says_so():
    run = python("import time; time.sleep(50)", Limits(seconds=0.5))
    assert (run.told, run.why) == (None, "> 0 s")
    assert run.seconds < 20


def test_a_process_that_takes_too_much_memory_fails_by_name():
    run = python("held = bytearray(2_000_000_000)", Limits(seconds=60.0, gb=1.0))
    assert (run.told, run.why) == (None, "failed: MemoryError")


def test_a_process_that_fails_or_prints_no_result_has_none():
    assert python("raise SystemExit('no such column')").why == "failed: no such column"
    assert python("raise SystemExit(3)").why == "failed: exit code 3"
    assert python("print('fitted')").why == "failed: it printed no result"


def test_a_kill_before_the_limit_is_no_timeout():
    assert outcome_of(-9, b"", b"", 2.0, Limits(seconds=300.0)) == (None, "failed: exit code -9")


def test_only_a_json_object_is_a_result():
    assert last_json('{"n": 1}\n{not json\n[3]\n') == {"n": 1}
    assert last_json("nothing\n") is None
