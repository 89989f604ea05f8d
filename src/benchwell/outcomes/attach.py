"""Which course of care a record belongs to, and which score counts on a day (METHODS M1.1)."""

from __future__ import annotations

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.inputs import day

SLACK_DAYS = 30  # how long before the start a score still belongs to the course (screening, waiting list)
_BEGINNING = -(10**7)  # a day before all days; null would not compare
_DAY = ["episode_id", "instrument", "scale", "day"]


def claims(episodes: Frame, slack_days: int = SLACK_DAYS) -> Frame:
    """The days that each episode claims for records that name a patient but no episode.

    An episode claims from `slack_days` before its start, but not while an earlier course of the same person is
    still open, until the next episode's claim begins. Claims of one person never overlap. An episode without a
    start claims everything before the next one.

    Returns:
        `patient_id`, `episode_id`, `claim_from`, `claim_to` (day after the last one; null is open).
    """
    start = nw.coalesce(nw.col("start_day"), nw.col("referral_day"), day(_BEGINNING))
    order = ["claim_start", "episode_id"]
    found = episodes.select("patient_id", "episode_id", "end_day", claim_start=start).with_columns(
        before=nw.col("episode_id").shift(1).over("patient_id", order_by=order),
        end_before=nw.col("end_day").shift(1).over("patient_id", order_by=order),
    )
    early = nw.col("claim_start") - slack_days
    after_end = nw.max_horizontal(early, nw.min_horizontal("claim_start", nw.col("end_before") + 1))
    found = found.with_columns(
        claim_from=nw.when(nw.col("before").is_null())
        .then(early)
        .otherwise(nw.when(nw.col("end_before").is_null()).then(nw.col("claim_start")).otherwise(after_end))
    )
    return found.with_columns(claim_to=nw.col("claim_from").shift(-1).over("patient_id", order_by=order)).select(
        "patient_id", "episode_id", "claim_from", "claim_to"
    )


def attach(records: Frame, episodes: Frame, columns: list[str]) -> Frame:
    """Give each dated record of a person its episode; records outside every claim fall away.

    Args:
        records: With `patient_id`, `episode_id` (null if unknown), `day` and `columns`.
        episodes: With `patient_id`, `episode_id`, `referral_day`, `start_day`, `end_day`.
        columns: What to carry along.
    """
    kept = ["episode_id", "day", *columns]
    named = records.filter(~nw.col("episode_id").is_null()).select(kept)
    loose = records.filter(nw.col("episode_id").is_null()).drop("episode_id")
    found = loose.join(claims(episodes), on="patient_id", how="inner").filter(
        nw.col("day") >= nw.col("claim_from"), nw.col("claim_to").is_null() | (nw.col("day") < nw.col("claim_to"))
    )
    return nw.concat([named, found.select(kept)])


def one_per_day(scores: Frame) -> Frame:
    """One score per episode, instrument, scale and day.

    The clinician-reviewed one wins, else the later time, else the higher assessment id, so that the choice never
    depends on row order. The mean is never taken.

    Args:
        scores: With the four key columns, `reviewed`, `second`, `assessment_id`, `version`, `value`.

    Returns:
        The key columns, `version` and `value`.
    """
    # Most days hold one score: for those any aggregate is the score itself, and only the rest need a window.
    counted = scores.group_by(_DAY).agg(count=nw.len(), version=nw.col("version").max(), value=nw.col("value").max())
    several = scores.join(counted.filter(nw.col("count") > 1).select(_DAY), on=_DAY, how="semi").with_columns(
        one=nw.lit(1),
        clinician=nw.when(nw.col("reviewed")).then(nw.lit(1)).otherwise(nw.lit(0)),
        clock=nw.col("second").fill_null(-1),
    )
    placed = several.with_columns(
        place=nw.col("one").cum_sum().over(*_DAY, order_by=["clinician", "clock", "assessment_id"]),
        places=nw.len().over(*_DAY),
    )
    winners = placed.filter(nw.col("place") == nw.col("places"))
    columns = [*_DAY, "version", "value"]
    return nw.concat([counted.filter(nw.col("count") == 1).select(columns), winners.select(columns)])
