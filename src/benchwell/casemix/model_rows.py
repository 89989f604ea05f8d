"""Rows for the case-mix models: outcomes, raw adjusters, quarters and strata of each episode side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.casemix.people import LEVEL
from benchwell.engine import Engine, Frame

_KEY = ["measure", "episode_id"]
_OUTCOMES = ("organization_id", "index_day", "followup_day", "status", "met", "value", "weight")


def model_rows(
    engine: Engine,
    outcomes: Frame,
    adjusters: Frame,
    features: Frame | None,
    calendar: pa.Table,
    measures: Sequence[str],
    strata: Mapping[str, tuple[str, ...]],
) -> dict[str, pa.Table]:
    """Eligible episodes of each measure, sorted by episode, so that every build adds in the same order.

    Args:
        engine: Where the frames live.
        outcomes: `tables.DERIVED["outcomes"]`, with weights.
        adjusters: From `adjuster_rows`, for these measures.
        features: Levels of the declared strata, per `measure` and `episode_id`; None: none is declared.
        calendar: Columns `calendar_day` and `quarter`.
        measures: Ids.
        strata: Declared strata per measure.
    """
    rows = outcomes.filter(nw.col("eligible"), nw.col("measure").is_in(list(measures))).select(*_KEY, *_OUTCOMES)
    rows = rows.join(adjusters, on=_KEY, how="left")
    rows = rows.join(engine.from_arrow(calendar), left_on="index_day", right_on="calendar_day", how="left")
    names = sorted({name for measure in measures for name in strata.get(measure, ())})
    if features is not None and names:
        present = features.collect_schema().names()
        levels = features.select(*_KEY, *(nw.col(name).alias(f"{LEVEL}{name}") for name in names if name in present))
        rows = rows.join(levels, on=_KEY, how="left")
    table = engine.to_arrow(rows.sort(*_KEY))
    return {measure: table.filter(pc.equal(table["measure"], measure)) for measure in measures}
