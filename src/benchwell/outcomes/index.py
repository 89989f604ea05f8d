"""Day 0: the index rules and the clean period (METHODS M1.1)."""

from __future__ import annotations

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.cuts import by_instrument, is_worse
from benchwell.outcomes.inputs import joined, text
from benchwell.registry import Instrument, Measure

_DATED = {
    "start_date": "start_day",
    "referral_date": "referral_day",
    "end_date": "end_day",
    "first_attended": "first_attended_day",
}


def with_index(episodes: Frame, scores: Frame, measure: Measure, instruments: list[Instrument]) -> Frame:
    """Add `index_day`, null where the episode has no index.

    Args:
        episodes: The base frame of `prepare`.
        scores: One score per day, of the measure's instruments and scale.
        measure: With an index rule.
        instruments: The measure's instruments.
    """
    index = measure.index
    if index is None:
        return episodes.with_columns(index_day=nw.col("start_day"))
    if index.rule in _DATED:
        return episodes.with_columns(index_day=nw.col(_DATED[index.rule]))
    if index.rule == "elevated_score":
        scores = elevated(scores, measure, instruments)
    first = scores.group_by("episode_id").agg(index_day=nw.col("day").min())
    return joined(episodes, first, "episode_id")


def elevated(scores: Frame, measure: Measure, instruments: list[Instrument]) -> Frame:
    """The scores that are as bad as the index rule asks."""
    cut = measure.index.at_least if measure.index is not None else None
    if cut is None:
        return scores
    return scores.filter(
        by_instrument(
            "instrument", instruments, lambda instrument: is_worse(nw.col("value"), instrument, measure.scale, cut)
        )
    )


def with_clean_period(indexed: Frame, clean_days: int) -> Frame:
    """Complete `reason`: an earlier course of the same person is still open, its index less than `clean_days` ago.

    A course that has ended does not stand in the way of a new one. Only episodes that are candidates themselves
    (`reason` is null and there is an index) can stand in the way; whether they in turn were in somebody's way does
    not matter, so the rule needs no recursion and is the same on every engine.
    """
    if clean_days <= 0:
        return indexed
    candidates = indexed.filter(nw.col("reason").is_null(), ~nw.col("index_day").is_null()).select(
        "patient_id", "episode_id", "index_day", "end_day"
    )
    shared = candidates.with_columns(episodes=nw.len().over("patient_id")).filter(nw.col("episodes") > 1)
    earlier = shared.select(
        "patient_id",
        earlier_id=nw.col("episode_id"),
        earlier_day=nw.col("index_day"),
        earlier_end=nw.col("end_day"),
    )
    pairs = shared.select("patient_id", "episode_id", "index_day").join(earlier, on="patient_id", how="inner")
    before = (nw.col("earlier_day") < nw.col("index_day")) | (
        (nw.col("earlier_day") == nw.col("index_day")) & (nw.col("earlier_id") < nw.col("episode_id"))
    )
    still_open = nw.col("earlier_end").is_null() | (nw.col("earlier_end") >= nw.col("index_day"))
    blocked = (
        pairs.filter(before, still_open, nw.col("index_day") - nw.col("earlier_day") < clean_days)
        .group_by("episode_id")
        .agg(blocked=nw.len())
    )
    unclean = nw.col("reason").is_null() & ~nw.col("blocked").is_null()
    return indexed.join(blocked, on="episode_id", how="left").select(
        *(name for name in indexed.collect_schema().names() if name != "reason"),
        reason=nw.when(unclean).then(text("within-clean-period")).otherwise(nw.col("reason")),
    )
