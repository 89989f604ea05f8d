"""How much room a workbook asks for, looked at before anybody makes it.

The reader of workbooks makes room for every cell between the first and the last one of a sheet. One stray cell in the
last corner of an otherwise empty sheet asks for half a terabyte, and that ends the whole program, not only the reading.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

MOST_CELLS = 50_000_000  # of one sheet, empty ones between others included: about 1.6 GB
MOST_BYTES = 2 << 30  # of all sheets, unpacked
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
# One that is not empty. Both gaps are bounded, or a tag without end would be read again and again.
_CELL = re.compile(rb'<(?:\w{1,20}:)?c\s[^<>]{0,200}?\br="([A-Z]{1,3})(\d{1,7})"[^<>]{0,200}(?<!/)>')
_PIECE = 1 << 20
_LONGEST_CELL = 512  # bytes of the beginning of a cell


def is_too_large(content: bytes) -> bool:
    """Whether an XLSX workbook asks for more room than any table needs. What is no XLSX is left to the reader.

    >>> is_too_large(b"no workbook")
    False
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sheets = [one for one in archive.infolist() if _SHEET.fullmatch(one.filename)]
            if sum(one.file_size for one in sheets) > MOST_BYTES:
                return True
            return any(_cells(archive, one) > MOST_CELLS for one in sheets)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, OverflowError):
        return False


def _cells(archive: zipfile.ZipFile, sheet: zipfile.ZipInfo) -> int:
    """Cells of the smallest rectangle around all that hold something."""
    columns: set[bytes] = set()
    first, last = 1 << 30, 0
    with archive.open(sheet) as file:
        held = b""
        while piece := file.read(_PIECE):
            held += piece
            for column, row in _CELL.findall(held):
                columns.add(column)
                first, last = min(first, int(row)), max(last, int(row))
            held = held[-_LONGEST_CELL:]  # a cell may begin in one piece and end in the next
    numbers = [_number(column) for column in columns]
    return (last - first + 1) * (max(numbers) - min(numbers) + 1) if numbers else 0


def _number(column: bytes) -> int:
    number = 0
    for letter in column:
        number = number * 26 + letter - ord("A") + 1
    return number
