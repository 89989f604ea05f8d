"""The arithmetic of one scale, as expressions: keyed answers, missing rule, proration, reported value.

Every step is a column, so that an engine computes each once. Sums are multiplied before they are divided:
whole-number scores then come out exact.
"""

from __future__ import annotations

import narwhals as nw
from narwhals.typing import FrameT

from benchwell.registry import Instrument
from benchwell.registry.instrument import Scale
from benchwell.scoring.answers import FORM_REASON, answer
from benchwell.scoring.reasons import Reason

RAW = "_bw_raw"
MISSING = "_bw_missing"
ITEM_VALUE = "_bw_item_value"
ITEM_REASON = "_bw_item_reason"


def with_item_score(frame: FrameT, instrument: Instrument, scale: Scale) -> FrameT:
    """Add what the answers give: the raw sum, how many are missing, the value, and why there is none."""
    if instrument.items is None:
        nothing = nw.lit(None, dtype=nw.Float64())
        return frame.with_columns(
            **{RAW: nothing, MISSING: nw.lit(0), ITEM_VALUE: nothing, ITEM_REASON: nw.col(FORM_REASON)}
        )
    groups = instrument.groups_of(scale)
    parts = [_highest([_keyed(instrument, scale, item) for item in group]) for group in groups]
    frame = frame.with_columns(**{f"_bw_part_{n}": part for n, part in enumerate(parts)})
    columns = [nw.col(f"_bw_part_{n}") for n in range(len(parts))]
    frame = frame.with_columns(
        **{
            RAW: nw.sum_horizontal(*columns),
            MISSING: nw.sum_horizontal(*(column.is_null().cast(nw.Int64()) for column in columns)),
        },
        **_faults(instrument, scale),
    )
    frame = frame.with_columns(**{ITEM_REASON: _reason(instrument, scale, len(parts))})
    frame = frame.with_columns(_bw_sum=_completed(instrument, len(parts)))
    value = _reported(scale, nw.col("_bw_sum"), nw.lit(float(len(parts))))
    if scale.method == "mean":
        # The mean of the answered items needs no proration.
        value = _reported(scale, nw.col(RAW), _answered(len(parts)))
    return frame.with_columns(**{ITEM_VALUE: nw.when(nw.col(ITEM_REASON).is_null()).then(value)})


def raw_to_reported(instrument: Instrument, scale: Scale, raw: nw.Expr) -> nw.Expr:
    """The reported value of a complete raw sum; null where a lookup has no such sum."""
    return _reported(scale, raw, nw.lit(float(len(instrument.groups_of(scale)) or 1)))


def _keyed(instrument: Instrument, scale: Scale, item: int) -> nw.Expr:
    items = instrument.form
    value = nw.col(answer(item))
    if item in items.reverse:
        low, high = items.range_of(item)
        value = nw.lit(float(low + high)) - value
    for recode in scale.recode:
        if item in recode.items:
            value = nw.coalesce(*(nw.when(value == key).then(nw.lit(float(new))) for key, new in recode.values.items()))
    return value


def _highest(values: list[nw.Expr]) -> nw.Expr:
    return values[0] if len(values) == 1 else nw.max_horizontal(*values)


def _faults(instrument: Instrument, scale: Scale) -> dict[str, nw.Expr]:
    items = instrument.form
    used = sorted({item for group in instrument.groups_of(scale) for item in group})
    given = {item: nw.col(answer(item)) for item in used}
    outside = [(given[item] < items.range_of(item)[0]) | (given[item] > items.range_of(item)[1]) for item in used]
    fraction = [given[item] != given[item].floor() for item in used] if items.integer else [nw.lit(False)]
    limited = [~given[item].is_in(items.answers[item]) for item in used if item in items.answers]
    return {
        "_bw_fraction": nw.any_horizontal(*fraction, ignore_nulls=True),
        "_bw_outside": nw.any_horizontal(*outside, ignore_nulls=True),
        "_bw_no_answer": nw.any_horizontal(*limited, ignore_nulls=True) if limited else nw.lit(False),
    }


def _reason(instrument: Instrument, scale: Scale, size: int) -> nw.Expr:
    allowed = 0 if instrument.missing.rule == "none" else instrument.max_missing_of(scale)
    too_many = (nw.col(MISSING) > allowed) | (nw.col(MISSING) == size)
    return nw.coalesce(
        nw.col(FORM_REASON),
        nw.when(nw.col("_bw_fraction")).then(nw.lit(str(Reason.NOT_INTEGER))),
        nw.when(nw.col("_bw_outside")).then(nw.lit(str(Reason.OUT_OF_RANGE))),
        nw.when(nw.col("_bw_no_answer")).then(nw.lit(str(Reason.NOT_AN_ANSWER))),
        nw.when(too_many).then(nw.lit(str(Reason.TOO_MANY_MISSING))),
    )


def _answered(size: int) -> nw.Expr:
    # At least one, because Spark refuses to divide by zero even where the quotient is not used.
    answered = (nw.lit(size) - nw.col(MISSING)).cast(nw.Float64())
    return nw.when(nw.col(MISSING) < size).then(answered).otherwise(nw.lit(1.0))


def _completed(instrument: Instrument, size: int) -> nw.Expr:
    """The raw sum with missing answers filled by the instrument's rule."""
    rule = instrument.missing
    if rule.rule in ("none", "zero"):
        return nw.col(RAW)
    if rule.rule == "item-mean":
        filled = nw.col(RAW) + nw.col(MISSING) * _rounded(nw.col(RAW) / _answered(size), rule.round)
    else:
        filled = _rounded(nw.col(RAW) * nw.lit(float(size)) / _answered(size), rule.round)
    return nw.when(nw.col(MISSING) == 0).then(nw.col(RAW)).otherwise(filled)


def _rounded(value: nw.Expr, rule: str) -> nw.Expr:
    if rule == "half-up":
        return (value + 0.5).floor()
    return value.ceil() if rule == "up" else value


def _reported(scale: Scale, raw: nw.Expr, size: nw.Expr) -> nw.Expr:
    if scale.lookup:
        return nw.coalesce(*(nw.when(raw == key).then(nw.lit(float(value))) for key, value in scale.lookup.items()))
    value = raw * scale.multiply if scale.multiply != 1 else raw
    if scale.method == "mean":
        return value / (size * scale.divide)
    return value / scale.divide if scale.divide != 1 else value
