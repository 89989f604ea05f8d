"""Variance between clinics (tau squared): moment estimators and a profile-likelihood interval (METHODS M3.9, M4.2).

The moment estimators work over the last axis, so that thousands of bootstrap replicates are one call.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from benchwell.models.arrays import ArrayLike, FloatArray, finite, met_of_n, positive, same_shape, share, vector


@dataclass(frozen=True)
class Tau2Interval:
    """Profile-likelihood interval of the variance between clinics.

    Attributes:
        estimate: Maximum-likelihood estimate, squared units of the outcome, >= 0.
        lower: Lower limit; 0 when the data are compatible with no difference between clinics.
        upper: Upper limit; infinite when the data do not bound it (one clinic).
    """

    estimate: float
    lower: float
    upper: float


def pooled_binomial_variance(met: ArrayLike, n: ArrayLike) -> FloatArray:
    """Sampling variance of each clinic's rate at the pooled rate, so that 0 % and 100 % are not "certain".

    Args:
        met: Successes per clinic, shape (..., k), counts.
        n: People per clinic, broadcastable, > 0.

    Returns:
        Variances p(1-p)/n with p pooled over the last axis. Where nobody (or everybody) anywhere succeeded, p is
        taken half a success away from the edge, since a variance of zero would claim certainty.

    Raises:
        ValueError: If a count is NaN or negative, `met` exceeds `n`, or a clinic has nobody.

    Source:
        METHODS M3.9, E3.9.

    >>> pooled_binomial_variance([5, 15], [20, 20])
    array([0.0125, 0.0125])
    """
    x, people = met_of_n(met, positive("n", n))
    total, successes = people.sum(axis=-1, keepdims=True), x.sum(axis=-1, keepdims=True)
    inside = np.clip(successes, np.minimum(0.5, total / 2), np.maximum(total - 0.5, total / 2))
    on_edge = (successes == 0) | (successes == total)
    p = np.where(on_edge, inside, successes) / total
    return np.asarray(p * (1 - p) / people)


def precision_weighted_mean(estimate: ArrayLike, variance: ArrayLike, tau2: ArrayLike = 0.0) -> FloatArray:
    """Mean over the last axis weighted by 1 / (variance + tau2).

    Args:
        estimate: Clinic estimates, shape (..., k).
        variance: Their sampling variances, same shape, > 0.
        tau2: Variance between clinics, shape (...), >= 0.

    Returns:
        Means, shape (...).

    >>> precision_weighted_mean([0.2, 0.4], [0.01, 0.01]).round(3).item()
    0.3
    """
    y, v = _estimates(estimate, variance)
    w = 1 / (v + np.asarray(tau2, dtype=np.float64)[..., None])
    return np.asarray((w * y).sum(axis=-1) / w.sum(axis=-1))


def tau2_dersimonian_laird(estimate: ArrayLike, variance: ArrayLike) -> FloatArray:
    """Moment estimate of the variance between clinics in closed form (the default).

    Args:
        estimate: Clinic estimates, shape (..., k).
        variance: Their sampling variances, same shape, > 0.

    Returns:
        tau2, shape (...), >= 0; 0 for one clinic, since one clinic shows no difference.

    Raises:
        ValueError: If shapes differ, a value is NaN or a variance not above zero.

    Source:
        DerSimonian & Laird (1986), Control Clin Trials 7:177-188; METHODS E3.9.

    >>> y, n = np.array([.62, .48, .55, .40, .70]), np.array([200, 60, 120, 40, 15])
    >>> tau2_dersimonian_laird(y, pooled_binomial_variance(y * n, n)).round(8).item()
    0.00485322
    """
    y, v = _estimates(estimate, variance)
    w = 1 / v
    total = w.sum(axis=-1)
    mean = (w * y).sum(axis=-1) / total
    q = (w * (y - mean[..., None]) ** 2).sum(axis=-1)
    scale = total - (w**2).sum(axis=-1) / total
    return np.asarray(np.maximum(q - (y.shape[-1] - 1), 0.0) / np.where(scale > 1e-12 * total, scale, np.inf))


def cochran_q(estimate: ArrayLike, variance: ArrayLike, tau2: float = 0.0) -> float:
    """Cochran's Q, the weighted sum of squares around the weighted mean, at a given tau2.

    >>> round(cochran_q([0.2, 0.4], [0.01, 0.01]), 6)
    2.0
    """
    y, v = _estimates(estimate, variance)
    w = 1 / (v + tau2)
    return float((w * (y - (w * y).sum() / w.sum()) ** 2).sum())


def tau2_paule_mandel(estimate: ArrayLike, variance: ArrayLike) -> float:
    """Estimate of the variance between clinics that makes Q equal to its expectation k - 1.

    Args:
        estimate: Clinic estimates, shape (k,).
        variance: Their sampling variances, shape (k,), > 0.

    Returns:
        tau2, >= 0; 0 for one clinic.

    Raises:
        ValueError: If shapes differ, a value is NaN or a variance not above zero.

    Source:
        Paule & Mandel (1982), J Res Natl Bur Stand 87:377-385; METHODS E3.9.

    >>> y, n = np.array([.62, .48, .55, .40, .70]), np.array([200, 60, 120, 40, 15])
    >>> round(tau2_paule_mandel(y, pooled_binomial_variance(y * n, n)), 8)
    0.00600787
    """
    y, v = _vectors(estimate, variance)
    k = len(y)

    def excess(tau2: float) -> float:
        return cochran_q(y, v, tau2) - (k - 1)

    if k < 2 or excess(0.0) <= 0:
        return 0.0
    # Q at tau2 is below sum (y - mean)^2 / tau2, which is k - 1 at the sample variance.
    high = float(y.var(ddof=1))
    return float(optimize.brentq(excess, 0.0, high, xtol=1e-15 * max(high, 1e-300), rtol=1e-13))


def tau2_profile_interval(estimate: ArrayLike, variance: ArrayLike, level: float = 0.95) -> Tau2Interval:
    """Profile-likelihood interval of the variance between clinics; its lower limit gates decile benchmarks.

    Args:
        estimate: Clinic estimates, shape (k,).
        variance: Their sampling variances, shape (k,), > 0.
        level: Two-sided confidence level.

    Returns:
        Maximum-likelihood estimate and limits.

    Raises:
        ValueError: If shapes differ, a value is NaN or a variance not above zero.

    Source:
        Hardy & Thompson (1996), Stat Med 15:619-629; METHODS M4.2.

    >>> tau2_profile_interval([0.5, 0.5, 0.5], [0.01, 0.01, 0.01]).lower
    0.0
    """
    y, v = _vectors(estimate, variance)
    drop = float(special.chdtri(1, 1 - share("level", level))) / 2
    if len(y) < 2:
        return Tau2Interval(estimate=0.0, lower=0.0, upper=float("inf"))
    best = _maximum_likelihood(y, v)
    peak = _profile(best, y, v)

    def fall(tau2: float) -> float:
        return _profile(tau2, y, v) - peak + drop

    lower = 0.0 if best == 0 or fall(0.0) >= 0 else float(optimize.brentq(fall, 0.0, best, rtol=1e-12, xtol=1e-18))
    high = 2 * best + float(v.max()) + float(y.var())
    while fall(high) > 0:
        high *= 2
    return Tau2Interval(estimate=best, lower=lower, upper=float(optimize.brentq(fall, best, high, rtol=1e-12)))


def _profile(tau2: float, y: FloatArray, v: FloatArray) -> float:
    w = 1 / (v + tau2)
    mean = (w * y).sum() / w.sum()
    return float(0.5 * np.log(w).sum() - 0.5 * (w * (y - mean) ** 2).sum())


def _maximum_likelihood(y: FloatArray, v: FloatArray) -> float:
    """Highest point of the profile: a grid finds the right hill (there can be two), then it is climbed."""
    top = float(y.var()) * 4 + 1e-300
    grid = np.concatenate([[0.0], np.geomspace(top * 1e-8, top, 160)])
    heights = [_profile(float(tau2), y, v) for tau2 in grid]
    peak = int(np.argmax(heights))
    low, high = grid[max(peak - 1, 0)], grid[min(peak + 1, len(grid) - 1)]
    climbed = optimize.minimize_scalar(
        lambda tau2: -_profile(tau2, y, v), bounds=(low, high), method="bounded", options={"xatol": 1e-12 * top}
    )
    return 0.0 if heights[0] >= -climbed.fun else float(climbed.x)


def _estimates(estimate: ArrayLike, variance: ArrayLike) -> tuple[FloatArray, FloatArray]:
    y, v = np.atleast_1d(finite("estimate", estimate)), np.atleast_1d(positive("variance", variance))
    same_shape(estimate=y, variance=v)
    if y.shape[-1] == 0:
        raise ValueError("estimate needs at least one clinic")
    return y, v


def _vectors(estimate: ArrayLike, variance: ArrayLike) -> tuple[FloatArray, FloatArray]:
    y, v = vector("estimate", estimate), positive("variance", variance)
    same_shape(estimate=y, variance=v)
    return y, v
