"""Answers as columns: one column an item, cleaned, and whether they are usable at all."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw
from narwhals.typing import FrameT

from benchwell.registry import Instrument
from benchwell.scoring.reasons import Reason

# Working columns. The prefix keeps them clear of a caller's own names.
HAS_ITEMS = "_bw_has_items"
FORM_REASON = "_bw_form_reason"


def answer(item: int) -> str:
    """The working column of one item (1-based)."""
    return f"_bw_answer_{item}"


def from_columns(frame: FrameT, columns: Sequence[str]) -> FrameT:
    """Take each item from its own column."""
    frame = frame.with_columns(**{answer(item): _clean(nw.col(column)) for item, column in enumerate(columns, start=1)})
    return frame.with_columns(**{HAS_ITEMS: _any_answer(len(columns)), FORM_REASON: nw.lit(None, dtype=nw.String())})


def from_list(frame: FrameT, instrument: Instrument, column: str) -> FrameT:
    """Take the items from a list column, in the instrument's order.

    A list of another length is a wrong form: none of its answers is used.
    """
    length = nw.col(column).list.len().cast(nw.Int64()).fill_null(0)
    if instrument.items is None:
        return frame.with_columns(
            **{HAS_ITEMS: nw.lit(False), FORM_REASON: nw.when(length > 0).then(nw.lit(str(Reason.ITEMS_NOT_ACCEPTED)))}
        )
    count = instrument.items.count
    # Some engines refuse a position past the end, so lists of another length become null first.
    items = nw.when(length == count).then(nw.col(column))
    wrong = (length > 0) & (length != count)
    frame = frame.with_columns(
        **{answer(item): _clean(items.list.get(item - 1)) for item in range(1, count + 1)},
        **{FORM_REASON: nw.when(wrong).then(nw.lit(str(Reason.WRONG_ITEM_COUNT)))},
    )
    return frame.with_columns(**{HAS_ITEMS: _any_answer(count) | ~nw.col(FORM_REASON).is_null()})


def _any_answer(count: int) -> nw.Expr:
    return nw.any_horizontal(*(~nw.col(answer(item)).is_null() for item in range(1, count + 1)), ignore_nulls=True)


def _clean(value: nw.Expr) -> nw.Expr:
    number = value.cast(nw.Float64())
    # Engines differ on NaN (DuckDB and Spark hold it equal to itself and above every number): make it missing.
    return nw.when(~number.is_nan()).then(number)
