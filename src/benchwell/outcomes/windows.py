"""Baseline and follow-up: which score of a window is taken (METHODS M1.1)."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.index import elevated
from benchwell.registry import Instrument, Measure

_PICKED = ["episode_id", "instrument", "version", "day", "value"]


def preference(pick: str, relative_day: nw.Expr, target_day: int | None = None) -> nw.Expr:
    """An integer that is largest for the day a pick rule wants, and different for every day.

    `closest` minimizes the distance to the target; of two days equally far the later one is larger.
    """
    if pick == "first":
        return -relative_day
    if pick == "closest":
        distance = relative_day - (target_day or 0)
        return nw.when(distance > 0).then(-2 * distance + 1).otherwise(2 * distance)
    return relative_day  # last, last_observation, and session_k within the session's own days


def pick_baseline(index: Frame, scores: Frame, measure: Measure, instruments: list[Instrument]) -> Frame:
    """The baseline score of each episode that has one in the window.

    Args:
        index: `episode_id`, `index_day`.
        scores: One score per day, of the measure's instruments and scale.
        measure: With a baseline window.
        instruments: The measure's instruments, in order of preference.

    Returns:
        `episode_id`, `instrument`, `baseline_version`, `baseline_day`, `baseline`.
    """
    baseline = measure.baseline
    if baseline is None:
        raise ValueError(f"measure {measure.id} has no baseline")
    candidates = scores.join(index.select("episode_id", "index_day"), on="episode_id", how="inner")
    from_day, to_day = baseline.from_day, baseline.to_day
    if measure.index is not None and measure.index.rule == "elevated_score":
        # The index *is* a score here: it is the baseline, whatever stands in the window before it.
        from_day, to_day = 0, 0
        candidates = elevated(candidates, measure, instruments)
    relative = nw.col("day") - nw.col("index_day")
    candidates = candidates.filter(relative >= from_day, relative <= to_day)
    found = _pick(candidates, preference(baseline.pick, relative, baseline.target_day), instruments)
    return found.select("episode_id", "instrument", baseline_version="version", baseline_day="day", baseline="value")


def pick_followup(
    index: Frame, baseline: Frame, scores: Frame, sessions: Frame, measure: Measure, instruments: list[Instrument]
) -> Frame:
    """The follow-up score of each episode with a baseline: of the same instrument, and after it.

    Args:
        index: `episode_id`, `index_day`, `end_day`.
        baseline: The result of `pick_baseline`.
        scores: One score per day, of the measure's instruments and scale.
        sessions: `episode_id`, `session`, `day` of attended treatment contacts, numbered from 1.
        measure: With a follow-up window.
        instruments: The measure's instruments, in order of preference.

    Returns:
        `episode_id`, `followup_version`, `followup_day`, `followup`.
    """
    followup = measure.followup
    if followup is None:
        raise ValueError(f"measure {measure.id} has no follow-up window")
    own = baseline.select("episode_id", "instrument", "baseline_day").join(
        index.select("episode_id", "index_day", "end_day"), on="episode_id", how="inner"
    )
    candidates = scores.join(own, on=["episode_id", "instrument"], how="inner")
    relative = nw.col("day") - nw.col("index_day")
    candidates = candidates.filter(
        nw.col("day") > nw.col("baseline_day"), relative >= followup.from_day, relative <= followup.to_day
    )
    if followup.pick == "last_observation":
        candidates = candidates.filter(nw.col("end_day").is_null() | (nw.col("day") <= nw.col("end_day")))
    if followup.pick == "session_k":
        candidates = _at_session(candidates, sessions, followup.session or 1)
    found = _pick(candidates, preference(followup.pick, relative, followup.target_day), instruments)
    return found.select("episode_id", followup_version="version", followup_day="day", followup="value")


def _at_session(candidates: Frame, sessions: Frame, number: int) -> Frame:
    """Scores after session k - 1 and no later than session k."""
    chosen = sessions.filter(nw.col("session") <= number, nw.col("session") >= number - 1)
    span = chosen.group_by("episode_id").agg(
        session_day=nw.col("day").max(), session_count=nw.col("session").max(), before_day=nw.col("day").min()
    )
    span = span.filter(nw.col("session_count") == number).select("episode_id", "session_day", "before_day")
    found = candidates.join(span, on="episode_id", how="inner").filter(nw.col("day") <= nw.col("session_day"))
    return found if number == 1 else found.filter(nw.col("day") > nw.col("before_day"))


def _pick(candidates: Frame, wanted: nw.Expr, instruments: list[Instrument]) -> Frame:
    """The one score per episode with the largest preference; on a tie the instrument named first."""
    order: Any = nw.lit(0)
    for place, instrument in enumerate(reversed(instruments)):
        order = nw.when(nw.col("instrument") == instrument.id).then(nw.lit(place)).otherwise(order)
    keyed = candidates.with_columns(key=wanted * len(instruments) + order)
    best = keyed.group_by("episode_id").agg(key=nw.col("key").max())
    return keyed.join(best, on=["episode_id", "key"], how="inner").select(_PICKED)
