"""Compile measures and run them: one row per episode x measure, with a status and a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.contacts import with_retention, with_wait
from benchwell.outcomes.cuts import by_instrument, instruments_of, is_worse
from benchwell.outcomes.endpoints import paired_result
from benchwell.outcomes.event_rate import with_event_rate
from benchwell.outcomes.flow import exclusion_flow
from benchwell.outcomes.inputs import OutcomeInputs, OutcomeTables
from benchwell.outcomes.prepare import Keep, prepare
from benchwell.outcomes.shape import first_reason, in_shape, nothing
from benchwell.outcomes.sharing import Shared
from benchwell.outcomes.status import status_columns
from benchwell.outcomes.two_measure import NEEDS_CASENESS, at_caseness, two_measure_result
from benchwell.registry import Instrument, Measure
from benchwell.registry.measure import EventRate, PercentChange, Retention, TwoMeasure, WaitDays


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
        `outcomes` and `exclusions` as in `tables.DERIVED`, and the scores that they were picked from.

    Raises:
        DeclarationError: If a measure asks for what its instrument does not declare.
    """
    held = keep or (lambda frame: frame)
    compiled = [measure for measure in measures if not measure.is_published]
    prepared = prepare(inputs, compiled, snapshot_day, held)
    shared = Shared(prepared)
    parts = [_one_measure(shared, measure, instruments_of(measure, instruments)) for measure in compiled]
    outcomes = held(nw.concat(parts) if parts else nothing(inputs))
    return OutcomeTables(outcomes, exclusion_flow(outcomes, compiled), prepared.scores)


def _one_measure(shared: Shared, measure: Measure, instruments: list[Instrument]) -> Frame:
    prepared = shared.prepared
    match measure.endpoint:
        case Retention():
            frame = with_retention(
                shared.courses(measure, instruments), prepared.encounters, measure, prepared.last_day
            )
        case WaitDays():
            frame = with_wait(shared.courses(measure, instruments), prepared.encounters, measure, prepared.last_day)
        case EventRate():
            frame = with_event_rate(shared.courses(measure, instruments), prepared.events, measure, prepared.last_day)
        case _:
            frame = _with_paired(shared.pairs(measure, instruments), measure, instruments)
    return in_shape(frame, measure)


def _with_paired(pairs: Frame, measure: Measure, instruments: list[Instrument]) -> Frame:
    two = isinstance(measure.endpoint, TwoMeasure)
    result = two_measure_result(measure, instruments) if two else paired_result(measure, instruments)
    reason = first_reason(*_baseline_checks(measure, instruments))
    return pairs.with_columns(
        **status_columns(reason), met_raw=result.met, value_raw=result.value, class_raw=result.change_class
    )


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
