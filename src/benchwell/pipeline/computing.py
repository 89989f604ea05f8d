"""From canonical tables to frozen sums: what a lake and a single file both go through."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import narwhals as nw
import pyarrow as pa

from benchwell.benchmarks import Declarations, Plan, frozen, published_statistics, row_plan, summarize
from benchwell.casemix.follow_up import FollowUpModel, PositivityWarning, follow_up_weights, with_weights
from benchwell.casemix.history import follow_up_history
from benchwell.engine import Engine, Frame
from benchwell.outcomes import OutcomeInputs, build_outcomes, episode_features, saes_reference, with_saes
from benchwell.outcomes.cuts import sign_of
from benchwell.pipeline.adjusting import FrozenModels, adjust
from benchwell.pipeline.choosing import Present, choose, distinct, instruments_of, published_pairs
from benchwell.pipeline.curves import FrozenCurves, freeze_curves
from benchwell.pipeline.inputs import Reader, episode_rule_of, known_rates, outcome_inputs, present_instruments
from benchwell.pipeline.progress import Stages
from benchwell.registry import Instrument, Measure, Registry
from benchwell.registry.benchmark import Stratum
from benchwell.registry.measure import SeverityAdjustedEffectSize
from benchwell.settings import Settings
from benchwell.tables import DERIVED
from benchwell.tables.days import epoch_day
from benchwell.terms import OutcomeStatus


@dataclass(frozen=True)
class Sums:
    """Everything an edition is written from, apart from where it came from."""

    declarations: Declarations
    instruments: dict[str, Instrument]
    statistics: pa.Table
    exclusions: pa.Table
    organizations: pa.Table
    outcomes: pa.Table
    features: pa.Table | None
    follow_up_models: tuple[dict[str, Any], ...]
    adjusted: FrozenModels
    notes: tuple[str, ...]
    reading: Mapping[str, int] = field(default_factory=dict)
    curves: FrozenCurves = field(default_factory=FrozenCurves)


def compute_sums(
    engine: Engine,
    read: Reader,
    registry: Registry,
    settings: Settings,
    as_of: dt.date,
    wanted: Sequence[str] | None,
    stages: Stages,
) -> Sums:
    """Score, build outcomes, weight, and sum.

    Args:
        engine: DuckDB or Spark.
        read: Gives one canonical table as a lazy frame.
        registry: Declarations in force.
        settings: Purpose and consent rule.
        as_of: The day to look from.
        wanted: Benchmark ids; null: every one with data.
        stages: Times each stage.
    """
    present = _present(engine, read, registry, as_of)
    declarations = choose(registry, present, wanted)
    measures = [one for one in declarations.measures.values() if not one.is_published]
    instruments = instruments_of(measures, registry)
    plan, rule = row_plan(declarations), episode_rule_of(settings, registry)
    with stages.stage("scoring"):
        reading = outcome_inputs(engine, read, dict(present.instruments), settings, as_of, rule)
        inputs = reading.inputs
        declarations = replace(declarations, episode_rules={one.id: one for one in reading.rules})
    with stages.stage("outcomes"):
        built = build_outcomes(inputs, measures, instruments, snapshot_day=epoch_day(as_of), keep=engine.keep)
        outcomes = _with_references(engine, built.outcomes, measures, instruments)
        features = _features(engine, inputs, outcomes, declarations, instruments)
    with stages.stage("weights for missing follow-up"), warnings.catch_warnings():
        warnings.simplefilter("ignore", PositivityWarning)  # the models say it, and one note sums it up
        history = follow_up_history(built.scores, inputs.encounters, outcomes, measures, instruments, keep=engine.keep)
        weights = follow_up_weights(outcomes, measures, engine, history=history, features=features)
        outcomes = engine.keep(with_weights(outcomes, engine.from_arrow(weights.table)))
    with stages.stage("case mix and missing follow-up"):
        adjusted = adjust(engine, inputs, outcomes, features, history, declarations, instruments, plan)
    with stages.stage("expected courses"):
        curves = freeze_curves(engine, inputs, built.scores, registry, instruments, settings, epoch_day(as_of))
        declarations = replace(declarations, response_curves=curves.declarations)
    with stages.stage("sums"):
        rates = engine.to_arrow(known_rates(read, as_of))
        statistics = _statistics(engine, rates, outcomes, features, declarations, plan)
        exclusions = DERIVED["exclusions"].conform(engine.to_arrow(built.exclusions))
        return Sums(
            declarations,
            instruments,
            statistics,
            exclusions.sort_by([(name, "ascending") for name in ("measure", "step", "reason")]),
            engine.to_arrow(read("organizations")).sort_by("organization_id"),
            engine.to_arrow(outcomes),
            None if features is None else engine.to_arrow(features),
            tuple(asdict(model) for model in weights.models),
            adjusted,
            (*_notes(weights.models), *adjusted.notes),
            reading.counts,
            curves,
        )


def _notes(models: Sequence[FollowUpModel]) -> tuple[str, ...]:
    """What a reader should know about the weights, at most one sentence."""
    doubtful = sum(model.n_below_positivity > 0 for model in models)
    if not doubtful:
        return ()
    whose = "one measure" if doubtful == 1 else f"{doubtful} measures"
    return (
        f"In {whose}, some people had less than a 5 % chance of being followed up; what is estimated for the missing "
        "there rests on few people.",
    )


def _present(engine: Engine, read: Reader, registry: Registry, as_of: dt.date) -> Present:
    rates = engine.to_arrow(known_rates(read, as_of).select("source", "measure").unique())
    encounters = engine.to_arrow(read("encounters").select(n=nw.len()))["n"][0].as_py() > 0
    kinds = engine.to_arrow(read("events").select("kind").unique())
    return Present(
        present_instruments(engine, read, registry, as_of), published_pairs(rates), encounters, distinct(kinds["kind"])
    )


def _with_references(
    engine: Engine, outcomes: Frame, measures: Sequence[Measure], instruments: dict[str, Instrument]
) -> Frame:
    """Fit and apply the reference of every severity-adjusted measure that declares none (M2.7)."""
    for measure in measures:
        if isinstance(measure.endpoint, SeverityAdjustedEffectSize) and measure.endpoint.slope is None:
            before, after = nw.col("baseline"), nw.col("followup")
            sums = engine.to_arrow(
                outcomes.filter(
                    nw.col("measure") == measure.id, nw.col("status") == OutcomeStatus.FOLLOWED.value
                ).select(
                    n=nw.len(),
                    pre=before.sum(),
                    post=after.sum(),
                    squares=(before * before).sum(),
                    products=(before * after).sum(),
                )
            ).to_pylist()[0]
            sign = sign_of(instruments[measure.instruments[0]], measure.scale)
            try:
                reference = saes_reference(
                    sums["n"], sums["pre"], sums["post"], sums["squares"], sums["products"], sign=sign
                )
            except (ValueError, TypeError):
                continue  # too few pairs for a line: the measure stays without values, and its flow says so
            outcomes = engine.keep(with_saes(outcomes, measure, reference, sign=sign))
    return outcomes


def _features(
    engine: Engine,
    inputs: OutcomeInputs,
    outcomes: Frame,
    declarations: Declarations,
    instruments: dict[str, Instrument],
) -> Frame | None:
    strata: dict[str, Stratum] = {}
    for benchmark in declarations.benchmarks.values():
        strata |= {stratum.by: stratum for stratum in benchmark.strata}
    if not strata:
        return None
    measures = list(declarations.measures.values())
    return engine.keep(episode_features(inputs, outcomes, list(strata.values()), instruments, measures))


def _statistics(
    engine: Engine,
    rates: pa.Table,
    outcomes: Frame,
    features: Frame | None,
    declarations: Declarations,
    plan: Plan,
) -> pa.Table:
    parts = [published_statistics(rates, declarations.measures.values())]
    if plan.strata:
        parts.append(engine.to_arrow(summarize(engine, outcomes, features, plan)))
    return frozen(pa.concat_tables([DERIVED["statistics"].conform(part) for part in parts]))
