"""Logistic regression with one constant per clinic, for any number of clinics (METHODS M3.8).

The clinics' constants are eliminated block by block, so that the equations have as many unknowns as there are
characteristics of people. A clinic where nobody or everybody had the outcome says nothing about the coefficients: its
constant is infinite. It is left out of the fit and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse, special

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, IntArray, finite, positive, same_shape, vector
from benchwell.models.group_sums import rows_by_group, sums_by_group
from benchwell.models.logistic_regression import fit_logistic
from benchwell.models.within_between import Slopes, independent_columns, wald

_LARGEST_COEFFICIENT = 25.0  # log odds per standard deviation: beyond it the outcomes are separated


@dataclass(frozen=True)
class FixedEffectsFit:
    """Coefficients from differences between people of the same clinic.

    Attributes:
        slopes: Log odds per unit of each column, with covariance; NaN for columns that do not vary within clinics.
        constants: Constant of each clinic, shape (k,), log odds; minus or plus infinity where nobody or everybody had
            the outcome, NaN for a clinic without people.
        used: Clinics that took part, shape (k,).
        left_out_none: Clinics left out because nobody had the outcome.
        left_out_all: Clinics left out because everybody had it.
        people_used: People in the clinics that took part.
        log_likelihood: Of the people used.
        iterations: Newton steps taken.
        converged: Whether the last step was smaller than the tolerance; False with separated outcomes.
    """

    slopes: Slopes
    constants: FloatArray
    used: BoolArray
    left_out_none: int
    left_out_all: int
    people_used: int
    log_likelihood: float
    iterations: int
    converged: bool


@dataclass(frozen=True)
class LogisticContrast:
    """Mundlak's contrast for a 0/1 outcome.

    Attributes:
        within: Coefficients of deviations from the clinic's mean.
        between: Coefficients of the clinics' means.
        contrast: Between minus within.
        chi_square: Wald test of all contrasts together, with covariances that allow for clinics (sandwich).
        df: Its degrees of freedom.
        p: Its p value.
        converged: Whether the fit settled.
    """

    within: Slopes
    between: Slopes
    contrast: Slopes
    chi_square: float
    df: int
    p: float
    converged: bool


def fit_fixed_effects_logistic(
    columns: ArrayLike,
    outcome: ArrayLike,
    group: ArrayLike,
    groups: int,
    *,
    weight: ArrayLike | None = None,
    start: ArrayLike | None = None,
    max_iterations: int = 50,
    tolerance: float = 1e-9,
) -> FixedEffectsFit:
    """Fit P(outcome = 1) = expit(clinic constant + columns @ slopes) by damped Newton steps.

    Maximum likelihood with constants for small clinics overstates slopes by about n / (n - 1) for n people a clinic;
    with 50 people and more that is 2 % or less.

    Args:
        columns: Characteristics of people without a constant, shape (n, p).
        outcome: 0 or 1, shape (n,).
        group: Index of each person's clinic, shape (n,), 0 to `groups` - 1.
        groups: Number of clinics, k.
        weight: Of each person, shape (n,), > 0, such as inverse probabilities of follow-up; None is 1. The covariance
            takes the weights for counts of people.
        start: Slopes to begin from, shape (p,), such as those of nearly the same people; None is 0. They decide how
            many steps are taken, not where the fit ends.
        max_iterations: Newton steps before giving up.
        tolerance: Largest move of a coefficient, in standard deviations of its column, at which the fit is settled.

    Returns:
        The fit, with what was left out.

    Raises:
        ValueError: If shapes differ, a value is NaN, an outcome not 0 or 1, or no clinic has both outcomes.

    Source:
        Kalbfleisch & Wolfe (2013), Stat Biosci 5:286-302; METHODS M3.8.

    >>> x = np.array([[0.0], [1.0], [0.0], [1.0], [0.0], [1.0], [5.0]])
    >>> fit = fit_fixed_effects_logistic(x, [0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 1], 2)
    >>> fit.slopes.values.round(4), fit.used, fit.left_out_all
    (array([1.3863]), array([ True, False]), 1)
    """
    X, y, index = _rows(columns, outcome, group, groups)
    people, met = np.bincount(index, minlength=groups), sums_by_group(y, index, groups)
    used = (met > 0) & (met < people)
    if not used.any():
        raise ValueError("no clinic has people with and without the outcome")
    rows = used[index]
    position = np.cumsum(used) - 1
    w = np.ones(len(y)) if weight is None else positive("weight", vector("weight", weight))
    same_shape(outcome=y, weight=w)
    X, y, w, index = X[rows], y[rows], w[rows], position[index[rows]]
    block = _Blocks(X, y, index, int(used.sum()), w)
    if start is not None:
        block.begin(vector("start", start))
    steps, converged = block.climb(max_iterations, tolerance)
    constants = np.where(people == 0, np.nan, np.where(met > 0, np.inf, -np.inf))
    constants[used] = block.alpha - block.center @ block.slopes_or_zero()
    return FixedEffectsFit(
        slopes=block.slopes(),
        constants=constants,
        used=used,
        left_out_none=int(((people > 0) & (met == 0)).sum()),
        left_out_all=int(((people > 0) & (met == people)).sum()),
        people_used=len(y),
        log_likelihood=block.height,
        iterations=steps,
        converged=converged,
    )


def deviations_and_means(columns: ArrayLike, group: ArrayLike, groups: int) -> tuple[FloatArray, FloatArray]:
    """Each person's deviation from the clinic's mean, and that mean: the two halves of Mundlak's design.

    Args:
        columns: Shape (n, p).
        group: Index of each person's clinic, shape (n,), 0 to `groups` - 1.
        groups: Number of clinics.

    Returns:
        Deviations and means of each person's clinic, shape (n, p) each.

    Raises:
        ValueError: If shapes differ, a value is NaN or a group out of range.

    >>> deviations_and_means([[1.0], [3.0], [5.0]], [0, 0, 1], 2)[0].ravel()
    array([-1.,  1.,  0.])
    """
    X, _, index = _rows(columns, np.zeros(len(np.asarray(columns))), group, groups)
    people = np.maximum(np.bincount(index, minlength=groups), 1)
    means = np.column_stack([sums_by_group(column, index, groups) / people for column in X.T])[index]
    return X - means, means


def logistic_contrast(columns: ArrayLike, outcome: ArrayLike, group: ArrayLike, groups: int) -> LogisticContrast:
    """Test whether clinics' means matter otherwise than people's deviations from them, for a 0/1 outcome.

    The model has deviations and means as columns; its covariance is the sandwich over clinics, so that people of one
    clinic may resemble each other in any way.

    Args:
        columns: Characteristics of people without a constant, shape (n, p).
        outcome: 0 or 1, shape (n,).
        group: Index of each person's clinic, shape (n,).
        groups: Number of clinics, more than 2 p for a test.

    Returns:
        Both sets of coefficients, contrast and test.

    Raises:
        ValueError: If shapes differ, a value is NaN, an outcome not 0 or 1, or a group out of range.

    Source:
        Mundlak (1978), Econometrica 46:69-85; Liang & Zeger (1986), Biometrika 73:13-22; METHODS M3.8.

    >>> rng = np.random.default_rng(2)
    >>> group, x = np.repeat(np.arange(60), 50), rng.normal(size=(3000, 1))
    >>> y = rng.random(3000) < 1 / (1 + np.exp(-0.5 * x[:, 0]))
    >>> logistic_contrast(x, y, group, 60).p > 0.001
    True
    """
    X, y, index = _rows(columns, outcome, group, groups)
    p = X.shape[1]
    design = np.column_stack([np.ones(len(y)), *deviations_and_means(X, index, groups)])
    fit = fit_logistic(design, y)
    chance = fit.probabilities(design)
    bread = np.linalg.inv(_weighted_gram(design[:, fit.kept], chance * (1 - chance)))
    scores = np.column_stack([sums_by_group(column * (y - chance), index, groups) for column in design[:, fit.kept].T])
    clinics = len(np.unique(index))
    meat = scores.T @ scores * clinics / max(clinics - 1, 1)
    covariance = np.full((2 * p + 1, 2 * p + 1), np.nan)
    covariance[np.ix_(fit.kept, fit.kept)] = bread @ meat @ bread
    values = np.where(fit.kept, fit.coefficients, np.nan)
    inner, outer = np.arange(1, p + 1), np.arange(p + 1, 2 * p + 1)
    cross = covariance[np.ix_(inner, outer)]
    contrast = Slopes(
        values[outer] - values[inner],
        covariance[np.ix_(inner, inner)] + covariance[np.ix_(outer, outer)] - cross - cross.T,
        fit.kept[inner] & fit.kept[outer],
    )
    # As many clinics as columns of means leave nothing to judge their doubt by.
    chi_square, df = wald(contrast) if fit.converged and clinics > 2 * p else (float("nan"), 0)
    return LogisticContrast(
        within=Slopes(values[inner], covariance[np.ix_(inner, inner)], fit.kept[inner]),
        between=Slopes(values[outer], covariance[np.ix_(outer, outer)], fit.kept[outer]),
        contrast=contrast,
        chi_square=chi_square,
        df=df,
        p=float(special.chdtrc(df, chi_square)) if df else float("nan"),
        converged=fit.converged,
    )


class _Blocks:
    """Newton's equations with the clinics' constants eliminated; columns are centered per clinic and scaled."""

    def __init__(self, X: FloatArray, y: FloatArray, index: IntArray, clinics: int, w: FloatArray) -> None:
        self.y, self.index, self.w = y, index, w
        # One sparse product sums all columns by clinic in one pass over the rows.
        people_of = (np.ones(len(y)), (index, np.arange(len(y))))
        self.by_clinic = sparse.csr_matrix(people_of, shape=(clinics, len(y)))
        people = self.by_clinic @ w
        self.center = (self.by_clinic @ (X * w[:, None])) / people[:, None]
        centered = X - self.center[index]
        scale = np.sqrt(np.mean(centered**2, axis=0))
        size = np.sqrt(np.mean(X**2, axis=0))
        scale[scale <= 1e-9 * size] = 0.0  # constant in each clinic, up to rounding
        self.kept = independent_columns((centered * (scale > 0)).T @ centered / len(y))
        self.scale = scale
        self.Z = centered[:, self.kept] / scale[self.kept]
        self.beta = np.zeros(self.Z.shape[1])
        self.alpha: FloatArray = special.logit((self.by_clinic @ (w * y)) / people)
        self.information = np.zeros((self.Z.shape[1], self.Z.shape[1]))
        self.height = -np.inf

    def begin(self, slopes: FloatArray) -> None:
        """Start from slopes per unit of the original columns."""
        found = (slopes * self.scale)[self.kept]
        self.beta = np.where(np.isfinite(found), found, 0.0)

    def climb(self, max_iterations: int, tolerance: float) -> tuple[int, bool]:
        """Newton steps, halved until the likelihood does not fall."""
        self.height, chance = self._at(self.alpha, self.beta)
        for iteration in range(1, max_iterations + 1):
            step_alpha, step_beta = self._step(chance)
            length = 1.0
            while True:
                alpha, beta = self.alpha + length * step_alpha, self.beta + length * step_beta
                new, chance = self._at(alpha, beta)
                if new >= self.height - 1e-9 * abs(self.height) or length < 1e-6:
                    break
                length /= 2
            self.alpha, self.beta, self.height = alpha, beta, new
            if np.abs(self.beta).max(initial=0.0) > _LARGEST_COEFFICIENT:
                return iteration, False
            if max(np.abs(step_alpha).max(), np.abs(step_beta).max(initial=0.0)) < tolerance:
                return iteration, True  # the information was taken less than the tolerance away from the maximum
        return max_iterations, False

    def slopes_or_zero(self) -> FloatArray:
        """Slopes per unit of the original columns; 0 for those left out."""
        values = np.zeros(len(self.kept))
        values[self.kept] = self.beta / self.scale[self.kept]
        return values

    def slopes(self) -> Slopes:
        covariance = np.full((len(self.kept), len(self.kept)), np.nan)
        per_unit = 1 / self.scale[self.kept]
        covariance[np.ix_(self.kept, self.kept)] = np.linalg.pinv(self.information) * np.outer(per_unit, per_unit)
        return Slopes(np.where(self.kept, self.slopes_or_zero(), np.nan), covariance, self.kept)

    def _at(self, alpha: FloatArray, beta: FloatArray) -> tuple[float, FloatArray]:
        """Log likelihood, and everybody's chance; one exponential serves both."""
        eta = alpha[self.index] + self.Z @ beta
        tail = np.exp(-np.abs(eta))
        softplus = np.maximum(eta, 0.0) + np.log(1.0 + tail)
        return float(self.w @ (self.y * eta - softplus)), np.where(eta >= 0, 1.0, tail) / (1.0 + tail)

    def _step(self, chance: FloatArray) -> tuple[FloatArray, FloatArray]:
        weight, residual = self.w * chance * (1 - chance), self.w * (self.y - chance)
        weighted = self.Z * weight[:, None]
        total = np.maximum(self.by_clinic @ weight, 1e-300)
        border = self.by_clinic @ weighted
        score = self.by_clinic @ residual
        self.information = weighted.T @ self.Z - border.T @ (border / total[:, None])
        side = self.Z.T @ residual - border.T @ (score / total)
        beta = np.linalg.lstsq(self.information, side, rcond=None)[0] if len(side) else side
        return (score - border @ beta) / total, beta


def _weighted_gram(Z: FloatArray, weight: FloatArray) -> FloatArray:
    return np.asarray((Z * weight[:, None]).T @ Z)


def _rows(
    columns: ArrayLike, outcome: ArrayLike, group: ArrayLike, groups: int
) -> tuple[FloatArray, FloatArray, IntArray]:
    X = finite("columns", columns)
    _, y, index = rows_by_group(np.zeros(np.shape(outcome)), outcome, group, groups)
    if X.ndim != 2 or len(X) != len(y):
        raise ValueError(f"columns {X.shape} and outcome {y.shape} do not fit together")
    return X, y, index
