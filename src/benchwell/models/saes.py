"""Severity-adjusted effect size: gain beyond what a reference sample gains from the same start (METHODS M2.7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, finite
from benchwell.models.effect_size import PairedSums
from benchwell.terms import Better


@dataclass(frozen=True)
class SaesReference:
    """Frozen reference fit: follow-up predicted from baseline.

    Attributes:
        intercept: b0 of follow-up = b0 + b1 * baseline, points.
        slope: b1, points per point.
        mean_gain: Mean gain of the reference sample, points, positive is improvement.
        sd: Baseline standard deviation of the reference sample, points.
        n: People in the reference sample.
        better: Direction in which the score improves.
    """

    intercept: float
    slope: float
    mean_gain: float
    sd: float
    n: int
    better: Better


def saes_reference(before: ArrayLike, after: ArrayLike, better: Better = Better.LOWER) -> SaesReference:
    """Fit the reference line on people in the clinical range.

    Args:
        before: Baseline scores of the reference sample, shape (n,), points, n >= 3.
        after: Their follow-up scores, shape (n,), points.
        better: Direction in which the score improves.

    Returns:
        The reference, to be frozen in the edition.

    Raises:
        ValueError: If n < 3, all baselines are equal, shapes differ or a score is NaN.

    Source:
        METHODS M2.7, E2.7.

    >>> reference = saes_reference([12, 16, 20, 14, 18, 22], [7, 9, 10, 10, 8, 16])
    >>> round(reference.intercept, 6), round(reference.slope, 6)
    (-0.685714, 0.628571)
    """
    return saes_reference_from_sums(PairedSums.of(before, after), better)


def saes_reference_from_sums(sums: PairedSums, better: Better = Better.LOWER) -> SaesReference:
    """Fit the reference line from sums over pairs, each of shape ().

    Raises:
        ValueError: If there are fewer than 3 pairs or all baselines are equal.
    """
    n = float(sums.n)
    if n < 3:
        raise ValueError("a reference needs at least 3 pairs")
    mean_before, mean_after = float(sums.before) / n, float(sums.after) / n
    spread = float(sums.before_squared) - n * mean_before**2
    if spread <= 1e-12 * float(sums.before_squared):
        raise ValueError("all baselines of the reference are equal")
    slope = (float(sums.product) - n * mean_before * mean_after) / spread
    sign = 1.0 if better is Better.LOWER else -1.0
    return SaesReference(
        intercept=mean_after - slope * mean_before,
        slope=slope,
        mean_gain=sign * (mean_before - mean_after),
        sd=float(np.sqrt(spread / (n - 1))),
        n=round(n),
        better=better,
    )


def saes(reference: SaesReference, before: ArrayLike, after: ArrayLike) -> FloatArray:
    """Severity-adjusted effect size of each person, or of a group from its mean scores.

    Args:
        reference: The frozen reference.
        before: Baseline scores (or a group's mean), any shape, points.
        after: Follow-up scores (or a group's mean), broadcastable, points.

    Returns:
        Effect sizes, same shape, in reference standard deviations; positive is improvement. The formula is linear,
        so the value at a group's means is the mean of its members' values.

    Raises:
        ValueError: If a score is NaN.

    Source:
        METHODS M2.7, E2.7.

    >>> reference = saes_reference([12, 16, 20, 14, 18, 22], [7, 9, 10, 10, 8, 16])
    >>> saes(reference, [19, 13], [9, 9]).round(4)
    array([2.4741, 1.4661])
    """
    predicted = reference.intercept + reference.slope * finite("before", before)
    sign = 1.0 if reference.better is Better.LOWER else -1.0
    residual_gain = sign * (predicted - finite("after", after))
    return np.asarray((reference.mean_gain + residual_gain) / reference.sd)
