"""Hierarchical models side by side: Benchwell, GPBoost, statsmodels and lme4 on the same synthetic Parquet file.

    ./run bench models [--only linear|nested|logistic|stream] [--size 12k|200k|1M|5M|10M] [--quick]

Every fit is a process of its own: start, imports, read, fit with standard errors, result printed. Time is wall time of
the whole process, memory its peak. All programs fit the same columns, and their estimates are compared with ours.
Writing the data is not timed. Each file is read once before the clock starts, so that none pays for a cold disk.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import append
from benchmarks.models.agreement import difference
from benchmarks.models.contest import OTHERS, OURS, SIZES, STREAM, TINY, Contestant, Model, Size
from benchmarks.models.measured import Limits, Measured, measured
from benchmarks.models.programs import Program, installed, write_files
from benchmarks.models.table import Row, results, targets
from benchmarks.models.workload import outcome_for

MODELS: tuple[Model, ...] = ("linear", "nested", "logistic")
# A fit below this many seconds runs several times, and the median counts.
SHORT = 10.0


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    limits = Limits(options.timeout, options.memory)
    programs, lacking = installed(options.against)
    for line in lacking:
        _say(line)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="benchwell-bench-") as name:
        for model, size in _plan(options):
            who = programs[:1] if size is STREAM else programs
            rows += _bout(Path(name), model, size, who, rows, limits, options.repeat)
    body = "\n".join([*results(rows), "", *targets(rows), "", *_notes(programs, lacking, limits, options.repeat)])
    print(body)
    if not options.quick:
        append("Hierarchical models", " ".join(["./run bench models", *(arguments or sys.argv[1:])]), body)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[*MODELS, "stream"], help="what to fit; may be repeated")
    parser.add_argument(
        "--size", action="append", choices=[size.name for size in (TINY, *SIZES, STREAM)], help="may be repeated"
    )
    parser.add_argument(
        "--quick", action="store_true", help="the two small sizes, once each; results.md is not touched"
    )
    names = [contestant.name for contestant in OTHERS]
    parser.add_argument(
        "--against", nargs="*", choices=names, default=names, help="the other programs; none: ours only"
    )
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for one fit (120)")
    parser.add_argument("--memory", type=float, default=16.0, help="GB of address space for one fit (16)")
    parser.add_argument("--repeat", type=int, default=3, help=f"runs of a fit of under {SHORT:.0f} s (3)")
    options = parser.parse_args(arguments)
    if options.quick:
        options.size = options.size or ["12k", "200k"]
        options.repeat = 1
    return options


def _plan(options: argparse.Namespace) -> list[tuple[Model, Size]]:
    """What to fit at which size: models outside, sizes growing inside, the stream last."""
    sizes = [size for size in (TINY, *SIZES) if size.name in (options.size or [size.name for size in SIZES])]
    chosen = options.only or [*MODELS, "stream"]
    plan = [(model, size) for model in MODELS if model in chosen for size in sizes]
    streamed = "stream" in chosen and (options.size is None or STREAM.name in options.size)
    return [*plan, ("linear", STREAM)] if streamed else plan


def _bout(
    folder: Path, model: Model, size: Size, programs: list[Program], before: list[Row], limits: Limits, repeat: int
) -> list[Row]:
    """All programs on one file."""
    path = folder / f"{outcome_for(model)}_{size.episodes}.parquet"
    rows: list[Row] = []
    references: dict[str, dict[str, Any]] = {}
    for program in programs:
        contestant = program.contestant
        if model not in contestant.models:
            continue
        why = hopeless(contestant, model, size, before, limits)
        if why:
            rows.append(Row(model, size, contestant, why=why))
            continue
        _say(f"{model}, {size.name}: {contestant.name} ...")
        write_files(path, [program], outcome_for(model), size.episodes, size.clinics)
        _read_once(path.with_suffix(program.reads))
        runs = _runs(program.command(path, model), limits, repeat)
        last, method = runs[-1], contestant.method(model)
        if contestant is OURS and last.told is not None:
            references[method] = last.told
        elif last.told is not None and method not in references:
            _say("  our own fit by the same method, to compare estimates (not timed) ...")
            ours = measured([*programs[0].command(path, model), method.lower()], limits).told
            references |= {} if ours is None else {method: ours}
        rows.append(row_of(runs, model, size, contestant, references.get(method)))
        _say("  " + _told(rows[-1]))
    return rows


def hopeless(contestant: Contestant, model: Model, size: Size, before: list[Row], limits: Limits) -> str:
    """Why a fit need not be tried: by its time at the size before it cannot end in time. Empty if it may."""
    own = [row for row in before if row.contestant is contestant and row.model == model]
    if not own:
        return ""
    last = own[-1]
    if last.seconds is None:
        return f"not tried ({last.size.name}: {last.why})" if "not tried" not in last.why else last.why
    expected = last.seconds * size.episodes / last.size.episodes
    if last.seconds > SHORT and expected > limits.seconds:
        return f"not tried (by {last.size.name}, about {expected:.0f} s)"
    return ""


def _runs(command: list[str], limits: Limits, repeat: int) -> list[Measured]:
    runs = [measured(command, limits)]
    while len(runs) < repeat and runs[-1].told is not None and runs[-1].seconds < SHORT:
        runs.append(measured(command, limits))
    return runs


def row_of(
    runs: list[Measured], model: Model, size: Size, contestant: Contestant, reference: dict[str, Any] | None
) -> Row:
    """The median of the runs, and whether their estimates are ours."""
    if runs[-1].told is None:
        return Row(model, size, contestant, why=runs[-1].why)
    seconds = statistics.median_low([run.seconds for run in runs])
    middle = next(run for run in runs if run.seconds == seconds)
    agrees = compared(runs[-1].told, None if contestant is OURS else reference, ours=contestant is OURS)
    peak = max(run.peak_gb for run in runs)
    return Row(model, size, contestant, seconds, middle.cpu, peak, len(runs), agrees)


def compared(told: dict[str, Any], reference: dict[str, Any] | None, *, ours: bool = False) -> str:
    """Whether estimates are ours, and whether the program itself takes them for found."""
    words = "reference" if ours else "not compared" if reference is None else str(difference(told, reference))
    return words if told.get("converged", True) else f"{words}; by its own account not converged"


def _read_once(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 20):
            pass


def _told(row: Row) -> str:
    if row.seconds is None:
        return row.why
    return f"{row.seconds:.2f} s, {row.peak_gb:.2f} GB, estimates: {row.agrees}"


def _notes(programs: list[Program], lacking: list[str], limits: Limits, repeat: int) -> list[str]:
    versions = "; ".join(f"{program.contestant.name} {program.version}" for program in programs)
    load = os.getloadavg()[0]
    return [
        f"Programs: {versions}. {' '.join(lacking)}".strip(),
        f"Each fit is a whole process, with its own defaults for threads; of fits below {SHORT:.0f} s the median of "
        f"{repeat}. Limits of one fit: {limits.seconds:.0f} s, {limits.gb:.0f} GB of address space. "
        f"Load of the machine at the end, which includes these fits: {load:.1f}.",
        "Estimates are compared with ours by the same method; `same`: every coefficient to 0.001 of a standard error. "
        "GPBoost has no REML, so its linear fits are ML; statsmodels has no likelihood fit of a logistic mixed model, "
        "and fits nested ones by Powell's method, since its default does not converge on these data.",
    ]


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
