"""A script that fits a file and ends says nothing that it was not asked."""

import subprocess
import sys

SCRIPT = """
import sys
import pyarrow as pa
import pyarrow.parquet as pq
import benchwell
rows = {"y": [1.0, 2.0, 4.0, 3.0, 6.0, 7.0], "x": [1, 2, 1, 2, 1, 2], "clinic": ["a", "a", "b", "b", "c", "c"]}
pq.write_table(pa.table(rows), sys.argv[1])
print(benchwell.fit_linear(sys.argv[1], "y", ["x"], ["clinic"]).n)
"""


def test_a_fit_leaves_without_noise(tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "rows.parquet")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["6"]
    assert run.stderr == ""
