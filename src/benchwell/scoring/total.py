"""A stated total: its unit, its range, and what it is worth when there are no answers."""

from __future__ import annotations

import narwhals as nw
from narwhals.typing import FrameT

from benchwell.registry import Instrument
from benchwell.registry.instrument import Scale
from benchwell.scoring.answers import FORM_REASON
from benchwell.scoring.reasons import Reason
from benchwell.scoring.scale import raw_to_reported

TOTAL = "_bw_total"
UNIT = "_bw_unit"
TOTAL_VALUE = "_bw_total_value"
TOTAL_REASON = "_bw_total_reason"

# What sources write for "points"; the braces are UCUM's. "raw" means a sum before any transformation.
_POINTS = ("", "1", "{score}", "score", "points", "point", "{points}")
_RAW = ("raw", "raw score", "{raw}", "raw-score", "sum")
_T = ("t", "t-score", "t score", "{t}", "{tscore}", "{t-score}", "tscore")


def with_total(frame: FrameT, total: nw.Expr, unit: nw.Expr) -> FrameT:
    """Add the stated total as a number (NaN is missing) and its unit in lower case ("" is none)."""
    number = total.cast(nw.Float64())
    return frame.with_columns(
        **{TOTAL: nw.when(~number.is_nan()).then(number), UNIT: unit.str.strip_chars().str.to_lowercase().fill_null("")}
    )


def with_total_score(frame: FrameT, instrument: Instrument, scale: Scale) -> FrameT:
    """Add what the stated total is worth on this scale, and why it is not accepted."""
    own: list[str] = [*_POINTS, *_T] if scale.lookup else list(_POINTS)
    if instrument.unit is not None:
        own.append(instrument.unit.lower())
    total: nw.Expr = nw.col(TOTAL)
    unit: nw.Expr = nw.col(UNIT)
    readings = [
        nw.when(unit.is_in(own)).then(total),
        nw.when(unit.is_in(_RAW)).then(raw_to_reported(instrument, scale, total)),
        *(
            nw.when(unit == name.lower()).then(total * conversion.multiply + conversion.add)
            for name, conversion in instrument.conversions.items()
        ),
    ]
    known = [*own, *_RAW, *(name.lower() for name in instrument.conversions)]
    frame = frame.with_columns(**{TOTAL_VALUE: nw.coalesce(*readings)})
    value = nw.col(TOTAL_VALUE)
    inside = (value >= scale.min) & (value <= scale.max)
    fraction = (value != value.floor()) if is_whole(instrument, scale) else nw.lit(False)
    no_total = nw.coalesce(nw.col(FORM_REASON), nw.lit(str(Reason.NO_ANSWERS)))
    reason = nw.coalesce(
        nw.when(total.is_null()).then(no_total),
        nw.when(~unit.is_in(known)).then(nw.lit(str(Reason.UNKNOWN_UNIT))),
        nw.when(~inside.fill_null(False)).then(nw.lit(str(Reason.TOTAL_OUT_OF_RANGE))),
        nw.when(fraction).then(nw.lit(str(Reason.NOT_INTEGER))),
    )
    return frame.with_columns(**{TOTAL_REASON: reason})


def is_whole(instrument: Instrument, scale: Scale) -> bool:
    """Whether every valid value of a scale is a whole number."""
    if instrument.items is None or not instrument.items.integer or scale.lookup or scale.method == "mean":
        return False
    rounded = instrument.missing.rule in ("none", "zero") or instrument.missing.round != "none"
    whole_recodes = all(value == int(value) for recode in scale.recode for value in recode.values.values())
    return rounded and whole_recodes and scale.divide == 1 and scale.multiply == int(scale.multiply)
