"""The flow from all episodes to those analysed, per measure, with a reason for everybody on the way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import narwhals as nw

from benchwell.engine import Frame
from benchwell.registry import Measure
from benchwell.tables import DERIVED

ANALYSED = "analysed"
_FIRST = ["opted-out", "no-index", "age-unknown"]
_LAST = [
    "not-finished",
    "within-clean-period",
    "no-baseline",
    "below-cut-in",
    "not-at-caseness",
    "baseline-zero",
    "ended-before-contact",
    "immature",
    "no-exposure",
    "still-waiting",
    "version-changed",
    "died",
    "suicide",
    "moved",
    "no-contacts-recorded",
    "no-followup",
    ANALYSED,
]


def reasons(measures: Sequence[Measure]) -> list[str]:
    """Every reason code in the order of the flow; the measures' own conditions stand where they are checked."""
    declared = [condition.reason for measure in measures for condition in measure.population.conditions]
    own = [reason for reason in dict.fromkeys(declared) if reason not in {*_FIRST, *_LAST}]
    return [*_FIRST, *own, *_LAST]


def exclusion_flow(outcomes: Frame, measures: Sequence[Measure]) -> Frame:
    """Count each reason per measure; `remaining` is what is left after the step.

    For each measure the counts, "analysed" among them, add up to the number of episodes, and the last `remaining`
    before "analysed" equals its count.
    """
    order = reasons(measures)
    coded = outcomes.select("measure", reason=nw.col("reason").fill_null(ANALYSED))
    counted = coded.group_by("measure", "reason").agg(count=nw.len().cast(nw.Int64()))
    step = reduce(
        lambda rest, item: nw.when(nw.col("reason") == item[1]).then(nw.lit(item[0])).otherwise(rest),
        enumerate(order, start=1),
        nw.lit(0),
    )
    placed = counted.with_columns(step=step.cast(nw.Int64()), total=nw.col("count").sum().over("measure"))
    gone = nw.col("count").cum_sum().over("measure", order_by=["step", "reason"])
    left = nw.when(nw.col("reason") == ANALYSED).then(nw.col("count")).otherwise(nw.col("total") - gone)
    return placed.with_columns(remaining=left.cast(nw.Int64())).select(DERIVED["exclusions"].columns)
