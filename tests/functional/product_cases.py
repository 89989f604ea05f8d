"""Data and small helpers of the end-to-end tests."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A patient whose id and values must never appear in anything that a person or a log reads.
SECRET = "SECRET-PATIENT-77"
EXAMPLES = Path(__file__).parents[2] / "examples"
AS_OF = "2026-01-31"


@dataclass(frozen=True)
class Ran:
    """One run of the command line."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as strict JSON: no NaN, no Infinity."""

        def refuse(name: str) -> None:
            raise AssertionError(f"{name} is not JSON")

        return json.loads(self.out, parse_constant=refuse)


def environment(**more: str) -> dict[str, str]:
    """This process's environment, without what would change how the terminal looks."""
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")}
    return kept | more


def practice_rows() -> list[dict[str, Any]]:
    """20 people with a first PHQ-9; 15 come back after 84 days, 8 of them at half their score."""
    rows = []
    for number in range(20):
        first, start = 12 + number % 10, dt.date(2025, 1, 6) + dt.timedelta(days=3 * number)
        person = {"patient_id": f"p{number:02d}", "instrument": "phq-9", "clinic": "north", "therapy": "cbt"}
        rows.append(person | {"date": start, "total": first})
        if number < 15:
            later = start + dt.timedelta(days=84)
            rows.append(person | {"date": later, "total": first // 2 if number < 8 else first - 2})
    return rows


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Rows as CSV; the columns are those of the first row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
