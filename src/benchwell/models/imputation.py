"""Rubin's rules: one answer from several imputed data sets (METHODS M1.6)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, non_negative, same_shape, share, vector


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
    m = len(q)
    mean, within, between = float(q.mean()), float(u.mean()), float(q.var(ddof=1))
    # Imputations that agree to rounding agree: else the degrees of freedom would be noise of 1e30.
    if math.sqrt(between) <= 1e-12 * max(1.0, float(np.abs(q).max())):
        between = 0.0
    total = within + (1 + 1 / m) * between
    missing = (1 + 1 / m) * between / total if total > 0 else 0.0
    df_rubin = (m - 1) / missing**2 if missing > 0 else math.inf
    df = df_rubin if df_complete is None else _barnard_rubin(df_rubin, missing, df_complete)
    half = float(special.stdtrit(df, 0.5 + share("level", level) / 2)) * math.sqrt(total)
    return PooledEstimate(
        estimate=mean,
        within=within,
        between=between,
        total=total,
        se=math.sqrt(total),
        missing_information=missing,
        df_rubin=df_rubin,
        df=df,
        lower=mean - half,
        upper=mean + half,
    )


def _barnard_rubin(df_rubin: float, missing: float, df_complete: float) -> float:
    if not df_complete > 0:
        raise ValueError("df_complete must be above zero")
    df_observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - missing)
    if df_observed == 0:
        return df_rubin
    return 1 / (1 / df_rubin + 1 / df_observed)
