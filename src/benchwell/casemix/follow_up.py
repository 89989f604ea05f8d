"""Inverse-probability weights for missing follow-up (METHODS M1.5)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.casemix.design import Design, follow_up_design
from benchwell.engine import Engine, Frame
from benchwell.models.arrays import FloatArray
from benchwell.models.logistic_regression import LogisticFit, fit_logistic
from benchwell.registry import Measure
from benchwell.tables import DERIVED, NUMBER, TEXT
from benchwell.terms import OutcomeStatus

POSITIVITY = 0.05
TRUNCATE = (0.01, 0.99)
_RIDGE = 1e-4
_SCHEMA = pa.schema([("measure", TEXT), ("episode_id", TEXT), ("weight", NUMBER)])


class PositivityWarning(UserWarning):
    """Some people had almost no chance of being followed: their weights rest on few others."""


@dataclass(frozen=True)
class FollowUpModel:
    """How the weights of one measure were found; goes into the edition.

    Attributes:
        measure: Its id.
        n_eligible: Episodes in the model.
        n_followed: Of these with an outcome.
        terms: Columns of the design.
        organization: How clinics entered: `indicators`, `shrunken_rate` or `none`.
        converged: Whether the fit settled without help.
        ridge: Penalty used when it did not, else 0.
        truncated_share: Share of weights moved to the 1st or 99th percentile.
        effective_n: (Σw)² / Σw² over the followed.
        lowest_probability: Smallest fitted probability of being followed.
        n_below_positivity: Eligible episodes with a probability below 0.05.
    """

    measure: str
    n_eligible: int
    n_followed: int
    terms: tuple[str, ...]
    organization: str
    converged: bool
    ridge: float
    truncated_share: float
    effective_n: float
    lowest_probability: float
    n_below_positivity: int


@dataclass(frozen=True)
class FollowUpWeights:
    """Weights of followed episodes (`measure`, `episode_id`, `weight`) and one model per measure."""

    table: pa.Table
    models: tuple[FollowUpModel, ...]


def follow_up_weights(
    outcomes: Frame,
    measures: Sequence[Measure],
    engine: Engine,
    *,
    history: Frame | None = None,
    features: Frame | None = None,
) -> FollowUpWeights:
    """Fit who is followed, per measure, and weight the followed by the inverse of their probability.

    Predictors are those that the measure names in `weight_by`, as far as they are given. Weights are stabilized
    (mean near 1) and truncated at their 1st and 99th percentile. Where everybody is followed all weights are 1.

    Args:
        outcomes: `tables.DERIVED["outcomes"]`.
        measures: Whose weights are wanted; published measures are skipped.
        engine: Collects, since a fit needs arrays.
        history: `casemix.follow_up_history`: early change and attended contacts.
        features: `outcomes.episode_features`: declared strata that `weight_by` may name.

    Warns:
        PositivityWarning: If a fitted probability is below 0.05; names the measure and the count.
    """
    tables, models = [], []
    for measure in measures:
        if measure.is_published:
            continue
        rows = _rows(outcomes, measure, engine, history, features)
        followed = np.asarray(pc.equal(rows["status"], OutcomeStatus.FOLLOWED.value).to_numpy(), dtype=np.float64)
        weight, model = _weigh(measure, follow_up_design(rows, followed, measure.weight_by), followed)
        chosen = rows.select(["measure", "episode_id"]).append_column("weight", pa.array(weight))
        tables.append(chosen.filter(pa.array(followed == 1.0)).cast(_SCHEMA))
        models.append(model)
    return FollowUpWeights(pa.concat_tables(tables) if tables else _SCHEMA.empty_table(), tuple(models))


def with_weights(outcomes: Frame, weights: Frame) -> Frame:
    """Outcomes with their `weight` filled in; null where not followed."""
    found = weights.select("measure", "episode_id", found_weight=nw.col("weight"))
    joined = outcomes.drop("weight").join(found, on=["measure", "episode_id"], how="left")
    return joined.with_columns(weight=nw.col("found_weight")).select(DERIVED["outcomes"].columns)


def _rows(outcomes: Frame, measure: Measure, engine: Engine, history: Frame | None, features: Frame | None) -> pa.Table:
    key = ["measure", "episode_id"]
    columns = [*key, "organization_id", "baseline", "status"]
    frame = outcomes.filter(nw.col("measure") == measure.id, nw.col("eligible")).select(columns)
    for more in (history, features):
        if more is None:
            continue
        names = [name for name in more.collect_schema().names() if name in measure.weight_by and name not in columns]
        if names:
            frame = frame.join(more.select(*key, *names), on=key, how="left").select(*columns, *names)
            columns = [*columns, *names]
    return engine.to_arrow(frame)


def _weigh(measure: Measure, design: Design, followed: FloatArray) -> tuple[FloatArray, FollowUpModel]:
    n, n_followed = len(followed), int(followed.sum())
    share = n_followed / n if n else 0.0
    fit, converged = _fit(design, followed) if 0 < n_followed < n else (None, True)
    p = np.full(n, share) if fit is None else fit.probabilities(design.columns)
    weight = np.divide(share, p, out=np.zeros(n), where=p > 0)
    weight, truncated = _truncate(weight, followed == 1.0)
    used = weight[followed == 1.0]
    low = 0 if fit is None else int((p < POSITIVITY).sum())
    if low:
        warnings.warn(
            f"measure {measure.id}: {low} of {n} episodes had less than a 5 % chance of follow-up; "
            "the estimate for them rests on few people",
            PositivityWarning,
            stacklevel=3,
        )
    return weight, FollowUpModel(
        measure=measure.id,
        n_eligible=n,
        n_followed=n_followed,
        terms=design.terms,
        organization=design.organization,
        converged=converged,
        ridge=0.0 if fit is None else fit.ridge,
        truncated_share=truncated,
        effective_n=float(used.sum() ** 2 / (used**2).sum()) if n_followed else 0.0,
        lowest_probability=float(p.min()) if n else float("nan"),
        n_below_positivity=low,
    )


def _fit(design: Design, followed: FloatArray) -> tuple[LogisticFit, bool]:
    fit = fit_logistic(design.columns, followed)
    if fit.converged:
        return fit, True
    # A clinic or a level that is always or never followed separates the outcomes; a slight penalty keeps the
    # probabilities inside (0, 1), and the model says that it was used.
    return fit_logistic(design.columns, followed, ridge=_RIDGE, max_iterations=200), False


def _truncate(weight: FloatArray, followed: FloatArray) -> tuple[FloatArray, float]:
    if not followed.any():
        return weight, 0.0
    low, high = np.quantile(weight[followed], TRUNCATE)
    bounded = np.clip(weight, low, high)
    return bounded, float(np.mean(bounded[followed] != weight[followed]))
