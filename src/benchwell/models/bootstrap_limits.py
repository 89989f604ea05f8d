"""At which replicates of a bootstrap over clinics an interval ends: widened percentile and BCa limits (METHODS M4.7).

Plain percentile limits have two faults with few clinics. They are narrow, as a variance with divisor k and a normal
instead of a Student quantile would be: the z below makes up for that. And they sit where the replicates sit: if these
lean to one side of the estimate, or their spread depends on where the truth is, BCa moves both ends.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, finite, share, vector

_TIE: Final = 1e-12  # replicates this near to the estimate, relative to its size, are equal to it


def widened_z(k: int, level: float = 0.95) -> float:
    """How many standard normal deviations out a two-sided bootstrap limit lies when k clinics are resampled.

    Args:
        k: Clinics, >= 2.
        level: Two-sided confidence level, in (0, 1).

    Returns:
        sqrt(k / (k - 1)) times Student's quantile with k - 1 degrees of freedom: for a mean, the replicates at these
        places then end where Student's interval does. It falls to 1.96 as k grows.

    Raises:
        ValueError: If there are fewer than 2 clinics or `level` is not in (0, 1).

    Source:
        Hesterberg (2015), Am Stat 69:371-386, section 4.3 (expanded percentile interval).

    >>> round(widened_z(20), 3), round(widened_z(100_000), 3)
    (2.147, 1.96)
    """
    if k < 2:
        raise ValueError("a bootstrap interval needs at least 2 clinics")
    quantile = float(special.stdtrit(k - 1, 0.5 + share("level", level) / 2))
    return float(np.sqrt(k / (k - 1))) * quantile


def acceleration(leave_one_out: ArrayLike) -> float:
    """How fast the spread of a statistic changes with what it estimates: a sixth of the skewness of its jackknife.

    Args:
        leave_one_out: The statistic without each clinic, shape (k,), k >= 2.

    Returns:
        The acceleration, between -1/6 and 1/6; 0 where no clinic changes anything.

    Raises:
        ValueError: If there are fewer than 2 values or one is NaN.

    Source:
        Efron & Tibshirani (1993), eq. 14.15.

    >>> acceleration([1.0, 2.0, 3.0]), round(acceleration([0.5, 0.5, 0.5, 0.2]), 4)
    (0.0, 0.0962)
    """
    values = vector("leave_one_out", leave_one_out, at_least=2)
    pull = values.mean() - values
    size = float(np.abs(pull).max())
    if size <= _TIE * float(np.abs(values).max()):
        return 0.0
    pull = pull / size  # else the powers of small pulls underflow
    return float((pull**3).sum() / (6 * (pull**2).sum() ** 1.5))


def bias_correction(estimate: float, ascending: ArrayLike) -> float:
    """How far the middle of the replicates lies from the estimate, in standard normal deviations.

    Args:
        estimate: The statistic of the clinics as they are.
        ascending: Its replicates in ascending order, shape (b,).

    Returns:
        The normal quantile of the share of replicates below the estimate, equal ones counted half. Above zero if
        replicates lie low. Never infinite: where all lie on one side, half a replicate is taken to lie on the other.

    Raises:
        ValueError: If there is no replicate, or one is NaN.

    Source:
        Efron & Tibshirani (1993), eq. 14.14.

    >>> bias_correction(0.5, [0.4, 0.5, 0.6]), round(bias_correction(0.55, [0.3, 0.4, 0.5, 0.6]), 4)
    (0.0, 0.6745)
    """
    values, center = vector("ascending", ascending), float(finite("estimate", estimate))
    tie = _TIE * abs(center)
    below, upto = np.searchsorted(values, center - tie, "left"), np.searchsorted(values, center + tie, "right")
    b = len(values)
    return float(special.ndtri(np.clip((below + upto) / 2, 0.5, b - 0.5) / b))


def tail_levels(z: float, bias: float = 0.0, acceleration: float = 0.0) -> tuple[float, float]:
    """Which quantiles of the replicates are the limits.

    Args:
        z: How many deviations out the limits are, > 0: 1.96 for 95 %, or `widened_z`.
        bias: `bias_correction`; 0 for percentile limits.
        acceleration: `acceleration`; 0 for percentile limits.

    Returns:
        Lower and upper probability. They depend on the order of the replicates alone, so a changed scale (logit, log)
        changes the limits as it changes any figure.

    Source:
        Efron & Tibshirani (1993), eq. 14.10. There, ch. 14.3: a = .061 and bias .146 give, at 90 %, .110 and .985 (the
        latter from more digits).

    >>> [round(level, 3) for level in tail_levels(1.959964)], [round(p, 3) for p in tail_levels(1.645, 0.146, 0.061)]
    ([0.025, 0.975], [0.11, 0.984])
    """
    return _level(-z, bias, acceleration), _level(z, bias, acceleration)


def limits(ascending: FloatArray, levels: tuple[float, float]) -> tuple[float, float]:
    """Type-7 quantiles of replicates that are in ascending order: `numpy.quantile` would sort them again.

    >>> limits(np.array([1.0, 2.0, 3.0, 5.0]), (0.0, 0.5))
    (1.0, 2.5)
    """
    lower, upper = (_quantile(ascending, level) for level in levels)
    return lower, upper


def _quantile(ascending: FloatArray, level: float) -> float:
    place = level * (len(ascending) - 1)
    below = int(place)
    low, high = float(ascending[below]), float(ascending[min(below + 1, len(ascending) - 1)])
    return low + (high - low) * (place - below)


def _level(z: float, bias: float, acceleration: float) -> float:
    moved = bias + z
    shrink = 1 - acceleration * moved
    # Past this pole the limit has run off the end of the replicates.
    return float(special.ndtr(bias + moved / shrink)) if shrink > 0 else float(moved > 0)
