"""Percentiles and top deciles of clinics, by every estimator, with the gate that lets them out (METHODS M4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, met_of_n, positive, share, vector
from benchwell.models.heterogeneity import (
    Tau2Interval,
    pooled_binomial_variance,
    precision_weighted_mean,
    tau2_dersimonian_laird,
    tau2_profile_interval,
)
from benchwell.models.quantiles import quantile_type7, weighted_quantile
from benchwell.models.shrinkage import Shrunken, constrained_empirical_bayes, shrink, stretch
from benchwell.terms import Better

# Standard normal: 90th percentile, and mean above it (density at the percentile over .1).
NORMAL_P90 = 1.281552
NORMAL_TOP_DECILE_MEAN = 1.754983

MIN_CLINICS = 20
MIN_RELIABILITY = 0.5


@dataclass(frozen=True)
class DecileGate:
    """Whether a decile benchmark may be published.

    Attributes:
        passed: All conditions hold.
        reason: `ok`, `too_few_reliable_clinics` or `no_variation_between_clinics`.
        n_reliable: Clinics whose reliability reaches `min_reliability`.
        min_clinics: Reliable clinics needed.
        min_reliability: Reliability that counts.
        tau2: Profile-likelihood interval of the variance between clinics.
    """

    passed: bool
    reason: str
    n_reliable: int
    min_clinics: int
    min_reliability: float
    tau2: Tau2Interval


@dataclass(frozen=True)
class TopDecile:
    """The favorable decile of the clinics by every estimator, in the outcome's unit.

    Attributes:
        raw: Percentile of the raw estimates: too extreme, since it rewards noise.
        raw_top: The most favorable raw estimate.
        raw_top_mean: Mean of the most favorable tenth of the raw estimates (at least one clinic).
        empirical_bayes: Percentile of the shrunken estimates: too central.
        constrained: Percentile of the constrained EB estimates: the default.
        model: mean + 1.281552 tau, the percentile under a normal distribution of clinics.
        model_top_mean: mean + 1.754983 tau, the mean of the top decile under it.
        shrunken: The shrinkage behind the figures.
        a: Stretch factor of the constrained EB.
        better: Which end is favorable; with `LOWER` each figure is the 10th percentile or the lower tail.
        gate: Whether the figures may be published as a decile benchmark.
    """

    raw: float
    raw_top: float
    raw_top_mean: float
    empirical_bayes: float
    constrained: float
    model: float
    model_top_mean: float
    shrunken: Shrunken
    a: float
    better: Better
    gate: DecileGate


def top_decile(
    estimate: ArrayLike,
    variance: ArrayLike,
    weights: ArrayLike | None = None,
    better: Better = Better.HIGHER,
    *,
    min_clinics: int = MIN_CLINICS,
    min_reliability: float = MIN_RELIABILITY,
) -> TopDecile:
    """Estimate the favorable decile of the clinics in every way, and say whether it may be published.

    Args:
        estimate: Clinic estimates, shape (k,), in the outcome's unit.
        variance: Their sampling variances, shape (k,), > 0.
        weights: None for "the clinic in the street" (each counts once, type-7 quantile); people per clinic,
            shape (k,), for "the patient's experience" (weighted quantile). Model figures are never weighted.
        better: Which end is favorable.
        min_clinics: Reliable clinics that the gate asks for.
        min_reliability: Reliability that counts as reliable.

    Returns:
        All estimators and the gate. The figures are computed whether or not the gate is passed.

    Raises:
        ValueError: If shapes differ, a value is NaN, or a variance not above zero.

    Source:
        Louis (1984); Ghosh (1992); Shen & Louis (1998), J R Stat Soc B 60:455-471; METHODS E4.2b.

    >>> x, n = [25, 52, 23, 80, 49, 40, 64, 54, 38, 8], [80, 150, 60, 200, 120, 90, 140, 110, 70, 12]
    >>> result = top_decile_of_proportions(x, n)
    >>> round(result.raw, 4), round(result.empirical_bayes, 4), round(result.constrained, 4), round(result.model, 4)
    (0.5552, 0.4616, 0.4786, 0.4895)
    """
    y, v = vector("estimate", estimate), positive("variance", variance)
    shrunken = shrink(y, v)
    constrained = constrained_empirical_bayes(shrunken)
    sign = 1.0 if better is Better.HIGHER else -1.0
    favorable = np.sort(sign * y)[::-1]
    tau = shrunken.tau2**0.5
    return TopDecile(
        raw=_decile(y, weights, better),
        raw_top=float(sign * favorable[0]),
        raw_top_mean=float(sign * favorable[: top_tenth(len(y))].mean()),
        empirical_bayes=_decile(shrunken.shrunken, weights, better),
        constrained=_decile(constrained.values, weights, better),
        model=shrunken.mean + sign * NORMAL_P90 * tau,
        model_top_mean=shrunken.mean + sign * NORMAL_TOP_DECILE_MEAN * tau,
        shrunken=shrunken,
        a=constrained.a,
        better=better,
        gate=decile_gate(y, v, shrunken, min_clinics=min_clinics, min_reliability=min_reliability),
    )


def top_decile_of_proportions(
    met: ArrayLike,
    n: ArrayLike,
    weights: ArrayLike | None = None,
    better: Better = Better.HIGHER,
    *,
    min_clinics: int = MIN_CLINICS,
    min_reliability: float = MIN_RELIABILITY,
) -> TopDecile:
    """`top_decile` of success rates, with the pooled binomial variance.

    Args:
        met: Successes per clinic, shape (k,), counts.
        n: People per clinic, shape (k,), > 0.
        weights: See `top_decile`.
        better: Which end is favorable.
        min_clinics: See `top_decile`.
        min_reliability: See `top_decile`.

    Returns:
        All estimators and the gate.

    Raises:
        ValueError: If a count is NaN or negative, `met` exceeds `n`, or a clinic has nobody.
    """
    x, people = met_of_n(vector("met", met), positive("n", vector("n", n)))
    variance = pooled_binomial_variance(x, people)
    return top_decile(x / people, variance, weights, better, min_clinics=min_clinics, min_reliability=min_reliability)


def decile_gate(
    estimate: ArrayLike,
    variance: ArrayLike,
    shrunken: Shrunken,
    *,
    min_clinics: int = MIN_CLINICS,
    min_reliability: float = MIN_RELIABILITY,
) -> DecileGate:
    """Ask whether clinics are many, reliable and different enough for a decile; otherwise median and quartiles.

    Source:
        METHODS M4.2: at least 20 clinics with R >= .5, and a lower profile-likelihood limit of tau2 above zero.
    """
    interval = tau2_profile_interval(estimate, variance)
    reliable = int((shrunken.reliability >= min_reliability).sum())
    reason = "ok"
    if reliable < min_clinics:
        reason = "too_few_reliable_clinics"
    elif interval.lower <= 0:
        reason = "no_variation_between_clinics"
    return DecileGate(
        passed=reason == "ok",
        reason=reason,
        n_reliable=reliable,
        min_clinics=min_clinics,
        min_reliability=min_reliability,
        tau2=interval,
    )


def constrained_percentile(estimate: ArrayLike, variance: ArrayLike, p: float) -> FloatArray:
    """Unweighted type-7 percentile of constrained EB estimates over the last axis, for bootstrap replicates.

    Args:
        estimate: Clinic estimates, shape (..., k).
        variance: Their sampling variances, same shape, > 0.
        p: Probability in (0, 1), .9 for a top decile where higher is better.

    Returns:
        Percentiles, shape (...); each replicate re-estimates mean and variance between clinics.

    Raises:
        ValueError: If shapes differ, a value is NaN or a variance not above zero.

    >>> constrained_percentile([[0.3, 0.5, 0.7], [0.4, 0.5, 0.6]], [[0.01] * 3, [0.01] * 3], 0.9).round(3)
    array([0.639, 0.5  ])
    """
    y, v = np.asarray(estimate, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    tau2 = tau2_dersimonian_laird(y, v)
    mean = precision_weighted_mean(y, v, tau2)[..., None]
    reliability = tau2[..., None] / (tau2[..., None] + v)
    sd = np.sqrt(tau2[..., None] * (1 - reliability))
    values, _, _ = stretch(mean + reliability * (y - mean), sd)
    return np.asarray(np.quantile(values, share("p", p), axis=-1))


def constrained_percentile_of_proportions(met: ArrayLike, n: ArrayLike, p: float) -> FloatArray:
    """`constrained_percentile` of success rates, pooled variance re-estimated in each replicate.

    >>> constrained_percentile_of_proportions([25, 52, 23, 80, 49, 40, 64, 54, 38, 8],
    ...     [80, 150, 60, 200, 120, 90, 140, 110, 70, 12], 0.9).round(4).item()
    0.4786
    """
    x, people = met_of_n(met, positive("n", n))
    return constrained_percentile(x / people, pooled_binomial_variance(x, people), p)


def top_tenth(k: int) -> int:
    """How many of `k` clinics are the top tenth: at least one, rounded down otherwise.

    >>> top_tenth(8), top_tenth(100), top_tenth(119)
    (1, 10, 11)
    """
    return max(1, k // 10)


def _decile(values: FloatArray, weights: ArrayLike | None, better: Better) -> float:
    p = 0.9 if better is Better.HIGHER else 0.1
    return float(quantile_type7(values, p) if weights is None else weighted_quantile(values, weights, p))
