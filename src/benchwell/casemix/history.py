"""What was known about a person before the follow-up window opened (METHODS M1.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.cuts import instruments_of, sign_of
from benchwell.outcomes.inputs import joined, text
from benchwell.outcomes.sharing import window_key
from benchwell.registry import Instrument, Measure

HISTORY = ("measure", "episode_id", "early_change", "attended")
_COURSE = ("window", "episode_id")


def follow_up_history(
    scores: Frame,
    encounters: Frame,
    outcomes: Frame,
    measures: Sequence[Measure],
    instruments: Mapping[str, Instrument],
    *,
    keep: Callable[[Frame], Frame] | None = None,
) -> Frame:
    """Early change and attended contacts of every eligible episode, per measure with a baseline and a window.

    Only what happened before the follow-up window opened is used: later facts could be the outcome itself.

    Args:
        scores: `OutcomeTables.scores`: one per episode, instrument, scale and day.
        encounters: `tables.CANONICAL["encounters"]` with `day`.
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
    if not paired:
        nothing = outcomes.filter(nw.col("measure").is_null()).select("measure", "episode_id", "baseline")
        return nothing.with_columns(early_change=nw.col("baseline"), attended=nw.col("baseline")).select(HISTORY)
    # Measures that pick the same two scores share their history: it is computed for the first of them.
    first_of = {window_key(measure): measure for measure in reversed(paired)}
    window_of = {measure.id: first_of[window_key(measure)].id for measure in paired}
    eligible = outcomes.filter(nw.col("eligible"), nw.col("measure").is_in(list(window_of))).select(
        "measure", "episode_id", "index_day", "baseline_day", "baseline", window=_case("measure", window_of, text)
    )
    mine = held(eligible)
    courses = held(_courses(mine, list(first_of.values()), instruments))
    known = joined(courses.select(*_COURSE, "sign"), _early(scores, courses), [*_COURSE])
    found = held(joined(known, _seen(encounters, courses), [*_COURSE]))
    return mine.join(found, on=[*_COURSE], how="left").select(
        "measure",
        "episode_id",
        early_change=nw.col("sign") * (nw.col("baseline") - nw.col("early")),
        attended=nw.col("attended").fill_null(0).cast(nw.Float64()),
    )


def _courses(mine: Frame, measures: Sequence[Measure], instruments: Mapping[str, Instrument]) -> Frame:
    """One row per window and episode, with what the window looks at."""
    first = {measure.id: instruments_of(measure, instruments)[0] for measure in measures}
    scale = {measure.id: first[measure.id].scale(measure.scale).id for measure in measures}
    sign = {measure.id: sign_of(first[measure.id], measure.scale) for measure in measures}
    from_day = {measure.id: measure.followup.from_day for measure in measures if measure.followup is not None}
    return (
        mine.select(*_COURSE, "index_day", "baseline_day")
        .unique()
        .with_columns(
            instrument=_case("window", {name: one.id for name, one in first.items()}, text),
            scale=_case("window", scale, text),
            sign=_case("window", sign, nw.lit),
            opens=nw.col("index_day") + _case("window", from_day, nw.lit),
        )
    )


def _early(scores: Frame, courses: Frame) -> Frame:
    """`early`: the last score after the baseline and before the window opens."""
    within = scores.join(courses, on=["episode_id", "instrument", "scale"], how="inner").filter(
        nw.col("day") > nw.col("baseline_day"), nw.col("day") < nw.col("opens")
    )
    key = [*_COURSE, "instrument", "scale"]
    latest = within.group_by(key).agg(day=nw.col("day").max())
    last = latest.join(scores, on=["episode_id", "instrument", "scale", "day"], how="inner")
    return last.select(*_COURSE, early="value")


def _seen(encounters: Frame, courses: Frame) -> Frame:
    """`attended`: contacts from the index until the window opens."""
    contacts = encounters.filter(nw.col("attended")).select("episode_id", "day")
    within = contacts.join(courses.select(*_COURSE, "index_day", "opens"), on="episode_id", how="inner").filter(
        nw.col("day") >= nw.col("index_day"), nw.col("day") < nw.col("opens")
    )
    return within.group_by(*_COURSE).agg(attended=nw.len())


def _case(column: str, values: Mapping[str, Any], literal: Callable[[Any], nw.Expr]) -> nw.Expr:
    """The value that belongs to each word in `column`."""
    words = list(values)
    return reduce(
        lambda rest, word: nw.when(nw.col(column) == word).then(literal(values[word])).otherwise(rest),
        words[:-1],
        literal(values[words[-1]]),
    )
