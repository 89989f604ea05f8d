"""A source as text: every cell a string or null, with its row number. All parsing happens later, by column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.errors import SourceError

_MOST_LISTED = 40
_VALUE = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?|[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}.*")  # a number or a date


@dataclass(frozen=True)
class RawTable:
    """One source before any meaning is given to it.

    Attributes:
        file: File name without folder, or "frame".
        source_hash: SHA-256 (hex).
        data: All columns as trimmed strings; empty is null.
        rows: Row number of each row in the source, 1 = first data row; blank and ragged rows are left out.
        ragged: Row numbers whose cell count differs from the header's.
        notes: What was decided while reading, in words.
    """

    file: str
    source_hash: str
    data: pa.Table
    rows: npt.NDArray[np.int64]
    ragged: npt.NDArray[np.int64]
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Column names in order."""
        return list(self.data.column_names)


def finish(
    file: str,
    source_hash: str,
    data: pa.Table,
    rows: npt.NDArray[np.int64],
    ragged: npt.NDArray[np.int64],
    notes: tuple[str, ...] = (),
) -> RawTable:
    """Trim cells, make empty ones null, drop blank rows.

    Raises:
        SourceError: If two columns have the same name, or no row is left.
    """
    names = _names(data.column_names, file)
    columns = [_trimmed(data.column(i)) for i in range(data.num_columns)]
    table = pa.Table.from_arrays(columns, names=names)
    filled = _filled(table)
    if not filled.all():
        table, rows = table.filter(pa.array(filled)), rows[filled]
    if not len(rows) and not len(ragged):
        raise SourceError(f"{file} has a header but no data rows.", hint="fill in at least one row below the header")
    return RawTable(file, source_hash, table, rows, ragged, notes)


def looks_like_data(names: Iterable[str]) -> bool:
    """Whether a first row may be somebody's row, in a file without a header: a cell of it is a number or a date.

    >>> looks_like_data(["patient_id", "date", "phq9"]), looks_like_data(["p1", "2024-01-05", "14"])
    (False, True)
    """
    return any(_VALUE.fullmatch(name.strip()) for name in names)


def listed(names: Sequence[str]) -> str:
    """Names of columns for a message; not repeated where they may be values of a person.

    >>> listed(["patient_id", "phq9"])
    'patient_id, phq9'
    >>> listed(["p1", "14"])
    '2, not repeated here, since the first row looks like data; it has to name the columns'
    """
    if looks_like_data(names):
        return f"{len(names)}, not repeated here, since the first row looks like data; it has to name the columns"
    return ", ".join(names[:_MOST_LISTED])


def _names(found: list[str], file: str) -> list[str]:
    names = [name.strip() or f"column_{position}" for position, name in enumerate(found, start=1)]
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if name in seen:
            called = "the same" if looks_like_data(found) else repr(name)
            raise SourceError(
                f"{file} has two columns named {called} (columns {seen[name]} and {position}).",
                hint="rename one of them: Benchwell does not guess which one is meant",
            )
        seen[name] = position
    return names


def _trimmed(column: pa.ChunkedArray) -> pa.Array:
    text = pc.utf8_trim_whitespace(column.cast(pa.string()).combine_chunks())
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _filled(table: pa.Table) -> npt.NDArray[np.bool_]:
    filled = np.zeros(table.num_rows, dtype=bool)
    for column in table.columns:
        if column.null_count == 0:
            return np.ones(table.num_rows, dtype=bool)
        filled |= column.is_valid().to_numpy()
    return filled
