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

# What sources write for "points"; the braces are UCUM's. "raw" means a sum before any transformation.
_POINTS = ("", "1", "{score}", "score", "points", "point", "{points}")
RAW_UNITS = ("raw", "raw score", "{raw}", "raw-score", "sum")
_T = ("t", "t-score", "t score", "{t}", "{tscore}", "{t-score}", "tscore")


def with_total(frame: FrameT, total: nw.Expr, unit: nw.Expr) -> FrameT:
    """Add the stated total as a number (NaN is missing) and its unit in lower case ("" is none)."""
    number = total.cast(nw.Float64())
    return frame.with_columns(
        **{TOTAL: nw.when(~number.is_nan()).then(number), UNIT: unit.str.strip_chars().str.to_lowercase().fill_null("")}
    )


def total_value(instrument: Instrument, scale: Scale) -> nw.Expr:
    """What the stated total is worth in reported units of this scale; null in an unknown unit."""
    total, unit = nw.col(TOTAL), nw.col(UNIT)
    return nw.coalesce(
        nw.when(unit.is_in(own_units(instrument, scale))).then(total),
        nw.when(unit.is_in(RAW_UNITS)).then(raw_to_reported(instrument, scale, total)),
        *(
            nw.when(unit == name.lower()).then(total * conversion.multiply + conversion.add)
            for name, conversion in instrument.conversions.items()
        ),
    )


def total_reason(instrument: Instrument, scale: Scale) -> nw.Expr:
    """Why the stated total (`TOTAL_VALUE`) is not accepted on this scale; null when it is."""
    value = nw.col(TOTAL_VALUE)
    known = [*own_units(instrument, scale), *RAW_UNITS, *(name.lower() for name in instrument.conversions)]
    inside = ((value >= scale.min) & (value <= scale.max)).fill_null(False)
    reasons = [
        nw.when(nw.col(TOTAL).is_null()).then(nw.coalesce(nw.col(FORM_REASON), nw.lit(str(Reason.NO_ANSWERS)))),
        nw.when(~nw.col(UNIT).is_in(known)).then(nw.lit(str(Reason.UNKNOWN_UNIT))),
        nw.when(~inside).then(nw.lit(str(Reason.TOTAL_OUT_OF_RANGE))),
    ]
    if is_whole(instrument, scale):
        reasons.append(nw.when(value.floor() < value).then(nw.lit(str(Reason.NOT_INTEGER))))
    return nw.coalesce(*reasons)


def own_units(instrument: Instrument, scale: Scale) -> list[str]:
    """Units, in lower case, in which a total already is the reported value."""
    own = [*_POINTS, *_T] if scale.lookup else list(_POINTS)
    return own if instrument.unit is None else [*own, instrument.unit.lower()]


def is_whole(instrument: Instrument, scale: Scale) -> bool:
    """Whether every valid value of a scale is a whole number."""
    if instrument.items is None or not instrument.items.integer or scale.lookup or scale.method == "mean":
        return False
    rounded = instrument.missing.rule in ("none", "zero") or instrument.missing.round != "none"
    whole_recodes = all(value == int(value) for recode in scale.recode for value in recode.values.values())
    return rounded and whole_recodes and scale.divide == 1 and scale.multiply == int(scale.multiply)
