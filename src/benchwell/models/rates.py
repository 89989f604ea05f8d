"""Events per person-time (METHODS M2.10)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, non_negative, positive, same_shape, share
from benchwell.models.intervals import poisson_exact


@dataclass(frozen=True)
class EventRate:
    """A rate per `per` units of person-time with its exact interval, one per clinic.

    Attributes:
        rate: Events per `per` units of person-time.
        lower: Lower exact limit.
        upper: Upper exact limit.
        per: Units of person-time in the denominator (100 with exposure in years: per 100 person-years).
    """

    rate: FloatArray
    lower: FloatArray
    upper: FloatArray
    per: float


@dataclass(frozen=True)
class ClusteredRate:
    """A rate of recurrent events whose standard error lets people differ.

    Attributes:
        rate: Events per `per` units of person-time.
        se: Robust standard error, people as clusters; NaN for fewer than two people.
        dispersion: Robust over Poisson variance; about 1 when events are independent, above when they cluster.
        per: Units of person-time in the denominator.
    """

    rate: float
    se: float
    dispersion: float
    per: float


def event_rate(count: ArrayLike, person_time: ArrayLike, per: float = 1.0, level: float = 0.95) -> EventRate:
    """Event rate with exact Poisson limits.

    Args:
        count: Events, any shape, counts.
        person_time: Person-time at risk, broadcastable, > 0.
        per: Units of person-time in the denominator of the result.
        level: Two-sided confidence level.

    Returns:
        Rates and limits, same shape.

    Raises:
        ValueError: If `count` is NaN or negative, or `person_time` or `per` not above zero.

    Source:
        Garwood (1936); METHODS E2.10.

    >>> result = event_rate(7, 84.5, per=100)
    >>> result.rate.round(3).item(), result.lower.round(3).item(), result.upper.round(3).item()
    (8.284, 3.331, 17.068)
    """
    scale = float(positive("per", per))
    lower, upper = poisson_exact(count, person_time, level)
    rate = non_negative("count", count) / positive("person_time", person_time)
    return EventRate(rate=np.asarray(scale * rate), lower=scale * lower, upper=scale * upper, per=scale)


def rate_upper_limit(count: ArrayLike, person_time: ArrayLike = 1.0, level: float = 0.95) -> FloatArray:
    """One-sided exact upper limit of a rate; with no event it is the "rule of three".

    Args:
        count: Events, any shape, counts.
        person_time: Person-time at risk, broadcastable, > 0.
        level: One-sided confidence level.

    Returns:
        Upper limits, events per unit of person-time.

    Raises:
        ValueError: If `count` is NaN or negative, or `person_time` not above zero.

    Source:
        Garwood (1936); METHODS E2.10.

    >>> rate_upper_limit(0).round(4).item()
    2.9957
    """
    events, time = np.broadcast_arrays(non_negative("count", count), positive("person_time", person_time))
    return np.asarray(special.gammaincinv(events + 1, share("level", level)) / time)


def clustered_rate(count: ArrayLike, person_time: ArrayLike, per: float = 1.0) -> ClusteredRate:
    """Rate of recurrent events with people as clusters.

    Args:
        count: Events of each person, shape (n,), counts.
        person_time: Time at risk of each person, shape (n,), > 0.
        per: Units of person-time in the denominator of the result.

    Returns:
        The rate with its robust standard error and the dispersion.

    Raises:
        ValueError: If shapes differ, a count is NaN or negative, or a time not above zero.

    Source:
        Ratio estimator with a sandwich variance; METHODS M2.10 (recurrent events).

    >>> result = clustered_rate([0, 0, 4, 0], [1.0, 1.0, 1.0, 1.0])
    >>> result.rate, result.se, result.dispersion
    (1.0, 1.0, 4.0)
    """
    x, t = np.atleast_1d(non_negative("count", count)), np.atleast_1d(positive("person_time", person_time))
    same_shape(count=x, person_time=t)
    scale, n, total = float(positive("per", per)), len(x), float(t.sum())
    rate = float(x.sum()) / total
    if n < 2:
        return ClusteredRate(rate=scale * rate, se=float("nan"), dispersion=float("nan"), per=scale)
    variance = n / (n - 1) * float(((x - rate * t) ** 2).sum()) / total**2
    dispersion = variance / (rate / total) if rate > 0 else float("nan")
    return ClusteredRate(rate=scale * rate, se=scale * variance**0.5, dispersion=dispersion, per=scale)
