"""What every measure reads: episodes, and the scores and events that belong to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.attach import attach, one_per_day
from benchwell.outcomes.inputs import OutcomeInputs
from benchwell.outcomes.population import base_episodes, sessions
from benchwell.registry import Measure
from benchwell.registry.measure import EventRate
from benchwell.terms import ScoreStatus

Keep = Callable[[Frame], Frame]


@dataclass(frozen=True)
class Prepared:
    """What every measure reads.

    Attributes:
        episodes: With patient, consent and contact counts.
        scores: One per episode, instrument, scale and day; valid, after consent, no later than `last_day`.
        sessions: Days with a treatment contact, numbered.
        encounters: All contacts.
        events: Those that a measure counts, with their episode.
        characteristics: Named variables of patients.
        last_day: The snapshot's day.
        keep: Materializes a frame.
    """

    episodes: Frame
    scores: Frame
    sessions: Frame
    encounters: Frame
    events: Frame
    characteristics: Frame
    last_day: int
    keep: Keep


def prepare(
    inputs: OutcomeInputs,
    measures: Sequence[Measure],
    snapshot_day: int,
    keep: Keep,
) -> Prepared:
    """Attach what is usable to episodes, once for all measures."""
    asked_for = {condition.column for measure in measures for condition in measure.population.conditions}
    episodes = keep(base_episodes(inputs, snapshot_day, asked_for))
    usable = episodes.filter(nw.col("usable")).select("episode_id", "since_day")
    named = sorted({name for measure in measures for name in measure.instruments})
    # Whatever the pick rule, a score that is invalid, later than the snapshot or before consent is never seen.
    valid = inputs.scores.filter(
        nw.col("instrument").is_in(named or [""]),
        nw.col("status") != ScoreStatus.INVALID.value,
        ~nw.col("value").is_null(),
        nw.col("day") <= snapshot_day,
    )
    columns = ["assessment_id", "instrument", "scale", "version", "second", "reviewed", "value"]
    attached = attach(valid.select("patient_id", "episode_id", "day", *columns), inputs.episodes, columns).join(
        usable, on="episode_id", how="inner"
    )
    since = nw.col("since_day").is_null() | (nw.col("day") >= nw.col("since_day"))
    kinds = [measure.endpoint.event for measure in measures if isinstance(measure.endpoint, EventRate)]
    counted = inputs.events.filter(nw.col("kind").is_in(kinds or [""])).select(
        "patient_id", "episode_id", "day", "kind"
    )
    events = attach(counted, inputs.episodes, ["kind"]).join(usable, on="episode_id", how="inner").filter(since)
    return Prepared(
        episodes,
        keep(one_per_day(attached.filter(since))),
        sessions(inputs.encounters, snapshot_day),
        inputs.encounters,
        events,
        inputs.characteristics,
        snapshot_day,
        keep,
    )
