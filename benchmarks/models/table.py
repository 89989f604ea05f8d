"""The results as Markdown: who took how long, and which targets are met."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.models.contest import FASTER, TARGETS, Contestant, Faster, Model, Size, Target


@dataclass(frozen=True)
class Row:
    """One program's fit of one model at one size.

    Attributes:
        model: What was fitted.
        size: Of how many.
        contestant: By whom.
        seconds: Wall time of the whole process, the median of `runs`; None if there is no result.
        cpu: Processor time of that run.
        peak_gb: The largest peak memory of the runs.
        runs: How many.
        agrees: Whether its estimates are ours, in words.
        why: Why there is no result.
    """

    model: Model
    size: Size
    contestant: Contestant
    seconds: float | None = None
    cpu: float | None = None
    peak_gb: float | None = None
    runs: int = 0
    agrees: str = ""
    why: str = ""


def results(rows: Sequence[Row]) -> list[str]:
    """The table of all fits."""
    lines = [
        "| model | episodes / clinics | program | seconds | times ours | processor s | peak GB | estimates |",
        "|---|---:|---|---:|---:|---:|---:|---|",
    ]
    return [*lines, *(_line(row, _ours(rows, row.model, row.size.name)) for row in rows)]


def _line(row: Row, ours: Row | None) -> str:
    start = f"| {row.model} | {row.size} | {row.contestant.name}, {row.contestant.method(row.model)} |"
    if row.seconds is None:
        return f"{start} {row.why} | | | | |"
    times = "" if ours is None or ours is row or ours.seconds is None else f"{row.seconds / ours.seconds:.1f}"
    return f"{start} {row.seconds:.2f} | {times} | {row.cpu:.2f} | {row.peak_gb:.2f} | {row.agrees} |"


def targets(rows: Sequence[Row]) -> list[str]:
    """What we hold ourselves to, what was measured, and whether that is met."""
    lines = ["| held to | measured | met |", "|---|---|---|"]
    own = [_target(target, _ours(rows, target.model, target.size)) for target in TARGETS]
    return [*lines, *own, *(_faster(aim, rows) for aim in FASTER)]


def _target(target: Target, row: Row | None) -> str:
    memory = "" if target.gb is None else f" and {target.gb:g} GB"
    held = f"{target.model}, {target.size}: at most {target.seconds:g} s{memory}"
    if row is None:
        return f"| {held} | not in this run | |"
    if row.seconds is None or row.peak_gb is None:
        return f"| {held} | {row.why} | **no** |"
    met = row.seconds <= target.seconds and (target.gb is None or row.peak_gb <= target.gb)
    return f"| {held} | {row.seconds:.2f} s, {row.peak_gb:.2f} GB | {_met(met)} |"


def _faster(aim: Faster, rows: Iterable[Row]) -> str:
    held = f"{aim.model}, {aim.size}: at least {aim.times:g} times as fast as {aim.than}"
    both = [row for row in rows if (row.model, row.size.name) == (aim.model, aim.size)]
    ours, theirs = (
        next((row for row in both if row.contestant.name == name), None) for name in ("benchwell", aim.than)
    )
    if ours is None or theirs is None:
        return f"| {held} | not in this run | |"
    if ours.seconds is None or theirs.seconds is None:
        return f"| {held} | {ours.why or theirs.why} | |"
    times = theirs.seconds / ours.seconds
    return f"| {held} | {times:.1f} times | {_met(times >= aim.times)} |"


def _met(met: bool) -> str:
    return "yes" if met else "**no**"


def _ours(rows: Iterable[Row], model: str, size: str) -> Row | None:
    fits = (row for row in rows if row.contestant.name == "benchwell")
    return next((row for row in fits if row.model == model and row.size.name == size), None)
