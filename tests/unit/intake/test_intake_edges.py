"""Less common roads through the intake."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import xlsxwriter

from benchwell.errors import SourceError
from benchwell.intake import Counts, IntakeResult, read_source
from benchwell.intake.dates import parse_dates
from benchwell.intake.encoding import to_utf8
from benchwell.intake.numbers import parse_numbers
from benchwell.intake.rejections import Rejections
from benchwell.registry import Registry

SMALL = "tables: {assessments: {patient_id: ID, date: DAY, instrument: {constant: phq-9}, total: SUM}}"


def reasons(result: IntakeResult) -> list[tuple[int, str]]:
    return list(zip(result.rejections["row"].to_pylist(), result.rejections["reason"].to_pylist(), strict=True))


def test_where_limits_a_block(take_in: Callable[..., IntakeResult]) -> None:
    text = """
    tables:
      assessments:
        - {where: {T: [A]}, patient_id: ID, date: DAY, instrument: {constant: phq-9}, total: SUM}
        - {where: {T: [B]}, patient_id: ID, date: DAY, instrument: {constant: gad-7}, total: SUM}
    """
    result = take_in("ID,DAY,SUM,T\n1,2026-01-05,27,A\n1,2026-01-05,21,B\n1,2026-01-05,27,B\n1,x,1,C\n", text)
    assert reasons(result) == [(3, "above_range")]
    assert sorted(result.tables["assessments"]["instrument"].to_pylist()) == ["gad-7", "phq-9"]
    assert result.counts.as_dict() == {"read": 4, "accepted": 3, "corrected": 0, "flagged": 0, "rejected": 1}


def test_birth_date_of_another_row_counts(take_in: Callable[..., IntakeResult]) -> None:
    text = SMALL.replace("tables: {", "tables: {patients: {patient_id: ID, birth_date: BORN, birth_year: YEAR}, ")
    rows = (
        "1,2001-06-01,9,2001-06-02,2001\n1,2001-06-02,9,,\n2,2001-01-01,9,,2001\n2,2000-12-31,9,,\n3,1990-01-01,9,,\n"
    )
    result = take_in("ID,DAY,SUM,BORN,YEAR\n" + rows, text)
    assert reasons(result) == [(1, "before_birth"), (4, "before_birth")]


def test_relative_days_must_be_whole(take_in: Callable[..., IntakeResult]) -> None:
    text = SMALL.replace("date: DAY", "date: {origin: 2000-01-01, day_offset: DAY}")
    result = take_in("ID,DAY,SUM\n1,7,9\n2,7.5,9\n3,,9\n4,NA,9\n", text)
    assert reasons(result) == [(2, "unparseable_date"), (3, "missing_date"), (4, "missing_date")]
    assert result.tables["assessments"]["date"].to_pylist() == [dt.date(2000, 1, 8)]


def test_totals_are_compared_with_reversed_and_averaged_items(take_in: Callable[..., IntakeResult]) -> None:
    items = ",".join(f"item_{n}" for n in range(1, 11))
    right, wrong = ("," + ",".join(["1"] * 10) for _ in range(2))
    registry = Registry.load()
    core = registry.instrument("core-10")
    assert core.items is not None
    total = sum(4 - 1 if n in core.items.reverse else 1 for n in range(1, 11))
    head = f"patient_id,date,instrument,total,{items}\n"
    result = take_in(f"{head}p1,2026-01-05,core-10,{total}{right}\np2,2026-01-05,core-10,{total + 1}{wrong}\n")
    assert reasons(result) == [(2, "total_differs")]


def test_declared_signs_and_orders() -> None:
    assert parse_numbers(pa.array(["1,5", "1.5"]), ".").bad.tolist() == [True, False]
    assert parse_numbers(pa.array(["1,5", "1.5"]), ",").bad.tolist() == [False, True]
    assert parse_dates(pa.array(["46053", "2026-01-31", "1.2.26"]), "serial").known.tolist() == [True, True, False]
    assert parse_dates(pa.array(["2026-01-31", "31/01/2026"]), "ymd").known.tolist() == [True, False]
    assert parse_dates(pa.array(["1.2.30"]), latest_year=2026).days.tolist() == [
        (dt.date(1930, 2, 1) - dt.date(1970, 1, 1)).days  # not 2030: that is still to come
    ]


def test_damaged_text() -> None:
    with pytest.raises(SourceError, match="UTF-16 but is damaged"):
        to_utf8(b"\xff\xfea\x00\x00\xd8b\x00", "a.csv")  # half of a surrogate pair


def test_bytes_without_meaning_in_windows_text_are_latin_1() -> None:
    assert to_utf8(b"a\x81\xe9", "a.csv") == ("a\x81é".encode(), "cp1252")


def test_too_many_columns(take_in: Callable[..., IntakeResult]) -> None:
    with pytest.raises(SourceError, match="at most 5000"):
        take_in(",".join(f"c{n}" for n in range(5001)) + "\n1\n")


def test_only_ragged_rows(take_in: Callable[..., IntakeResult]) -> None:
    result = take_in("ID,DAY,SUM\n1,2\n1\n", SMALL)
    assert result.counts.rejected == result.counts.read == 2
    assert result.tables == {}


def test_blank_header_cells(take_in: Callable[..., IntakeResult]) -> None:
    with pytest.raises(SourceError, match="empty header"):
        take_in(",,\n1,2,3\n")


def test_workbook_cells_of_every_kind(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet("scores")
        clock = book.add_format({"num_format": "hh:mm:ss"})
        for at, name in enumerate(["patient_id", "date", "instrument", "total", "time"]):
            page.write(0, at, name)
        for row in (1, 2, 4):
            page.write_row(row, 0, [f"p{row}", "2026-01-05", "hba1c", 7.5])
            page.write_datetime(row, 4, dt.time(9, 30), clock)
        page.write(2, 7, "a note beside the table")
        page.write_boolean(4, 3, True)
    result = read_source(path, registry, as_of=dt.date(2026, 6, 30))
    assert reasons(result) == [(2, "ragged_row"), (4, "not_a_number")]
    assert result.counts.read == 3
    (score,) = result.tables["assessments"].to_pylist()
    assert score["time"].startswith("09:30")


def test_empty_workbook(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("nothing")
    with pytest.raises(SourceError, match="no sheet with data"):
        read_source(path, registry)


def test_frames_without_columns_or_with_lists(registry: Registry) -> None:
    with pytest.raises(SourceError, match="no columns"):
        read_source(pa.table({}), registry)
    with pytest.raises(SourceError, match="cannot be read"):
        read_source(pa.table({"patient_id": [[1]]}), registry)


def test_categories_and_times_in_frames(registry: Registry) -> None:
    frame = pa.table({"patient_id": pa.array(["p1"]).dictionary_encode(), "date": [dt.datetime(2026, 1, 5, 9, 30)],
                      "instrument": ["phq-9"], "total": [9]})  # fmt: skip
    (score,) = read_source(frame, registry).tables["assessments"].to_pylist()
    assert (score["date"], score["time"]) == (dt.date(2026, 1, 5), "09:30:00")


def test_counts_of_nothing() -> None:
    empty = pa.array([], pa.int64()).to_numpy()
    assert Rejections().counts(empty, empty) == Counts(0, 0, 0, 0, 0)
    assert Rejections().table("hash", "a.csv").num_rows == 0


def test_declared_missing_texts_of_one_column_do_not_reach_others(take_in: Callable[..., IntakeResult]) -> None:
    result = take_in("ID,DAY,SUM\n9,2026-01-05,9\n", SMALL.replace("total: SUM", "total: {column: SUM, missing: 9}"))
    assert reasons(result) == [(1, "no_score")]
    assert result.tables["patients"]["patient_id"].to_pylist() == ["9"]
