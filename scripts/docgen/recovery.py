"""The part of docs/validity.md that shows what `./run study recovery` found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docgen.markdown import section, table

RESULTS = Path(__file__).resolve().parents[2] / "studies" / "results" / "recovery.json"

WORDS = """Networks of clinics are made up whose truth is known ([how](how-to/make-a-synthetic-world.md)). Our methods
run on what a clinic would see of them, and what they say is held against the truth. A figure holds if it lies within
its target; the error is the Monte-Carlo standard error over the worlds, shown and not allowed for. What does not hold
is said so."""


def recovery(path: Path = RESULTS) -> list[str]:
    """The section, or nothing while the study has never run."""
    if not path.exists():
        return []
    results = json.loads(path.read_text(encoding="utf-8"))
    header = ["setting", "figure", "target", "found", "error", "worlds", "holds"]
    text = (
        f"Made by `./run study recovery` with seed {results['seed']}; the same seed gives the same table. Where the "
        "last run asked fewer worlds than planned, both numbers stand in the column."
    )
    return section("Is the truth found again?", WORDS, text, table(header, cells(results["rows"])))


def cells(rows: list[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """One line per figure; the setting stands in the first line of each question."""
    lines, before = [], ""
    for row in rows:
        setting = "" if row["question"] == before else f"{row['setting']} ({row['methods']})"
        holds = {True: "yes", False: "**no**", None: ""}[row["holds"]]
        figures = (_figure(row["found"], row["unit"]), _figure(row["error"], row["unit"], error=True))
        lines.append((setting, row["claim"], row["target"].replace("-", "−"), *figures, _worlds(row), holds))
        before = row["question"]
    return lines


def _worlds(row: Mapping[str, Any]) -> str:
    asked, planned = row["replicates"], row["planned"]
    return str(asked) if asked >= planned else f"{asked} of {planned}"


def _figure(value: float | None, unit: str, *, error: bool = False) -> str:
    if value is None:
        return "–"
    if unit == "%":
        return f"{100 * value:.2g}" if error else f"{100 * value:.1f} %"
    return f"{value:.2g}" if error else f"{value:.3g}".replace("-", "−")
