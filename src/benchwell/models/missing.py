"""What missing follow-up could hide: worst and best case, and the rate at which a verdict flips (METHODS M1.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, finite, met_of_n, non_negative, ratio


@dataclass(frozen=True)
class FollowupBounds:
    """Manski bounds of a success rate, one per clinic.

    Attributes:
        worst: Rate if nobody of the missing succeeded, fraction of the eligible.
        best: Rate if all of the missing succeeded.
        completion: Followed over eligible.
    """

    worst: FloatArray
    best: FloatArray
    completion: FloatArray


@dataclass(frozen=True)
class TippingPoint:
    """The success rate among the missing at which the rate of all eligible equals a benchmark.

    Attributes:
        rate: p_miss*, unbounded; NaN where nobody is missing.
        robust: True where no rate in [0, 1] among the missing can change the side of the benchmark.
    """

    rate: FloatArray
    robust: BoolArray


def followup_bounds(met: ArrayLike, followed: ArrayLike, eligible: ArrayLike) -> FollowupBounds:
    """Bound the success rate of all eligible people without any assumption on the missing.

    Args:
        met: Successes among the followed, any shape, counts.
        followed: People followed, broadcastable, counts.
        eligible: Mature eligible people, broadcastable, counts. Where it is 0 every field is NaN.

    Returns:
        Bounds and completion, same shape, fractions.

    Raises:
        ValueError: If not met <= followed <= eligible, or a count is NaN or negative.

    Source:
        Manski (1990), Am Econ Rev 80:319-323; METHODS E1.4.

    >>> bounds = followup_bounds(30, 60, 100)
    >>> bounds.worst.item(), bounds.best.item(), bounds.completion.item()
    (0.3, 0.7, 0.6)
    """
    x, m, n = _counts(met, followed, eligible)
    return FollowupBounds(worst=ratio(x, n), best=ratio(x + n - m, n), completion=ratio(m, n))


def tipping_point(met: ArrayLike, followed: ArrayLike, eligible: ArrayLike, benchmark: ArrayLike) -> TippingPoint:
    """Find the success rate among the missing at which the verdict against a benchmark flips.

    Args:
        met: Successes among the followed, any shape, counts.
        followed: People followed, broadcastable, counts.
        eligible: Mature eligible people, broadcastable, counts.
        benchmark: The rate to compare with, broadcastable, fraction.

    Returns:
        The rate p_miss* and whether the verdict is robust (p_miss* outside [0, 1], or nobody missing).

    Raises:
        ValueError: If not met <= followed <= eligible, or an input is NaN.

    Source:
        METHODS M1.4, E1.4.

    >>> point = tipping_point(30, 60, 100, 0.42)
    >>> round(point.rate.item(), 2), point.robust.item()
    (0.3, False)
    """
    x, m, n = _counts(met, followed, eligible)
    rate = ratio(finite("benchmark", benchmark) * n - x, n - m)
    with np.errstate(invalid="ignore"):
        robust = np.isnan(rate) | (rate < 0) | (rate > 1)
    return TippingPoint(rate=rate, robust=np.asarray(robust & (n > 0)))


def distinguishable(first: FollowupBounds, second: FollowupBounds) -> BoolArray:
    """Tell where two sets of bounds do not overlap: only then do they differ without assumptions.

    >>> distinguishable(followup_bounds(30, 60, 100), followup_bounds(40, 90, 100)).item()
    False
    """
    return np.asarray((first.best < second.worst) | (second.best < first.worst))


def _counts(met: ArrayLike, followed: ArrayLike, eligible: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, m = met_of_n(met, followed)
    x, m, n = np.broadcast_arrays(x, m, non_negative("eligible", eligible))
    if (m > n).any():
        raise ValueError("followed is larger than eligible somewhere")
    return x, m, n
