"""Confidence intervals for proportions, counts, rates and means (METHODS C4)."""

from __future__ import annotations

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, finite, met_of_n, non_negative, positive, ratio, share

# Stands in for a zero shape, at which an inverse beta or gamma function is not defined; its result is not used.
_TINY = 1e-300


def wilson(met: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Wilson score interval of a proportion: the default for every published rate.

    Args:
        met: Successes, any shape, counts (a weighted count is allowed).
        n: People, broadcastable to `met`, counts. Where `n` is 0 the interval is (0, 1): nothing is known.
        level: Two-sided confidence level.

    Returns:
        Lower and upper limits, same shape, fractions in [0, 1].

    Raises:
        ValueError: If a count is NaN or negative, or `met` exceeds `n`.

    Source:
        Wilson (1927), J Am Stat Assoc 22:209-212; METHODS C4, E1.4.

    >>> [limit.round(3).item() for limit in wilson(30, 60)]
    [0.377, 0.623]
    """
    met_array, n_array = met_of_n(met, n)
    z = special.ndtri(0.5 + share("level", level) / 2)
    spread = ratio(met_array * (n_array - met_array), n_array, empty=0.0)
    centre = (met_array + z**2 / 2) / (n_array + z**2)
    half = z * np.sqrt(spread + z**2 / 4) / (n_array + z**2)
    # At 0 and n the limit is exactly 0 or 1; rounding must not put it a hair to the other side.
    lower = np.where(met_array == 0, 0.0, centre - half)
    upper = np.where(met_array == n_array, 1.0, centre + half)
    return np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)


def clopper_pearson(met: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Exact binomial interval: never below its stated coverage, hence wider than Wilson.

    Args:
        met: Successes, any shape, counts.
        n: People, broadcastable to `met`, counts. Where `n` is 0 the interval is (0, 1).
        level: Two-sided confidence level.

    Returns:
        Lower and upper limits, same shape, fractions in [0, 1].

    Raises:
        ValueError: If a count is NaN or negative, or `met` exceeds `n`.

    Source:
        Clopper & Pearson (1934), Biometrika 26:404-413; METHODS E1.4.

    >>> [limit.round(3).item() for limit in clopper_pearson(0, 12)]
    [0.0, 0.265]
    """
    met_array, n_array = met_of_n(met, n)
    tail = (1 - share("level", level)) / 2
    missed = n_array - met_array
    # The beta quantile is undefined with a zero shape; those limits are 0 and 1 by definition.
    lower = np.where(met_array > 0, special.betaincinv(np.maximum(met_array, _TINY), missed + 1, tail), 0.0)
    upper = np.where(missed > 0, special.betaincinv(met_array + 1, np.maximum(missed, _TINY), 1 - tail), 1.0)
    return lower, upper


def poisson_exact(count: ArrayLike, exposure: ArrayLike = 1.0, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Exact (Garwood) interval of a Poisson count, divided by its exposure.

    Args:
        count: Events, any shape, counts.
        exposure: Person-time or expected events, broadcastable to `count`, > 0. The limits carry its unit.
        level: Two-sided confidence level.

    Returns:
        Lower and upper limits of the rate, events per unit of `exposure`.

    Raises:
        ValueError: If `count` is NaN or negative, or `exposure` is not above zero.

    Source:
        Garwood (1936), Biometrika 28:437-442; METHODS M2.10, M3.6.

    >>> [round(100 * limit.item(), 3) for limit in poisson_exact(7, 84.5)]
    [3.331, 17.068]
    """
    events, time = np.broadcast_arrays(non_negative("count", count), positive("exposure", exposure))
    tail = (1 - share("level", level)) / 2
    lower = np.where(events > 0, special.gammaincinv(np.maximum(events, _TINY), tail), 0.0)
    upper = special.gammaincinv(events + 1, 1 - tail)
    return lower / time, upper / time


def byar(count: ArrayLike, exposure: ArrayLike = 1.0, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Byar's closed-form approximation of the exact Poisson interval.

    Args:
        count: Events, any shape, counts. Where it is 0 the lower limit is 0.
        exposure: Person-time or expected events, broadcastable to `count`, > 0.
        level: Two-sided confidence level.

    Returns:
        Lower and upper limits of the rate, events per unit of `exposure`.

    Raises:
        ValueError: If `count` is NaN or negative, or `exposure` is not above zero.

    Source:
        Breslow & Day (1987), vol. II, p. 69; METHODS M3.6.

    >>> [limit.round(4).item() for limit in byar(18, 12.4)]
    [0.8599, 2.2943]
    """
    events, time = np.broadcast_arrays(non_negative("count", count), positive("exposure", exposure))
    z = special.ndtri(0.5 + share("level", level) / 2)
    at_least_one = np.maximum(events, 1.0)
    below = at_least_one * (1 - 1 / (9 * at_least_one) - z / (3 * np.sqrt(at_least_one))) ** 3
    above = (events + 1) * (1 - 1 / (9 * (events + 1)) + z / (3 * np.sqrt(events + 1))) ** 3
    return np.where(events > 0, np.maximum(below, 0.0), 0.0) / time, above / time


def t_interval(mean: ArrayLike, sd: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Student t interval of a mean from its mean, standard deviation and number.

    Args:
        mean: Sample means, any shape, in the score's unit.
        sd: Sample standard deviations (divisor n - 1), broadcastable, >= 0.
        n: People, broadcastable. Where n < 2 both limits are NaN: one value says nothing about spread.
        level: Two-sided confidence level.

    Returns:
        Lower and upper limits, same shape and unit.

    Raises:
        ValueError: If an input is NaN or negative where it may not be.

    Source:
        Student (1908), Biometrika 6:1-25.

    >>> [limit.round(2).item() for limit in t_interval(6.0, 2.0, 16)]
    [4.93, 7.07]
    """
    centre, spread, number = np.broadcast_arrays(finite("mean", mean), non_negative("sd", sd), non_negative("n", n))
    enough = number >= 2
    safe = np.where(enough, number, 2.0)
    half = special.stdtrit(safe - 1, 0.5 + share("level", level) / 2) * spread / np.sqrt(safe)
    half = np.where(enough, half, np.nan)
    return centre - half, centre + half


def normal_interval(estimate: ArrayLike, se: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Normal interval of an estimate with a known standard error.

    Args:
        estimate: Estimates, any shape.
        se: Standard errors, broadcastable, >= 0.
        level: Two-sided confidence level.

    Returns:
        Lower and upper limits, same shape and unit. They are not clipped to a scale.

    Raises:
        ValueError: If an input is NaN, or `se` is negative.

    >>> [limit.round(3).item() for limit in normal_interval(0.5, 0.1)]
    [0.304, 0.696]
    """
    centre, spread = np.broadcast_arrays(finite("estimate", estimate), non_negative("se", se))
    z = special.ndtri(0.5 + share("level", level) / 2)
    return centre - z * spread, centre + z * spread
