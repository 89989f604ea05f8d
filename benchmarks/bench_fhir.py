"""FHIR to canonical tables: speed and memory of taking a bulk export in, beside DuckDB's bare scan of the same files.

    ./run bench fhir [--megabytes 1000 4000] [--keep FOLDER]

The workload is written first and not timed. Each size is then read by three programs in processes of their own:
`intake` is the whole job (decode, fold, write to the lake), `tables` the same without a lake, `scan` lets DuckDB read
the same files with explicit columns and does nothing with them. Memory is the peak of the process with its workers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET_MB_PER_SECOND, TARGET_GB, TARGET_RATIO = 25.0, 2.0, 4.0
_FILES = ("QuestionnaireResponse.ndjson", "Observation.ndjson")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, nargs="+", default=[1000.0, 4000.0])
    parser.add_argument("--keep", type=Path, help="write the workload here and leave it for the next run")
    parser.add_argument("--child", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        what, folder = options.child
        {"intake": _intake, "tables": _tables, "scan": _scan}[what](Path(folder))
        return
    with tempfile.TemporaryDirectory(prefix="benchwell-bench-") as name:
        _run(options, options.keep or Path(name))


def _run(options: argparse.Namespace, folder: Path) -> None:
    from benchmarks.fhir.workload import write_export
    from benchmarks.machine import append

    lines = [
        "| NDJSON | program | seconds | MB/s | times the bare scan | peak GB | assessments |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    for megabytes in options.megabytes:
        export = folder / f"{megabytes:g}"
        if not (export / _FILES[0]).exists():
            print(f"Writing {megabytes:g} MB (not timed) ...", file=sys.stderr)
            write_export(export, megabytes)
        size = sum((export / name).stat().st_size for name in _FILES) / 1e6
        scan = _child("scan", export)
        for what, found in (("scan", scan), ("tables", _child("tables", export)), ("intake", _child("intake", export))):
            ratio = f"{found['seconds'] / scan['seconds']:.1f}"
            lines.append(
                f"| {size:,.0f} MB | {_WORDS[what]} | {found['seconds']:.1f} | {size / found['seconds']:.0f} | "
                f"{ratio if what != 'scan' else ''} | {found['peak_gb']:.2f} | {found['assessments']:,} |"
            )
            print(lines[-1], file=sys.stderr)
    lines += [
        "",
        f"Held to: whole processes, canonical tables at {TARGET_MB_PER_SECOND:.0f} MB/s or more, "
        f"at most {TARGET_GB:g} GB, below {TARGET_RATIO:g} times the bare scan, and memory that does not grow.",
    ]
    body = "\n".join(lines)
    print(body)
    append("FHIR to canonical tables", "./run bench fhir " + " ".join(sys.argv[1:]), body)


_WORDS = {
    "scan": "DuckDB, bare scan with explicit columns",
    "tables": "benchwell, canonical tables",
    "intake": "benchwell, canonical tables in the lake",
}


def _child(what: str, folder: Path) -> dict:
    from benchmarks.process_tree import PeakMemory

    command = [sys.executable, "-m", "benchmarks.bench_fhir", "--child", what, str(folder)]
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process, PeakMemory(process.pid) as memory:
        out, _ = process.communicate()
    seconds = time.perf_counter() - begin
    if process.returncode:
        raise SystemExit(process.returncode)
    return json.loads(out.splitlines()[-1]) | {"seconds": seconds, "peak_gb": memory.bytes / 1e9}


def _intake(folder: Path) -> None:
    from benchwell import Workspace

    with tempfile.TemporaryDirectory(prefix="benchwell-bench-lake-", dir=folder.parent) as name:
        report = Workspace(Path(name) / "workspace").intake(folder)
        print(json.dumps({"assessments": report.records["assessments"]}))


def _tables(folder: Path) -> None:
    import pyarrow.parquet as pq

    from benchwell.intake.fhir.read import read_fhir
    from benchwell.registry import Registry

    assessments = 0
    with tempfile.TemporaryDirectory(prefix="benchwell-bench-tables-", dir=folder.parent) as name:
        for number, part in enumerate(read_fhir([folder], Registry.load())):
            for table, rows in part.tables.items():
                pq.write_table(rows, Path(name) / f"{table}-{number}.parquet")
            assessments += part.tables["assessments"].num_rows if "assessments" in part.tables else 0
    print(json.dumps({"assessments": assessments}))


_CODING = "STRUCT(system VARCHAR, code VARCHAR)"
_REFERENCE = "STRUCT(reference VARCHAR)"
_COLUMNS = {
    "QuestionnaireResponse.ndjson": {
        "id": "VARCHAR",
        "status": "VARCHAR",
        "questionnaire": "VARCHAR",
        "subject": _REFERENCE,
        "authored": "VARCHAR",
        "item": f"STRUCT(linkId VARCHAR, answer STRUCT(valueCoding {_CODING}, valueDecimal DOUBLE)[])[]",
    },
    "Observation.ndjson": {
        "id": "VARCHAR",
        "status": "VARCHAR",
        "code": f"STRUCT(coding {_CODING}[])",
        "subject": _REFERENCE,
        "effectiveDateTime": "VARCHAR",
        "valueQuantity": "STRUCT(value DOUBLE, code VARCHAR)",
        "derivedFrom": f"{_REFERENCE}[]",
    },
}


def _scan(folder: Path) -> None:
    import duckdb

    rows = 0
    for name, columns in _COLUMNS.items():
        read = (
            f"SELECT count(*), {', '.join(f'max(hash({column}))' for column in columns)} FROM read_ndjson(?, columns=?)"
        )
        rows += duckdb.connect().execute(read, [str(folder / name), columns]).fetchall()[0][0]
    print(json.dumps({"assessments": 0, "rows": rows}))


if __name__ == "__main__":
    main()
