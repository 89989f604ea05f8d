"""One stray cell in the last corner of a sheet asked for half a terabyte and ended the program."""

from __future__ import annotations

import datetime as dt
import io
import time
import zipfile

import pytest
import xlsxwriter

from benchwell.errors import SourceError, ValueSetError
from benchwell.intake import read_source
from benchwell.quality.value_set_files import read_content
from benchwell.registry import Registry
from benchwell.workbooks import is_too_large


def workbook(*cells: tuple[int, int], empty: tuple[int, int] | None = None) -> bytes:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        sheet = book.add_worksheet()
        for row, column in cells:
            sheet.write(row, column, "Code")
        if empty is not None:
            sheet.write_blank(*empty, None, book.add_format({"bold": True}))
    return written.getvalue()


FAR = workbook((0, 0), (1_048_575, 16_383))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (FAR, True),
        (workbook((0, 0), (1_048_575, 60)), True),
        (workbook((0, 0), (1_048_575, 40)), False),
        (workbook((1_048_575, 16_383)), False),
        (workbook((0, 0), empty=(1_048_575, 16_383)), False),
        (workbook(), False),
        (b"PK\x03\x04 cut off", False),
    ],
)
def test_room_is_what_lies_between_the_first_and_the_last_cell(content: bytes, expected: bool) -> None:
    begun = time.monotonic()
    assert is_too_large(content) is expected
    assert time.monotonic() - begun < 5


def test_many_pieces_are_looked_through() -> None:
    cells = [(row, column) for row in range(4000) for column in range(12)]
    assert not is_too_large(workbook(*cells))
    assert is_too_large(workbook(*cells, (900_000, 600)))


def test_a_tag_without_end_costs_no_time() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<c " + 'r="A1" ' * 300_000)
    begun = time.monotonic()
    assert not is_too_large(packed.getvalue())
    assert time.monotonic() - begun < 10


def test_both_readers_refuse_it_in_words(tmp_path) -> None:
    path = tmp_path / "scores.xlsx"
    path.write_bytes(FAR)
    with pytest.raises(SourceError, match="cells too far apart"):
        read_source(path, Registry.load(), as_of=dt.date(2026, 1, 1))
    with pytest.raises(ValueSetError, match="cells too far apart"):
        list(read_content(FAR, "codes.xlsx"))
