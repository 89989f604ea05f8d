"""Wrong files end in an error that says what to do; readable ones are read whatever program wrote them."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xlsxwriter

from benchwell.errors import MappingError, SourceError
from benchwell.intake import IntakeResult, parse_mapping, read_source
from benchwell.registry import Registry

HEAD = "patient_id,date,instrument,total,therapy\n"
ROW = "p1,2026-01-05,phq-9,12,größe\n"


def a_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("hello.txt", "hello")
    return buffer.getvalue()


WRONG: dict[str, tuple[str, bytes, str]] = {
    "empty": ("a.csv", b"", "is empty"),
    "blank": ("a.csv", b"\n \n\n", "is empty"),
    "header only": ("a.csv", HEAD.encode(), "no data rows"),
    "header and blank rows": ("a.csv", HEAD.encode() + b"\n,,,,\n", "no data rows"),
    "binary": ("a.csv", bytes(range(256)) * 50, "NUL bytes"),
    "control characters": ("a.csv", bytes(range(1, 9)) * 50, "not a text file"),
    "a PDF": ("a.csv", b"%PDF-1.7\n1 0 obj", "a PDF"),
    "NUL bytes": ("a.csv", HEAD.encode() + b"p1,2026-01-05,phq-9,1\x002,x\n" * 9, "NUL bytes"),
    "another zip": ("a.xlsx", a_zip(), "not an Excel workbook"),
    "a zip named csv": ("a.csv", a_zip(), "not an Excel workbook"),
    "no workbook": ("a.xlsx", b"patient_id,date\n", "not an Excel workbook"),
    "empty workbook": ("a.xlsx", b"", "is empty"),
    "duplicated headers": ("a.csv", b"patient_id,date,date\np1,2026-01-05,2026-01-06\n", "two columns named 'date'"),
    "an open quotation mark": ("a.csv", HEAD.encode() + b'p1,2026-01-05,phq-9,12,"x\np2,2026-01-05,phq-9,9,y\n',
                               "never closed"),
    "an early open quotation mark": ("a.csv", HEAD.encode() + b'p1,"2026-01-05,phq-9,12,x\np2,2026-01-05,phq-9,9,y\n',
                                     "never closed"),
    "a huge cell": ("a.csv", HEAD.encode() + b"p1,2026-01-05,phq-9,12," + b"x" * (1 << 25) + b"\n", "cannot be read"),
    "half of a UTF-16 file": ("a.csv", HEAD.encode("utf-16")[:-1], "UTF-16"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(WRONG))
def test_wrong_files_end_in_a_clear_error(case: str, tmp_path: Path, registry: Registry) -> None:
    name, content, words = WRONG[case]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        read_source(path, registry)
    assert "p1" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_folders_missing_files_and_other_objects(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(SourceError, match="is a folder"):
        read_source(tmp_path, registry)
    with pytest.raises(SourceError, match="no file"):
        read_source(tmp_path / "none.csv", registry)
    with pytest.raises(SourceError, match="no source"):
        read_source(42, registry)


def test_unreadable_file(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError  # permissions do not bind a test that runs as root

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(SourceError, match="PermissionError"):
        read_source(tmp_path / "a.csv", registry)


def test_no_guess_names_the_columns(take_in: Callable[..., IntakeResult]) -> None:
    with pytest.raises(MappingError, match="colour, size"):
        take_in("colour,size\nred,3\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters(encoding: str, delimiter: str, take_in: Callable[..., IntakeResult]) -> None:
    result = take_in((HEAD + ROW).replace(",", delimiter).encode(encoding))
    assert result.tables["episodes"]["therapy"].to_pylist() == ["größe"]
    assert result.counts.accepted == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str, take_in: Callable[..., IntakeResult]) -> None:
    assert take_in((HEAD + ROW + ROW.replace("p1", "p2")).replace("\n", end)).counts.accepted == 2


def test_row_numbers_count_records_not_lines(take_in: Callable[..., IntakeResult]) -> None:
    result = take_in(HEAD + 'p1,2026-01-05,phq-9,12,"two\nlines"\n\np2,2026-01-05,phq-9\np3,2026-01-05,phq-9,99,x\n')
    assert list(zip(result.rejections["row"].to_pylist(), result.rejections["reason"].to_pylist(), strict=True)) == [
        (3, "ragged_row"), (4, "above_range"),
    ]  # fmt: skip
    assert result.counts.read == 3
    assert result.tables["episodes"]["therapy"].to_pylist() == ["two\nlines"]


def test_ids_stay_text(take_in: Callable[..., IntakeResult]) -> None:
    result = take_in("patient_id,date,instrument,total\n 007 ,2026-01-05,phq-9,12\n")
    assert result.tables["patients"]["patient_id"].to_pylist() == ["007"]


def workbook(path: Path, rows: list[list[object]], sheet: str = "scores") -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        book.add_worksheet("empty")
        page = book.add_worksheet(sheet)
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, dt.date):
                    page.write_datetime(at, column, dt.datetime(cell.year, cell.month, cell.day), day)
                elif cell is not None:
                    page.write(at, column, cell)
    return path


@pytest.mark.parametrize("date", [dt.date(2026, 1, 5), "2026-01-05", "5.1.2026", 46027])
def test_workbooks(date: object, tmp_path: Path, registry: Registry) -> None:
    rows: list[list[object]] = [
        ["patient_id", "date", "instrument", "total"],
        [1503, date, "PHQ-9", 12],
        ["p2", date, "PHQ-9", None],
    ]
    result = read_source(workbook(tmp_path / "a.xlsx", rows), registry)
    scores = result.tables["assessments"]
    assert scores["date"].to_pylist() == [dt.date(2026, 1, 5)]
    assert scores["patient_id"].to_pylist() == ["1503"]
    assert result.counts.as_dict() == {"read": 2, "accepted": 1, "corrected": 0, "flagged": 1, "rejected": 0}


def test_sheet_choice(tmp_path: Path, registry: Registry) -> None:
    path = workbook(
        tmp_path / "a.xlsx", [["patient_id", "date", "instrument", "total"], ["p1", "2026-01-05", "phq-9", 3]]
    )
    columns = "{{patient_id: patient_id, date: date, instrument: instrument, total: total}}"
    text = f"sheet: {{}}\ntables: {{{{assessments: {columns}}}}}"
    assert read_source(path, registry, parse_mapping(text.format("scores"), "m")).counts.accepted == 1
    with pytest.raises(MappingError, match="its sheets are: empty, scores"):
        read_source(path, registry, parse_mapping(text.format("other"), "m"))


def test_every_kind_of_frame_gives_the_same(registry: Registry) -> None:
    data = {"patient_id": ["p1", "p2"], "date": [dt.date(2026, 1, 5), dt.date(2026, 1, 6)], "instrument": ["phq-9"] * 2,
            "total": [12.0, None]}  # fmt: skip
    arrow = pa.table(data)
    frames = [arrow, pd.DataFrame(data), pl.DataFrame(data), pl.LazyFrame(data), duckdb.from_arrow(arrow),
              pd.DataFrame(data).assign(date=lambda frame: pd.to_datetime(frame["date"]))]  # fmt: skip
    results = [read_source(frame, registry) for frame in frames]
    first = results[0].tables["assessments"].drop_columns(["source_hash"])
    for result in results:
        assert result.tables["assessments"].drop_columns(["source_hash"]).equals(first)
        assert result.file == "frame"
    assert len({result.source_hash for result in results[:5]}) == 1


def test_taking_in_again_gives_the_same_ids_and_a_correction_keeps_them(take_in: Callable[..., IntakeResult]) -> None:
    head = "patient_id,date,instrument,total\n"
    first, again = take_in(head + "p1,2026-01-05,phq-9,12\n"), take_in(head + "p1,2026-01-05,phq-9,12\n")
    assert first.source_hash == again.source_hash
    assert first.tables["assessments"].equals(again.tables["assessments"])
    corrected = take_in(head + "p1,2026-01-05,phq-9,11\n")
    assert corrected.tables["assessments"]["assessment_id"].equals(first.tables["assessments"]["assessment_id"])
    assert corrected.tables["assessments"]["total"].to_pylist() == [11.0]
