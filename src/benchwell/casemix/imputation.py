"""Multiple imputation of missing follow-up scores, with a sweep of shifts (METHODS M1.6).

The score is imputed, never the category: the endpoint follows from the imputed score by the rules in `outcomes`.
Measures that follow the same people on the same score share their imputations, so that their figures agree with each
other. A baseline is never imputed, and nothing is imputed for somebody who did not start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchwell.casemix.design import EVENTS_PER_TERM, ORGANIZATION, score_design
from benchwell.casemix.digits import figure
from benchwell.casemix.endpoint_table import endpoint_table, reference_of, why_not_imputed
from benchwell.casemix.imputation_cells import Cells, imputation_table
from benchwell.casemix.imputation_record import ImputationModel, ImputationSettings, described
from benchwell.casemix.imputation_rows import EpisodeRows, imputation_rows
from benchwell.casemix.score_grid import kappa_grid, score_grid
from benchwell.engine import Engine, Frame
from benchwell.models.arrays import FloatArray, IntArray
from benchwell.models.imputed_figures import ImputedEndpoint, imputed_figures
from benchwell.models.multiple_imputation import (
    ImputationFit,
    ScoreGrid,
    fit_imputation,
    imputations_needed,
    imputed_levels,
)
from benchwell.outcomes.cuts import instruments_of, sign_of
from benchwell.outcomes.saes import SaesReference
from benchwell.registry import Instrument, Measure
from benchwell.tables import DERIVED

# The last digits of a matrix product depend on the machine's linear algebra and its threads.
_DIGITS = 10


@dataclass(frozen=True)
class Imputations:
    """`tables.DERIVED["imputations"]`, sorted by key, and one model per measure."""

    table: pa.Table
    models: tuple[ImputationModel, ...]


@dataclass(frozen=True)
class _Task:
    """One measure, ready to be imputed."""

    measure: Measure
    instruments: list[Instrument]
    settings: ImputationSettings
    rows: EpisodeRows
    reference: SaesReference | None
    columns: FloatArray
    terms: tuple[str, ...]
    grid: ScoreGrid
    kappas: tuple[float, ...]

    @property
    def key(self) -> bytes:
        """Tasks of equal key draw the same scores for the same people."""
        rows = self.rows
        parts = [rows.digest, self.columns.tobytes(), self.grid.levels.tobytes(), np.array(self.kappas).tobytes()]
        sign = sign_of(self.instruments[0], self.measure.scale)
        return hashlib.sha256(b"|".join([*parts, repr((self.settings.seed, sign)).encode()])).digest()


def impute_follow_up(
    outcomes: Frame,
    measures: Sequence[Measure],
    instruments: Mapping[str, Instrument],
    engine: Engine,
    *,
    settings: Mapping[str, ImputationSettings] | None = None,
    history: Frame | None = None,
    features: Frame | None = None,
    adjusters: Sequence[Frame] = (),
) -> Imputations:
    """Impute missing follow-up scores per measure, and pool the figure of every organization and stratum.

    Args:
        outcomes: `tables.DERIVED["outcomes"]`.
        measures: Whose figures are wanted; published ones are skipped.
        instruments: By id.
        engine: Collects, since a fit needs arrays.
        settings: By measure; None or absent: the defaults.
        history: `casemix.follow_up_history`: early change and attended contacts.
        features: `outcomes.episode_features`: the declared strata.
        adjusters: Frames keyed by `measure` and `episode_id` with what was known at the index day (`adjuster_rows`).

    Returns:
        The table and the models. Rows are of period "all". An organization in which nobody was followed has no
        figure: its people would be imputed from others alone.

    Source:
        METHODS M1.6, C3; Rubin (1987); Barnard & Rubin (1999).
    """
    wanted = [measure for measure in measures if not measure.is_published]
    of = {measure.id: (settings or {}).get(measure.id, ImputationSettings()) for measure in wanted}
    lists = {one.id: instruments_of(one, instruments) if one.is_paired else [] for one in wanted}
    models = {
        one.id: ImputationModel(one.id, "not_applicable", reason, seed=of[one.id].seed)
        for one in wanted
        if (reason := why_not_imputed(one, lists[one.id])) is not None
    }
    scored = [one for one in wanted if one.id not in models]
    extra = [frame for frame in (history, features, *adjusters) if frame is not None]
    rows_of = imputation_rows(outcomes, scored, engine, extra, {name: one.strata for name, one in of.items()})
    shared: dict[bytes, list[_Task]] = {}
    for measure in scored:
        found = _prepared(measure, lists[measure.id], of[measure.id], rows_of[measure.id])
        if isinstance(found, _Task):
            shared.setdefault(found.key, []).append(found)
        else:
            models[measure.id] = found
    tables = [DERIVED["imputations"].empty()]
    for tasks in shared.values():
        for task, model, table in _imputed(tasks):
            models[task.measure.id] = model
            tables += [table] if table is not None else []
    key = [(name, "ascending") for name in DERIVED["imputations"].key]
    return Imputations(pa.concat_tables(tables).sort_by(key), tuple(models[one.id] for one in wanted))


def _prepared(
    measure: Measure, instruments: list[Instrument], settings: ImputationSettings, rows: EpisodeRows
) -> _Task | ImputationModel:
    # As in the edition, the reference rests on everybody followed, whatever the dates of the figures.
    reference = reference_of(measure, instruments, rows.baseline[rows.followed], rows.followup[rows.followed])
    rows = rows.within(settings.first_day, settings.last_day)
    n_followed = int(rows.followed.sum())
    if n_followed < EVENTS_PER_TERM or np.isnan(rows.outcome[rows.followed]).any():
        return ImputationModel(
            measure.id,
            "insufficient",
            "too_few_followed" if n_followed < EVENTS_PER_TERM else "no_reference",
            seed=settings.seed,
            n_eligible=len(rows.followed),
            n_followed=n_followed,
        )
    names = dict.fromkeys([*measure.weight_by, *settings.adjusters, *rows.strata])
    design = score_design(
        rows.predictors, [name for name in names if name != ORGANIZATION], n_followed // EVENTS_PER_TERM - 1
    )
    kappas = kappa_grid(
        measure,
        instruments[0],
        rows.followup[rows.followed],
        kappa_points=settings.kappa_points,
        kappa=settings.kappa,
    )
    grid = score_grid(instruments[0], measure.scale)
    return _Task(measure, instruments, settings, rows, reference, design.columns, design.terms, grid, kappas)


def _imputed(tasks: Sequence[_Task]) -> Iterator[tuple[_Task, ImputationModel, pa.Table | None]]:
    """Impute once for all tasks, which share their people and scores."""
    first = tasks[0]
    rows, followed = first.rows, first.rows.followed
    missing = ~followed
    m = imputations_needed(int(missing.sum()), len(followed))
    cells = [Cells.of(task.rows) for task in tasks]
    fit = fit_imputation(first.columns[followed], rows.followup[followed], rows.organization[followed], rows.n_clinics)
    draws = _Draws(first, fit, m)
    endpoints, usable = [], []
    for task, own in zip(tasks, cells, strict=True):
        endpoint = _endpoint(task, own)
        if endpoint is None:
            yield task, ImputationModel(task.measure.id, "not_applicable", "instruments_differ"), None
            continue
        endpoints.append(endpoint)
        usable.append((task, own))
    fields = [own.field for _, own in usable]
    figures = imputed_figures(draws, endpoints, len(first.kappas), fields)
    for (task, own), pooled in zip(usable, figures, strict=True):
        yield task, _model(task, fit, draws), imputation_table(task.measure.id, own, task.kappas, m, pooled)


def _endpoint(task: _Task, cells: Cells) -> ImputedEndpoint | None:
    rows, missing = task.rows, ~task.rows.followed
    baselines, row = np.unique(rows.baseline[missing], return_inverse=True)
    table = endpoint_table(task.measure, task.instruments, baselines, task.grid.levels, task.reference)
    if table is None:
        return None
    total, squares = cells.followed_sums(rows)
    return ImputedEndpoint(
        table=table,
        row=row.astype(np.int64),
        cells=tuple(cell[missing] for cell in cells.of_people),
        n=cells.n_eligible.astype(np.float64),
        total=total,
        squares=squares,
        yes_no=task.measure.summary == "proportion",
    )


class _Draws:
    """The imputed scores, one imputation at a time; counts the unshifted ones on the way."""

    def __init__(self, task: _Task, fit: ImputationFit, m: int) -> None:
        self.task, self.fit, self.m = task, fit, m
        self.counts = np.zeros(len(task.grid.levels))

    def __iter__(self) -> Iterator[IntArray]:
        task, missing = self.task, ~self.task.rows.followed
        sign = sign_of(task.instruments[0], task.measure.scale)
        fixed = np.flatnonzero(task.rows.fixed[missing])
        worst = len(task.grid.levels) - 1 if sign > 0 else 0
        drawn = ~task.rows.fixed[missing]
        levels = imputed_levels(
            self.fit,
            task.columns[missing],
            task.rows.organization[missing],
            task.grid,
            sign * np.array(task.kappas),
            self.m,
            np.random.default_rng(task.settings.seed),
        )
        unshifted = task.kappas.index(0.0)
        for found in levels:
            self.counts += np.bincount(found[unshifted][drawn], minlength=len(self.counts))
            found[:, fixed] = worst
            yield found


def _model(task: _Task, fit: ImputationFit, draws: _Draws) -> ImputationModel:
    rows, levels = task.rows, task.grid.levels
    fixed = int((rows.fixed & ~rows.followed).sum())
    seen, times = np.unique(rows.followup[rows.followed], return_counts=True)
    kept = tuple(term for term, used in zip(task.terms, fit.kept, strict=True) if used)
    return ImputationModel(
        measure=task.measure.id,
        status="ok",
        predictors=(*kept, ORGANIZATION) if rows.n_clinics > 1 else kept,
        m=draws.m,
        seed=task.settings.seed,
        kappas=task.kappas,
        n_eligible=len(rows.followed),
        n_followed=int(rows.followed.sum()),
        n_imputed=int((~rows.followed).sum()) - fixed,
        n_fixed=fixed,
        lowest=float(levels[0]),
        highest=float(levels[-1]),
        n_levels=len(levels),
        residual_sd=figure(fit.residual_sd, _DIGITS),
        clinic_sd=figure(fit.clinic_sd, _DIGITS),
        observed=described(seen, times.astype(np.float64)),
        imputed=described(levels, draws.counts),
    )
