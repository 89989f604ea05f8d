"""Case-mix models, imputations and monitoring of an edition: the frozen inputs beside its sums (M1.6, M3, M5.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import narwhals as nw
import pyarrow as pa

from benchwell.benchmarks import Declarations, Plan
from benchwell.benchmarks.adjusted_figures import SUMMARIES
from benchwell.benchmarks.periods import calendar
from benchwell.casemix.adjusters import adjuster_rows
from benchwell.casemix.due_rows import due_rows
from benchwell.casemix.expectations import expectations
from benchwell.casemix.imputation import impute_follow_up
from benchwell.casemix.imputation_record import imputation_settings
from benchwell.casemix.model_record import as_plain
from benchwell.casemix.model_rows import model_rows
from benchwell.casemix.monitoring import monitor
from benchwell.engine import Engine, Frame
from benchwell.outcomes import OutcomeInputs
from benchwell.registry import CaseMix, Instrument, Measure

_LEAST_ORGANIZATIONS = 2  # one organization has nobody to be compared with


@dataclass(frozen=True)
class FrozenModels:
    """What the models leave behind.

    Attributes:
        tables: Frozen tables by name (`benchmarks.compute.FROZEN_BESIDE`).
        casemix_models: How each case-mix model was fitted, or why not.
        imputation_models: The same of the imputations.
        notes: What a reader of the edition should know of them, one sentence each.
    """

    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    casemix_models: Sequence[Mapping[str, Any]] = ()
    imputation_models: Sequence[Mapping[str, Any]] = ()
    notes: tuple[str, ...] = ()


def adjust(
    engine: Engine,
    inputs: OutcomeInputs,
    outcomes: Frame,
    features: Frame | None,
    history: Frame,
    declarations: Declarations,
    instruments: Mapping[str, Instrument],
    plan: Plan,
) -> FrozenModels:
    """Fit every declared case mix, impute what is missing, and draw the charts over time.

    Args:
        engine: DuckDB or Spark.
        inputs: The frames that the outcomes were built from.
        outcomes: `tables.DERIVED["outcomes"]`, with weights.
        features: Levels of the declared strata.
        history: Early change and attended contacts, for the imputations.
        declarations: Of the edition.
        instruments: By id.
        plan: Strata and dates per measure.

    Returns:
        Empty with fewer than two organizations.
    """
    counted = engine.to_arrow(outcomes.filter(nw.col("eligible")).select("organization_id").unique())
    if counted.num_rows < _LEAST_ORGANIZATIONS:
        return FrozenModels()
    within = plan.within_dates(outcomes)
    mixes = casemix_of(declarations)
    rows: dict[str, pa.Table] = {}
    for casemix in sorted({one.id for one in mixes.values()}):
        measures = [declarations.measures[name] for name, one in sorted(mixes.items()) if one.id == casemix]
        adjusters = engine.keep(
            adjuster_rows(inputs, outcomes, declarations.casemix[casemix], measures, instruments, keep=engine.keep)
        )
        names = [measure.id for measure in measures]
        rows |= model_rows(engine, within, adjusters, features, calendar(), names, plan.strata)
    fitted = expectations(rows, [declarations.measures[name] for name in sorted(mixes)], mixes, plan.strata)
    unpublished = [one for one in declarations.measures.values() if not one.is_published]
    settings = imputation_settings(declarations.benchmarks.values(), days=plan.days)
    imputed = impute_follow_up(
        outcomes, unpublished, instruments, engine, settings=settings, history=history, features=features
    )
    people = due_rows(engine, within, inputs.episodes, unpublished)
    watched = monitor(people, unpublished, fitted.chances, _organization_n(declarations))
    return FrozenModels(
        {
            "adjusted_sums": fitted.adjusted_sums,
            "coefficients": fitted.coefficients,
            "model_checks": fitted.model_checks,
            "monitoring_months": watched.table,
            "imputations": imputed.table,
        },
        as_plain(fitted.models),
        [asdict(model) for model in imputed.models],
        watched.notes,
    )


def _organization_n(declarations: Declarations) -> dict[str, int]:
    """Least people of an organization per measure; benchmarks of one measure declare the same."""
    return {one.measure: one.gates.organization_n for one in declarations.benchmarks.values()}


def casemix_of(declarations: Declarations) -> dict[str, CaseMix]:
    """The case mix of each measure that has one and whose figures can be adjusted: shares and means."""
    return {
        one.measure: declarations.casemix[one.casemix]
        for one in declarations.benchmarks.values()
        if one.casemix is not None and _adjustable(declarations.measures[one.measure])
    }


def _adjustable(measure: Measure) -> bool:
    return not measure.is_published and measure.summary in SUMMARIES
