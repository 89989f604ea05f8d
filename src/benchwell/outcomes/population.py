"""The base frame of episodes, and who is counted at all."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.inputs import OutcomeInputs, day, joined, text
from benchwell.registry import Measure
from benchwell.registry.measure import Condition

# Kinds of contact that are not treatment; a contact without a stated kind counts as treatment.
NOT_TREATMENT = ("assessment", "administrative", "triage", "screening")
DAYS_PER_YEAR = 365.25
_NEEDED = (
    *("episode_id", "patient_id", "organization_id", "practitioner_id"),
    *("referral_day", "start_day", "end_day", "end_reason"),
    *("birth_day", "death_day", "death_cause"),
)
AGE_UNKNOWN = "age-unknown"


def base_episodes(inputs: OutcomeInputs, snapshot_day: int, asked_for: Iterable[str] = ()) -> Frame:
    """Episodes with their patient, consent and contact counts, as known on the snapshot's day.

    An end or a death after the snapshot has not happened yet.

    Args:
        inputs: The frames of one snapshot.
        snapshot_day: Nothing after this day is known.
        asked_for: Further columns of episodes or patients that a measure's conditions name; the rest stays behind.
    """
    wanted = {*_NEEDED, *asked_for}
    own = [name for name in inputs.episodes.collect_schema().names() if name in wanted]
    of_patient = [name for name in inputs.patients.collect_schema().names() if name in wanted and name not in own]
    frame = joined(inputs.episodes.select(own), inputs.patients.select("patient_id", *of_patient), "patient_id")
    frame = joined(frame, inputs.consents.select("patient_id", "usable", "since_day"), "patient_id")
    frame = joined(frame, _contacts(inputs.encounters, snapshot_day), "episode_id")

    def past(name: str) -> nw.Expr:
        return nw.when(nw.col(name) <= snapshot_day).then(nw.col(name)).otherwise(day(None))

    return frame.with_columns(
        usable=nw.col("usable").fill_null(True),
        n_attended=nw.col("n_attended").fill_null(0),
        n_contacts=nw.col("n_contacts").fill_null(0),
        end_day=past("end_day"),
        end_reason=nw.when(nw.col("end_day") <= snapshot_day).then(nw.col("end_reason")).otherwise(text(None)),
        death_day=past("death_day"),
    )


def treatment_contacts(encounters: Frame, snapshot_day: int) -> Frame:
    """Attended treatment contacts until the snapshot: `episode_id`, `day`."""
    treatment = nw.col("kind").is_null() | ~nw.col("kind").is_in(NOT_TREATMENT)
    return encounters.filter(nw.col("attended"), treatment, nw.col("day") <= snapshot_day).select("episode_id", "day")


def sessions(encounters: Frame, snapshot_day: int) -> Frame:
    """Days with an attended treatment contact, numbered from 1 in each episode: `episode_id`, `session`, `day`."""
    days = treatment_contacts(encounters, snapshot_day).unique().with_columns(one=nw.lit(1))
    return days.with_columns(session=nw.col("one").cum_sum().over("episode_id", order_by="day")).select(
        "episode_id", "session", "day"
    )


def _contacts(encounters: Frame, snapshot_day: int) -> Frame:
    every = encounters.filter(nw.col("day") <= snapshot_day).group_by("episode_id").agg(n_contacts=nw.len())
    attended = (
        treatment_contacts(encounters, snapshot_day)
        .group_by("episode_id")
        .agg(n_attended=nw.len(), first_attended_day=nw.col("day").min())
    )
    return joined(every, attended, "episode_id")


def age_years() -> nw.Expr:
    """Completed years at the index, from days (exact but for the days around a birthday)."""
    return ((nw.col("index_day") - nw.col("birth_day")) / DAYS_PER_YEAR).floor()


def with_reason(indexed: Frame, measure: Measure, characteristics: Frame) -> Frame:
    """Add `reason`: why an episode is not counted, or null. The first one that applies is named.

    A condition on an unknown value is not met: who cannot be shown to belong is not counted. An unknown age is named
    as such.
    """
    frame, checks = indexed, [("opted-out", ~nw.col("usable")), ("no-index", nw.col("index_day").is_null())]
    columns = set(indexed.collect_schema().names())
    for place, condition in enumerate(measure.population.conditions):
        if condition.column == "age":
            values = age_years()
            checks.append((AGE_UNKNOWN, nw.col("birth_day").is_null()))
        elif condition.column in columns:
            values = nw.col(condition.column)
        else:
            name = f"characteristic_{place}"
            frame = with_characteristic(frame, characteristics, condition.column, name)
            values = nw.col(name)
        checks.append((condition.reason, ~_holds(condition, values).fill_null(False)))
    finished = measure.population.finished_course
    if finished is not None:
        over = ~nw.col("end_day").is_null() & (nw.col("n_attended") >= finished)
        checks.append(("not-finished", ~over))
    reason = reduce(
        lambda rest, check: nw.when(check[1]).then(text(check[0])).otherwise(rest), reversed(checks), text(None)
    )
    return frame.with_columns(reason=reason)


def with_characteristic(indexed: Frame, characteristics: Frame, variable: str, name: str) -> Frame:
    """Add the latest value of a named variable at or before the index, as text (its code, else its number)."""
    dated = characteristics.filter(nw.col("name") == variable).select(
        "patient_id", "day", label=nw.coalesce(nw.col("code"), nw.col("value").cast(nw.String()))
    )
    # Several measures may give one episode several index days; each looks back from its own.
    key = ["patient_id", "index_day"]
    known = dated.join(indexed.select(key).unique(), on="patient_id", how="inner").filter(
        nw.col("day") <= nw.col("index_day")
    )
    latest = known.group_by(key).agg(latest=nw.col("day").max())
    value = (
        known.join(latest, on=key, how="inner")
        .filter(nw.col("day") == nw.col("latest"))
        .group_by(key)
        .agg(label=nw.col("label").max())
    )
    return joined(indexed, value.select(*key, **{name: nw.col("label")}), key)


def _holds(condition: Condition, values: nw.Expr) -> nw.Expr:
    parts = []
    if condition.one_of is not None:
        parts.append(values.cast(nw.String()).is_in([str(value) for value in condition.one_of]))
    if condition.none_of is not None:
        named = values.cast(nw.String()).is_in([str(value) for value in condition.none_of])
        parts.append(~named.fill_null(False))
    if condition.at_least is not None:
        parts.append(values.cast(nw.Float64()) >= condition.at_least)
    if condition.at_most is not None:
        parts.append(values.cast(nw.Float64()) <= condition.at_most)
    return reduce(lambda left, right: left & right, parts, nw.lit(True))
