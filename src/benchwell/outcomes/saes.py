"""The frozen reference behind severity-adjusted effect sizes, from sums (METHODS M2.7)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.endpoints import severity_adjusted
from benchwell.registry import Measure
from benchwell.registry.measure import SeverityAdjustedEffectSize


@dataclass(frozen=True)
class SaesReference:
    """Line post = intercept + slope * pre, mean gain and SD of the baseline in the reference sample."""

    intercept: float
    slope: float
    mean_change: float
    reference_sd: float
    n: int


def saes_reference(
    n: int,
    sum_baseline: float,
    sum_followup: float,
    sum_baseline_squared: float,
    sum_baseline_followup: float,
    *,
    sign: int = 1,
) -> SaesReference:
    """Fit the reference from a sample's sums; no person's row is needed.

    Args:
        n: Pairs.
        sum_baseline: Σ pre.
        sum_followup: Σ post.
        sum_baseline_squared: Σ pre².
        sum_baseline_followup: Σ pre·post.
        sign: +1 where lower is better, -1 where higher is better.

    Raises:
        ValueError: If there are fewer than 3 pairs, or all baselines are equal.

    Source:
        METHODS M2.7, E2.7.

    >>> pre, post = [12, 16, 20, 14, 18, 22], [7, 9, 10, 10, 8, 16]
    >>> products = sum(x * y for x, y in zip(pre, post))
    >>> fitted = saes_reference(6, sum(pre), sum(post), sum(x * x for x in pre), products)
    >>> round(fitted.intercept, 6), round(fitted.slope, 6), fitted.mean_change, round(fitted.reference_sd, 5)
    (-0.685714, 0.628571, 7.0, 3.74166)
    """
    if n < 3:
        raise ValueError(f"a reference needs at least 3 pairs, got {n}")
    mean_pre, mean_post = sum_baseline / n, sum_followup / n
    spread = sum_baseline_squared - n * mean_pre**2
    if spread <= 0:
        raise ValueError("all baselines are equal: no line can be fitted")
    slope = (sum_baseline_followup - n * mean_pre * mean_post) / spread
    return SaesReference(
        intercept=mean_post - slope * mean_pre,
        slope=slope,
        mean_change=sign * (mean_pre - mean_post),
        reference_sd=math.sqrt(spread / (n - 1)),
        n=n,
    )


def with_saes(outcomes: Frame, measure: Measure, reference: SaesReference, *, sign: int = 1) -> Frame:
    """Fill `value` of a SAES measure's followed episodes from a reference fitted on the pooled sample."""
    endpoint = SeverityAdjustedEffectSize(
        kind="saes",
        intercept=reference.intercept,
        slope=reference.slope,
        mean_change=reference.mean_change,
        reference_sd=reference.reference_sd,
    )
    mine = (nw.col("measure") == measure.id) & (nw.col("status") == "followed")
    return outcomes.with_columns(value=nw.when(mine).then(severity_adjusted(endpoint, sign)).otherwise(nw.col("value")))
