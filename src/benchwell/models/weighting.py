"""Means weighted by the inverse probability of follow-up (METHODS M1.5).

Every figure follows from five sums per clinic, so an edition can recompute it without a patient row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, finite, non_negative, ratio, same_shape
from benchwell.models.intervals import wilson


@dataclass(frozen=True)
class WeightedMean:
    """A weighted mean with its linearized standard error, one per clinic.

    Attributes:
        estimate: Sum of w*y over sum of w; NaN where no weight is positive.
        se: Linearized (sandwich) standard error with the weights taken as known; NaN where `estimate` is.
        effective_n: Kish's effective number of people, (sum of w)^2 over sum of w^2; 0 where no weight is positive.
    """

    estimate: FloatArray
    se: FloatArray
    effective_n: FloatArray


@dataclass(frozen=True)
class WeightedSums:
    """The five sums that a weighted mean and its standard error need, all of the same shape.

    Attributes:
        weight: Sum of w.
        weight_squared: Sum of w^2.
        weight_value: Sum of w*y.
        weight_squared_value: Sum of w^2*y.
        weight_squared_value_squared: Sum of w^2*y^2.
    """

    weight: FloatArray
    weight_squared: FloatArray
    weight_value: FloatArray
    weight_squared_value: FloatArray
    weight_squared_value_squared: FloatArray

    @classmethod
    def of(cls, value: ArrayLike, weight: ArrayLike) -> WeightedSums:
        """Sum the values and weights of one group of people, both of shape (n,).

        >>> WeightedSums.of([1.0, 0.0], [2.5, 1.25]).weight.item()
        3.75
        """
        y, w = finite("value", value), non_negative("weight", weight)
        same_shape(value=y, weight=w)
        sums = [w, w**2, w * y, w**2 * y, w**2 * y**2]
        return cls(*(np.asarray(term.sum(), dtype=np.float64) for term in sums))


def inverse_probability_mean(value: ArrayLike, weight: ArrayLike) -> WeightedMean:
    """Weighted mean of the followed people's outcomes.

    Args:
        value: Outcomes (0/1 or a number) of followed people, shape (n,).
        weight: 1 / P(followed), shape (n,), >= 0. Their scale does not matter.

    Returns:
        Estimate, standard error and effective n, each of shape ().

    Raises:
        ValueError: If shapes differ, a value is NaN, or a weight is negative.

    Source:
        Hajek's ratio estimator and its linearization; Seaman & White (2013), Stat Methods Med Res 22:278-295.

    >>> y = [1] * 4 + [0] * 12 + [1] * 24 + [0] * 24
    >>> w = [2.5] * 16 + [1.25] * 48
    >>> result = inverse_probability_mean(y, w)
    >>> round(result.estimate.item(), 4), round(result.effective_n.item(), 2)
    (0.4, 57.14)
    """
    return weighted_mean_from_sums(WeightedSums.of(value, weight))


def weighted_mean_from_sums(sums: WeightedSums) -> WeightedMean:
    """Recompute weighted means from their sums, one per clinic.

    Args:
        sums: The five sums, each of shape (k,) or ().

    Returns:
        Estimate, standard error and effective n, same shape.

    Raises:
        ValueError: If a sum is NaN or a sum of weights negative.

    >>> result = weighted_mean_from_sums(WeightedSums.of([1.0, 0.0, 1.0], [1.0, 2.0, 1.0]))
    >>> result.estimate.item()
    0.5
    """
    total = non_negative("weight", sums.weight)
    squared = non_negative("weight_squared", sums.weight_squared)
    has_weight = total > 0
    safe = np.where(has_weight, total, 1.0)
    mean = finite("weight_value", sums.weight_value) / safe
    # Sum of w^2 (y - mean)^2, expanded; rounding may leave a hair below zero when all y are equal.
    residual = (
        finite("weight_squared_value_squared", sums.weight_squared_value_squared)
        - 2 * mean * finite("weight_squared_value", sums.weight_squared_value)
        + mean**2 * squared
    )
    se = np.sqrt(np.maximum(residual, 0.0)) / safe
    return WeightedMean(
        estimate=np.where(has_weight, mean, np.nan),
        se=np.where(has_weight, se, np.nan),
        effective_n=effective_n(total, squared),
    )


def effective_n(sum_weight: ArrayLike, sum_weight_squared: ArrayLike) -> FloatArray:
    """Kish's effective number of people.

    Args:
        sum_weight: Sum of weights, any shape.
        sum_weight_squared: Sum of squared weights, same shape.

    Returns:
        (sum of w)^2 / sum of w^2, people; 0 where the weights are all zero.

    Raises:
        ValueError: If a sum is NaN or negative.

    Source:
        Kish (1965), Survey Sampling, p. 259.

    >>> effective_n(100.0, 175.0).round(2).item()
    57.14
    """
    total, squared = np.broadcast_arrays(
        non_negative("sum_weight", sum_weight), non_negative("sum_weight_squared", sum_weight_squared)
    )
    return ratio(total**2, squared, empty=0.0)


def weighted_proportion_interval(
    estimate: ArrayLike, effective: ArrayLike, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Wilson interval of a weighted yes/no rate at its effective number of people.

    A linearized standard error is zero when everybody or nobody succeeded; this interval stays honest there.

    Args:
        estimate: Weighted rates, any shape, fractions.
        effective: Effective number of people, broadcastable. Where it is 0 the interval is (0, 1).
        level: Two-sided confidence level.

    Returns:
        Lower and upper limits, fractions in [0, 1].

    Raises:
        ValueError: If an estimate is NaN or outside [0, 1] by more than rounding.

    Source:
        Wilson interval with the effective sample size; Korn & Graubard (1998), Surv Methodol 24:193-201.

    >>> [limit.round(3).item() for limit in weighted_proportion_interval(0.4, 57.14)]
    [0.283, 0.529]
    """
    rate, number = np.broadcast_arrays(finite("estimate", estimate), non_negative("effective", effective))
    if ((rate < -1e-9) | (rate > 1 + 1e-9)).any():
        raise ValueError("estimate must lie in [0, 1]")
    return wilson(np.clip(rate, 0, 1) * number, number, level)
