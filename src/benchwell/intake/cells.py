"""Evaluate one mapped cell for all rows at once: pick the column, translate values, blank what means missing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.dates import Dates, parse_dates
from benchwell.intake.mapping import Cell, Items, Mapping, as_text
from benchwell.intake.numbers import Mask, parse_numbers
from benchwell.intake.rejections import Rejections
from benchwell.registry import Registry
from benchwell.tables.days import epoch_day

MISSING = ("NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan", "-", "--", "–")
_FLAGS = {
    "true": True, "yes": True, "y": True, "1": True, "ja": True, "j": True, "sí": True, "si": True, "x": True,
    "false": False, "no": False, "n": False, "0": False, "nein": False,
}  # fmt: skip


@dataclass
class Intake:
    """What one intake knows while it runs."""

    mapping: Mapping
    registry: Registry
    as_of: dt.date
    rejections: Rejections
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Remember a decision for the whole source, once."""
        if text not in self.notes:
            self.notes.append(text)


@dataclass(frozen=True)
class Rows:
    """The rows that one block reads, and the mask of those refused so far (shape (n,))."""

    intake: Intake
    data: pa.Table
    numbers: npt.NDArray[np.int64]
    refused: Mask

    def __len__(self) -> int:
        return len(self.numbers)

    def refuse(self, mask: Mask, column: str, reason: str, action: str | None = None) -> None:
        """Report rows under a reason; unless it is only a correction or a flag, refuse them."""
        if mask.any():
            from benchwell.intake.reasons import REASONS

            self.intake.rejections.add(self.numbers[mask], column, reason, action)
            if (action or REASONS[reason].action) == "rejected":
                self.refused[mask] = True


def text_of(cell: Cell, rows: Rows, *, keep: tuple[str, ...] = ()) -> pa.Array:
    """The cell's text per row, translated and with missing codes blanked.

    Args:
        cell: Where it comes from.
        rows: The rows.
        keep: Texts that are not missing here although they usually are (suppression marks, country codes).
    """
    text = _picked(cell, rows, keep)
    if cell.values:
        text = _translated(text, cell.values)
    gone = [code for code in (*MISSING, *rows.intake.mapping.missing, *cell.missing) if code not in keep]
    text = pc.if_else(pc.is_in(text, value_set=pa.array(gone)), pa.scalar(None, pa.string()), text)
    return pc.binary_join_element_wise(cell.prefix, text, "") if cell.prefix else text


def _picked(cell: Cell, rows: Rows, keep: tuple[str, ...]) -> pa.Array:
    if cell.column is not None:
        return _array(rows.data.column(cell.column))
    if cell.join:
        return pc.binary_join_element_wise(*(_array(rows.data.column(name)) for name in cell.join), cell.separator)
    if cell.by is not None:
        chosen = text_of(cell.otherwise, rows, keep=keep) if cell.otherwise else pa.nulls(len(rows), pa.string())
        switch = _array(rows.data.column(cell.by))
        for value, case in cell.cases.items():
            here = pc.fill_null(pc.equal(switch, value), False)
            chosen = pc.if_else(here, text_of(case, rows, keep=keep), chosen)
        return chosen
    return pa.repeat(pa.scalar(None if cell.constant is None else as_text(cell.constant), pa.string()), len(rows))


def _translated(text: pa.Array, values: dict[str, str | int | float | bool | None]) -> pa.Array:
    exact = {key: None if item is None else as_text(item) for key, item in values.items()}
    folded = {key.casefold(): item for key, item in exact.items()}
    coded = text.dictionary_encode()
    new = [exact[old] if old in exact else folded.get(old.casefold(), old) for old in coded.dictionary.to_pylist()]
    return pa.array(new, pa.string()).take(coded.indices)


def name_of(cell: Cell, fallback: str) -> str:
    """The column name to report for a cell."""
    return cell.column or cell.day_offset or cell.by or (cell.join[0] if cell.join else fallback)


def numbers_of(cell: Cell, rows: Rows, name: str, *, keep: tuple[str, ...] = ()) -> npt.NDArray[np.float64]:
    """The cell's numbers per row, NaN where missing; refuses text."""
    text = text_of(cell, rows, keep=keep)
    return parse_cells(text, rows, name_of(cell, name), cell.decimal or rows.intake.mapping.decimal)


def parse_cells(text: pa.Array, rows: Rows, column: str, decimal: Literal[".", ","] | None) -> npt.NDArray[np.float64]:
    """Numbers of a text, with what is wrong reported under `column`."""
    found = parse_numbers(text, decimal)
    rows.refuse(found.bad, column, "not_a_number")
    rows.refuse(found.ambiguous, column, "ambiguous_number")
    rows.refuse(found.comma & ~rows.refused, column, "decimal_comma")
    return found.values


def item_numbers(items: Items, rows: Rows) -> npt.NDArray[np.float64]:
    """The answers, shape (n_rows, n_items), NaN where missing; refuses text."""
    decimal = items.decimal or rows.intake.mapping.decimal
    columns = []
    for name in items.columns:
        text = text_of(Cell(column=name, values=items.values, missing=items.missing), rows)
        columns.append(parse_cells(text, rows, name, decimal))
    return np.column_stack(columns)


def dates_of(cell: Cell, rows: Rows, name: str) -> Dates:
    """The cell's dates per row; refuses what is no date, and dates after the snapshot."""
    column = name_of(cell, name)
    if cell.origin is not None:
        found = _relative(cell, rows, name)
    else:
        declared = cell.format or rows.intake.mapping.dates
        found = parse_dates(text_of(cell, rows), declared, latest_year=rows.intake.as_of.year)
        rows.refuse(found.bad, column, "unparseable_date")
        rows.refuse(found.ambiguous, column, "ambiguous_date")
        rows.refuse(found.two_digit, column, "two_digit_year")
        if found.order is not None:
            words = {"dmy": "day before month", "mdy": "month before day"}[found.order]
            rows.intake.note(f"Dates in {column!r} were read as {words}, because only that fits the whole column.")
    return found


def _relative(cell: Cell, rows: Rows, name: str) -> Dates:
    assert cell.origin is not None  # noqa: S101  # the caller asked; for the type checker
    rows.intake.note(
        f"Dates of {name!r} are synthetic: days counted from {cell.origin.isoformat()}, which stands for day 0."
    )
    n = len(rows)
    if cell.day_offset is None:
        offset = np.full(n, float(cell.day or 0))
    else:
        offset = numbers_of(Cell(column=cell.day_offset, values=cell.values, missing=cell.missing), rows, name)
        odd = np.isfinite(offset) & ((offset != np.floor(offset)) | (np.abs(offset) > 100_000))
        rows.refuse(odd, cell.day_offset, "unparseable_date")
        offset = np.where(odd, np.nan, offset)
    known = np.isfinite(offset)
    days = np.where(known, np.nan_to_num(offset), 0).astype(np.int64) + epoch_day(cell.origin)
    none = np.zeros(n, dtype=bool)
    return Dates(days, known, np.full(n, -1, dtype=np.int64), none, none, none, None)


def date_array(found: Dates) -> pa.Array:
    """Dates as Arrow, null where unknown."""
    return pa.array(found.days.astype(np.int32), mask=~found.known).cast(pa.date32())


def flags_of(cell: Cell, rows: Rows, name: str) -> pa.Array:
    """Yes or no per row; refuses other words."""
    coded = text_of(cell, rows).dictionary_encode()
    values = [_FLAGS.get(value.casefold()) for value in coded.dictionary.to_pylist()]
    flags = pa.array(values, pa.bool_()).take(coded.indices)
    unknown = coded.indices.is_valid().to_numpy(zero_copy_only=False) & ~flags.is_valid().to_numpy(zero_copy_only=False)
    rows.refuse(unknown, name_of(cell, name), "unknown_value")
    return flags


def _array(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.combine_chunks() if isinstance(combined, pa.ChunkedArray) else combined
