"""How follow-up scores are imputed, as declared and as it came out; the second goes into the edition (METHODS M1.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from benchwell.models.arrays import FloatArray
from benchwell.registry import Benchmark
from benchwell.registry.benchmark import SEED, Gates

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class ImputationSettings:
    """How one measure is imputed.

    Attributes:
        seed: Seed of the draws.
        kappa_points: Largest shift, points; None: see `casemix.score_grid.kappa_grid`.
        kappa: Log-odds that stand in where the instrument declares no reliable change.
        strata: Columns of `features` by which figures are split, and which predict.
        adjusters: Further columns that predict, known at the index day.
        first_day: First index day counted, days since 1970-01-01; None: all.
        last_day: Last index day counted.
    """

    seed: int = SEED
    kappa_points: float | None = None
    kappa: float = Gates().kappa
    strata: tuple[str, ...] = ()
    adjusters: tuple[str, ...] = ()
    first_day: int | None = None
    last_day: int | None = None


@dataclass(frozen=True)
class ImputationModel:
    """How the follow-up scores of one measure were imputed; goes into the edition.

    Attributes:
        measure: Its id.
        status: `ok`, `insufficient` or `not_applicable`.
        reason: Why not. `not_applicable`: `no_score` (waits, retention, events), `two_scores`, `needs_followup_day`,
            `summary_…`, `instruments_differ`; `insufficient`: `too_few_followed`, `no_reference`; else None.
        predictors: Columns of the model; clinics enter as random effects.
        m: Imputations.
        seed: Of the draws.
        kappas: Shifts, points; above zero the missing did worse.
        n_eligible: Episodes.
        n_followed: Of these with an outcome.
        n_imputed: Scores drawn.
        n_fixed: People who died by suicide: their follow-up is the least favorable score, not a draw.
        lowest: Lowest score that can be imputed.
        highest: Highest.
        n_levels: Scores between them, both included.
        residual_sd: Points.
        clinic_sd: Between clinics, points.
        observed: Distribution of the followed: mean, sd, p05 … p95.
        imputed: The same of the imputed scores without a shift.
    """

    measure: str
    status: Literal["ok", "insufficient", "not_applicable"]
    reason: str | None = None
    predictors: tuple[str, ...] = ()
    m: int = 0
    seed: int = SEED
    kappas: tuple[float, ...] = ()
    n_eligible: int = 0
    n_followed: int = 0
    n_imputed: int = 0
    n_fixed: int = 0
    lowest: float | None = None
    highest: float | None = None
    n_levels: int = 0
    residual_sd: float | None = None
    clinic_sd: float | None = None
    observed: Mapping[str, float] = field(default_factory=dict)
    imputed: Mapping[str, float] = field(default_factory=dict)


def imputation_settings(
    benchmarks: Iterable[Benchmark],
    *,
    strata: Mapping[str, Sequence[str]] | None = None,
    adjusters: Mapping[str, Sequence[str]] | None = None,
    days: Mapping[str, tuple[int, int]] | None = None,
) -> dict[str, ImputationSettings]:
    """Settings by measure, from its benchmarks.

    Several benchmarks of one measure share the imputations: the widest range of shifts and the seed of the first.

    Args:
        benchmarks: Of the edition.
        strata: By measure (`benchmarks.Plan.strata`).
        adjusters: By measure: further predictors known at the index day.
        days: By measure: first and last index day, days since 1970-01-01.
    """
    found: dict[str, ImputationSettings] = {}
    for benchmark in sorted(benchmarks, key=lambda one: one.id):
        name, gates = benchmark.measure, benchmark.gates
        known = found.get(name)
        wider = (gates.kappa_points, known.kappa_points if known else None)
        first, last = (days or {}).get(name, (None, None))
        found[name] = ImputationSettings(
            seed=known.seed if known else benchmark.seed,
            kappa_points=max((one for one in wider if one is not None), default=None),
            kappa=max(gates.kappa, known.kappa if known else 0.0),
            strata=tuple((strata or {}).get(name, ())),
            adjusters=tuple((adjusters or {}).get(name, ())),
            first_day=first,
            last_day=last,
        )
    return found


def described(values: FloatArray, counts: FloatArray) -> dict[str, float]:
    """Mean, SD and quantiles (smallest value with at least that share at or below it)."""
    total = float(counts.sum())
    if total == 0:
        return {}
    mean = float(values @ counts) / total
    share = np.cumsum(counts) / total
    quantiles = {f"p{round(100 * p):02d}": float(values[np.searchsorted(share, p - 1e-12)]) for p in _QUANTILES}
    return {"mean": mean, "sd": float(np.sqrt(((values - mean) ** 2) @ counts / total)), **quantiles}
