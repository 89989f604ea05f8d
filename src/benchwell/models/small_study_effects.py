"""Do small studies show other effects than large ones? Egger's test, and trim and fill as a sensitivity look (M10.3).

Small studies differ for many reasons (sicker people, other doses, chance); unpublished results are one of them. The
tests have little power below ten studies. A filled mean is not an estimate to publish.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy import stats

from benchwell.models.arrays import ArrayLike, FloatArray, positive, same_shape, vector
from benchwell.models.meta_analysis import MetaAnalysis, meta_analysis
from benchwell.models.meta_regression import PooledTest, critical_value, meta_regression, two_sided_p
from benchwell.models.tau2_estimators import Tau2Method, WeightedFit


class TrimAndFillEstimator(StrEnum):
    """Estimator of the number of missing studies (Duval & Tweedie)."""

    L0 = "l0"
    R0 = "r0"
    Q0 = "q0"


class FunnelSide(StrEnum):
    """Side of the funnel on which studies seem to be missing."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class SmallStudyTest:
    """Regression of effects on their standard errors.

    Attributes:
        slope: Change of the effect per unit of standard error: the intercept in Egger's form `y/s` on `1/s`.
        std_error: Its standard error.
        statistic: t, or z when `df` is infinite.
        df: Degrees of freedom.
        p_value: Two-sided p value.
        limit: Effect expected of a study without sampling error.
        limit_lower: Its lower confidence limit.
        limit_upper: Its upper confidence limit.
    """

    slope: float
    std_error: float
    statistic: float
    df: float
    p_value: float
    limit: float
    limit_lower: float
    limit_upper: float


@dataclass(frozen=True)
class TrimAndFill:
    """What the pooled mean would be if the funnel had to be symmetric.

    Attributes:
        n_filled: Studies that seem to be missing.
        side: On which side.
        estimate: Effects with the filled ones at the end, shape (k + n_filled,).
        variance: Their sampling variances.
        filled: Meta-analysis of all of them. Not to be published as the estimate.
        converged: Whether the number of missing studies settled.
    """

    n_filled: int
    side: FunnelSide
    estimate: FloatArray
    variance: FloatArray
    filled: MetaAnalysis
    converged: bool


def egger_test(estimate: ArrayLike, variance: ArrayLike, level: float = 0.95) -> SmallStudyTest:
    """Egger's test: weighted regression of effects on standard errors with a free scale of the residuals.

    Args:
        estimate: Effect sizes, shape (k,), k >= 3.
        variance: Their sampling variances, shape (k,), > 0, not all the same.
        level: Two-sided confidence level of the limit.

    Returns:
        The test on k - 2 degrees of freedom. Publish it from ten studies on.

    Raises:
        ValueError: If there are fewer than three studies or all have the same variance.

    Source:
        Egger et al. (1997), BMJ 315:629-634; METHODS E10.3.

    >>> result = egger_test([-0.9, -1.6, -0.2, 0.0], [0.33, 0.19, 0.05, 0.01])
    >>> round(result.slope, 4), result.df
    (-2.9668, 2.0)
    """
    y, v, X = _on_standard_error(estimate, variance)
    fit, df = WeightedFit(y, v, X, 0.0), float(len(y) - 2)
    errors = np.sqrt(np.diag(fit.covariance) * fit.q / df)
    return _small_study_test(fit.coefficient, errors, df, level)


def meta_regression_test(
    estimate: ArrayLike,
    variance: ArrayLike,
    *,
    method: Tau2Method = Tau2Method.REML,
    test: PooledTest = PooledTest.NORMAL,
    level: float = 0.95,
) -> SmallStudyTest:
    """Test the same regression with additive variance between studies instead of a free scale.

    Args:
        estimate: Effect sizes, shape (k,), k >= 3.
        variance: Their sampling variances, shape (k,), > 0, not all the same.
        method: Estimator of the variance between studies.
        test: How the uncertainty is taken.
        level: Two-sided confidence level of the limit.

    Returns:
        The test.

    Raises:
        ValueError: If there are fewer than three studies or all have the same variance.

    Source:
        Sterne & Egger (2005), in Publication Bias in Meta-Analysis, 99-110.

    >>> meta_regression_test([-0.9, -1.6, -0.2, 0.0], [0.33, 0.19, 0.05, 0.01]).df
    inf
    """
    y, v, X = _on_standard_error(estimate, variance)
    fit = meta_regression(y, v, X[:, 1], method=method, test=test, level=level)
    return _small_study_test(fit.coefficient, fit.std_error, fit.df, level)


def trim_and_fill(
    estimate: ArrayLike,
    variance: ArrayLike,
    *,
    estimator: TrimAndFillEstimator = TrimAndFillEstimator.L0,
    side: FunnelSide | None = None,
    method: Tau2Method = Tau2Method.REML,
    test: PooledTest = PooledTest.KNAPP_HARTUNG_MODIFIED,
    level: float = 0.95,
) -> TrimAndFill:
    """Trim the studies that have no mirror image, find the centre of the rest, fill in the mirror images.

    Args:
        estimate: Effect sizes, shape (k,), k >= 3.
        variance: Their sampling variances, shape (k,), > 0.
        estimator: How the number of missing studies is estimated.
        side: Where studies seem to be missing; by default away from where small studies lie (`meta_regression_test`).
        method: Estimator of the variance between studies.
        test: How the uncertainty is taken.
        level: Two-sided confidence level.

    Returns:
        The filled funnel, a sensitivity look: METHODS M10.3 has it never published as an estimate.

    Raises:
        ValueError: If there are fewer than three studies, or if all have the same variance and no side is given.

    Source:
        Duval & Tweedie (2000), Biometrics 56:455-463 and JASA 95:89-98.

    >>> result = trim_and_fill([-1.6, -0.9, -0.6, -0.2, 0.0], [0.4, 0.3, 0.09, 0.05, 0.01])
    >>> result.n_filled, result.side.value
    (2, 'right')
    """
    y, v = vector("estimate", estimate, at_least=3), positive("variance", variance)
    same_shape(estimate=y, variance=v)
    if side is None:
        # Small studies lie where the slope points to; the ones that are missing would lie on the other side.
        slope = meta_regression_test(y, v, method=method).slope
        side = FunnelSide.RIGHT if slope < 0 else FunnelSide.LEFT
    sign = -1.0 if side is FunnelSide.RIGHT else 1.0
    order = np.argsort(sign * y, kind="stable")
    x, s = (sign * y)[order], v[order]
    missing, center, converged = _trim(x, s, method, estimator)
    extra = np.arange(len(x) - missing, len(x))
    all_y = np.concatenate([y, sign * (2 * center - x[extra])])
    all_v = np.concatenate([v, s[extra]])
    return TrimAndFill(
        n_filled=missing,
        side=side,
        estimate=all_y,
        variance=all_v,
        filled=meta_analysis(all_y, all_v, method=method, test=test, level=level),
        converged=converged,
    )


def _trim(x: FloatArray, s: FloatArray, method: Tau2Method, estimator: TrimAndFillEstimator) -> tuple[int, float, bool]:
    k, missing, center = len(x), 0, 0.0
    for _ in range(100):
        before = missing
        center = meta_analysis(x[: k - before], s[: k - before], method=method, test=PooledTest.NORMAL).mean
        # At least one study stays: a centre of nothing does not exist.
        missing = min(_missing_studies(x - center, estimator), k - 1)
        if missing == before:
            return missing, center, True
    return missing, center, False


def _missing_studies(distance: FloatArray, estimator: TrimAndFillEstimator) -> int:
    k = len(distance)
    rank: npt.NDArray[np.float64] = stats.rankdata(np.abs(distance), method="ordinal")
    above = float(rank[distance > 0].sum())
    if estimator is TrimAndFillEstimator.L0:
        found = (4 * above - k * (k + 1)) / (2 * k - 1)
    elif estimator is TrimAndFillEstimator.R0:
        found = k - float(rank[distance < 0].max(initial=0.0)) - 1
    else:
        found = k - 0.5 - float(np.sqrt(max(2 * k**2 - 4 * above + 0.25, 0.0)))
    return max(0, round(found))


def _on_standard_error(estimate: ArrayLike, variance: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    y, v = vector("estimate", estimate, at_least=3), positive("variance", variance)
    same_shape(estimate=y, variance=v)
    s = np.sqrt(v)
    if np.ptp(s) <= 1e-12 * s.max():
        raise ValueError("all studies have the same variance: small and large ones cannot be compared")
    return y, v, np.column_stack([np.ones(len(y)), s])


def _small_study_test(coefficient: FloatArray, errors: FloatArray, df: float, level: float) -> SmallStudyTest:
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = float(coefficient[1] / errors[1])
    half = critical_value(level, df) * float(errors[0])
    return SmallStudyTest(
        slope=float(coefficient[1]),
        std_error=float(errors[1]),
        statistic=statistic,
        df=df,
        p_value=float(two_sided_p(statistic, df)),
        limit=float(coefficient[0]),
        limit_lower=float(coefficient[0]) - half,
        limit_upper=float(coefficient[0]) + half,
    )
