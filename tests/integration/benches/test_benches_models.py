"""The bench of models end to end on 500 episodes: ours only, so that nothing needs to be installed."""

from __future__ import annotations

import csv

import pyarrow.parquet as pq
import pytest
from benchmarks import bench_models, machine
from benchmarks.models import workload
from benchmarks.models.contest import TINY


@pytest.mark.parametrize("model", ["linear", "nested", "logistic"])
def test_our_fit_of_a_tiny_file_is_measured_as_a_whole_process(model, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "RESULTS", tmp_path / "results.md")
    arguments = ["--only", model, "--size", "tiny", "--repeat", "1", "--against"]
    bench_models.main(arguments)
    told = capsys.readouterr()
    line = next(line for line in told.out.splitlines() if line.startswith(f"| {model} | 500 / 10 | benchwell"))
    seconds, times, cpu, gb = line.split("|")[4:8]
    assert 0 < float(seconds) < 120
    assert times.strip() == ""
    assert float(cpu) > 0
    assert 0.05 < float(gb) < 8.0  # the system counts the peak of the process that started it: here, of all tests
    assert line.endswith("| reference |")
    assert f"{model}, tiny: benchwell" in told.err
    written = machine.RESULTS.read_text(encoding="utf-8")
    assert "\n## Hierarchical models (" in written
    assert f"Command: `./run bench models {' '.join(arguments)}`." in written
    assert line in written


def test_a_quick_look_is_not_kept(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "RESULTS", tmp_path / "results.md")
    bench_models.main(["--only", "linear", "--size", "tiny", "--quick", "--against"])
    assert "| linear | 500 / 10 | benchwell, REML |" in capsys.readouterr().out
    assert not machine.RESULTS.exists()


def test_a_program_without_parquet_gets_the_same_rows(tmp_path):
    parquet, table = tmp_path / "rows.parquet", tmp_path / "rows.csv"
    workload.main([str(parquet), "phq9", str(TINY.episodes), str(TINY.clinics)])
    workload.main([str(table), str(parquet)])
    rows = pq.read_table(parquet).to_pylist()
    with table.open(encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert len(read) == len(rows) == TINY.episodes
    assert [row["clinician"] for row in read] == [row["clinician"] for row in rows]
    assert [int(row["remission"]) for row in read] == [int(row["remission"]) for row in rows]
    assert [float(row["change"]) for row in read] == [row["change"] for row in rows]
