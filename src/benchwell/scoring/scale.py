"""The arithmetic of one scale, as expressions: keyed answers, missing rule, proration, reported value.

Steps that are read more than once are columns; the others are not, because an SQL engine binds the whole chain
anew for every step. Sums are multiplied before they are divided: whole-number scores then come out exact.
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
    """Add what the answers give: the raw sum, how many are missing, the value, and why it does not count."""
    if instrument.items is None:
        nothing = nw.lit(None, dtype=nw.Float64())
        return frame.with_columns(
            **{RAW: nothing, MISSING: nw.lit(0), ITEM_VALUE: nothing, ITEM_REASON: nw.col(FORM_REASON)}
        )
    parts = [_highest([_keyed(instrument, scale, item) for item in group]) for group in instrument.groups_of(scale)]
    size = len(parts)
    frame = frame.with_columns(
        **{
            RAW: nw.sum_horizontal(*parts),
            MISSING: nw.sum_horizontal(*(part.is_null().cast(nw.Int64()) for part in parts)),
            "_bw_fault": _fault(instrument, scale),
        }
    )
    if scale.method == "mean":
        # The mean of the answered items needs no proration.
        value = _reported(scale, nw.col(RAW), _answered(size))
    elif scale.lookup:
        frame = frame.with_columns(_bw_sum=_completed(instrument, size))
        value = _reported(scale, nw.col("_bw_sum"), nw.lit(float(size)))
    else:
        value = _reported(scale, _completed(instrument, size), nw.lit(float(size)))
    return frame.with_columns(**{ITEM_VALUE: value, ITEM_REASON: _reason(instrument, scale, size)})


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


def _fault(instrument: Instrument, scale: Scale) -> nw.Expr:
    items = instrument.form
    used = sorted({item for group in instrument.groups_of(scale) for item in group})
    given = {item: nw.col(answer(item)) for item in used}
    outside = [(given[item] < items.range_of(item)[0]) | (given[item] > items.range_of(item)[1]) for item in used]
    fraction = [given[item].floor() < given[item] for item in used] if items.integer else []
    limited = [
        ~given[item].is_in(items.answers[item]) & ~given[item].is_null() for item in used if item in items.answers
    ]
    found = [(Reason.NOT_INTEGER, fraction), (Reason.OUT_OF_RANGE, outside), (Reason.NOT_AN_ANSWER, limited)]
    return nw.coalesce(
        *(
            nw.when(nw.any_horizontal(*tests, ignore_nulls=True)).then(nw.lit(str(reason)))
            for reason, tests in found
            if tests
        )
    )


def _reason(instrument: Instrument, scale: Scale, size: int) -> nw.Expr:
    allowed = 0 if instrument.missing.rule == "none" else instrument.max_missing_of(scale)
    too_many = (nw.col(MISSING) > allowed) | (nw.col(MISSING) == size)
    missing = nw.when(too_many).then(nw.lit(str(Reason.TOO_MANY_MISSING)))
    return nw.coalesce(nw.col(FORM_REASON), nw.col("_bw_fault"), missing)


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
