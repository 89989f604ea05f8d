"""Compile measures and run them: one row per episode x measure, with a status and a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.attach import attach, one_per_day
from benchwell.outcomes.contacts import with_retention, with_wait
from benchwell.outcomes.cuts import by_instrument, instruments_of, is_worse
from benchwell.outcomes.endpoints import Result, paired_result
from benchwell.outcomes.event_rate import with_event_rate
from benchwell.outcomes.flow import exclusion_flow
from benchwell.outcomes.index import with_clean_period, with_index
from benchwell.outcomes.inputs import OutcomeInputs, OutcomeTables, day, joined, number, text
from benchwell.outcomes.population import base_episodes, sessions, with_reason
from benchwell.outcomes.status import is_mature, window_end, with_status
from benchwell.outcomes.two_measure import (
    NEEDS_CASENESS,
    at_caseness,
    two_measure_result,
    version_changed,
    with_two_pairs,
)
from benchwell.outcomes.windows import pick_baseline, pick_followup
from benchwell.registry import Instrument, Measure
from benchwell.registry.measure import EventRate, PercentChange, Retention, TwoMeasure, WaitDays
from benchwell.tables import DERIVED
from benchwell.terms import OutcomeStatus, ScoreStatus

Keep = Callable[[Frame], Frame]


def build_outcomes(
    inputs: OutcomeInputs,
    measures: Sequence[Measure],
    instruments: Mapping[str, Instrument],
    *,
    snapshot_day: int,
    keep: Keep | None = None,
) -> OutcomeTables:
    """Apply every measure to every episode, lazily, on whatever engine the frames live on.

    Published measures have no episodes and are skipped.

    Args:
        inputs: Lazy frames of one snapshot; days are integers since 1970-01-01.
        measures: What to compute.
        instruments: By id; every instrument that a measure names.
        snapshot_day: Nothing after this day is known, and maturity is judged on it.
        keep: Materializes a frame that is read several times: give `engine.keep`. Without it everything stays one
            lazy plan that repeats shared parts, which is right but many times slower.

    Returns:
        `outcomes` and `exclusions` as in `tables.DERIVED`.

    Raises:
        DeclarationError: If a measure asks for what its instrument does not declare.
    """
    held = keep or (lambda frame: frame)
    compiled = [measure for measure in measures if not measure.is_published]
    prepared = _prepare(inputs, compiled, snapshot_day, held)
    parts = [held(_one_measure(prepared, measure, instruments)) for measure in compiled]
    outcomes = nw.concat(parts) if parts else _nothing(inputs)
    return OutcomeTables(outcomes, exclusion_flow(outcomes, compiled))


@dataclass(frozen=True)
class _Prepared:
    """What every measure reads."""

    episodes: Frame
    scores: Frame
    sessions: Frame
    encounters: Frame
    events: Frame
    characteristics: Frame
    snapshot_day: int
    keep: Keep


def _prepare(
    inputs: OutcomeInputs,
    measures: Sequence[Measure],
    snapshot_day: int,
    keep: Keep,
) -> _Prepared:
    episodes = keep(base_episodes(inputs, snapshot_day))
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
    return _Prepared(
        episodes,
        keep(one_per_day(attached.filter(since))),
        sessions(inputs.encounters, snapshot_day),
        inputs.encounters,
        events,
        inputs.characteristics,
        snapshot_day,
        keep,
    )


def _one_measure(prepared: _Prepared, measure: Measure, instruments: Mapping[str, Instrument]) -> Frame:
    own = instruments_of(measure, instruments)
    scores = _scores_of(prepared.scores, measure, own)
    frame = with_index(prepared.episodes, scores, measure, own)
    frame = with_reason(frame, measure, prepared.characteristics)
    frame = with_clean_period(frame, measure.index.clean_days if measure.index is not None else 0)
    frame = _first_reason(frame, ("within-clean-period", nw.col("unclean")))
    return _in_shape(_with_endpoint(frame, scores, prepared, measure, own), measure)


def _scores_of(scores: Frame, measure: Measure, instruments: list[Instrument]) -> Frame:
    wanted = [
        (nw.col("instrument") == instrument.id) & (nw.col("scale") == instrument.scale(measure.scale).id)
        for instrument in instruments
    ]
    # A measure without instruments (waiting, retention) reads no scores.
    return scores.filter(reduce(lambda left, right: left | right, wanted or [nw.col("instrument").is_null()]))


def _first_reason(frame: Frame, *checks: tuple[str, nw.Expr]) -> Frame:
    """Name the first check that holds, for episodes that have no reason yet."""
    reason = reduce(
        lambda rest, check: nw.when(check[1].fill_null(False)).then(text(check[0])).otherwise(rest),
        reversed(checks),
        text(None),
    )
    return frame.with_columns(reason=nw.coalesce(nw.col("reason"), reason))


def _with_endpoint(
    frame: Frame, scores: Frame, prepared: _Prepared, measure: Measure, instruments: list[Instrument]
) -> Frame:
    snapshot_day = prepared.snapshot_day

    def pairs(wanted: list[Instrument]) -> tuple[Frame, Frame]:
        # Held, because follow-up needs index and baseline again: a plan that repeats both grows fast.
        index = prepared.keep(frame.select("episode_id", "index_day", "end_day"))
        own = scores.filter(nw.col("instrument").is_in([instrument.id for instrument in wanted]))
        baseline = prepared.keep(pick_baseline(index, own, measure, wanted))
        return baseline, pick_followup(index, baseline, own, prepared.sessions, measure, wanted)

    match measure.endpoint:
        case Retention():
            return with_retention(frame, prepared.encounters, measure, snapshot_day)
        case WaitDays():
            return with_wait(frame, prepared.encounters, measure, snapshot_day)
        case EventRate():
            return with_event_rate(frame, prepared.events, measure, snapshot_day)
        case TwoMeasure():
            frame = with_two_pairs(frame, pairs, measure, instruments)
            result, changed = two_measure_result(measure, instruments), version_changed()
        case _:
            for picked in pairs(instruments):
                frame = joined(frame, picked, "episode_id")
            result = paired_result(measure, instruments)
            changed = (nw.col("baseline_version") != nw.col("followup_version")).fill_null(False)
    frame = _first_reason(frame, *_baseline_checks(measure, instruments))
    return _with_paired_status(frame, measure, result, changed, snapshot_day)


def _baseline_checks(measure: Measure, instruments: list[Instrument]) -> list[tuple[str, nw.Expr]]:
    checks = [("no-baseline", nw.col("baseline_day").is_null())]
    cut = measure.baseline.cut_in if measure.baseline is not None else None
    endpoint = measure.endpoint
    if isinstance(endpoint, TwoMeasure):
        if endpoint.met in NEEDS_CASENESS:
            checks.append(("not-at-caseness", ~at_caseness(measure, instruments)))
    elif cut is not None:
        bad = by_instrument(
            "instrument", instruments, lambda one: is_worse(nw.col("baseline"), one, measure.scale, cut)
        )
        checks.append(("below-cut-in", ~bad))
    if isinstance(endpoint, PercentChange) and endpoint.of == "mean_of_percents":
        checks.append(("baseline-zero", nw.col("baseline") == 0))
    return checks


def _with_paired_status(frame: Frame, measure: Measure, result: Result, changed: nw.Expr, snapshot_day: int) -> Frame:
    frame = with_status(
        frame,
        mature=is_mature(measure, snapshot_day),
        found=~nw.col("followup_day").is_null(),
        last_day=window_end(measure),
        version_changed=changed,
    )
    return frame.with_columns(met_raw=result.met, value_raw=result.value, class_raw=result.change_class)


def _in_shape(frame: Frame, measure: Measure) -> Frame:
    """The columns of `tables.DERIVED["outcomes"]`: results only where followed, nothing at all for opt-outs."""
    present = set(frame.collect_schema().names())
    followed = nw.col("status") == OutcomeStatus.FOLLOWED.value
    seen = nw.col("status") != OutcomeStatus.OPTED_OUT.value

    def result(name: str, empty: nw.Expr) -> nw.Expr:
        return nw.when(followed).then(nw.col(name)).otherwise(empty) if name in present else empty

    def shown(name: str, empty: nw.Expr) -> nw.Expr:
        return nw.when(seen).then(nw.col(name)).otherwise(empty) if name in present else empty

    return frame.select(
        "episode_id",
        "patient_id",
        "organization_id",
        "practitioner_id",
        "status",
        "reason",
        "eligible",
        measure=text(measure.id),
        index_day=shown("index_day", day(None)),
        baseline_day=shown("baseline_day", day(None)),
        baseline=shown("baseline", number(None)),
        followup_day=shown("followup_day", day(None)),
        followup=shown("followup", number(None)),
        met=result("met_raw", nw.lit(None, dtype=nw.Boolean())),
        value=result("value_raw", number(None)),
        exposure=result("exposure_raw", number(None)),
        change_class=result("class_raw", text(None)),
        weight=number(None),
    ).select(DERIVED["outcomes"].columns)


def _nothing(inputs: OutcomeInputs) -> Frame:
    """No measures, no rows, but the right columns."""
    kinds = {"double": nw.Float64(), "int64": nw.Int64(), "bool": nw.Boolean(), "string": nw.String()}
    columns = {field.name: nw.lit(None, dtype=kinds[str(field.type)]) for field in DERIVED["outcomes"].schema}
    return (
        inputs.episodes.filter(nw.col("episode_id").is_null())
        .select("episode_id")
        .with_columns(**columns)
        .select(*columns)
    )
