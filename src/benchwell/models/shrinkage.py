"""Empirical-Bayes shrinkage and reliability of clinic estimates (METHODS M3.9, M4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, IntArray, finite, met_of_n, positive, same_shape, vector
from benchwell.models.heterogeneity import precision_weighted_mean, tau2_dersimonian_laird


@dataclass(frozen=True)
class Shrunken:
    """Clinic estimates pulled toward their mean as far as their noise demands.

    Attributes:
        mean: Precision-weighted mean of the clinics (mu).
        mean_se: Standard error of `mean`.
        tau2: Variance between clinics.
        reliability: B = tau2 / (tau2 + sampling variance) of each clinic, shape (k,), in [0, 1).
        shrunken: B * estimate + (1 - B) * mean, shape (k,).
        sd: sqrt(tau2 (1 - B)), shape (k,): posterior spread with `mean` and `tau2` taken as known. It is 0 when
            `tau2` is 0, which is not certainty: use `hyper_uncertainty.posterior_sd` when clinics are few.
    """

    mean: float
    mean_se: float
    tau2: float
    reliability: FloatArray
    shrunken: FloatArray
    sd: FloatArray


@dataclass(frozen=True)
class ConstrainedEB:
    """Shrunken estimates spread out again, so that their variance is the one estimated for the clinics.

    Attributes:
        a: Stretch factor, >= 1.
        mean: Unweighted mean of the shrunken estimates (m).
        values: mean + a * (shrunken - mean), shape (k,).
    """

    a: float
    mean: float
    values: FloatArray


def shrink(estimate: ArrayLike, variance: ArrayLike, tau2: float | None = None) -> Shrunken:
    """Shrink clinic estimates toward their precision-weighted mean.

    Args:
        estimate: Clinic estimates, shape (k,), in the outcome's unit.
        variance: Their sampling variances, shape (k,), > 0.
        tau2: Variance between clinics; None estimates it by DerSimonian-Laird.

    Returns:
        Mean, variance between, reliability, shrunken estimates and their posterior spread.

    Raises:
        ValueError: If shapes differ, a value is NaN, a variance is not above zero or `tau2` negative.

    Source:
        Morris (1983), J Am Stat Assoc 78:47-55; METHODS E3.9.

    >>> from benchwell.models.heterogeneity import pooled_binomial_variance
    >>> y, n = np.array([.62, .48, .55, .40, .70]), np.array([200, 60, 120, 40, 15])
    >>> shrink(y, pooled_binomial_variance(y * n, n)).shrunken.round(4)
    array([0.6048, 0.5097, 0.5485, 0.4809, 0.5803])
    """
    y, v = vector("estimate", estimate), positive("variance", variance)
    same_shape(estimate=y, variance=v)
    between = float(tau2_dersimonian_laird(y, v)) if tau2 is None else float(finite("tau2", tau2))
    if between < 0:
        raise ValueError("tau2 must not be negative")
    mean = float(precision_weighted_mean(y, v, between))
    reliability = between / (between + v)
    return Shrunken(
        mean=mean,
        mean_se=float(1 / np.sqrt((1 / (v + between)).sum())),
        tau2=between,
        reliability=reliability,
        shrunken=reliability * y + (1 - reliability) * mean,
        sd=np.sqrt(between * (1 - reliability)),
    )


def constrained_empirical_bayes(shrunken: Shrunken) -> ConstrainedEB:
    """Stretch shrunken estimates, whose quantiles are too central, to the variance estimated for the clinics.

    Args:
        shrunken: Result of `shrink`.

    Returns:
        Stretch factor and values. Without any spread to stretch the factor is 1.

    Source:
        Louis (1984), J Am Stat Assoc 79:393-398; Ghosh (1992), J Am Stat Assoc 87:533-540; METHODS M4.2, E4.2b.

    >>> y, v = np.array([0.3, 0.5, 0.7]), np.array([0.01, 0.01, 0.01])
    >>> constrained_empirical_bayes(shrink(y, v)).a.__round__(4)
    1.1547
    """
    values, a, mean = stretch(shrunken.shrunken, shrunken.sd)
    return ConstrainedEB(a=float(a), mean=float(mean), values=values)


def stretch(shrunken: FloatArray, sd: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Constrained EB over the last axis: values (..., k), stretch factors (...), means (...)."""
    k = shrunken.shape[-1]
    mean = np.asarray(shrunken.mean(axis=-1))
    h1 = (1 - 1 / k) * (sd**2).sum(axis=-1)
    h2 = ((shrunken - mean[..., None]) ** 2).sum(axis=-1)
    # Equal estimates have nothing to stretch; what rounding leaves between them is not spread.
    spread = h2 > 1e-24 * (1 + (shrunken**2).sum(axis=-1))
    a = np.sqrt(1 + np.where(spread, h1, 0.0) / np.where(spread, h2, 1.0))
    return mean[..., None] + a[..., None] * (shrunken - mean[..., None]), a, mean


def minimum_n(icc: ArrayLike, reliability: ArrayLike) -> IntArray:
    """People per clinic needed for a reliability, at an intraclass correlation.

    Args:
        icc: Intraclass correlation, any shape, in (0, 1).
        reliability: Reliability wanted, broadcastable, in (0, 1).

    Returns:
        Whole people, same shape.

    Raises:
        ValueError: If an input is outside (0, 1).

    Source:
        Spearman-Brown; Adams (2009), RAND TR-653; METHODS E3.9b.

    >>> minimum_n([0.01, 0.02, 0.05], 0.7)
    array([231, 115,  45])
    """
    rho, r = np.broadcast_arrays(finite("icc", icc), finite("reliability", reliability))
    if ((rho <= 0) | (rho >= 1) | (r <= 0) | (r >= 1)).any():
        raise ValueError("icc and reliability must lie strictly between 0 and 1")
    # Binary floats give 891.0000000000002 for a whole 891.
    return np.asarray(np.ceil((1 - rho) / rho * r / (1 - r) - 1e-9), dtype=np.int64)


def beta_binomial_reliability(alpha: float, beta: float, n: ArrayLike, p: ArrayLike) -> FloatArray:
    """Reliability of a clinic's rate when true rates follow a beta distribution.

    Args:
        alpha: First shape of the beta distribution, > 0.
        beta: Second shape, > 0.
        n: People per clinic, any shape, > 0.
        p: The clinic's rate, broadcastable, in [0, 1].

    Returns:
        Variance between over variance between plus p(1-p)/n, same shape.

    Raises:
        ValueError: If a shape or `n` is not above zero or `p` outside [0, 1].

    Source:
        Adams (2009), RAND TR-653; METHODS E3.9b.

    >>> beta_binomial_reliability(20, 25, 30, 0.5).round(4).item()
    0.3918
    """
    a, b = float(positive("alpha", alpha)), float(positive("beta", beta))
    number, rate = np.broadcast_arrays(positive("n", n), finite("p", p))
    met_of_n(rate, np.ones_like(rate))
    between = a * b / ((a + b) ** 2 * (a + b + 1))
    return np.asarray(between / (between + rate * (1 - rate) / number))
