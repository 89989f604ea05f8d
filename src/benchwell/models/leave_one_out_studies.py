"""How a pooled mean moves when studies leave or join: leave-one-out and cumulative meta-analysis (METHODS M10.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, positive, same_shape, vector
from benchwell.models.meta_analysis import MetaAnalysis, meta_analysis
from benchwell.models.meta_regression import PooledTest
from benchwell.models.tau2_estimators import Tau2Method


@dataclass(frozen=True)
class PooledSeries:
    """A series of meta-analyses, each of shape (k,) or (k - 1,).

    Attributes:
        mean: Pooled effects.
        std_error: Their standard errors.
        lower: Lower confidence limits.
        upper: Upper confidence limits.
        p_value: Two-sided p values.
        tau2: Variances between studies.
        i2_percent: Shares of the variability between studies, percent.
        q: Cochran's Q.
    """

    mean: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    p_value: FloatArray
    tau2: FloatArray
    i2_percent: FloatArray
    q: FloatArray

    @classmethod
    def of(cls, results: Iterable[MetaAnalysis]) -> PooledSeries:
        """Line up meta-analyses.

        >>> PooledSeries.of([meta_analysis([0.2, 0.4], [0.01, 0.01])]).mean.round(2)
        array([0.3])
        """
        fits = list(results)
        return cls(*(np.array([getattr(fit, name) for fit in fits]) for name in cls.__dataclass_fields__))


def leave_one_out(
    estimate: ArrayLike,
    variance: ArrayLike,
    *,
    method: Tau2Method = Tau2Method.REML,
    test: PooledTest = PooledTest.KNAPP_HARTUNG_MODIFIED,
    level: float = 0.95,
) -> PooledSeries:
    """Pool all studies but one, once for each study.

    Args:
        estimate: Effect sizes, shape (k,), k >= 2.
        variance: Their sampling variances, > 0.
        method: Estimator of the variance between studies.
        test: How the uncertainty is taken.
        level: Two-sided confidence level.

    Returns:
        Entry i leaves out study i, shape (k,).

    Raises:
        ValueError: If there are fewer than two studies, or see `meta_analysis`.

    >>> leave_one_out([0.2, 0.4, 0.9], [0.01, 0.01, 0.01]).mean.round(2)
    array([0.65, 0.55, 0.3 ])
    """
    y, v = vector("estimate", estimate, at_least=2), positive("variance", variance)
    same_shape(estimate=y, variance=v)
    return PooledSeries.of(
        meta_analysis(np.delete(y, i), np.delete(v, i), method=method, test=test, level=level) for i in range(len(y))
    )


def cumulative(
    estimate: ArrayLike,
    variance: ArrayLike,
    *,
    method: Tau2Method = Tau2Method.REML,
    test: PooledTest = PooledTest.KNAPP_HARTUNG_MODIFIED,
    level: float = 0.95,
) -> PooledSeries:
    """Pool the first study, the first two and so on; the caller puts them in order (of years, say).

    Args:
        estimate: Effect sizes, shape (k,), in order.
        variance: Their sampling variances, > 0.
        method: Estimator of the variance between studies.
        test: How the uncertainty is taken.
        level: Two-sided confidence level.

    Returns:
        Entry i pools studies 0 to i, shape (k,).

    Raises:
        ValueError: See `meta_analysis`.

    >>> cumulative([0.2, 0.4, 0.9], [0.01, 0.01, 0.01]).mean.round(2)
    array([0.2, 0.3, 0.5])
    """
    y, v = vector("estimate", estimate), positive("variance", variance)
    same_shape(estimate=y, variance=v)
    return PooledSeries.of(
        meta_analysis(y[: i + 1], v[: i + 1], method=method, test=test, level=level) for i in range(len(y))
    )
