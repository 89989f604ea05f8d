"""Chart of a proportion over time, with Laney's correction for large numbers (METHODS M5.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, met_of_n, positive, vector

# Mean moving range of a standard normal series (d2 of two values), as published.
_D2 = 1.128


@dataclass(frozen=True)
class PChart:
    """A p or p' chart.

    Attributes:
        center: Pooled proportion.
        proportion: Proportion at each time, shape (t,).
        lower: Lower limit at each time, shape (t,), not below 0.
        upper: Upper limit at each time, shape (t,), not above 1.
        sigma_z: Laney's spread of the standardized proportions; NaN with one point.
        sigma_z_used: What the limits were multiplied by: 1 on a plain p chart and when `sigma_z` is below 1.
        under_dispersed: `sigma_z` is below 1: check for rounding or copied data.
        outside: Points beyond a limit, shape (t,).
    """

    center: float
    proportion: FloatArray
    lower: FloatArray
    upper: FloatArray
    sigma_z: float
    sigma_z_used: float
    under_dispersed: bool
    outside: np.ndarray


def p_chart(met: ArrayLike, n: ArrayLike, *, laney: bool = False) -> PChart:
    """Chart successes over people at successive times.

    Args:
        met: Successes at each time, shape (t,), counts, in order of time.
        n: People at each time, shape (t,), > 0. Times without people are left out by the caller.
        laney: Widen the limits by sigma_z where it exceeds 1 (for large n). It never narrows them.

    Returns:
        Center, limits and points outside.

    Raises:
        ValueError: If a count is NaN or negative, `met` exceeds `n`, or a time has nobody.

    Source:
        Laney (2002), Qual Eng 14:531-537; Provost & Murray (2011); METHODS E5.3.

    >>> chart = p_chart([12, 15, 9, 20, 14], [30, 40, 25, 50, 35])
    >>> chart.lower[[0, 3]].round(4), chart.upper[[0, 3]].round(4), round(chart.sigma_z, 4)
    (array([0.1219, 0.1821]), array([0.6559, 0.5957]), 0.2006)
    """
    x, people = met_of_n(vector("met", met), positive("n", vector("n", n)))
    center = float(x.sum() / people.sum())
    proportion = x / people
    sigma = np.sqrt(center * (1 - center) / people)
    sigma_z = _sigma_z(proportion - center, sigma)
    used = max(1.0, sigma_z) if laney and np.isfinite(sigma_z) else 1.0
    lower, upper = p_limits(center, people, used)
    return PChart(
        center=center,
        proportion=proportion,
        lower=lower,
        upper=upper,
        sigma_z=sigma_z,
        sigma_z_used=used,
        under_dispersed=bool(sigma_z < 1),
        outside=(proportion < lower) | (proportion > upper),
    )


def p_limits(center: float, n: ArrayLike, sigma_z: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """Limits around a frozen center, each by its own number of people.

    Args:
        center: Pooled proportion of the reference points.
        n: People at each time, shape (t,), > 0.
        sigma_z: `PChart.sigma_z_used` of the reference points.

    Returns:
        Lower and upper limits, shape (t,) each, within 0 and 1.

    Raises:
        ValueError: If a time has nobody.

    Source:
        METHODS M5.3, E5.3.

    >>> [limit.round(4).tolist() for limit in p_limits(0.388889, [30, 50])]
    [[0.1219, 0.1821], [0.6559, 0.5957]]
    """
    distance = 3 * sigma_z * np.sqrt(center * (1 - center) / positive("n", vector("n", n)))
    return np.maximum(center - distance, 0.0), np.minimum(center + distance, 1.0)


def _sigma_z(distance: FloatArray, sigma: FloatArray) -> float:
    if len(distance) < 2:
        return float("nan")
    if (sigma == 0).any():  # nobody, or everybody, at all times: no spread at all
        return 0.0
    return float(np.abs(np.diff(distance / sigma)).mean() / _D2)
