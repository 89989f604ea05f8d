"""Figures of many clinics from imputed scores, imputation by imputation: only running moments are kept (M1.6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import FloatArray, IntArray, ratio
from benchwell.models.heterogeneity import pooled_binomial_variance
from benchwell.models.imputation import PooledEstimates, rubin_rules_from_moments, wilson_from_moments


@dataclass(frozen=True)
class ImputedEndpoint:
    """One endpoint of the people of k cells (a clinic, or a clinic's people of one level).

    Attributes:
        table: The endpoint at each starting score (row) and follow-up score (column): 0 or 1 if `yes_no`.
        row: Row of each person without a follow-up, shape (n,).
        cells: Cell of each person in each way of splitting, each of shape (n,).
        n: People of each cell, followed or not, shape (k,).
        total: Sum of the endpoint over the followed of each cell, shape (k,).
        squares: Sum of its squares, shape (k,).
        yes_no: Whether the figure is a proportion; else it is a mean.
    """

    table: FloatArray
    row: IntArray
    cells: tuple[IntArray, ...]
    n: FloatArray
    total: FloatArray
    squares: FloatArray
    yes_no: bool


@dataclass
class _Moments:
    """Running mean and spread of the figures, and summed variances, each of shape (shifts, cells)."""

    mean: FloatArray
    scatter: FloatArray
    variance: FloatArray
    seen: int = 0

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> _Moments:
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape))

    def add(self, figure: FloatArray, variance: FloatArray) -> None:
        # Welford's update: a difference of large sums would lose the spread of figures that nearly agree.
        self.seen += 1
        step = figure - self.mean
        self.mean += step / self.seen
        self.scatter += step * (figure - self.mean)
        self.variance += variance


@dataclass(frozen=True)
class ImputedFigures:
    """Pooled figures of one endpoint, each of shape (shifts, cells); NaN where a cell has too few people.

    Attributes:
        pooled: Rubin's rules with Barnard-Rubin degrees of freedom.
        lower: Lower limit: Wilson's for a proportion, t for a mean.
        upper: Upper limit.
        variance: Sampling variance for shrinkage: as `pooled.total`, with the variance within taken at the proportion
            or spread of all cells of the same field together, so that no cell looks certain.
    """

    pooled: PooledEstimates
    lower: FloatArray
    upper: FloatArray
    variance: FloatArray


def imputed_figures(
    levels: Iterable[IntArray],
    endpoints: Sequence[ImputedEndpoint],
    n_shifts: int,
    fields: Sequence[IntArray],
) -> list[ImputedFigures]:
    """Add up each endpoint in each cell, once per imputation and shift, and pool.

    Args:
        levels: Places in the grid of follow-up scores, shape (shifts, n), once per imputation, at least twice.
        endpoints: What to compute from them.
        n_shifts: Shifts.
        fields: Per endpoint, which field of comparable cells each cell belongs to, shape (k,).

    Returns:
        One result per endpoint. A cell needs one person for a proportion and two for a mean.

    Source:
        Rubin (1987), ch. 3; METHODS M1.6.
    """
    found = [_Moments.empty((n_shifts, len(one.n))) for one in endpoints]
    for imputed in levels:
        for one, moments in zip(endpoints, found, strict=True):
            moments.add(*_figures(one, *_sums(one, imputed)))
    return [_pooled(one, moments, of) for one, moments, of in zip(endpoints, found, fields, strict=True)]


def _sums(endpoint: ImputedEndpoint, imputed: IntArray) -> tuple[FloatArray, FloatArray]:
    """Endpoint and its squares summed over followed and imputed people, each of shape (shifts, cells)."""
    flat, start, k = endpoint.table.ravel(), endpoint.row * endpoint.table.shape[1], len(endpoint.n)
    total = np.tile(endpoint.total, (len(imputed), 1))
    squares = total if endpoint.yes_no else np.tile(endpoint.squares, (len(imputed), 1))
    for shift, places in enumerate(imputed):
        value = flat[start + places]
        for cell in endpoint.cells:
            total[shift] += np.bincount(cell, weights=value, minlength=k)
            if not endpoint.yes_no:
                squares[shift] += np.bincount(cell, weights=value**2, minlength=k)
    return total, squares


def _figures(endpoint: ImputedEndpoint, total: FloatArray, squares: FloatArray) -> tuple[FloatArray, FloatArray]:
    n = endpoint.n
    mean = ratio(total, n, empty=0.0)
    if endpoint.yes_no:
        return mean, ratio(mean * (1 - mean), n, empty=0.0)
    centered = squares - n * mean**2
    # What rounding leaves of equal values is no spread.
    return mean, ratio(np.where(centered > 1e-12 * squares, centered, 0.0), n * (n - 1), empty=0.0)


def _pooled(endpoint: ImputedEndpoint, moments: _Moments, cell_field: IntArray) -> ImputedFigures:
    m, n = moments.seen, endpoint.n
    enough = n >= (1 if endpoint.yes_no else 2)
    between = moments.scatter / (m - 1)
    df = np.where(n > 1, n - 1, 1.0)
    pooled = rubin_rules_from_moments(moments.mean, moments.variance / m, between, m, df)
    limits = (pooled.lower, pooled.upper)
    if endpoint.yes_no:
        limits = wilson_from_moments(pooled, np.where(enough, n, 1.0))
    within = _common_within(endpoint, pooled, cell_field, enough)
    shown = {name: np.where(enough, part, np.nan) for name, part in pooled.__dict__.items()}
    return ImputedFigures(
        PooledEstimates(**shown),
        np.where(enough, limits[0], np.nan),
        np.where(enough, limits[1], np.nan),
        np.where(enough, within + (1 + 1 / m) * pooled.between, np.nan),
    )


def _common_within(
    endpoint: ImputedEndpoint, pooled: PooledEstimates, cell_field: IntArray, enough: np.ndarray
) -> FloatArray:
    """Variance within imputations of each cell, taken at what all cells of its field have in common."""
    common = np.array(pooled.within)
    for one in np.unique(cell_field[enough]):
        mine = np.flatnonzero((cell_field == one) & enough)
        n = endpoint.n[mine]
        if endpoint.yes_no:
            common[:, mine] = pooled_binomial_variance(np.minimum(pooled.estimate[:, mine] * n, n), n)
        else:
            spread = pooled.within[:, mine] * n
            common[:, mine] = (spread * (n - 1)).sum(axis=1, keepdims=True) / (n - 1).sum() / n
    return common
