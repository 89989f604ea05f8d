"""Draw the follow-up scores that were not taken, from a model that knows whose clinic is whose (METHODS M1.6).

The model is linear in what was known of a person, with a random clinic effect. Everything about it is drawn anew for
each imputation (coefficients, residual spread, spread between clinics, every clinic's effect), exactly and
independently: given the ratio of the two variances the posterior is known, and the ratio has one dimension. No chain
has to settle, and only sums per clinic enter. What the model leaves over is not drawn from a normal curve but taken
from followed people of nearly the same fitted score, since scores are skewed and end at a floor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, IntArray, finite, same_shape, vector

LEAST_IMPUTATIONS = 20
_GRID = 400  # values of the ratio of variances that are looked at
_DONORS = (20, 500)  # least and most people that a residual is taken from
_DEPENDENT = 1e-9


def imputations_needed(n_missing: int, n: int) -> int:
    """How many imputations: at least 20, and one for each percent that is missing.

    Source:
        METHODS M1.6, 0.1.

    >>> imputations_needed(10, 100), imputations_needed(61, 150)
    (20, 41)
    """
    if not 0 <= n_missing <= n:
        raise ValueError("n_missing must lie between 0 and n")
    return max(LEAST_IMPUTATIONS, math.ceil(100 * n_missing / n) if n else 0)


@dataclass(frozen=True)
class ScoreGrid:
    """The values that a score can take, ascending: draws are bounded and rounded to them.

    >>> ScoreGrid(np.arange(28.0)).nearest(np.array([-3.2, 4.4, 4.6, 40.0]))
    array([ 0,  4,  5, 27])
    """

    levels: FloatArray

    def __post_init__(self) -> None:
        """Refuse a grid that is not ascending."""
        if len(vector("levels", self.levels)) > 1 and (np.diff(self.levels) <= 0).any():
            raise ValueError("levels must ascend")

    def nearest(self, values: FloatArray) -> IntArray:
        """Place of the nearest level of each value; beyond the ends, the end."""
        low, last = float(self.levels[0]), len(self.levels) - 1
        if last == 0:
            return np.zeros(values.shape, dtype=np.int64)
        steps = np.diff(self.levels)
        if np.allclose(steps, steps[0], rtol=1e-9):
            # In place: this runs once per person, imputation and shift.
            scaled = (values - low) * (1.0 / float(steps.mean()))
            np.rint(scaled, out=scaled)
            np.clip(scaled, 0, last, out=scaled)
            return scaled.astype(np.int64)
        return np.searchsorted((self.levels[1:] + self.levels[:-1]) / 2, values).astype(np.int64)


@dataclass(frozen=True)
class ImputationDraws:
    """One row per imputation.

    Attributes:
        coefficients: Shape (m, p).
        sigma: Residual SD, shape (m,), points.
        tau: SD between clinics, shape (m,), points.
        effects: Of every clinic, shape (m, k), points.
    """

    coefficients: FloatArray
    sigma: FloatArray
    tau: FloatArray
    effects: FloatArray


@dataclass(frozen=True)
class ImputationFit:
    """The posterior of the imputation model, from sums per clinic.

    Attributes:
        probability: Of each value of the ratio, shape (g,).
        ratio: Variance between clinics over residual variance, shape (g,).
        coefficients: Posterior mean given each ratio, shape (g, p).
        root: Matrices with root root' = the inverse of the information given each ratio, shape (g, p, p).
        residual: Residual sum of squares given each ratio, shape (g,), points squared.
        weight: Of a clinic's summed residuals in its effect, shape (g, k).
        totals: Summed follow-up of each clinic, less `center` for each person, shape (k,).
        sums: Summed columns of each clinic, shape (k, p).
        df: Residual degrees of freedom.
        center: Mean follow-up score, taken off before fitting so that nothing cancels.
        kept: Which of the given columns are used: those that are no combination of the ones before them.
        fitted: Of the followed at the posterior mean, ascending, shape (n,), points.
        left_over: Their residuals in the same order, scaled to a root mean square of 1.
    """

    probability: FloatArray
    ratio: FloatArray
    coefficients: FloatArray
    root: FloatArray
    residual: FloatArray
    weight: FloatArray
    totals: FloatArray
    sums: FloatArray
    df: int
    center: float
    kept: BoolArray
    fitted: FloatArray
    left_over: FloatArray

    @property
    def residual_sd(self) -> float:
        """Residual SD at the posterior mean, points."""
        return math.sqrt(float(self.probability @ self.residual) / self.df)

    @property
    def clinic_sd(self) -> float:
        """SD between clinics at the posterior mean, points."""
        return math.sqrt(float(self.probability @ (self.residual * self.ratio)) / self.df)

    def predicted(self, columns: FloatArray, clinic: IntArray, *, reduced: bool = False) -> FloatArray:
        """Fitted scores at the posterior mean, shape (n,), points; `reduced` says that only kept columns are given."""
        used = columns if reduced else columns[:, self.kept]
        effects = self.probability @ (self.weight * self._summed_residuals(self.coefficients))
        return np.asarray(self.center + used @ (self.probability @ self.coefficients) + effects[clinic])

    def draw(self, m: int, generator: np.random.Generator) -> ImputationDraws:
        """Draw every parameter m times, independently."""
        place = np.searchsorted(np.cumsum(self.probability), generator.random(m)).clip(max=len(self.ratio) - 1)
        sigma = np.sqrt(self.residual[place] / generator.chisquare(self.df, m))
        normal = generator.standard_normal((m, self.coefficients.shape[1]))
        beta = self.coefficients[place] + sigma[:, None] * np.einsum("mpq,mq->mp", self.root[place], normal)
        # A clinic without anybody followed has a weight of the ratio itself: the whole spread between clinics.
        weight = self.weight[place]
        noise = generator.standard_normal(weight.shape) * np.sqrt(weight) * sigma[:, None]
        effects = weight * self._summed_residuals(beta) + noise
        return ImputationDraws(beta, sigma, sigma * np.sqrt(self.ratio[place]), effects)

    def _summed_residuals(self, beta: FloatArray) -> FloatArray:
        return np.asarray(self.totals - beta @ self.sums.T)


def fit_imputation(columns: ArrayLike, score: ArrayLike, clinic: ArrayLike, n_clinics: int) -> ImputationFit:
    """Find the posterior of the imputation model from the people who were followed.

    score = columns @ coefficients + effect of the clinic + residual. Coefficients and residual variance have the usual
    flat prior. The weight of the field in the effect of a clinic of mean size is uniform between 0 and 1 (uniform
    shrinkage prior): proper, so that a spread between few clinics is neither taken as zero nor as boundless.

    Args:
        columns: What is known of each, with a constant first, shape (n, p).
        score: Follow-up scores, shape (n,), points.
        clinic: Clinic of each, 0 to `n_clinics` - 1, shape (n,).
        n_clinics: Clinics, also those in which nobody was followed.

    Raises:
        ValueError: If a value is NaN, shapes differ, or there are fewer than p + 2 people.

    Source:
        Rubin (1987), ch. 5; Daniels (1999), Can J Stat 27:567-578 (prior); METHODS M1.6.
    """
    x, y = finite("columns", columns), vector("score", score)
    place = np.asarray(clinic, dtype=np.int64)
    same_shape(score=y, clinic=place)
    if x.ndim != 2 or len(x) != len(y):
        raise ValueError("columns must have one row per score")
    if not (x[:, 0] == 1.0).all():
        raise ValueError("the first column must be the constant 1")
    kept = _independent(x.T @ x)
    x, center = x[:, kept], float(y.mean())
    n, p = x.shape
    if n < p + 2:
        raise ValueError(f"{n} scores cannot carry {p} coefficients")
    fit = _posterior(x, y - center, place, n_clinics)
    fit = replace(fit, center=center, kept=kept)
    fitted = fit.predicted(x, place, reduced=True)
    order = np.argsort(fitted, kind="stable")
    left = (y - fitted)[order]
    size = math.sqrt(float(np.mean(left**2)))
    return replace(fit, fitted=fitted[order], left_over=left / size if size > 0 else left)


def imputed_levels(
    fit: ImputationFit,
    columns: ArrayLike,
    clinic: ArrayLike,
    grid: ScoreGrid,
    shifts: ArrayLike,
    m: int,
    generator: np.random.Generator,
) -> Iterator[IntArray]:
    """Draw the missing follow-up scores, one imputation at a time.

    Every shift of one imputation moves the same draws, so what changes between shifts is the shift alone.

    Args:
        fit: Of the followed.
        columns: Of the people without a follow-up, shape (n, p), coded as those of the followed.
        clinic: Of the same people, shape (n,).
        grid: The values that the score can take.
        shifts: Points added to every drawn score before it is bounded, shape (s,).
        m: Imputations.
        generator: Seeded; the people's order is part of what it replays.

    Yields:
        Places in `grid.levels`, shape (s, n), m times.
    """
    x, place, moved = (
        finite("columns", columns)[:, fit.kept],
        np.asarray(clinic, dtype=np.int64),
        vector("shifts", shifts),
    )
    donors = min(len(fit.fitted), max(_DONORS[0], min(_DONORS[1], len(fit.fitted) // 20)))
    near = np.searchsorted(fit.fitted, fit.predicted(x, place, reduced=True)) - donors // 2
    first = np.clip(near, 0, len(fit.fitted) - donors)
    draws = fit.draw(m, generator)
    found = np.empty((len(moved), len(x)), dtype=np.int64)
    for beta, sigma, effects in zip(draws.coefficients, draws.sigma, draws.effects, strict=True):
        chosen = first + generator.integers(0, donors, len(x))
        score = fit.center + x @ beta + effects[place] + sigma * fit.left_over[chosen]
        for shift, row in zip(moved, found, strict=True):
            row[:] = grid.nearest(score + shift)
        yield found


def _posterior(x: FloatArray, y: FloatArray, place: IntArray, n_clinics: int) -> ImputationFit:
    n, p = x.shape
    count = np.bincount(place, minlength=n_clinics).astype(np.float64)
    totals = _summed(place, y, n_clinics)
    sums = np.column_stack([_summed(place, column, n_clinics) for column in x.T])
    ratios = _ratios(count)
    weight = ratios[:, None] / (1 + count * ratios[:, None])
    outer = (sums[:, :, None] * sums[:, None, :]).reshape(n_clinics, p * p)
    information = x.T @ x - (weight @ outer).reshape(-1, p, p)
    right = x.T @ y - weight @ (sums * totals[:, None])
    beta = np.linalg.solve(information, right[:, :, None])[:, :, 0]
    squares = float(y @ y)
    residual = np.maximum(squares - weight @ totals**2 - (right * beta).sum(axis=1), _DEPENDENT * max(squares, 1e-9))
    lower = np.linalg.cholesky(information)
    log_det = 2 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    log_density = -0.5 * (np.log1p(count * ratios[:, None]).sum(axis=1) + log_det + (n - p) * np.log(residual))
    probability = np.exp(log_density - log_density.max())
    return ImputationFit(
        probability=probability / probability.sum(),
        ratio=ratios,
        coefficients=np.asarray(beta, dtype=np.float64),
        root=np.linalg.inv(lower).transpose(0, 2, 1),
        residual=residual,
        weight=weight,
        totals=totals,
        sums=sums,
        df=n - p,
        center=0.0,
        kept=np.ones(p, dtype=np.bool_),
        fitted=y,
        left_over=y,
    )


def _summed(place: IntArray, values: FloatArray, n_clinics: int) -> FloatArray:
    return np.asarray(np.bincount(place, weights=values, minlength=n_clinics), dtype=np.float64)


def _ratios(count: FloatArray) -> FloatArray:
    """Variance ratios at which the field's weight in a clinic of mean size is evenly spaced between 0 and 1."""
    if (count > 0).sum() < 2:
        return np.zeros(1)  # one clinic: its effect is the constant
    weight = (np.arange(_GRID) + 0.5) / _GRID
    return np.asarray((1 - weight) / weight / float(count[count > 0].mean()))


def _independent(gram: FloatArray) -> BoolArray:
    """Columns that are not a linear combination of the columns before them."""
    kept: list[int] = []
    for column in range(len(gram)):
        cross = gram[kept, column]
        rest = gram[column, column] - (cross @ np.linalg.solve(gram[np.ix_(kept, kept)], cross) if kept else 0.0)
        if rest > _DEPENDENT * max(gram[column, column], 1e-300):
            kept.append(column)
    mask = np.zeros(len(gram), dtype=np.bool_)
    mask[kept] = True
    return mask
