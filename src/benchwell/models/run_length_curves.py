"""Limits of thousands of CUSUM charts: run lengths once per kind of clinic, read off for each (METHODS M5.4).

How long a chart without change stays quiet depends on its limit and on the chances of its people. Those chances are
described by the mean and spread of their logits. For a lattice of such kinds the expected run length is computed at a
row of heights (`cusum_limits.run_lengths`, a Markov chain without noise); a clinic between four of them gets what lies
between. Where everybody has the same chance, its own curve is computed.

Against `run_lengths` of the clinic's very own chances, the run length so stated differs by at most 7 % for normal or
exponential spread of logits with SD up to 0.7, 15 to 2,000 people a year, and chances around .12 to .88.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, positive, same_shape, vector
from benchwell.models.cusum import DOUBLED
from benchwell.models.cusum_limits import YEARS, run_lengths

_STEP = 0.005  # limits are rounded up to these steps
_MEANS, _SPREADS = 0.5, 0.5  # distance of the kinds, in logits
_TYPICAL = 16  # chances that stand for one kind
_NEAR_ONE = 1e-9
_HEIGHTS = np.concatenate([[0.05], np.arange(0.1, 3.0, 0.1), np.arange(3.0, 14.01, 0.5)])
# With one chance for everybody C takes few values at first, so that the run length rises in steps.
_FINE_HEIGHTS = np.concatenate([np.arange(0.02, 3.0, 0.02), np.arange(3.0, 14.01, 0.25)])
_QUANTILES = special.ndtri((np.arange(_TYPICAL) + 0.5) / _TYPICAL)
_QUANTILES = _QUANTILES / _QUANTILES.std()


@dataclass(frozen=True)
class ChartLimits:
    """Limits of many charts.

    Attributes:
        h: Limit of each, in steps of .005, shape (k,).
        run_length: People until a false signal at that limit, on average, shape (k,).
    """

    h: FloatArray
    run_length: FloatArray


def chart_limits(
    mean_logit: ArrayLike,
    sd_logit: ArrayLike,
    year: ArrayLike,
    odds_ratio: float = DOUBLED,
    *,
    years: float = YEARS,
) -> ChartLimits:
    """Limits at which charts without change signal once in so many years of their volume.

    Args:
        mean_logit: Mean logit of the chances of each clinic's people, shape (k,).
        sd_logit: Its standard deviation, shape (k,), >= 0; 0 where everybody has the same chance.
        year: People a year, shape (k,), > 0.
        odds_ratio: R_A.
        years: Years to a false signal, on average.

    Returns:
        Limits and run lengths, shape (k,) each.

    Raises:
        ValueError: If shapes differ, or a spread, volume or number of years is out of range.

    Source:
        Brook & Evans (1972), Biometrika 59:539-549; METHODS M5.4.

    >>> found = chart_limits([0.0, -0.8], [0.0, 0.5], [20, 200])
    >>> found.h.round(1), (found.run_length >= [100, 1000]).all()
    (array([1.9, 3.8]), np.True_)
    """
    mean, spread = vector("mean_logit", mean_logit), vector("sd_logit", sd_logit)
    volume = positive("year", vector("year", year))
    same_shape(mean_logit=mean, sd_logit=spread, year=volume)
    if (spread < 0).any() or not years > 0:
        raise ValueError("sd_logit must be at least zero and years above zero")
    wanted = np.log(years * volume)
    h, length = np.empty(len(mean)), np.empty(len(mean))
    for place in range(len(mean)):
        heights, curve = _curve(float(mean[place]), float(spread[place]), float(odds_ratio))
        height = np.interp(wanted[place], curve, heights)
        h[place] = np.ceil(height / _STEP - 1e-6) * _STEP
        length[place] = np.exp(np.interp(h[place], heights, curve))
    return ChartLimits(h, length)


def _curve(mean: float, spread: float, odds_ratio: float) -> tuple[FloatArray, FloatArray]:
    """Heights and the logarithm of the run length there, never falling."""
    if spread < _NEAR_ONE:
        return _FINE_HEIGHTS, _one_chance(round(mean, 9), odds_ratio)
    across, up = mean / _MEANS, spread / _SPREADS
    left, low = int(np.floor(across)), int(np.floor(up))
    right_share, high_share = across - left, up - low
    curve = sum(
        (right_share if right else 1 - right_share)
        * (high_share if high else 1 - high_share)
        * _kind(left + right, low + high, odds_ratio)
        for right in (0, 1)
        for high in (0, 1)
    )
    return _HEIGHTS, np.asarray(curve, dtype=np.float64)


@lru_cache(maxsize=1024)
def _kind(mean: int, spread: int, odds_ratio: float) -> FloatArray:
    return _log_lengths(mean * _MEANS + spread * _SPREADS * _QUANTILES, _HEIGHTS, odds_ratio)


@lru_cache(maxsize=256)
def _one_chance(mean: float, odds_ratio: float) -> FloatArray:
    return _log_lengths(np.array([mean]), _FINE_HEIGHTS, odds_ratio)


def _log_lengths(logits: FloatArray, heights: FloatArray, odds_ratio: float) -> FloatArray:
    chances = np.clip(special.expit(logits), _NEAR_ONE, 1 - _NEAR_ONE)
    found = np.log(run_lengths(np.tile(chances, (len(heights), 1)), heights, odds_ratio))
    return np.asarray(np.maximum.accumulate(found))
