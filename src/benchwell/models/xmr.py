"""XmR chart with the rules of "Making data count" (METHODS M5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from benchwell.models.arrays import BoolArray, FloatArray

# Published constants of the XmR chart: 3 / 1.128, two thirds of it, and the upper limit of the moving range.
LIMIT_FACTOR = 2.66
NEAR_FACTOR = LIMIT_FACTOR * 2 / 3
RANGE_LIMIT_FACTOR = 3.267

RUN_LENGTH = 7
FIRM_LIMITS_FROM = 12


class XmrRule(StrEnum):
    """Why a point is a signal."""

    OUTSIDE = "outside"  # beyond a limit
    SHIFT = "shift"  # one of 7 or more in a row on one side of the mean
    TREND = "trend"  # one of 7 or more in a row all rising or all falling
    TWO_OF_THREE = "two_of_three"  # 2 of 3 in a row beyond two thirds of the limit, all three on that side


class Assurance(StrEnum):
    """What the limits say about a target."""

    CONSISTENTLY_PASSES = "consistently_passes"
    CONSISTENTLY_FAILS = "consistently_fails"
    HIT_OR_MISS = "hit_or_miss"


@dataclass(frozen=True)
class XmrLimits:
    """Center and limits, computed once and then frozen.

    Attributes:
        mean: Center line.
        mean_range: Mean moving range after large ranges were dropped once.
        lower: Lower limit.
        upper: Upper limit.
        near_lower: Two thirds of the way to the lower limit.
        near_upper: Two thirds of the way to the upper limit.
        n: Points behind the limits.
        firm: Whether there were at least 12 points; otherwise the limits are provisional.
    """

    mean: float
    mean_range: float
    lower: float
    upper: float
    near_lower: float
    near_upper: float
    n: int
    firm: bool


@dataclass(frozen=True)
class XmrChart:
    """A series with its limits and signals.

    Attributes:
        values: The series, shape (t,); NaN where there is a gap.
        moving_range: Distance to the point before, shape (t,); NaN at the start and on both sides of a gap.
        limits: The limits that the points were judged by.
        high: Signals on the high side, shape (t,): of the rules fired, at least one points up.
        low: Signals on the low side, shape (t,).
        rules: Names of the rules fired at each point, in a fixed order; empty for no signal and for a gap.
    """

    values: FloatArray
    moving_range: FloatArray
    limits: XmrLimits
    high: BoolArray
    low: BoolArray
    rules: tuple[tuple[XmrRule, ...], ...]


def xmr_limits(values: Sequence[float | None]) -> XmrLimits:
    """Compute center and limits from a series, to be frozen for the points that follow.

    Args:
        values: The series in order of time; None (or NaN) is a gap, which is never filled.

    Returns:
        Limits, marked provisional below 12 points.

    Raises:
        ValueError: If there are not two neighboring points, or a value is infinite.

    Source:
        Wheeler, Understanding Variation; NHSRplotthedots; METHODS E5.2.

    >>> limits = xmr_limits([42, 45, 41, 44, 47, 43, 40, 46, 44, 42, 45, 43])
    >>> limits.mean, round(limits.lower, 4), round(limits.upper, 4), limits.firm
    (43.5, 35.0364, 51.9636, True)
    """
    series = _series(values)
    ranges = np.abs(np.diff(series))
    ranges = ranges[np.isfinite(ranges)]
    if not len(ranges):
        raise ValueError("limits need at least two neighboring points")
    kept = ranges[ranges < RANGE_LIMIT_FACTOR * ranges.mean()]
    mean_range = float(kept.mean()) if len(kept) else float(ranges.mean())
    mean, n = float(np.nanmean(series)), int(np.isfinite(series).sum())
    return XmrLimits(
        mean=mean,
        mean_range=mean_range,
        lower=mean - LIMIT_FACTOR * mean_range,
        upper=mean + LIMIT_FACTOR * mean_range,
        near_lower=mean - NEAR_FACTOR * mean_range,
        near_upper=mean + NEAR_FACTOR * mean_range,
        n=n,
        firm=n >= FIRM_LIMITS_FROM,
    )


def xmr_chart(values: Sequence[float | None], limits: XmrLimits | None = None) -> XmrChart:
    """Chart a series and name the rules that each point fires.

    Args:
        values: The series in order of time; None (or NaN) is a gap. A gap ends every run: nobody knows what was
            there, so no rule reaches across it.
        limits: Frozen limits; None computes them from the whole series.

    Returns:
        Values, ranges, limits and signals. High and low say the side, not whether it is good.

    Raises:
        ValueError: If limits are to be computed and cannot be, or a value is infinite.

    Source:
        NHS England, Making data count; NHSRplotthedots; METHODS E5.2.

    >>> frozen = xmr_limits([42, 45, 41, 44, 47, 43, 40, 46, 44, 42, 45, 43])
    >>> [rule.value for rule in xmr_chart([55], frozen).rules[0]]
    ['outside']
    """
    series = _series(values)
    frozen = xmr_limits(values) if limits is None else limits
    fired = {rule: (np.zeros(len(series), bool), np.zeros(len(series), bool)) for rule in XmrRule}
    # Equal numbers may differ from their own mean in the last bit; that is not a side.
    hair = 1e-12 * max(abs(frozen.mean), frozen.mean_range)
    with np.errstate(invalid="ignore"):
        above, below = series > frozen.mean + hair, series < frozen.mean - hair
        near_high, near_low = series > frozen.near_upper + hair, series < frozen.near_lower - hair
        fired[XmrRule.OUTSIDE] = (series > frozen.upper + hair, series < frozen.lower - hair)
    fired[XmrRule.SHIFT] = (_in_run(above), _in_run(below))
    fired[XmrRule.TREND] = (_in_trend(series), _in_trend(-series))
    fired[XmrRule.TWO_OF_THREE] = (_two_of_three(near_high, above), _two_of_three(near_low, below))
    return XmrChart(
        values=series,
        moving_range=np.concatenate([[np.nan], np.abs(np.diff(series))])[: len(series)],
        limits=frozen,
        high=np.logical_or.reduce([high for high, _ in fired.values()]),
        low=np.logical_or.reduce([low for _, low in fired.values()]),
        rules=tuple(
            tuple(rule for rule, (high, low) in fired.items() if high[i] or low[i]) for i in range(len(series))
        ),
    )


def assurance(limits: XmrLimits, target: float, *, higher_is_better: bool = True) -> Assurance:
    """Say whether a process that stays as it is will meet a target.

    Args:
        limits: The limits.
        target: The target, in the unit of the series.
        higher_is_better: Direction of the series.

    Returns:
        Consistently passes when the target lies beyond the unfavorable limit, consistently fails when it lies beyond
        the favorable one, otherwise hit or miss.

    Raises:
        ValueError: If the target is NaN.

    >>> frozen = xmr_limits([42, 45, 41, 44, 47, 43, 40, 46, 44, 42, 45, 43])
    >>> assurance(frozen, 55).value, assurance(frozen, 50).value, assurance(frozen, 30).value
    ('consistently_fails', 'hit_or_miss', 'consistently_passes')
    """
    if not np.isfinite(target):
        raise ValueError("target must be a finite number")
    if limits.lower <= target <= limits.upper:
        return Assurance.HIT_OR_MISS
    return (
        Assurance.CONSISTENTLY_PASSES if (target < limits.lower) == higher_is_better else Assurance.CONSISTENTLY_FAILS
    )


def _series(values: Sequence[float | None]) -> FloatArray:
    series = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if np.isinf(series).any():
        raise ValueError("the series holds infinite values")
    return series


def _in_run(flags: BoolArray, length: int = RUN_LENGTH) -> BoolArray:
    """Mark every member of a run of at least `length` true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    marked = np.zeros(len(flags), dtype=bool)
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - start >= length:
            marked[start:stop] = True
    return marked


def _in_trend(series: FloatArray) -> BoolArray:
    """Mark 7 or more points that all rise: 6 rises in a row, and the point they start from."""
    with np.errstate(invalid="ignore"):
        rises = _in_run(np.diff(series) > 0, RUN_LENGTH - 1) if len(series) > 1 else np.zeros(0, dtype=bool)
    marked = np.zeros(len(series), dtype=bool)
    marked[1:] |= rises
    marked[: max(len(series) - 1, 0)] |= rises
    return marked


def _two_of_three(near: BoolArray, side: BoolArray) -> BoolArray:
    """Mark the points near the limit in a window of three on one side, of which at least two are near it."""
    marked = np.zeros(len(near), dtype=bool)
    for start in range(len(near) - 2):
        window = slice(start, start + 3)
        if side[window].all() and near[window].sum() >= 2:
            marked[window] |= near[window]
    return marked
