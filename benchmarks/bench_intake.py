"""CSV to edition: time and memory of the main job, beside a bare scan of the same file.

    ./run bench intake [--assessments N] [--episodes N] [--clinics N]

The workload is written first and not timed. The main job then runs in a process of its own (intake, then build),
the bare scan in another; time is wall time of the stages, memory the peak of the whole process.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET_SECONDS, TARGET_GIB = 60.0, 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assessments", type=int, default=1_000_000)
    parser.add_argument("--episodes", type=int, default=125_000)
    parser.add_argument("--clinics", type=int, default=400)
    parser.add_argument("--child", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        what, folder = options.child
        {"job": _job, "scan": _scan}[what](Path(folder))
        return
    _run(options)


def _run(options: argparse.Namespace) -> None:
    from benchmarks.machine import append
    from benchmarks.synthetic import Size, write_csv

    with tempfile.TemporaryDirectory(prefix="benchwell-bench-") as name:
        folder = Path(name)
        print("Writing the workload (not timed) ...", file=sys.stderr)
        written = write_csv(folder / "scores.csv", Size(options.assessments, options.episodes, options.clinics))
        size = (folder / "scores.csv").stat().st_size / 2**20
        scan, job = _child("scan", folder), _child("job", folder)
    total = sum(job["seconds"].values())
    lines = ["| stage | seconds |", "|---|---:|"]
    lines += [f"| {stage} | {seconds:.1f} |" for stage, seconds in job["seconds"].items()]
    lines += [
        f"| **all stages** | **{total:.1f}** (aim: at most {TARGET_SECONDS:.0f}) |",
        f"| whole process, with start-up | {job['wall']:.1f} |",
        f"| processor time of that process, both cores | {job['cpu']:.1f} |",
        f"| DuckDB alone scanning the same CSV | {scan['wall']:.1f} |",
        "",
        f"{written:,} assessments of {options.episodes:,} episodes in {options.clinics} clinics, "
        f"{size:.0f} MiB of CSV; {job['rows']['benchmarks']} benchmark records. "
        f"Peak memory {job['peak_gib']:.2f} GiB (aim: at most {TARGET_GIB:.0f}).",
    ]
    body = "\n".join(lines)
    print(body)
    append("CSV to edition", "./run bench intake " + " ".join(sys.argv[1:]), body)


def _child(what: str, folder: Path) -> dict:
    begin = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.bench_intake", "--child", what, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1]) | {"wall": time.perf_counter() - begin}


def _job(folder: Path) -> None:
    from benchwell import Workspace
    from benchwell.terminal import Drawing

    with Drawing() as drawing:
        workspace = Workspace(folder / "workspace", listener=drawing)
        workspace.intake(folder / "scores.csv")
        edition = workspace.build(as_of="2026-06-30")
    rows = {name: len(edition.table(name)) for name in ("outcomes", "organization_results", "benchmarks")}
    usage = resource.getrusage(resource.RUSAGE_SELF)
    peak, cpu = usage.ru_maxrss / 2**20, usage.ru_utime + usage.ru_stime
    print(json.dumps({"seconds": workspace.stages.seconds, "rows": rows, "peak_gib": peak, "cpu": cpu}))


def _scan(folder: Path) -> None:
    import duckdb

    query = "SELECT count(*), max(length(patient_id)) FROM read_csv(?)"
    rows = duckdb.connect().execute(query, [str(folder / "scores.csv")]).fetchall()
    print(json.dumps({"rows": rows[0][0]}))


if __name__ == "__main__":
    main()
