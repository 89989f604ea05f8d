"""Is a score possible? Range, whole numbers, unit, and whether total and answers agree: all by instrument."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchwell.intake.cells import Rows
from benchwell.intake.numbers import Mask
from benchwell.registry import Instrument
from benchwell.registry.instrument import Scale

Numbers = npt.NDArray[np.float64]
_TOLERANCE = 1e-6


def is_converted(scale: Scale) -> bool:
    """Whether the reported value is something other than the raw sum of the answers."""
    return bool(scale.lookup) or scale.multiply != 1.0 or getattr(scale, "divide", 1.0) != 1.0


def gives_integers(instrument: Instrument, scale: Scale) -> bool:
    """Whether a total of this scale is a whole number."""
    return (
        instrument.items is not None and instrument.items.integer and scale.method == "sum" and not is_converted(scale)
    )


def check_total(
    rows: Rows,
    here: Mask,
    total: Numbers,
    units: npt.NDArray[np.object_],
    column: str,
    instrument: Instrument,
    scale: Scale,
) -> None:
    """Refuse totals of one scale that the instrument cannot give, in the unit in which they are stated.

    Args:
        rows: All rows of the block.
        here: Rows that hold this instrument and scale.
        total: Stated totals, shape (n,), NaN where missing.
        units: Unit per row, None where none is stated.
        column: Name to report.
        instrument: The instrument.
        scale: The scale that the total belongs to.
    """
    here = here & np.isfinite(total)
    silent = here & (units == None)  # noqa: E711  # elementwise
    reported = silent | (here & ((units == "reported") | (units == (instrument.unit or "reported"))))
    if _could_be_raw(instrument, scale, total[silent]):
        rows.refuse(silent, column, "unit_missing")
        reported &= ~silent
    if instrument.conversions:
        outside = silent & ((total < scale.min) | (total > scale.max))
        rows.refuse(outside, column, "unit_missing")
        reported &= ~outside
    _check_range(rows, reported, total, column, scale.min, scale.max)
    if gives_integers(instrument, scale):
        rows.refuse(reported & ~rows.refused & (total != np.floor(total)), column, "non_integer")
    known = reported | silent
    if instrument.items is not None:
        raw = here & (units == "raw")
        _check_range(rows, raw, total, column, *instrument.raw_range(scale))
        known |= raw
    for unit, conversion in instrument.conversions.items():
        converted = here & (units == unit)
        _check_range(rows, converted, total * conversion.multiply + conversion.add, column, scale.min, scale.max)
        known |= converted
    rows.refuse(here & ~known, column, "unknown_unit")


def _could_be_raw(instrument: Instrument, scale: Scale, totals: Numbers) -> bool:
    """Whether the whole column fits the raw sum, so that nobody can tell raw from converted scores."""
    if instrument.items is None or not is_converted(scale) or not len(totals):
        return False
    return bool(np.all(totals <= instrument.raw_range(scale)[1]) and np.all(totals == np.floor(totals)))


def check_items(rows: Rows, here: Mask, answers: Numbers, columns: tuple[str, ...], instrument: Instrument) -> None:
    """Refuse answers that an item cannot take, each under its own column."""
    assert instrument.items is not None  # noqa: S101  # the caller asked
    count = instrument.items.count
    for position, column in enumerate(columns):
        value = answers[:, position]
        given = here & np.isfinite(value)
        if position >= count:
            rows.refuse(given, column, "too_many_items")
            continue
        _check_range(rows, given, value, column, *instrument.items.range_of(position + 1))
        if instrument.items.integer:
            inside = (value >= instrument.items.min) & np.isfinite(value)
            rows.refuse(given & inside & (value != np.floor(np.nan_to_num(value))), column, "non_integer")


def _check_range(rows: Rows, here: Mask, value: Numbers, column: str, low: float, high: float) -> None:
    negative = here & (value < 0) & (low >= 0)
    rows.refuse(negative, column, "negative_value")
    rows.refuse(here & ~negative & (value < low - _TOLERANCE), column, "below_range")
    rows.refuse(here & (value > high + _TOLERANCE), column, "above_range")


def check_agreement(
    rows: Rows, here: Mask, total: Numbers, answers: Numbers, column: str, instrument: Instrument
) -> None:
    """Flag totals that differ from what complete answers add up to. Both stay; scoring uses the answers.

    Only for scales that plainly add up (or average) their items; other rules are scoring's business.
    """
    scale = instrument.primary
    if instrument.items is None or is_converted(scale) or scale.recode or scale.highest_of:
        return
    items = scale.items or tuple(range(1, instrument.items.count + 1))
    if max(items) > answers.shape[1]:
        return
    keyed = answers[:, [item - 1 for item in items]].copy()
    for position, item in enumerate(items):
        if item in instrument.items.reverse:
            keyed[:, position] = sum(instrument.items.range_of(item)) - keyed[:, position]
    value = keyed.sum(axis=1) if scale.method == "sum" else keyed.mean(axis=1)
    rows.refuse(here & ~rows.refused & (np.abs(value - total) > _TOLERANCE), column, "total_differs")
