"""A cohort: the organizations behind one benchmark cell, as arrays, with every estimator that a record can hold.

Each estimator works over the last axis, so the figure itself, 2,000 bootstrap replicates and 400 cohorts without one
organization are the same call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from benchwell.models.arrays import FloatArray, IntArray
from benchwell.models.deciles import NORMAL_P90, NORMAL_TOP_DECILE_MEAN
from benchwell.models.heterogeneity import (
    pooled_binomial_variance,
    precision_weighted_mean,
    tau2_dersimonian_laird,
)
from benchwell.models.shrinkage import stretch
from benchwell.terms import Better


@dataclass(frozen=True)
class Cohort:
    """Organizations with a figure, all arrays of shape (..., k).

    Attributes:
        ids: Organization ids, in order; empty for a resampled cohort.
        estimate: Their figures.
        weight: Patients behind each figure: how much it counts when organizations are pooled.
        size: What the sampling variance of a proportion rests on (patients, or the effective number of them).
        variance: Sampling variance; for a proportion it is pooled anew over whatever cohort is in hand.
        is_proportion: Whether figures are proportions.
        better: Which end is favorable.
        is_adjusted: Whether `variance` comes from a case-mix model: it then stays, also for proportions.
        achievable_place: Place of each organization in the order of `achievable`, if it is known already.
    """

    ids: tuple[str, ...]
    estimate: FloatArray
    weight: FloatArray
    size: FloatArray
    variance: FloatArray
    is_proportion: bool
    better: Better
    is_adjusted: bool = False
    achievable_place: IntArray | None = None

    @cached_property
    def shrinkage(self) -> Shrinkage:
        """Shrink toward the cohort's own mean, variance between organizations estimated anew (METHODS M3.9, M4.2)."""
        v = sampling_variance(self)
        tau2 = tau2_dersimonian_laird(self.estimate, v)
        mean = precision_weighted_mean(self.estimate, v, tau2)
        reliability = tau2[..., None] / (tau2[..., None] + v)
        shrunken = reliability * self.estimate + (1 - reliability) * mean[..., None]
        sd = np.sqrt(tau2[..., None] * (1 - reliability))
        constrained, _, _ = stretch(shrunken, sd)
        return Shrinkage(tau2, mean, reliability, shrunken, sd, constrained)

    @cached_property
    def is_ascending(self) -> bool:
        """Whether the figures stand in ascending order, as those of a resample do."""
        return bool((self.estimate[..., 1:] >= self.estimate[..., :-1]).all())

    @cached_property
    def by_estimate(self) -> tuple[FloatArray, FloatArray]:
        """Estimates in ascending order, and the share of patients at or below each: sorted once for all quantiles."""
        if self.is_ascending:
            reached = np.cumsum(self.weight, axis=-1)
            return self.estimate, reached / reached[..., -1:]
        order = np.argsort(self.estimate, axis=-1, kind="stable")
        reached = np.cumsum(np.take_along_axis(self.weight, order, axis=-1), axis=-1)
        return np.take_along_axis(self.estimate, order, axis=-1), reached / reached[..., -1:]

    @property
    def k(self) -> int:
        """Number of organizations."""
        return int(self.estimate.shape[-1])

    def take(self, chosen: IntArray) -> Cohort:
        """The cohort of the chosen places, shape (..., m): a resample, a subset, or many of them at once."""
        return replace(
            self,
            ids=tuple(self.ids[place] for place in chosen) if chosen.ndim == 1 and self.ids else (),
            estimate=self.estimate[chosen],
            weight=self.weight[chosen],
            size=self.size[chosen],
            variance=self.variance[chosen],
            achievable_place=None if self.achievable_place is None else self.achievable_place[chosen],
        )


@dataclass(frozen=True)
class Shrinkage:
    """Shrinkage over the last axis: variance between, mean, EB values, their spread and the constrained EB values."""

    tau2: FloatArray
    mean: FloatArray
    reliability: FloatArray
    shrunken: FloatArray
    sd: FloatArray
    constrained: FloatArray


Estimator = Callable[[Cohort], FloatArray]


def sampling_variance(cohort: Cohort) -> FloatArray:
    """Sampling variances; unadjusted proportions use the rate pooled over this cohort."""
    if not cohort.is_proportion or cohort.is_adjusted:
        return cohort.variance
    return pooled_binomial_variance(np.minimum(cohort.estimate * cohort.size, cohort.size), cohort.size)


def pooled(cohort: Cohort) -> FloatArray:
    """Mean over patients: every patient counts once; NaN where nobody counts."""
    people = cohort.weight.sum(axis=-1)
    return np.asarray((cohort.estimate * cohort.weight).sum(axis=-1) / np.where(people > 0, people, np.nan))


def unweighted_mean(cohort: Cohort) -> FloatArray:
    """Mean over organizations: every organization counts once."""
    return np.asarray(cohort.estimate.mean(axis=-1))


def percentile(p: float) -> Estimator:
    """Type-7 quantile of the figures: "the organization in the street"."""
    return lambda cohort: _quantile(cohort, p)


def patient_percentile(p: float) -> Estimator:
    """Smallest figure that a share `p` of the patients is at or below: "the patient's experience" (METHODS C5)."""

    def estimator(cohort: Cohort) -> FloatArray:
        ascending, shares = cohort.by_estimate
        place = (shares >= p - 1e-12).argmax(axis=-1)[..., None]
        return np.asarray(np.take_along_axis(ascending, place, axis=-1)[..., 0])

    return estimator


def decile_raw(cohort: Cohort) -> FloatArray:
    """Favorable decile of the raw figures: too extreme, since it rewards noise."""
    return _quantile(cohort, _favorable(cohort))


def decile_eb(cohort: Cohort) -> FloatArray:
    """Favorable decile of the shrunken figures: too central."""
    return np.asarray(np.quantile(cohort.shrinkage.shrunken, _favorable(cohort), axis=-1))


def decile_constrained(cohort: Cohort) -> FloatArray:
    """Favorable decile of the constrained EB figures: the default."""
    return np.asarray(np.quantile(cohort.shrinkage.constrained, _favorable(cohort), axis=-1))


def decile_model(cohort: Cohort) -> FloatArray:
    """The percentile under a normal distribution of organizations."""
    return _beyond_mean(cohort, NORMAL_P90)


def decile_model_mean(cohort: Cohort) -> FloatArray:
    """The mean of the favorable tenth under a normal distribution of organizations."""
    return _beyond_mean(cohort, NORMAL_TOP_DECILE_MEAN)


def achievable(cohort: Cohort) -> FloatArray:
    """Achievable Benchmark of Care over the last axis (METHODS M4.3); `models.achievable` says who is in it."""
    x, n = cohort.estimate * cohort.weight, cohort.weight
    place = cohort.achievable_place
    # Small whole numbers sort many times faster than two keys of figures, and a resample brings them along.
    order = achievable_order(cohort) if place is None else np.argsort(place, axis=-1, kind="stable")
    people = np.take_along_axis(n, order, axis=-1)
    reached = np.cumsum(people, axis=-1)
    before = reached - people
    inside = before < 0.1 * reached[..., -1:] * (1 - 1e-12)
    met = np.take_along_axis(x, order, axis=-1)
    return np.asarray((met * inside).sum(axis=-1) / (people * inside).sum(axis=-1))


def achievable_order(cohort: Cohort) -> IntArray:
    """Organizations by adjusted performance fraction, the favorable end first; the larger first among equals."""
    x, n = cohort.estimate * cohort.weight, cohort.weight
    adjusted = (x + 1) / (n + 2)
    favorable = adjusted if cohort.better is Better.HIGHER else -adjusted
    return np.asarray(np.lexsort((-n, -favorable), axis=-1))


def _quantile(cohort: Cohort, p: float) -> FloatArray:
    """Type-7 quantile of the figures (C5); what is sorted already is not sorted again."""
    if not cohort.is_ascending:
        return np.asarray(np.quantile(cohort.estimate, p, axis=-1))
    place = p * (cohort.k - 1)
    below = int(place)
    low, high = cohort.estimate[..., below], cohort.estimate[..., min(below + 1, cohort.k - 1)]
    return np.asarray(low + (high - low) * (place - below))


def _favorable(cohort: Cohort) -> float:
    return 0.9 if cohort.better is Better.HIGHER else 0.1


def _beyond_mean(cohort: Cohort, deviations: float) -> FloatArray:
    found = cohort.shrinkage
    sign = 1.0 if cohort.better is Better.HIGHER else -1.0
    return np.asarray(found.mean + sign * deviations * np.sqrt(found.tau2))
