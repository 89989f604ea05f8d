"""Meta-analysis with moderators: pooled coefficients, what is left between studies, tests and predictions (M10.1).

A relation between studies is observational, whatever the design of each study: the studies differ in more than the
moderator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, finite, positive, same_shape, share, vector
from benchwell.models.tau2_estimators import (
    Tau2Estimate,
    Tau2Method,
    WeightedFit,
    estimate_tau2,
    log_likelihood,
)


class PooledTest(StrEnum):
    """How the uncertainty of pooled coefficients is taken."""

    NORMAL = "normal"
    """Wald: normal quantiles, as if tau squared were known."""
    KNAPP_HARTUNG = "knapp-hartung"
    """Standard errors scaled by the residual spread, Student's t with k - p degrees of freedom."""
    KNAPP_HARTUNG_MODIFIED = "knapp-hartung-modified"
    """The same, never narrower than Wald's standard error."""


@dataclass(frozen=True)
class Predictions:
    """Pooled effects at chosen moderators, or of single studies.

    Attributes:
        estimate: Predicted effects, shape (m,).
        std_error: Their standard errors.
        lower: Lower confidence limits.
        upper: Upper confidence limits.
        prediction_lower: Lower limits for the true effect of one further study; for a study's own shrunken effect the
            same as `lower`.
        prediction_upper: Upper limits, likewise.
    """

    estimate: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    prediction_lower: FloatArray
    prediction_upper: FloatArray


@dataclass(frozen=True)
class MetaRegression:
    """A fitted meta-regression; with no moderator it is a meta-analysis of one mean.

    Attributes:
        coefficient: Pooled coefficients, shape (p,); the intercept first if there is one.
        std_error: Their standard errors.
        lower: Lower confidence limits.
        upper: Upper confidence limits.
        statistic: Coefficients over standard errors: z, or t with `df`.
        p_value: Two-sided p values.
        covariance: Covariance of the coefficients, shape (p, p).
        df: Degrees of freedom of Student's t; infinite for the normal test.
        level: Two-sided confidence level of the limits.
        method: Estimator of tau squared.
        test: How uncertainty was taken.
        tau2: Variance between studies that the moderators leave.
        i2_percent: Share of the variability that lies between studies, percent.
        h2: Total over sampling variability.
        q: Cochran's Q of the residuals (`QE`).
        q_p_value: Its p value on k - p degrees of freedom; 1 without any.
        moderator_statistic: Test of all coefficients but the intercept (`QM`): chi squared, or F with `df` below it.
        moderator_df: Its (upper) degrees of freedom.
        moderator_p_value: Its p value; NaN without moderators.
        r2_percent: Share of tau squared that the moderators take away, percent, 0 if they take none; NaN without
            moderators. Very uncertain with few studies.
        log_likelihood: Restricted for REML, plain for all other methods.
        k: Number of studies.
    """

    coefficient: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    covariance: FloatArray
    df: float
    level: float
    method: Tau2Method
    test: PooledTest
    tau2: Tau2Estimate
    i2_percent: float
    h2: float
    q: float
    q_p_value: float
    moderator_statistic: float
    moderator_df: int
    moderator_p_value: float
    r2_percent: float
    log_likelihood: float
    k: int


def indicator_columns(codes: ArrayLike, reference: int = 0) -> FloatArray:
    """Columns of 0 and 1 for a moderator with categories, one for each category but the reference.

    Args:
        codes: Category of each study, shape (k,), whole numbers.
        reference: Category that the others are compared with.

    Returns:
        Shape (k, categories - 1), categories in ascending order.

    Raises:
        ValueError: If no study has the reference category.

    >>> indicator_columns([0, 2, 1, 0])
    array([[0., 0.],
           [0., 1.],
           [1., 0.],
           [0., 0.]])
    """
    category = vector("codes", codes)
    known = np.unique(category)
    if reference not in known:
        raise ValueError("no study has the reference category")
    return np.asarray(category[:, None] == known[known != reference], dtype=np.float64)


def meta_regression(
    estimate: ArrayLike,
    variance: ArrayLike,
    moderators: ArrayLike,
    *,
    intercept: bool = True,
    method: Tau2Method = Tau2Method.REML,
    test: PooledTest = PooledTest.KNAPP_HARTUNG_MODIFIED,
    level: float = 0.95,
    root_tolerance: float = 0.0,
) -> MetaRegression:
    """Pool effect sizes as a linear function of moderators.

    Args:
        estimate: Effect sizes, shape (k,).
        variance: Their sampling variances, shape (k,), > 0.
        moderators: One column per moderator, shape (k, m), or (k,) for one.
        intercept: Whether a column of ones is put first.
        method: Estimator of the variance between studies.
        test: How the uncertainty is taken. Both Knapp-Hartung tests are NaN when no degree of freedom is left.
        level: Two-sided confidence level.
        root_tolerance: See `estimate_tau2`.

    Returns:
        The fit.

    Raises:
        ValueError: If shapes differ, a value is NaN, a variance not above zero, there are fewer studies than
            coefficients, or the moderators depend on each other.

    Source:
        Viechtbauer (2010), J Stat Softw 36(3); Knapp & Hartung (2003), Stat Med 22:2693-2710; Raudenbush (2009).

    >>> y, v = [-0.9, -1.6, -0.2, 0.0], [0.33, 0.19, 0.05, 0.01]
    >>> meta_regression(y, v, [44, 55, 13, 10], test=PooledTest.NORMAL).coefficient.round(4)
    array([ 0.3191, -0.0333])
    """
    y, v = vector("estimate", estimate), positive("variance", variance)
    same_shape(estimate=y, variance=v)
    Z = finite("moderators", moderators)
    Z = Z[:, None] if Z.ndim == 1 else Z
    if Z.ndim != 2 or len(Z) != len(y):
        raise ValueError(f"moderators must have one row per study: {len(y)} studies, shape {Z.shape}")
    X = np.column_stack([np.ones(len(y)), Z]) if intercept else Z
    fit = fit_design(y, v, X, method, test, level, root_tolerance)
    tested = np.arange(int(intercept), X.shape[1])
    if len(tested) == 0:
        return fit
    statistic, p_value = _joint_test(fit, tested)
    return replace(
        fit,
        moderator_statistic=statistic,
        moderator_df=len(tested),
        moderator_p_value=p_value,
        r2_percent=_explained(y, v, X, fit, root_tolerance) if intercept else float("nan"),
    )


def fit_design(
    y: FloatArray,
    v: FloatArray,
    X: FloatArray,
    method: Tau2Method,
    test: PooledTest,
    level: float,
    root_tolerance: float = 0.0,
) -> MetaRegression:
    """Pool by a ready design matrix, without the test of moderators; see `meta_regression`.

    >>> y, v = np.array([0.2, 0.4]), np.array([0.01, 0.01])
    >>> fit = fit_design(y, v, np.ones((2, 1)), Tau2Method.REML, PooledTest.NORMAL, 0.95)
    >>> fit.coefficient.round(6), round(fit.tau2.value, 6)
    (array([0.3]), 0.01)
    """
    k, p = X.shape
    if k < p:
        raise ValueError(f"{k} studies cannot carry {p} coefficients")
    if np.linalg.matrix_rank(X) < p:
        raise ValueError("moderators depend on each other; leave one out")
    tau2 = estimate_tau2(y, v, X, method, root_tolerance)
    pooled, common = WeightedFit(y, v, X, tau2.value), WeightedFit(y, v, X, 0.0)
    covariance, df = pooled.covariance * _scale(pooled.q, k - p, test), _test_df(k - p, test)
    std_error = np.sqrt(np.diag(covariance))
    statistic = pooled.coefficient / std_error
    half = critical_value(level, df) * std_error
    i2_percent, h2 = _heterogeneity(common, tau2.value, k - p, method)
    return MetaRegression(
        coefficient=pooled.coefficient,
        std_error=std_error,
        lower=pooled.coefficient - half,
        upper=pooled.coefficient + half,
        statistic=statistic,
        p_value=two_sided_p(statistic, df),
        covariance=covariance,
        df=df,
        level=level,
        method=method,
        test=test,
        tau2=tau2,
        i2_percent=i2_percent,
        h2=h2,
        q=common.q if k > p else 0.0,
        q_p_value=float(special.chdtrc(k - p, common.q)) if k > p else 1.0,
        moderator_statistic=float("nan"),
        moderator_df=0,
        moderator_p_value=float("nan"),
        r2_percent=float("nan"),
        log_likelihood=log_likelihood(y, v, X, tau2.value, restricted=method is Tau2Method.REML),
        k=k,
    )


def predict_effects(fit: MetaRegression, rows: ArrayLike, prediction_df: float | None = None) -> Predictions:
    """Pooled effects at rows of moderators, with the range for the true effect of one further study.

    Args:
        fit: A fit.
        rows: Design rows, shape (m, p), with the 1 of the intercept first if the fit has one.
        prediction_df: Degrees of freedom of the prediction limits; by default those of the confidence limits. With
            zero or fewer they are NaN.

    Returns:
        Predictions.

    Raises:
        ValueError: If the rows have another number of columns than the fit has coefficients.

    Source:
        Higgins, Thompson & Spiegelhalter (2009), JRSS A 172:137-159.

    >>> fit = meta_regression([0.2, 0.4, 0.9], [0.01, 0.01, 0.01], [0, 1, 2], test=PooledTest.NORMAL)
    >>> predict_effects(fit, [[1.0, 1.5]]).estimate.round(4).item()
    0.675
    """
    X = np.atleast_2d(finite("rows", rows))
    if X.shape[1] != len(fit.coefficient):
        raise ValueError(f"rows need {len(fit.coefficient)} columns, got {X.shape[1]}")
    middle = X @ fit.coefficient
    variance = np.einsum("ij,jk,ik->i", X, fit.covariance, X)
    half = critical_value(fit.level, fit.df) * np.sqrt(variance)
    df = fit.df if prediction_df is None else prediction_df
    wide = critical_value(fit.level, df) * np.sqrt(variance + fit.tau2.value)
    return Predictions(
        estimate=middle,
        std_error=np.sqrt(variance),
        lower=middle - half,
        upper=middle + half,
        prediction_lower=middle - wide,
        prediction_upper=middle + wide,
    )


def shrunken_effects(fit: MetaRegression, estimate: ArrayLike, variance: ArrayLike, X: ArrayLike) -> Predictions:
    """Each study's own effect pulled towards what the fit expects of it (best linear unbiased prediction).

    Args:
        fit: A fit.
        estimate: The effect sizes it was fitted to, shape (k,).
        variance: Their sampling variances.
        X: Design rows of the studies, shape (k, p).

    Returns:
        Shrunken effects; their standard errors include the doubt about the coefficients, not the one about tau squared.

    Source:
        Raudenbush & Bryk (1985), J Educ Stat 10:75-98.

    >>> y, v, ones = np.array([0.2, 0.4]), np.array([0.01, 0.01]), np.ones((2, 1))
    >>> fit = fit_design(y, v, ones, Tau2Method.REML, PooledTest.NORMAL, 0.95)
    >>> shrunken_effects(fit, y, v, ones).estimate.round(4)
    array([0.25, 0.35])
    """
    y, v, rows = vector("estimate", estimate), positive("variance", variance), finite("X", X)
    same_shape(estimate=y, variance=v)
    own = fit.tau2.value / (fit.tau2.value + v)
    middle = own * y + (1 - own) * (rows @ fit.coefficient)
    spread = own * v + (1 - own) ** 2 * np.einsum("ij,jk,ik->i", rows, fit.covariance, rows)
    half = critical_value(fit.level, fit.df) * np.sqrt(spread)
    lower, upper = middle - half, middle + half
    return Predictions(middle, np.sqrt(spread), lower, upper, lower, upper)


def critical_value(level: float, df: float) -> float:
    """Two-sided critical value of Student's t, of the normal for infinite `df`; NaN without degrees of freedom.

    >>> round(critical_value(0.95, float("inf")), 4), round(critical_value(0.95, 12), 4)
    (1.96, 2.1788)
    """
    upper = 0.5 + share("level", level) / 2
    if np.isinf(df):
        return float(special.ndtri(upper))
    return float(special.stdtrit(df, upper)) if df > 0 else float("nan")


def two_sided_p(statistic: ArrayLike, df: float) -> FloatArray:
    """Two-sided p values of z (infinite `df`) or t; NaN without degrees of freedom.

    >>> two_sided_p([1.96], float("inf")).round(4)
    array([0.05])
    """
    below = -np.abs(np.asarray(statistic, dtype=np.float64))
    if np.isinf(df):
        return np.asarray(2 * special.ndtr(below))
    return np.asarray(2 * special.stdtr(df, below)) if df > 0 else np.full(below.shape, np.nan)


def _scale(q: float, df: int, test: PooledTest) -> float:
    if test is PooledTest.NORMAL:
        return 1.0
    if df == 0:
        return float("nan")
    return max(1.0, q / df) if test is PooledTest.KNAPP_HARTUNG_MODIFIED else q / df


def _test_df(df: int, test: PooledTest) -> float:
    return float("inf") if test is PooledTest.NORMAL else float(df)


def _heterogeneity(common: WeightedFit, tau2: float, df: int, method: Tau2Method) -> tuple[float, float]:
    if df == 0:
        return 0.0, 1.0
    if method is Tau2Method.COMMON_EFFECT:
        return (max(0.0, 100 * (common.q - df) / common.q) if common.q > 0 else 0.0), common.q / df
    typical = df / common.trace()
    return 100 * tau2 / (typical + tau2), tau2 / typical + 1


def _joint_test(fit: MetaRegression, tested: npt.NDArray[np.int64]) -> tuple[float, float]:
    b = fit.coefficient[tested]
    wald = float(b @ np.linalg.solve(fit.covariance[np.ix_(tested, tested)], b)) if fit.df > 0 else float("nan")
    if np.isinf(fit.df):
        return wald, float(special.chdtrc(len(tested), wald))
    f = wald / len(tested)
    return f, float(special.fdtrc(len(tested), fit.df, f)) if fit.df > 0 else float("nan")


def _explained(y: FloatArray, v: FloatArray, X: FloatArray, fit: MetaRegression, root_tolerance: float) -> float:
    ones = np.ones((len(y), 1))
    if fit.method is Tau2Method.COMMON_EFFECT:
        if fit.k == X.shape[1]:
            return float("nan")
        total = WeightedFit(y, v, ones, 0.0).q / (fit.k - 1)
        left = fit.q / (fit.k - X.shape[1])
    else:
        total = estimate_tau2(y, v, ones, fit.method, root_tolerance).value
        left = fit.tau2.value
    return max(0.0, 100 * (total - left) / total) if total > 0 else 0.0
