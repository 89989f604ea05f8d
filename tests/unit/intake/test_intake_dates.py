"""The order of day and month is decided by the whole column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pyarrow as pa
import pytest

from benchwell.intake import IntakeResult
from benchwell.intake.dates import parse_dates

EPOCH = dt.date(1970, 1, 1)


def read(texts: list[str | None], declared: str | None = None) -> list[str]:
    found = parse_dates(pa.array(texts, pa.string()), declared, latest_year=2026)  # type: ignore[arg-type]
    return [
        (EPOCH + dt.timedelta(days=int(day))).isoformat() if known else "ambiguous" if unclear else "bad" if bad else ""
        for day, known, unclear, bad in zip(found.days, found.known, found.ambiguous, found.bad, strict=True)
    ]


@pytest.mark.parametrize(
    "text",
    ["2026-01-31", "2026/1/31", "20260131", "31.01.2026", "31.1.26", "31 Jan 2026", "January 31, 2026",
     "31. Januar 2026", "31 de enero de 2026", "2026-01-31T08:30:00Z", "2026-01-31 08:30", "46053"],
)  # fmt: skip
def test_clear_dates(text: str) -> None:
    assert read([text]) == ["2026-01-31"]


@pytest.mark.parametrize(
    "text", ["2026-02-29", "31.04.2026", "2026-13-01", "00.01.2026", "soon", "2026-01-01 25:00", "12"]
)
def test_what_is_no_date(text: str) -> None:
    assert read([text]) == ["bad"]


def test_one_clear_row_decides_for_all() -> None:
    assert read(["03/04/2026", "13/04/2026", None]) == ["2026-04-03", "2026-04-13", ""]
    assert read(["03/04/2026", "04/13/2026"]) == ["2026-03-04", "2026-04-13"]


def test_undecided_columns_are_refused_even_where_a_row_reads_the_same_both_ways() -> None:
    assert read(["03/04/2026", "05/05/2026"]) == ["ambiguous", "ambiguous"]


def test_contradicting_columns_are_refused() -> None:
    assert read(["13/04/2026", "04/13/2026", "01/02/2026"]) == ["ambiguous"] * 3


def test_a_single_typing_error_does_not_undo_a_clear_column() -> None:
    assert read(["13/04/2026"] * 40 + ["04/13/2026"])[-2:] == ["2026-04-13", "bad"]


def test_the_declared_order_wins() -> None:
    assert read(["03/04/2026"], "mdy") == ["2026-03-04"]
    assert read(["03/04/2026"], "dmy") == ["2026-04-03"]
    assert read(["03.04.2026"], "mdy") == ["2026-03-04"]


def test_clock_time_orders_two_forms_of_a_day(take_in: Callable[..., IntakeResult]) -> None:
    result = take_in("patient_id,date,instrument,total\np1,2026-01-05 09:30,phq-9,12\np1,2026-01-05 15:00,phq-9,9\n")
    assert result.tables["assessments"]["time"].to_pylist() == ["09:30:00", "15:00:00"]
    assert parse_dates(pa.array(["1/31/2026 2:05 PM"])).seconds.tolist() == [14 * 3600 + 300]
