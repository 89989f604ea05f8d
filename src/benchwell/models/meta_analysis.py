"""Random-effects meta-analysis of one mean: REML by default, Knapp-Hartung limits, prediction interval (METHODS M10.1).

The pooled mean is the average over a population of studies; the prediction interval is where the effect of one
further study is expected, and is the wider and usually the more honest figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, positive, same_shape, share, vector
from benchwell.models.meta_regression import (
    MetaRegression,
    PooledTest,
    Predictions,
    critical_value,
    fit_design,
    shrunken_effects,
)
from benchwell.models.tau2_estimators import Tau2Method, WeightedFit, tau2_where_q_is


@dataclass(frozen=True)
class MetaAnalysis:
    """A pooled mean with what differs between studies.

    Attributes:
        mean: Pooled effect.
        std_error: Its standard error.
        lower: Lower confidence limit.
        upper: Upper confidence limit.
        statistic: z, or t with `df`.
        p_value: Two-sided p value.
        df: Degrees of freedom of Student's t; infinite for the normal test.
        prediction_lower: Lower limit for the true effect of one further study, same distribution as the limits.
        prediction_upper: Upper limit.
        tau2: Variance between studies.
        tau2_std_error: Its standard error; NaN for a common effect or one study.
        i2_percent: Share of the variability that lies between studies, percent.
        h2: Total over sampling variability.
        q: Cochran's Q.
        q_p_value: Its p value; 1 for one study.
        log_likelihood: Restricted for REML, plain for all other methods.
        k: Number of studies.
        fit: The same as a regression on a constant.
    """

    mean: float
    std_error: float
    lower: float
    upper: float
    statistic: float
    p_value: float
    df: float
    prediction_lower: float
    prediction_upper: float
    tau2: float
    tau2_std_error: float
    i2_percent: float
    h2: float
    q: float
    q_p_value: float
    log_likelihood: float
    k: int
    fit: MetaRegression

    def prediction_interval(self, df: float) -> tuple[float, float]:
        """Prediction limits with Student's t of other degrees of freedom; NaN when `df` is not above zero.

        >>> low, high = meta_analysis([0.1, 0.5, 0.9], [0.01, 0.02, 0.01]).prediction_interval(df=1)
        >>> round(low, 3), round(high, 3)
        (-5.304, 6.304)
        """
        half = critical_value(self.fit.level, df) * float(np.sqrt(self.std_error**2 + self.tau2))
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class HeterogeneityInterval:
    """Q-profile limits of the variance between studies, and what follows from them.

    Attributes:
        tau2_lower: Lower limit of tau squared.
        tau2_upper: Upper limit; infinite for one study.
        i2_percent_lower: Lower limit of I squared, percent.
        i2_percent_upper: Upper limit of I squared, percent.
        h2_lower: Lower limit of H squared.
        h2_upper: Upper limit of H squared.
        empty: Whether the studies agree so closely that no tau squared fits them; the limits are then 0.
    """

    tau2_lower: float
    tau2_upper: float
    i2_percent_lower: float
    i2_percent_upper: float
    h2_lower: float
    h2_upper: float
    empty: bool


def meta_analysis(
    estimate: ArrayLike,
    variance: ArrayLike,
    *,
    method: Tau2Method = Tau2Method.REML,
    test: PooledTest = PooledTest.KNAPP_HARTUNG_MODIFIED,
    level: float = 0.95,
    root_tolerance: float = 0.0,
) -> MetaAnalysis:
    """Pool effect sizes of studies into one mean.

    Args:
        estimate: Effect sizes, shape (k,), log scale for ratios.
        variance: Their sampling variances, shape (k,), > 0.
        method: Estimator of the variance between studies.
        test: How the uncertainty is taken. One study has no Knapp-Hartung limits (NaN).
        level: Two-sided confidence level.
        root_tolerance: See `estimate_tau2`.

    Returns:
        The pooled mean.

    Raises:
        ValueError: If there is no study, shapes differ, a value is NaN or a variance not above zero.

    Source:
        DerSimonian & Laird (1986); Hartung & Knapp (2001), Stat Med 20:3875-3889; Roever et al. (2015), BMC Med Res
        Methodol 15:99; Higgins, Thompson & Spiegelhalter (2009); METHODS E10.1.

    >>> result = meta_analysis([-0.9, -1.6, -0.2, 0.0], [0.33, 0.19, 0.05, 0.01])
    >>> round(result.mean, 4), round(result.tau2, 4), result.k
    (-0.571, 0.4141, 4)
    """
    y, v = vector("estimate", estimate), positive("variance", variance)
    same_shape(estimate=y, variance=v)
    fit = fit_design(y, v, np.ones((len(y), 1)), method, test, level, root_tolerance)
    mean, error = float(fit.coefficient[0]), float(fit.std_error[0])
    wide = critical_value(level, fit.df) * float(np.sqrt(error**2 + fit.tau2.value))
    return MetaAnalysis(
        mean=mean,
        std_error=error,
        lower=float(fit.lower[0]),
        upper=float(fit.upper[0]),
        statistic=float(fit.statistic[0]),
        p_value=float(fit.p_value[0]),
        df=fit.df,
        prediction_lower=mean - wide,
        prediction_upper=mean + wide,
        tau2=fit.tau2.value,
        tau2_std_error=fit.tau2.std_error,
        i2_percent=fit.i2_percent,
        h2=fit.h2,
        q=fit.q,
        q_p_value=fit.q_p_value,
        log_likelihood=fit.log_likelihood,
        k=fit.k,
        fit=fit,
    )


def shrunken_study_effects(result: MetaAnalysis, estimate: ArrayLike, variance: ArrayLike) -> Predictions:
    """Each study's own effect pulled towards the pooled mean.

    >>> result = meta_analysis([0.2, 0.4], [0.01, 0.01])
    >>> shrunken_study_effects(result, [0.2, 0.4], [0.01, 0.01]).estimate.round(4)
    array([0.25, 0.35])
    """
    return shrunken_effects(result.fit, estimate, variance, np.ones((result.k, 1)))


def heterogeneity_interval(
    estimate: ArrayLike,
    variance: ArrayLike,
    moderators: ArrayLike | None = None,
    *,
    level: float = 0.95,
    root_tolerance: float = 0.0,
) -> HeterogeneityInterval:
    """Q-profile interval of the variance between studies, whatever the estimator of its point value.

    Args:
        estimate: Effect sizes, shape (k,).
        variance: Their sampling variances, shape (k,), > 0.
        moderators: Columns of moderators beside the intercept, shape (k, m), or None.
        level: Two-sided confidence level.
        root_tolerance: Absolute tolerance of the search from 0 to 100, to check figures of programs that stop early
            (`brent_root.R_UNIROOT_TOLERANCE`); 0 is exact.

    Returns:
        Limits of tau squared, I squared and H squared.

    Raises:
        ValueError: If shapes differ, a value is NaN or a variance not above zero.

    Source:
        Viechtbauer (2007), Stat Med 26:37-52.

    >>> interval = heterogeneity_interval([0.1, 0.5, 0.9], [0.01, 0.02, 0.01])
    >>> round(interval.tau2_lower, 4), round(interval.tau2_upper, 3)
    (0.0334, 6.31)
    """
    y, v = vector("estimate", estimate), positive("variance", variance)
    same_shape(estimate=y, variance=v)
    ones = np.ones((len(y), 1))
    X = ones if moderators is None else np.column_stack([ones, vector_or_columns(moderators, len(y))])
    df, tail = len(y) - X.shape[1], (1 - share("level", level)) / 2
    if df < 1:
        return HeterogeneityInterval(0.0, float("inf"), 0.0, 100.0, 1.0, float("inf"), empty=False)
    common = WeightedFit(y, v, X, 0.0)
    few, many = float(special.chdtri(df, 1 - tail)), float(special.chdtri(df, tail))
    lower = tau2_where_q_is(many, y, v, X, root_tolerance)
    upper = tau2_where_q_is(few, y, v, X, root_tolerance)
    typical = df / common.trace()
    return HeterogeneityInterval(
        tau2_lower=lower,
        tau2_upper=upper,
        i2_percent_lower=100 * lower / (typical + lower),
        i2_percent_upper=100 * upper / (typical + upper),
        h2_lower=lower / typical + 1,
        h2_upper=upper / typical + 1,
        empty=common.q < few,
    )


def vector_or_columns(values: ArrayLike, rows: int) -> FloatArray:
    """Moderators as columns, shape (rows, m), from one vector or from columns.

    >>> vector_or_columns([1, 2], 2).shape
    (2, 1)
    """
    Z = np.asarray(values, dtype=np.float64)
    Z = Z[:, None] if Z.ndim == 1 else Z
    if Z.ndim != 2 or len(Z) != rows or not np.isfinite(Z).all():
        raise ValueError(f"moderators must be finite with one row per study: {rows} studies, shape {Z.shape}")
    return Z
