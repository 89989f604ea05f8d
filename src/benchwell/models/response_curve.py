"""Fit an expected course, and check it on clinics that it has not seen (METHODS M6.1).

Arrays only: scores sorted by person, the first score of each person first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import BoolArray, FloatArray, IntArray
from benchwell.models.conditional_growth import Growth, normal_quantile
from benchwell.models.linear_mixed import LinearMixedFit, linear_mixed
from benchwell.models.mixed_statistics import MixedStatistics


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of people, sorted by person and time; n scores of m people.

    Attributes:
        person: Person of each score, 0 to m - 1, ascending, shape (n,).
        time: On the curve's own scale (the logarithm of a clock), ascending within a person, shape (n,).
        value: Points, shape (n,).
    """

    person: IntArray
    time: FloatArray
    value: FloatArray

    @property
    def first(self) -> IntArray:
        """Place of the first score of each person, shape (m,)."""
        return np.flatnonzero(np.diff(self.person, prepend=-1))

    @property
    def people(self) -> int:
        """People."""
        return len(self.first)

    def of(self, people: BoolArray) -> Scores:
        """The scores of some people, who are numbered anew in the same order.

        Args:
            people: Who is kept, shape (m,).
        """
        rows = people[self.person]
        renumbered = np.cumsum(people) - 1
        return Scores(renumbered[self.person[rows]], self.time[rows], self.value[rows])


@dataclass(frozen=True, eq=False)
class Forecast:
    """What a curve says of each score, given its person's first one; NaN at first scores. All of shape (n,).

    Attributes:
        mean: Expected score, points.
        sd: Spread of a new score of such a person, points.
    """

    mean: FloatArray
    sd: FloatArray

    def quantile(self, share: float) -> FloatArray:
        """The score below which `share` of such people are expected."""
        return self.mean + self.sd * normal_quantile(share)


@dataclass(frozen=True, eq=False)
class FittedGrowth:
    """A growth curve and how it was found.

    Attributes:
        growth: Coefficients and variances.
        intercept_se: Standard error of the intercept, points.
        slope_se: Standard error of the slope.
        converged: Whether the search ended at an optimum.
        loglik: REML log likelihood.
    """

    growth: Growth
    intercept_se: float
    slope_se: float
    converged: bool
    loglik: float


def fit_growth(scores: Scores) -> FittedGrowth:
    """Fit y = b0 + u0 + (b1 + u1) t + e by REML: a random intercept and slope for each person.

    Args:
        scores: All scores of each person, the first one included; people with a single score tell of the start.

    Raises:
        ValueError: If the model cannot be told apart from its residual, as where nobody has two scores, or all are of
            one time.

    Source:
        METHODS M6.1, M2.8; Bates et al. (2015), J Stat Softw 67(1): `lmer(y ~ t + (t | person))`.

    >>> rng = np.random.default_rng(1)
    >>> person, time = np.repeat(np.arange(200), 5), np.tile(np.log(np.arange(1, 6)), 200)
    >>> own = rng.multivariate_normal([15, -2.6], [[16, -1.5], [-1.5, 1.2]], 200)[person]
    >>> fit = fit_growth(Scores(person, time, own[:, 0] + own[:, 1] * time + rng.normal(0, 2.6, 1000)))
    >>> bool(abs(fit.growth.slope + 2.6) < 0.4), fit.converged
    (True, True)
    """
    fit: LinearMixedFit = linear_mixed(growth_sums(scores))
    covariance = fit.group_covariance
    if covariance is None:  # pragma: no cover  # growth_sums names a slope, so there is one
        raise ValueError("there is no slope")
    errors = fit.standard_errors
    return FittedGrowth(
        Growth(
            intercept=float(fit.coefficients[0]),
            slope=float(fit.coefficients[1]),
            intercept_variance=float(covariance[0, 0]),
            covariance=float(covariance[0, 1]),
            slope_variance=float(covariance[1, 1]),
            residual_variance=fit.residual_sd**2,
        ),
        float(errors[0]),
        float(errors[1]),
        fit.converged,
        fit.loglik,
    )


def growth_sums(scores: Scores) -> MixedStatistics:
    """Sufficient statistics of the growth model: sums per person."""
    x = np.column_stack([np.ones(len(scores.value)), scores.time])
    starts = scores.first
    zz = np.add.reduceat(x[:, :, None] * x[:, None, :], starts, axis=0)
    zy = np.add.reduceat(x * scores.value[:, None], starts, axis=0)
    return MixedStatistics(
        n=len(x),
        xtx=zz.sum(axis=0),
        xty=zy.sum(axis=0),
        yty=float(scores.value @ scores.value),
        group_n=np.diff(np.append(starts, len(x))),
        group_x=zz[:, 0, :],
        group_y=zy[:, 0],
        slope=1,
        group_zz=zz,
        group_zx=zz,
        group_zy=zy,
    )


def forecast(growth: Growth, scores: Scores) -> Forecast:
    """Expected score and spread of every later score, given its person's first one (METHODS M6.1).

    >>> curve = Growth(15, -2.6, 16, -1.5, 1.2, 7)
    >>> said = forecast(curve, Scores(np.array([0, 0]), np.array([0.0, np.log(4)]), np.array([20.0, 12.0])))
    >>> said.mean.round(4).tolist(), said.sd.round(4).tolist(), said.quantile(0.9).round(4).tolist()
    ([nan, 14.4218], [nan, 3.5668], [nan, 18.9929])
    """
    starts = scores.first
    t, start, known = scores.time, scores.time[starts][scores.person], scores.value[starts][scores.person]
    shared = _covariance(growth, t, start)
    total = _covariance(growth, start, start) + growth.residual_variance
    mean = growth.intercept + growth.slope * t + shared / total * (known - growth.intercept - growth.slope * start)
    sd = np.sqrt(_covariance(growth, t, t) + growth.residual_variance - shared**2 / total)
    mean[starts], sd[starts] = np.nan, np.nan
    return Forecast(mean, sd)


def held_out_forecast(scores: Scores, fold: IntArray) -> Forecast:
    """What curves say of people in clinics that they were not fitted to.

    Args:
        scores: Scores of all people.
        fold: Fold of each person's clinic, shape (m,): the curve that speaks of a fold is fitted to the others.

    Raises:
        ValueError: If a curve cannot be fitted without one of the folds.
    """
    mean, sd = np.full(len(scores.value), np.nan), np.full(len(scores.value), np.nan)
    for one in np.unique(fold):
        unseen = fold == one
        said = forecast(fit_growth(scores.of(~unseen)).growth, scores.of(unseen))
        rows = unseen[scores.person]
        mean[rows], sd[rows] = said.mean, said.sd
    return Forecast(mean, sd)


def clinic_folds(clinic: IntArray, folds: int, seed: int) -> IntArray:
    """Split clinics into folds of about as many people; all people of a clinic are in one.

    Args:
        clinic: Clinic of each person, 0 to k - 1, shape (m,).
        folds: Folds wanted; never more than there are clinics.
        seed: Decides ties.

    Returns:
        Fold of each person, shape (m,).

    >>> clinic_folds(np.array([0, 0, 0, 1, 2]), 2, 1).tolist()
    [0, 0, 0, 1, 1]
    """
    sizes = np.bincount(clinic)
    tie = np.random.default_rng(seed).permutation(len(sizes))
    load = np.zeros(min(folds, len(sizes)))
    fold = np.zeros(len(sizes), dtype=np.int64)
    for one in np.lexsort((tie, -sizes)):  # the largest first, each into the fold with the fewest people
        fold[one] = int(np.argmin(load))
        load[fold[one]] += sizes[one]
    return fold[clinic]


def _covariance(growth: Growth, one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray(
        growth.intercept_variance + (one + other) * growth.covariance + one * other * growth.slope_variance
    )
