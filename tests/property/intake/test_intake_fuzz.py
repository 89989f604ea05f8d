"""Whatever the bytes are, an intake ends in a result whose counts add up, or in an error of ours."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from benchwell.errors import MappingError, SourceError
from benchwell.intake import parse_mapping, read_source
from benchwell.intake.dates import days_of, parse_dates
from benchwell.intake.numbers import parse_numbers
from benchwell.registry import Registry

REGISTRY = Registry.load()
AS_OF = dt.date(2026, 6, 30)
MAPPING = parse_mapping("tables: {assessments: {patient_id: a, date: b, instrument: {constant: phq-9}, total: c}}", "m")
QUIET = settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def check(content: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"scores{suffix}"
        path.write_bytes(content)
        for mapping in (None, MAPPING):
            try:
                result = read_source(path, REGISTRY, mapping, as_of=AS_OF)
            except (SourceError, MappingError):
                continue
            counts = result.counts
            assert counts.read == counts.accepted + counts.corrected + counts.flagged + counts.rejected
            assert counts.read > 0


@QUIET
@given(st.binary(max_size=400))
@example(b"a,b,c\n\xff,2026-01-05,9\n")
@example(b"PK\x03\x04")
@example(b"\xef\xbb\xbf")
@example(b'a,b,c\n"')
@example(b"a,b,c\r\r\r1")
def test_any_bytes(content: bytes) -> None:
    check(content, ".csv")


@QUIET
@given(st.binary(max_size=200))
def test_any_bytes_as_a_workbook(content: bytes) -> None:
    check(b"PK\x03\x04" + content, ".xlsx")


@QUIET
@given(st.lists(st.text(alphabet='ab,;"\n\r\t 0123456789-./é', max_size=40), min_size=1, max_size=8))
def test_any_rows_below_a_header(lines: list[str]) -> None:
    check(("a,b,c\n" + "\n".join(lines)).encode("utf-8"), ".csv")


CELLS = st.sampled_from(["", "p1", "p2", "p3"])
DAYS = st.sampled_from(["", "2026-01-05", "2026-02-05", "2026-02-30", "2027-01-01", "x"])
SCORES = st.sampled_from(["", "0", "9", "27", "28", "-1", "9.5", "NA", "nine"])


@QUIET
@given(st.lists(st.tuples(CELLS, DAYS, SCORES), min_size=1, max_size=12))
def test_slow_twin(rows: list[tuple[str, str, str]]) -> None:
    """Row by row in plain Python, sharing no code: the same assessments, the same refused rows."""
    text = io.StringIO()
    csv.writer(text).writerows([("a", "b", "c"), *rows])
    read, refused, kept = slow_intake(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_text(text.getvalue(), encoding="utf-8")
        try:
            result = read_source(path, REGISTRY, MAPPING, as_of=AS_OF)
        except SourceError:
            assert read == 0
            return
    scores = result.tables["assessments"].to_pylist() if "assessments" in result.tables else []
    found = {(s["patient_id"], s["date"].isoformat(), s["total"], s["source_row"]) for s in scores}
    assert found == kept
    assert result.counts.read == read
    assert result.counts.rejected == len(refused)
    table = result.rejections
    marked = {
        row
        for row, action in zip(table["row"].to_pylist(), table["action"].to_pylist(), strict=True)
        if action == "rejected"
    }
    assert marked == refused


def slow_intake(rows: list[tuple[str, str, str]]) -> tuple[int, set[int], set[tuple[str, str, float, int]]]:
    """Rows read, rows refused, and the scores that stay with the row they come from."""
    read, refused = 0, set()
    same: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for number, (person, day, score) in enumerate(rows, start=1):
        if not (person or day or score):
            continue
        read += 1
        empty = score in ("", "NA")
        possible = person and (day in ("2026-01-05", "2026-02-05") or (not day and empty))
        if not possible or not (empty or score in ("0", "9", "27")):
            refused.add(number)
        elif not empty:
            same.setdefault((person, day), []).append((number, float(score)))
    kept = set()
    for (person, day), copies in same.items():
        equal = len({value for _, value in copies}) == 1
        winner = copies[0] if equal else copies[-1]
        kept.add((person, day, winner[1], winner[0]))
        refused |= {number for number, _ in copies} - {winner[0]}
    return read, refused, kept


@QUIET
@given(st.integers(1000, 9999), st.integers(-1, 14), st.integers(-1, 33))
def test_calendar(year: int, month: int, day: int) -> None:
    days, valid = days_of(np.array([year]), np.array([month]), np.array([day]))
    try:
        expected = (dt.date(year, month, day) - dt.date(1970, 1, 1)).days
    except ValueError:
        assert not valid[0]
    else:
        assert valid[0]
        assert days[0] == expected


@QUIET
@given(st.lists(st.dates(dt.date(1950, 1, 1), dt.date(2030, 1, 1)), min_size=1, max_size=20), st.sampled_from("dm"))
def test_a_column_is_read_in_one_order_or_not_at_all(dates: list[dt.date], order: str) -> None:
    pattern = "%d/%m/%Y" if order == "d" else "%m/%d/%Y"
    found = parse_dates(pa.array([date.strftime(pattern) for date in dates]))
    expected = [(date - dt.date(1970, 1, 1)).days for date in dates]
    if any(date.day > 12 for date in dates):
        assert found.days.tolist() == expected
    else:
        assert found.ambiguous.all()


@QUIET
@given(st.integers(-(10**12), 10**12).map(lambda n: n / 1e6))
def test_numbers_come_back(value: float) -> None:
    assert parse_numbers(pa.array([repr(value)])).values.tolist() == [value]
    text = f"{value:.6f}"
    assert parse_numbers(pa.array([text.replace(".", ",")])).values.tolist() == [float(text)]


@QUIET
@given(st.text(max_size=60))
def test_no_text_breaks_dates_or_numbers(text: str) -> None:
    assert parse_dates(pa.array([text])).known.shape == (1,)
    assert parse_numbers(pa.array([text])).values.shape == (1,)
