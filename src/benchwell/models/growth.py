"""Growth of one person's scores over time: slopes, shrunken to the mean slope (METHODS M2.8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, finite, non_negative, ratio

# Part of the summed squares that rounding may leave where all times are equal.
ROUNDING = 1e-13


@dataclass(frozen=True, eq=False)
class GrowthSlopes:
    """Slopes of people, in score points per unit of time; all arrays of the same shape.

    Attributes:
        slope: Empirical Bayes slope: reliability * own slope + (1 - reliability) * mean slope.
        reliability: Share of true differences in the variance of the own slopes, B; 0 for people without a slope of
            their own (a single score, or all on one day), whose `slope` is the mean slope.
        own_variance: Sampling variance of the own slope; infinite without one.
        sd: Standard deviation of the true slope given the own one.
    """

    slope: FloatArray
    reliability: FloatArray
    own_variance: FloatArray
    sd: FloatArray


def growth_slopes(
    own_slope: ArrayLike, time_spread: ArrayLike, *, residual_variance: float, slope_variance: float, mean_slope: float
) -> GrowthSlopes:
    """Shrink least-squares slopes of people to the mean slope, each by its own reliability.

    Args:
        own_slope: Least-squares slope of each person, score points per unit of time; ignored where the spread is 0.
        time_spread: Sum of squared deviations of each person's times from their mean, same shape, squared time.
        residual_variance: Variance of a score around its person's line, squared points, > 0.
        slope_variance: Variance of true slopes between people, >= 0.
        mean_slope: Mean slope of all people.

    Raises:
        ValueError: If a variance or a spread is negative, or a value is NaN or infinite.

    Source:
        METHODS M2.8, E2.8; Morris (1983), J Am Stat Assoc 78:47-55.

    >>> person = growth_slopes(-1.228571, 35.0, residual_variance=4.0, slope_variance=0.36, mean_slope=-0.8)
    >>> round(float(person.reliability), 4), round(float(person.slope), 4)
    (0.759, -1.1253)
    """
    spread = non_negative("time_spread", time_spread)
    own = np.where(spread > 0, finite("own_slope", own_slope), mean_slope)
    if not (residual_variance > 0 and slope_variance >= 0 and np.isfinite(mean_slope)):
        raise ValueError("residual_variance must be above zero, slope_variance at least zero and mean_slope finite")
    information = slope_variance * spread
    reliability = information / (information + residual_variance)
    return GrowthSlopes(
        slope=np.asarray(reliability * own + (1 - reliability) * mean_slope),
        reliability=reliability,
        own_variance=ratio(residual_variance, spread, empty=np.inf),
        sd=np.sqrt(slope_variance * (1 - reliability)),
    )


def own_slopes(
    n: ArrayLike, time: ArrayLike, time_squared: ArrayLike, score: ArrayLike, time_score: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Least-squares slope of each person and the spread of their times, from sums over their scores.

    Args:
        n: Scores per person, >= 1.
        time: Sum of times.
        time_squared: Sum of squared times.
        score: Sum of scores.
        time_score: Sum of time times score.

    Returns:
        Slopes (0 where all scores are of one time) and spreads, same shape.

    Raises:
        ValueError: If a person has no score, or a value is NaN or infinite.

    >>> slope, spread = own_slopes(4, 14, 84, 54, 146)
    >>> round(float(slope), 6), float(spread)
    (-1.228571, 35.0)
    """
    count, t = finite("n", n), finite("time", time)
    if (count < 1).any():
        raise ValueError("n must be at least 1: a person without a score has no slope")
    squares = finite("time_squared", time_squared)
    spread = squares - t**2 / count
    spread = np.where(spread > ROUNDING * squares, spread, 0.0)
    crossed = finite("time_score", time_score) - t * finite("score", score) / count
    return ratio(crossed, spread, empty=0.0), spread
