"""Pre-post effect sizes of a group, from people or from sums (METHODS M2.6).

A pre-post effect size is not a treatment effect: people also change untreated. Whoever shows one says so beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, finite, non_negative, ratio, same_shape, share, vector
from benchwell.terms import Better


@dataclass(frozen=True)
class PairedSums:
    """The sums over pairs of scores that a pre-post effect size needs, all of the same shape.

    Attributes:
        n: Pairs.
        before: Sum of baseline scores, points.
        before_squared: Sum of their squares.
        after: Sum of follow-up scores, points.
        after_squared: Sum of their squares.
        product: Sum of baseline times follow-up.
    """

    n: FloatArray
    before: FloatArray
    before_squared: FloatArray
    after: FloatArray
    after_squared: FloatArray
    product: FloatArray

    @classmethod
    def of(cls, before: ArrayLike, after: ArrayLike) -> PairedSums:
        """Sum the paired scores of one group of people, both of shape (n,).

        >>> PairedSums.of([18, 14], [8, 9]).product.item()
        270.0
        """
        x, y = vector("before", before), vector("after", after)
        same_shape(before=x, after=y)
        sums = [len(x), x.sum(), (x**2).sum(), y.sum(), (y**2).sum(), (x * y).sum()]
        return cls(*(np.asarray(term, dtype=np.float64) for term in sums))


@dataclass(frozen=True)
class PairedEffectSize:
    """A pre-post effect size, one per group; positive is improvement. NaN where it cannot be computed.

    Attributes:
        d: Mean gain over the baseline standard deviation.
        g: `d` with Hedges' small-sample correction.
        correction: The factor J.
        correlation: Correlation of baseline and follow-up.
        sd_before: Baseline standard deviation (divisor n - 1), points.
        variance: Large-sample variance of `g`.
        lower: Lower limit of the normal interval of `g`.
        upper: Upper limit.
    """

    d: FloatArray
    g: FloatArray
    correction: FloatArray
    correlation: FloatArray
    sd_before: FloatArray
    variance: FloatArray
    lower: FloatArray
    upper: FloatArray


def hedges_correction(df: ArrayLike) -> FloatArray:
    """Hedges' exact small-sample correction J.

    Args:
        df: Degrees of freedom, any shape, > 1 (n - 1 for a paired design).

    Returns:
        Factors in (0, 1), same shape; NaN where `df` <= 1, for which it does not exist.

    Raises:
        ValueError: If `df` is NaN.

    Source:
        Hedges (1981), J Educ Stat 6:107-128; METHODS E2.6.

    >>> hedges_correction(5).round(4).item()
    0.8407
    """
    m = finite("df", df)
    exists = m > 1
    safe = np.where(exists, m, 2.0)
    log_j = special.gammaln(safe / 2) - special.gammaln((safe - 1) / 2) - np.log(safe / 2) / 2
    return np.where(exists, np.exp(log_j), np.nan)


def paired_effect_size(
    before: ArrayLike, after: ArrayLike, better: Better = Better.LOWER, level: float = 0.95
) -> PairedEffectSize:
    """Pre-post effect size of one group of people.

    Args:
        before: Baseline scores, shape (n,), points.
        after: Follow-up scores of the same people in the same order, shape (n,), points.
        better: Direction in which the score improves.
        level: Two-sided confidence level.

    Returns:
        The effect size with its parts, each of shape ().

    Raises:
        ValueError: If shapes differ or a score is NaN.

    Source:
        Hedges (1981); Becker (1988), Br J Math Stat Psychol 41:257-278; METHODS E2.6.

    >>> result = paired_effect_size([18, 14, 21, 11, 16, 12], [8, 9, 15, 4, 17, 3])
    >>> result.g.round(4).item(), result.variance.round(4).item()
    (1.3355, 0.2386)
    """
    return paired_effect_size_from_sums(PairedSums.of(before, after), better, level)


def paired_effect_size_from_sums(
    sums: PairedSums, better: Better = Better.LOWER, level: float = 0.95
) -> PairedEffectSize:
    """Recompute pre-post effect sizes from sums, one per group.

    Args:
        sums: Sums over pairs, each of shape (k,) or ().
        better: Direction in which the score improves.
        level: Two-sided confidence level.

    Returns:
        Effect sizes, same shape. With fewer than 3 pairs, or without any spread at baseline, they are NaN.

    Raises:
        ValueError: If a sum is NaN.
    """
    n = non_negative("n", sums.n)
    mean_before, mean_after = ratio(sums.before, n), ratio(sums.after, n)
    spread_before = _sum_of_squares(sums.before_squared, n, mean_before, mean_before)
    spread_after = _sum_of_squares(sums.after_squared, n, mean_after, mean_after)
    shared = finite("product", sums.product) - n * mean_before * mean_after
    sd = np.sqrt(ratio(spread_before, n - 1))
    sign = 1.0 if better is Better.LOWER else -1.0
    with np.errstate(invalid="ignore"):
        d = sign * ratio(mean_before - mean_after, sd)
        r = np.clip(ratio(shared, np.sqrt(spread_before * spread_after), empty=0.0), -1.0, 1.0)
        j = hedges_correction(n - 1)
        g = j * d
        variance = ratio(2 * (1 - r), n) + ratio(g**2, 2 * n)
    half = float(special.ndtri(0.5 + share("level", level) / 2)) * np.sqrt(variance)
    return PairedEffectSize(
        d=d, g=g, correction=j, correlation=r, sd_before=sd, variance=variance, lower=g - half, upper=g + half
    )


def _sum_of_squares(squared: ArrayLike, n: FloatArray, mean_x: FloatArray, mean_y: FloatArray) -> FloatArray:
    """Centered sum of squares; what is left of equal scores after rounding is zero, not a tiny spread."""
    raw = finite("sum of squares", squared)
    centered = raw - n * mean_x * mean_y
    return np.where(centered > 1e-12 * np.abs(raw), centered, 0.0)
