"""From a file of scores to the page of one practice: the bundled sample, checked against its own rows."""

from __future__ import annotations

import csv
import datetime as dt
from collections import defaultdict
from pathlib import Path

import pytest

from benchwell.pipeline.one_person import own_figures
from benchwell.pipeline.progress import Stages
from benchwell.registry import Registry
from benchwell.reports import render_solo_report, solo_sentences

SAMPLE = Path(__file__).parents[3] / "examples" / "solo-practice" / "scores.csv"


@pytest.fixture(scope="module")
def own():
    return own_figures(SAMPLE, mapping=None, as_of=dt.date(2026, 6, 30), registry=Registry.load(), stages=Stages(None))


def by_person() -> dict[str, list[tuple[dt.date, dt.date, int]]]:
    """(start, day, PHQ-9 total) of each person, in the order of the file's own dates."""
    found = defaultdict(list)
    with SAMPLE.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["instrument"] == "phq-9":
                start, day = dt.date.fromisoformat(row["start_date"]), dt.date.fromisoformat(row["date"])
                found[row["patient_id"]].append((start, day, int(row["total"])))
    return {person: sorted(rows) for person, rows in sorted(found.items(), key=lambda item: min(item[1])[0])}


def test_gains_are_those_of_the_file_in_the_order_of_starts(own):
    first_to_last = next(one for one in own.report.measures if one.measure.id == "phq9-last-observed-change")
    within = [[row for row in rows if (row[1] - rows[0][1]).days <= 84] for rows in by_person().values()]
    expected = [rows[0][2] - rows[-1][2] if len(rows) > 1 else None for rows in within]
    assert list(first_to_last.gains) == expected


def test_at_most_six_measures_in_the_order_of_their_headlines(own):
    places = [one.measure.headline for one in own.report.measures]
    assert 1 <= len(places) <= 6
    assert places == sorted(places)
    assert not {one.measure.title for one in own.report.measures} & set(own.report.others)


def test_the_sample_is_marked_and_nobody_can_be_told_apart(own):
    assert own.report.synthetic
    page = render_solo_report(own.report)
    assert "This is a synthetic sample" in page
    assert "synthetic-0" not in page
    starts = {rows[0][0].isoformat() for rows in by_person().values()}
    assert not [start for start in starts if start in page]


def test_notes_are_few_sentences(own):
    assert len(own.report.notes) <= 4
    assert all(" " in note and not note.startswith("measure ") for note in own.report.notes)
    assert solo_sentences(own.report)[0].startswith("This is a synthetic sample")
