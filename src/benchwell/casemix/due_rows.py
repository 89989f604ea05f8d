"""The day on which each person's outcome was due: the last of the window plus its grace (METHODS M1.2, M5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.engine import Engine, Frame
from benchwell.outcomes.status import window_end
from benchwell.registry import Measure

_COLUMNS = ("measure", "episode_id", "organization_id", "status", "met", "weight")


def due_rows(engine: Engine, outcomes: Frame, episodes: Frame, measures: Sequence[Measure]) -> dict[str, pa.Table]:
    """Eligible episodes of each yes/no measure, sorted by episode, with the day on which the outcome was due.

    That day is when the window and its grace had passed, the very rule by which an episode is mature; a measure
    without a follow-up window is due on its index day.

    Args:
        engine: Where the frames live.
        outcomes: `tables.DERIVED["outcomes"]`, with weights.
        episodes: With `episode_id` and `end_day`: some windows close when a course ends.
        measures: Those to look at; others than yes/no, and official aggregates, are passed over.

    Returns:
        Per measure: `episode_id`, `organization_id`, `status`, `met`, `weight` and `due_day`.
    """
    wanted = [one for one in measures if one.summary == "proportion" and not one.is_published]
    if not wanted:
        return {}
    mine = outcomes.filter(nw.col("eligible"), nw.col("measure").is_in([one.id for one in wanted]))
    mine = mine.select(*_COLUMNS, "index_day").join(
        episodes.select("episode_id", "end_day"), on="episode_id", how="left"
    )
    due = reduce(
        lambda rest, one: nw.when(nw.col("measure") == one.id).then(_due(one)).otherwise(rest),
        wanted[:-1],
        _due(wanted[-1]),
    )
    table = engine.to_arrow(mine.select(*_COLUMNS, due_day=due).sort("measure", "episode_id"))
    return {one.id: table.filter(pc.equal(table["measure"], one.id)).drop_columns("measure") for one in wanted}


def _due(measure: Measure) -> nw.Expr:
    return window_end(measure) + (0 if measure.followup is None else measure.followup.grace_days)
