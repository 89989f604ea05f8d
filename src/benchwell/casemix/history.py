"""What was known about a person before the follow-up window opened (METHODS M1.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes import OutcomeInputs
from benchwell.outcomes.attach import attach
from benchwell.outcomes.cuts import instruments_of, sign_of
from benchwell.outcomes.inputs import joined
from benchwell.registry import Instrument, Measure
from benchwell.terms import ScoreStatus

HISTORY = ("measure", "episode_id", "early_change", "attended")


def follow_up_history(
    inputs: OutcomeInputs,
    outcomes: Frame,
    measures: Sequence[Measure],
    instruments: Mapping[str, Instrument],
    *,
    keep: Callable[[Frame], Frame] | None = None,
) -> Frame:
    """Early change and attended contacts of every eligible episode, per measure with a baseline and a window.

    Only what happened before the follow-up window opened is used: later facts could be the outcome itself.

    Args:
        inputs: The frames the outcomes were built from.
        outcomes: `tables.DERIVED["outcomes"]`.
        measures: Those to weight; others give no rows.
        instruments: By id.
        keep: Materializes a frame that is read several times (`engine.keep`).

    Returns:
        `measure`, `episode_id`, `early_change` (gain from the baseline to the last score before the window, null if
        there is none), `attended` (contacts from the index until the window opens).
    """
    held = keep or (lambda frame: frame)
    paired = [measure for measure in measures if measure.is_paired and measure.followup is not None]
    valid = inputs.scores.filter(nw.col("status") != ScoreStatus.INVALID.value, ~nw.col("value").is_null())
    columns = ["instrument", "scale", "value"]
    scores = held(attach(valid.select("patient_id", "episode_id", "day", *columns), inputs.episodes, columns))
    contacts = inputs.encounters.filter(nw.col("attended")).select("episode_id", "day")
    parts = [_of_measure(outcomes, scores, contacts, measure, instruments, held) for measure in paired]
    if not parts:
        nothing = outcomes.filter(nw.col("measure").is_null()).select("measure", "episode_id", "baseline")
        parts = [nothing.with_columns(early_change=nw.col("baseline"), attended=nw.col("baseline"))]
    return nw.concat([part.select(HISTORY) for part in parts])


def _of_measure(
    outcomes: Frame,
    scores: Frame,
    contacts: Frame,
    measure: Measure,
    instruments: Mapping[str, Instrument],
    held: Callable[[Frame], Frame],
) -> Frame:
    if measure.followup is None:
        raise ValueError(f"measure {measure.id} has no follow-up window")
    first = instruments_of(measure, instruments)[0]
    mine = held(
        outcomes.filter(nw.col("measure") == measure.id, nw.col("eligible")).select(
            "measure", "episode_id", "index_day", "baseline_day", "baseline"
        )
    )
    opens = nw.col("index_day") + measure.followup.from_day
    own = scores.filter(nw.col("instrument") == first.id, nw.col("scale") == first.scale(measure.scale).id)
    early = own.join(mine.select("episode_id", "index_day", "baseline_day"), on="episode_id", how="inner")
    early = early.filter(nw.col("day") > nw.col("baseline_day"), nw.col("day") < opens)
    latest = early.group_by("episode_id").agg(latest=nw.col("day").max())
    last = (
        early.join(latest, on="episode_id", how="inner")
        .filter(nw.col("day") == nw.col("latest"))
        .group_by("episode_id")
        .agg(early=nw.col("value").max())
    )
    seen = contacts.join(mine.select("episode_id", "index_day"), on="episode_id", how="inner")
    seen = seen.filter(nw.col("day") >= nw.col("index_day"), nw.col("day") < opens)
    attended = seen.group_by("episode_id").agg(attended=nw.len())
    frame = joined(joined(mine, last, "episode_id"), attended, "episode_id")
    return frame.with_columns(
        early_change=sign_of(first, measure.scale) * (nw.col("baseline") - nw.col("early")),
        attended=nw.col("attended").fill_null(0).cast(nw.Float64()),
    )
