"""Read delimited text. Cells stay text; rows of the wrong width are set aside by number."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from benchwell.errors import SourceError
from benchwell.intake.encoding import to_utf8
from benchwell.intake.raw import RawTable, finish

RowNumbers = npt.NDArray[np.int64]
DELIMITERS = (",", ";", "\t", "|")
_SNIFF_BYTES = 65536
_SNIFF_ROWS = 50
_BLOCK_BYTES = 1 << 24  # also the largest row that can be read
_MAX_COLUMNS = 5000


def read_csv(content: bytes, file: str, delimiter: str | None = None) -> RawTable:
    """Delimited text as a raw table.

    Args:
        content: The file's bytes.
        file: Name for messages.
        delimiter: One character, or null to find out.

    Raises:
        SourceError: If it is empty, no text, has no data rows, or quotation marks do not close.
    """
    if not content.strip():
        raise SourceError(f"{file} is empty.", hint="`benchwell template` writes a file to start from")
    source_hash = hashlib.sha256(content).hexdigest()
    text, encoding = to_utf8(content, file)
    text = text.lstrip(b"\r\n")
    used = delimiter or sniff_delimiter(text)
    header = _header(text, used, file)
    table, rows, ragged = _parse(text, used, header, file)
    notes = () if encoding == "utf-8" else (f"Read as {encoding}.",)
    return finish(file, source_hash, table, rows, ragged, notes)


def sniff_delimiter(text: bytes) -> str:
    r"""The delimiter for which most rows are as wide as the header.

    >>> sniff_delimiter(b"a;b\n1,5;2\n")
    ';'
    """
    sample = text[:_SNIFF_BYTES].decode("utf-8", errors="replace")
    if len(text) > _SNIFF_BYTES:
        sample = sample.rsplit("\n", 1)[0]  # the cut may fall inside a row
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = _widths(sample, delimiter)
        if widths and widths[0] > 1:
            score = (sum(width == widths[0] for width in widths) / len(widths), widths[0])
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _widths(sample: str, delimiter: str) -> list[int]:
    widths = []
    try:
        for row in csv.reader(io.StringIO(sample), delimiter=delimiter):
            if row:
                widths.append(len(row))
            if len(widths) >= _SNIFF_ROWS:
                break
    except csv.Error:
        return widths
    return widths


def _header(text: bytes, delimiter: str, file: str) -> list[str]:
    sample = text[:_BLOCK_BYTES].decode("utf-8", errors="ignore")
    try:
        header = next(csv.reader(io.StringIO(sample), delimiter=delimiter))
    except (csv.Error, StopIteration):
        raise SourceError(f"{file} has no readable header row.", hint="the first row names the columns") from None
    if len(header) > _MAX_COLUMNS:
        raise SourceError(f"{file} has {len(header)} columns; at most {_MAX_COLUMNS} can be read.")
    if not any(name.strip() for name in header):
        raise SourceError(f"{file} has an empty header row.", hint="the first row names the columns")
    return header


def _parse(text: bytes, delimiter: str, header: list[str], file: str) -> tuple[pa.Table, RowNumbers, RowNumbers]:
    ragged: list[int] = []
    blank: list[int] = []
    open_quote: list[int] = []

    # Positions as names: duplicated names are reported later, in our words.
    names = [str(position) for position in range(len(header))]

    def set_aside(row: pyarrow.csv.InvalidRow) -> str:
        number = row.number - 1  # the header is row 1 of the parser
        if not row.text.strip():
            blank.append(number)
        else:
            ragged.append(number)
            if row.text.count('"') % 2:
                open_quote.append(number)
        return "skip"

    try:
        table = _cells(text, delimiter, names, set_aside)
    except pa.ArrowInvalid:
        raise SourceError(
            f"{file} cannot be read as delimited text.",
            hint="look for a quotation mark that is never closed, or a cell of more than 16 MB",
        ) from None
    last_cell = table.column(table.num_columns - 1)[-1].as_py() if table.num_rows else ""
    unclosed = "\n" in (last_cell or "") and text.count(b'"') % 2
    if open_quote or unclosed:
        row = open_quote[0] if open_quote else table.num_rows + len(ragged) + len(blank)
        raise SourceError(
            f"{file}: a quotation mark opened in row {row} is never closed, so the rows after it cannot be told apart.",
            hint="close or remove the quotation mark",
        )
    gone = np.array(sorted(ragged + blank), dtype=np.int64)
    total = table.num_rows + len(gone)
    everything = np.ones(total + 1, dtype=bool)
    everything[gone] = False
    rows = np.flatnonzero(everything)[1:].astype(np.int64)
    return table.rename_columns(header), rows, np.array(sorted(ragged), dtype=np.int64)


def _cells(
    text: bytes, delimiter: str, names: list[str], set_aside: Callable[[pyarrow.csv.InvalidRow], str]
) -> pa.Table:
    """Every cell below the header as text; `set_aside` hears of each row of another width."""
    return pyarrow.csv.read_csv(
        pa.BufferReader(text),
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False,  # the parser numbers rows only in sequence
            block_size=_BLOCK_BYTES,
            column_names=names,
            skip_rows_after_names=1,
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            ignore_empty_lines=False,  # so that row numbers are those a person sees
            invalid_row_handler=set_aside,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
