"""Inverse-probability weights for missing follow-up (METHODS M1.5)."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.casemix.design import EVENTS_PER_TERM, Design, follow_up_design
from benchwell.engine import Engine, Frame
from benchwell.models.arrays import FloatArray
from benchwell.models.logistic_regression import fit_logistic
from benchwell.registry import Measure
from benchwell.tables import DERIVED, NUMBER, TEXT
from benchwell.terms import OutcomeStatus

POSITIVITY = 0.05
TRUNCATE = (0.01, 0.99)
_RIDGE = 1e-4
_TINY = 1e-12
_SCHEMA = pa.schema([("measure", TEXT), ("episode_id", TEXT), ("weight", NUMBER)])


class PositivityWarning(UserWarning):
    """Some people had almost no chance of being followed: their weights rest on few others."""


@dataclass(frozen=True)
class FollowUpModel:
    """How the weights of one measure were found; goes into the edition.

    Attributes:
        measure: Its id.
        status: `ok`, or `insufficient`: there are no weights, and nothing is estimated for the missing.
        reason: Why not: `too_few_followed` or `too_few_missing` (fewer than 10), else None.
        n_eligible: Episodes in the model.
        n_followed: Of these with an outcome.
        terms: Columns of the design.
        organization: How clinics entered: `indicators`, `shrunken_rate` or `none`.
        converged: Whether the fit settled without help.
        ridge: Penalty used when it did not, else 0.
        truncated_share: Share of weights moved to the 1st or 99th percentile.
        effective_n: (Σw)² / Σw² over the followed.
        lowest_probability: Smallest fitted probability of being followed; None without a fit.
        n_below_positivity: Eligible episodes with a probability below 0.05.
    """

    measure: str
    status: Literal["ok", "insufficient"]
    reason: str | None
    n_eligible: int
    n_followed: int
    terms: tuple[str, ...]
    organization: str
    converged: bool
    ridge: float
    truncated_share: float
    effective_n: float
    lowest_probability: float | None
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

    Predictors are those that the measure names in `weight_by`, as far as they are given and as many as the data can
    carry. Weights are stabilized (mean near 1) and truncated at their 1st and 99th percentile. Where everybody is
    followed all weights are 1. Where fewer than 10 are followed, or 1 to 9 are missing, no model can tell who is: the
    measure gets no weights, and its model says why (METHODS C8).

    Args:
        outcomes: `tables.DERIVED["outcomes"]`.
        measures: Whose weights are wanted; published measures are skipped.
        engine: Collects, since a fit needs arrays.
        history: `casemix.follow_up_history`: early change and attended contacts.
        features: `outcomes.episode_features`: declared strata that `weight_by` may name.

    Warns:
        PositivityWarning: If a fitted probability is below 0.05; names the measure and the count.
    """
    weighed = [measure for measure in measures if not measure.is_published]
    rows_of = _rows(outcomes, weighed, engine, history, features)
    fits: dict[bytes, _Fit] = {}
    tables, models = [], []
    for measure in weighed:
        rows = rows_of[measure.id]
        followed = np.asarray(pc.equal(rows["status"], OutcomeStatus.FOLLOWED.value).to_numpy(), dtype=np.float64)
        weight, model = _weigh(measure, rows, followed, fits)
        models.append(model)
        if weight is not None:
            chosen = rows.select(["measure", "episode_id"]).append_column("weight", pa.array(weight))
            tables.append(chosen.filter(pa.array(followed == 1.0)).cast(_SCHEMA))
    return FollowUpWeights(pa.concat_tables(tables) if tables else _SCHEMA.empty_table(), tuple(models))


def with_weights(outcomes: Frame, weights: Frame) -> Frame:
    """Outcomes with their `weight` filled in; null where not followed."""
    found = weights.select("measure", "episode_id", found_weight=nw.col("weight"))
    joined = outcomes.drop("weight").join(found, on=["measure", "episode_id"], how="left")
    return joined.with_columns(weight=nw.col("found_weight")).select(DERIVED["outcomes"].columns)


def _rows(
    outcomes: Frame, measures: Sequence[Measure], engine: Engine, history: Frame | None, features: Frame | None
) -> dict[str, pa.Table]:
    """The eligible episodes of each measure with its predictors, in the order of their ids."""
    key = ["measure", "episode_id"]
    columns = [*key, "organization_id", "baseline", "status"]
    predictors = {name for measure in measures for name in measure.weight_by}
    frame = outcomes.filter(nw.col("eligible")).select(columns)
    for more in (history, features):
        if more is None:
            continue
        names = [name for name in more.collect_schema().names() if name in predictors and name not in columns]
        if names:
            frame = frame.join(more.select(*key, *names), on=key, how="left").select(*columns, *names)
            columns = [*columns, *names]
    # Collected once and sorted: each measure is a slice, and a fit adds up in the same order in every build.
    rows = engine.to_arrow(frame.sort(*key))
    first, found = 0, {measure.id: rows.slice(0, 0) for measure in measures}
    for count in pc.value_counts(rows["measure"]).to_pylist():
        found[count["values"]] = rows.slice(first, count["counts"])
        first += count["counts"]
    return found


@dataclass(frozen=True)
class _Fit:
    """Probabilities of being followed, and how they were found."""

    probability: FloatArray
    converged: bool
    ridge: float


def _weigh(
    measure: Measure, rows: pa.Table, followed: FloatArray, fits: dict[bytes, _Fit]
) -> tuple[FloatArray | None, FollowUpModel]:
    n, n_followed = len(followed), int(followed.sum())
    design = follow_up_design(rows, followed, measure.weight_by)
    model = FollowUpModel(
        measure=measure.id,
        status="ok",
        reason=None,
        n_eligible=n,
        n_followed=n_followed,
        terms=design.terms,
        organization=design.organization,
        converged=True,
        ridge=0.0,
        truncated_share=0.0,
        effective_n=float(n_followed),
        lowest_probability=1.0,
        n_below_positivity=0,
    )
    if 0 < n_followed == n:
        return np.ones(n), model
    reason = _too_few(n, n_followed)
    if reason is not None:
        return None, replace(
            model, status="insufficient", reason=reason, effective_n=0.0, lowest_probability=None, terms=()
        )
    fit = _fit(design, followed, fits)
    share = n_followed / n
    weight, truncated = _truncate(share / np.maximum(fit.probability, _TINY), followed == 1.0)
    used = weight[followed == 1.0]
    low = int((fit.probability < POSITIVITY).sum())
    if low:
        warnings.warn(
            f"measure {measure.id}: {low} of {n} episodes had less than a 5 % chance of follow-up; "
            "the estimate for them rests on few people",
            PositivityWarning,
            stacklevel=3,
        )
    return weight, replace(
        model,
        converged=fit.converged,
        ridge=fit.ridge,
        truncated_share=truncated,
        effective_n=float(used.sum() ** 2 / (used**2).sum()),
        lowest_probability=float(fit.probability.min()),
        n_below_positivity=low,
    )


def _too_few(n: int, n_followed: int) -> str | None:
    if n_followed < EVENTS_PER_TERM:
        return "too_few_followed"
    return "too_few_missing" if n - n_followed < EVENTS_PER_TERM else None


def _fit(design: Design, followed: FloatArray, known: dict[bytes, _Fit]) -> _Fit:
    # Measures that differ in their endpoint alone follow the same people: they share one fit.
    key = hashlib.sha256(design.columns.tobytes() + followed.tobytes()).digest()
    if key not in known:
        fit = fit_logistic(design.columns, followed)
        converged = fit.converged
        if not converged:
            # A clinic or a level that is always or never followed separates the outcomes; a slight penalty keeps the
            # probabilities inside (0, 1), and the model says that it was used.
            fit = fit_logistic(design.columns, followed, ridge=_RIDGE, max_iterations=200)
        known[key] = _Fit(fit.probabilities(design.columns), converged, fit.ridge)
    return known[key]


def _truncate(weight: FloatArray, followed: FloatArray) -> tuple[FloatArray, float]:
    low, high = np.quantile(weight[followed], TRUNCATE)
    bounded = np.clip(weight, low, high)
    return bounded, float(np.mean(bounded[followed] != weight[followed]))
