"""One row per form and scale: the one function under a single person and a million assessments."""

from __future__ import annotations

from collections.abc import Iterator

import narwhals as nw
from narwhals.typing import FrameT

from benchwell.registry import Instrument
from benchwell.registry.instrument import Scale
from benchwell.scoring.answers import HAS_ITEMS, answer
from benchwell.scoring.reasons import Reason
from benchwell.scoring.scale import ITEM_REASON, ITEM_VALUE, MISSING, RAW, with_item_score
from benchwell.scoring.total import TOTAL, TOTAL_VALUE, total_reason, total_value
from benchwell.terms import ScoreStatus

TARGET = "_bw_target"  # the scale that a stated total belongs to

# A stated total may be rounded to one decimal.
TOTAL_TOLERANCE = 0.05 + 1e-9


def rows_per_scale(frame: FrameT, instrument: Instrument) -> Iterator[FrameT]:
    """For each scale, a frame with columns scale, value, status and reason added.

    Answers give every scale. Without answers, a stated total gives the scale that it belongs to and no other.

    Args:
        frame: With the working columns of `answers`, `total` and `TARGET`.
        instrument: The instrument of every row.
    """
    known = [scale.id for scale in instrument.scales]
    for scale in instrument.scales:
        target = nw.col(TARGET)
        wanted = nw.col(HAS_ITEMS) | (target == scale.id)
        if scale.primary:
            wanted = wanted | ~target.is_in(known)
        yield with_score(frame.filter(wanted), instrument, scale)


def with_score(frame: FrameT, instrument: Instrument, scale: Scale) -> FrameT:
    """Add scale, value, status and reason for one scale to every row."""
    frame = frame.with_columns(**{TOTAL_VALUE: total_value(instrument, scale)})
    frame = with_item_score(frame, instrument, scale)
    has_items, stray = nw.col(HAS_ITEMS), nw.col(TARGET) != scale.id
    by_total = (
        nw.when(stray).then(nw.lit(str(Reason.UNKNOWN_SCALE))).otherwise(total_reason(instrument, scale))
        if scale.primary
        else total_reason(instrument, scale)
    )
    frame = frame.with_columns(_bw_failure=nw.when(has_items).then(nw.col(ITEM_REASON)).otherwise(by_total))
    valid = nw.col("_bw_failure").is_null()
    # Of a group of items the highest counts, and a blank beside an answer is how such forms are filled in.
    full = nw.lit(str(ScoreStatus.COMPLETE))
    made = nw.when(nw.col(MISSING) == 0).then(full).otherwise(nw.lit(str(ScoreStatus.PRORATED)))
    by_source = nw.when(has_items).then(made).otherwise(nw.lit(str(ScoreStatus.TOTAL_ONLY)))
    return frame.with_columns(
        scale=nw.when(has_items).then(nw.lit(scale.id)).otherwise(nw.col(TARGET)),
        value=nw.when(valid).then(nw.when(has_items).then(nw.col(ITEM_VALUE)).otherwise(nw.col(TOTAL_VALUE))),
        status=nw.when(valid).then(by_source).otherwise(nw.lit(str(ScoreStatus.INVALID))),
        reason=nw.coalesce(nw.col("_bw_failure"), nw.when(has_items).then(_flag(instrument, scale))),
    )


def _flag(instrument: Instrument, scale: Scale) -> nw.Expr:
    """What a reader must know about a valid score."""
    total, value = nw.col(TOTAL), nw.col(ITEM_VALUE)
    # Forms of transformed scales often state the raw sum: that is no contradiction.
    differs = ((nw.col(TOTAL_VALUE) - value).abs() > TOTAL_TOLERANCE) & ((total - nw.col(RAW)).abs() > TOTAL_TOLERANCE)
    flags = [nw.when((nw.col(TARGET) == scale.id) & differs).then(nw.lit(str(Reason.TOTAL_DIFFERS)))]
    used = {item for group in instrument.groups_of(scale) for item in group}
    safety = [safety.item for safety in instrument.safety_items if safety.item in used]
    if safety:
        absent = nw.any_horizontal(*(nw.col(answer(item)).is_null() for item in safety), ignore_nulls=True)
        flags.insert(0, nw.when(absent).then(nw.lit(str(Reason.SAFETY_ITEM_MISSING))))
    return nw.coalesce(*flags)
