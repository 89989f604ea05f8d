"""Rubin's rules: one answer from several imputed data sets (METHODS M1.6)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy import special

from benchwell.models.arrays import (
    ArrayLike,
    FloatArray,
    finite,
    non_negative,
    positive,
    ratio,
    same_shape,
    share,
    vector,
)


@dataclass(frozen=True)
class PooledEstimate:
    """Result of Rubin's rules.

    Attributes:
        estimate: Mean of the estimates (Q-bar).
        within: Mean of the variances (U-bar).
        between: Variance of the estimates (B).
        total: Total variance T = U-bar + (1 + 1/m) B.
        se: Square root of `total`.
        missing_information: Share of the total variance that is due to missing data (lambda).
        df_rubin: Rubin's degrees of freedom, infinite when the imputations agree.
        df: Barnard-Rubin degrees of freedom, or Rubin's when the complete-data ones are not given.
        lower: Lower limit of the t interval.
        upper: Upper limit.
    """

    estimate: float
    within: float
    between: float
    total: float
    se: float
    missing_information: float
    df_rubin: float
    df: float
    lower: float
    upper: float


@dataclass(frozen=True)
class PooledEstimates:
    """Results of Rubin's rules for many figures at once: the fields of `PooledEstimate`, each an array."""

    estimate: FloatArray
    within: FloatArray
    between: FloatArray
    total: FloatArray
    se: FloatArray
    missing_information: FloatArray
    df_rubin: FloatArray
    df: FloatArray
    lower: FloatArray
    upper: FloatArray


def rubin_rules(
    estimates: ArrayLike, variances: ArrayLike, df_complete: float | None = None, level: float = 0.95
) -> PooledEstimate:
    """Combine the estimates of m imputed data sets.

    Args:
        estimates: One estimate per imputed data set, shape (m,) with m >= 2.
        variances: Their squared standard errors, shape (m,), >= 0.
        df_complete: Degrees of freedom if nothing were missing; None takes them as infinite.
        level: Two-sided confidence level.

    Returns:
        The pooled estimate with its variance parts, degrees of freedom and interval.

    Raises:
        ValueError: If m < 2, shapes differ, a value is NaN or a variance negative.

    Source:
        Rubin (1987), ch. 3; Barnard & Rubin (1999), Biometrika 86:948-955; METHODS E1.6.

    >>> pooled = rubin_rules([.42, .45, .40, .44, .43], [.0030, .0029, .0031, .0030, .0030], df_complete=98)
    >>> round(pooled.df, 2), round(pooled.lower, 4), round(pooled.upper, 4)
    (62.09, 0.3107, 0.5453)
    """
    q = vector("estimates", estimates, at_least=2)
    u = non_negative("variances", variances)
    same_shape(estimates=q, variances=u)
    if df_complete is not None and not df_complete > 0:
        raise ValueError("df_complete must be above zero")
    pooled = rubin_rules_from_moments(
        q.mean(), u.mean(), q.var(ddof=1), len(q), np.inf if df_complete is None else df_complete, level
    )
    return PooledEstimate(**{part.name: float(getattr(pooled, part.name)) for part in fields(PooledEstimate)})


def rubin_rules_from_moments(
    estimate: ArrayLike,
    within: ArrayLike,
    between: ArrayLike,
    m: int,
    df_complete: ArrayLike = np.inf,
    level: float = 0.95,
) -> PooledEstimates:
    """Combine many estimates at once, each from the moments of its m imputed figures.

    Args:
        estimate: Mean of the m estimates, any shape.
        within: Mean of their variances, same shape, >= 0.
        between: Variance of the m estimates (divisor m - 1), same shape, >= 0.
        m: Imputations, >= 2.
        df_complete: Degrees of freedom if nothing were missing, broadcastable, > 0; infinite by default.
        level: Two-sided confidence level.

    Returns:
        The pooled figures, same shape.

    Raises:
        ValueError: If m < 2, a moment is NaN or a variance or `df_complete` not in range.

    Source:
        As `rubin_rules`.

    >>> rubin_rules_from_moments([0.428], [0.0030], [0.00037], 5, 98).df.round(2)
    array([62.09])
    """
    if m < 2:
        raise ValueError("m must be at least 2")
    mean, inside = finite("estimate", estimate), non_negative("within", within)
    spread = non_negative("between", between)
    complete = np.asarray(df_complete, dtype=np.float64)
    if not (complete > 0).all():
        raise ValueError("df_complete must be above zero")
    mean, inside, spread, complete = np.broadcast_arrays(mean, inside, spread, complete)
    # Imputations that agree to rounding agree: else the degrees of freedom would be noise of 1e30.
    added = np.where(np.sqrt(spread) <= 1e-12 * np.maximum(1.0, np.abs(mean)), 0.0, (1 + 1 / m) * spread)
    total = inside + added
    missing = ratio(added, total, empty=0.0)
    df_rubin = ratio(m - 1.0, missing**2, empty=np.inf)
    df = _barnard_rubin(df_rubin, missing, complete)
    half = special.stdtrit(df, 0.5 + share("level", level) / 2) * np.sqrt(total)
    return PooledEstimates(
        estimate=mean,
        within=inside,
        between=added / (1 + 1 / m),
        total=total,
        se=np.sqrt(total),
        missing_information=missing,
        df_rubin=df_rubin,
        df=df,
        lower=mean - half,
        upper=mean + half,
    )


def wilson_from_moments(pooled: PooledEstimates, n: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Limits of a proportion from imputed data: Wilson's, with what was lost to missing data taken off the number.

    They stay inside [0, 1] and keep a width where nobody (or everybody) met the goal. Without missing data, and with
    infinite degrees of freedom, they are Wilson's.

    Args:
        pooled: Pooled proportions, any shape.
        n: People behind each, observed and imputed, broadcastable, > 0.
        level: Two-sided confidence level.

    Returns:
        Lower and upper limits, same shape.

    Source:
        Lott & Reiter (2020), Am Stat 74:109-115: Wilson at n / (1 + r) people with the t quantile of Rubin's degrees
        of freedom, r = (1 + 1/m) B / U-bar; METHODS C4, M1.6.

    >>> pooled = rubin_rules_from_moments([0.5, 0.0], [0.0025, 0.0], [0.0005, 0.0], 20)
    >>> [limits.round(3).tolist() for limits in wilson_from_moments(pooled, 100)]
    [[0.394, 0.0], [0.606, 0.037]]
    """
    # The loss is relative to the variance within; where that is zero nothing was lost that could be seen.
    loss = ratio(pooled.total, pooled.within, empty=1.0)
    p = np.clip(pooled.estimate, 0.0, 1.0)
    # The variance within is zero only if every imputation is 0 or 1; if they disagree, nothing is known at all.
    unknown = (pooled.within == 0) & (pooled.between > 0)
    t = special.stdtrit(pooled.df_rubin, 0.5 + share("level", level) / 2)
    q = t**2 * loss / positive("n", n)
    center, root = (p + q / 2) / (1 + q), np.sqrt(q * p * (1 - p) + q**2 / 4) / (1 + q)
    lower, upper = np.clip(center - root, 0.0, p), np.clip(center + root, p, 1.0)
    return np.where(unknown, 0.0, lower), np.where(unknown, 1.0, upper)


def _barnard_rubin(df_rubin: FloatArray, missing: FloatArray, complete: FloatArray) -> FloatArray:
    known = np.isfinite(complete)
    number = np.where(known, complete, 1.0)
    observed = (number + 1) / (number + 3) * number * (1 - missing)
    joint = 1 / (1 / df_rubin + 1 / np.where(observed > 0, observed, 1.0))
    return np.where(known & (observed > 0), joint, df_rubin)
