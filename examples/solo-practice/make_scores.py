"""Make scores.csv, a practice that never existed: `python make_scores.py > scores.csv`.

Twenty made-up people who start between January and June 2025, in columns of `benchwell template`. Scores fall
with noise; seven people have no score after the first weeks, and half also fill in GAD-7. No person, no
distribution and no result of any real practice stands behind it: only this seed and the numbers written below.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
import sys
from collections.abc import Iterator

SEED = 20250106
PEOPLE = 20
NOT_FOLLOWED = {3, 6, 9, 12, 14, 17, 20}
COLUMNS = [
    "patient_id",
    "date",
    "instrument",
    "total",
    "start_date",
    "end_date",
    "end_reason",
    "therapy",
    "birth_year",
    "sex",
]
HIGHEST = {"phq-9": 27, "gad-7": 21}

Row = dict[str, object]


def people() -> Iterator[Row]:
    """Every row of the file, person by person."""
    rng = random.Random(SEED)  # noqa: S311  # made-up data, no secret
    for number in range(1, PEOPLE + 1):
        start = dt.date(2025, 1, 6) + dt.timedelta(days=8 * (number - 1) + int(rng.random() * 5))
        followed = number not in NOT_FOLLOWED
        early = [8 + int(rng.random() * 14)] if rng.random() < 0.7 else []
        later = [int(28 * visit + rng.random() * 14) for visit in range(1, 3 + int(rng.random() * 4))]
        days = [0, *early, *(later if followed else [])]
        course: Row = {
            "patient_id": f"synthetic-{number:02d}",
            "start_date": start,
            "end_date": start + dt.timedelta(days=days[-1] + 7) if followed else "",
            "end_reason": "completed" if followed else "",
            "therapy": "cbt" if number % 3 else "act",
            "birth_year": 1955 + int(rng.random() * 48),
            "sex": "female" if rng.random() < 0.6 else "male",
        }
        for instrument in ["phq-9", "gad-7"] if number % 2 else ["phq-9"]:
            yield from scores(rng, course, start, instrument, days)


def scores(rng: random.Random, course: Row, start: dt.date, instrument: str, days: list[int]) -> Iterator[Row]:
    """One person's scores on one instrument: a start above the cut-off, then a slow fall with noise."""
    level = 10 + rng.random() * 0.45 * HIGHEST[instrument]
    pace = rng.random() * 0.16
    for day in days:
        noisy = level - pace * day + 4 * (rng.random() - 0.5)
        total = max(0, min(HIGHEST[instrument], round(noisy)))
        yield course | {"date": start + dt.timedelta(days=day), "instrument": instrument, "total": total}


if __name__ == "__main__":
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(people())
