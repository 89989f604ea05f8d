"""Cells of a file that somebody may open in a spreadsheet: words stay words, whatever they begin with.

A spreadsheet computes a cell that begins like a formula, and names and ids come from outside. Such words get an
apostrophe in front, which says "text". Numbers stay numbers, negative ones too.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# In a syntax that Python and Arrow read alike.
_FORMULA = r"[\t\n\f\r ]*[=+\-@|%\t\r\n]"
_NUMBER = r"[+\-]?[0-9]+(?:[.,][0-9]+)*(?:[eE][+\-]?[0-9]+)?"


def never_computed(cell: Any) -> Any:
    """A cell as no spreadsheet computes it.

    Args:
        cell: Any value; only words change.

    >>> never_computed("=1+1"), never_computed("-2+3"), never_computed("North"), never_computed("-0.5")
    ("'=1+1", "'-2+3", 'North', '-0.5')
    >>> never_computed(-3), never_computed(None)
    (-3, None)
    """
    is_formula = isinstance(cell, str) and re.match(_FORMULA, cell) and not re.fullmatch(_NUMBER, cell)
    return f"'{cell}" if is_formula else cell


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    r"""Rows as CSV, no cell of which is computed; empty where nothing is known.

    >>> csv_lines([("name", "points"), ("@North", -1.5)])
    "name,points\r\n'@North,-1.5\r\n"
    """
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([never_computed(cell) for cell in row] for row in rows)
    return written.getvalue()


def words_of_table(table: pa.Table) -> pa.Table:
    """An Arrow table, no word of which is computed; heads of columns and all other columns stay as they are.

    >>> words_of_table(pa.table({"id": ["=1", "-2", None], "gain": [-1.0, 0.0, 1.0]}))["id"].to_pylist()
    ["'=1", '-2', None]
    """
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            table = table.set_column(place, field, _words(table.column(place)))
    return table


def _words(column: pa.ChunkedArray) -> pa.ChunkedArray:
    begins = pc.match_substring_regex(column, f"^{_FORMULA}")
    computed = pc.and_not(begins, pc.match_substring_regex(column, f"^{_NUMBER}$"))
    marked = pc.binary_join_element_wise(pa.scalar("'", column.type), column, pa.scalar("", column.type))
    return pc.if_else(computed, marked, column)
