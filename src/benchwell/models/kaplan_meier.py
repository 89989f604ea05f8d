"""Time to an event when not everybody is followed to the end: Kaplan-Meier curve, quantiles, restricted mean (M2.9).

Censoring must have nothing to do with the event. Where people leave care before they could improve, that does not
hold: `cumulative_incidence.py` counts leaving as an event of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, non_negative, share, vector
from benchwell.models.follow_up_times import RiskTable, risk_table


class LimitScale(StrEnum):
    """Scale on which confidence limits are symmetric."""

    LOG = "log"
    """Logarithm of the probability: the default of R's `survfit`."""
    LOG_LOG = "log-log"
    """Logarithm of the cumulative hazard: stays inside 0 to 1, better with few people."""
    PLAIN = "plain"
    """The probability itself, cut at 0 and 1."""


@dataclass(frozen=True)
class KaplanMeier:
    """A curve of the share without the event, one value per distinct time, each array of shape (m,).

    Attributes:
        risk: People at risk, events and censored per time.
        survival: Share without the event just after each time.
        std_error: Greenwood's standard error; NaN once the curve has reached 0.
        lower: Lower confidence limits; NaN where the scale has none.
        upper: Upper confidence limits, likewise.
        cumulative_hazard: Nelson-Aalen sum of events over people at risk.
        level: Two-sided confidence level.
        scale: Scale of the limits.
    """

    risk: RiskTable
    survival: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    cumulative_hazard: FloatArray
    level: float
    scale: LimitScale

    @property
    def time(self) -> FloatArray:
        """Distinct times, ascending."""
        return self.risk.time


@dataclass(frozen=True)
class CurveValues:
    """A curve read at chosen times, each array of shape (m,).

    Attributes:
        value: Share without the event.
        std_error: Its standard error.
        lower: Lower confidence limits.
        upper: Upper confidence limits.
        at_risk: People followed to the time or longer.
    """

    value: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    at_risk: FloatArray


@dataclass(frozen=True)
class TimeQuantile:
    """Time by which a share of people had the event; NaN where the curve (or its limit) does not get that far.

    Attributes:
        time: The quantile.
        lower: Lower confidence limit.
        upper: Upper confidence limit; NaN is "not reached".
    """

    time: float
    lower: float
    upper: float


@dataclass(frozen=True)
class RestrictedMean:
    """Mean time without the event up to a horizon.

    Attributes:
        mean: Area under the curve, in the unit of time.
        std_error: Its standard error.
        extrapolated: Whether the curve was drawn on beyond the last person followed to reach the horizon.
    """

    mean: float
    std_error: float
    extrapolated: bool


def kaplan_meier(
    time: ArrayLike, event: ArrayLike, *, level: float = 0.95, scale: LimitScale = LimitScale.LOG
) -> KaplanMeier:
    """Kaplan-Meier estimate of the share of people without the event.

    Args:
        time: Time to the event or to the end of follow-up, shape (n,), >= 0, any one unit.
        event: 1 for an event, 0 for censored, shape (n,). People censored at the time of an event count as at risk.
        level: Two-sided confidence level.
        scale: Scale of the confidence limits.

    Returns:
        The curve. If everybody is censored it stays at 1.

    Raises:
        ValueError: If there is nobody, shapes differ, a time is NaN or negative, or a mark is not 0 or 1.

    Source:
        Kaplan & Meier (1958), JASA 53:457-481; Greenwood (1926); Kalbfleisch & Prentice (1980).

    >>> kaplan_meier([2, 3, 3, 5], [1, 1, 0, 0]).survival
    array([0.75, 0.5 , 0.5 ])
    """
    table = risk_table(time, event)
    n, d = table.at_risk, table.events
    survival: FloatArray = np.cumprod(1 - d / n, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_variance = np.cumsum(np.where(d > 0, d / (n * (n - d)), 0.0))
        std_error = survival * np.sqrt(log_variance)
    lower, upper = curve_limits(survival, std_error, level, scale)
    return KaplanMeier(
        risk=table,
        survival=survival,
        std_error=std_error,
        lower=lower,
        upper=upper,
        cumulative_hazard=np.cumsum(d / n),
        level=level,
        scale=scale,
    )


def curve_limits(
    probability: FloatArray, std_error: FloatArray, level: float, scale: LimitScale
) -> tuple[FloatArray, FloatArray]:
    """Pointwise confidence limits of a probability on one of three scales; NaN where the scale has none.

    >>> lower, upper = curve_limits(np.array([0.5]), np.array([0.1]), 0.95, LimitScale.LOG_LOG)
    >>> lower.round(3).item(), upper.round(3).item()
    (0.295, 0.675)
    """
    z = float(special.ndtri(0.5 + share("level", level) / 2))
    p = probability
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale is LimitScale.PLAIN:
            return np.clip(p - z * std_error, 0.0, 1.0), np.clip(p + z * std_error, 0.0, 1.0)
        relative = std_error / np.where(p > 0, p, np.nan)
        if scale is LimitScale.LOG:
            return p * np.exp(-z * relative), np.minimum(p * np.exp(z * relative), 1.0)
        inside = np.where((p > 0) & (p < 1), p, np.nan)
        shift = z * relative / np.log(inside)
        return inside ** np.exp(-shift), inside ** np.exp(shift)


def survival_at(curve: KaplanMeier, times: ArrayLike) -> CurveValues:
    """Read the curve at chosen times.

    Args:
        curve: A curve.
        times: Times, shape (m,), >= 0.

    Returns:
        The values. Beyond the last person followed they are NaN, unless the curve has reached 0, where it stays.

    Raises:
        ValueError: If a time is NaN or negative.

    >>> survival_at(kaplan_meier([2, 3, 3, 5], [1, 1, 0, 0]), [0, 4, 6]).value
    array([1. , 0.5, nan])
    """
    wanted = non_negative("times", vector("times", times))
    row = np.searchsorted(curve.time, wanted, side="right")
    unknown = (wanted > curve.time[-1]) & (curve.survival[-1] > 0)

    def read(values: FloatArray, start: float) -> FloatArray:
        return np.where(unknown, np.nan, np.concatenate([[start], values])[row])

    ahead = np.searchsorted(curve.time, wanted, side="left")
    return CurveValues(
        value=read(curve.survival, 1.0),
        std_error=read(curve.std_error, 0.0),
        lower=read(curve.lower, 1.0),
        upper=read(curve.upper, 1.0),
        at_risk=np.concatenate([curve.risk.at_risk, [0.0]])[ahead],
    )


def time_quantile(curve: KaplanMeier, p: float) -> TimeQuantile:
    """Time by which a share `p` of people had the event, with limits read off the limits of the curve.

    Args:
        curve: A curve.
        p: Share, between 0 and 1.

    Returns:
        The quantile. Where the curve lies flat at exactly 1 - p it is the middle of the flat part.

    Raises:
        ValueError: If `p` is not strictly between 0 and 1.

    Source:
        Brookmeyer & Crowley (1982), Biometrics 38:29-41.

    >>> time_quantile(kaplan_meier([2, 3, 3, 5, 6], [1, 1, 0, 1, 0]), 0.5)
    TimeQuantile(time=5.0, lower=3.0, upper=nan)
    """
    height = 1 - share("p", p)
    curves = (curve.survival, curve.lower, curve.upper)
    return TimeQuantile(*(_first_time_at(height, values, curve.time) for values in curves))


def median_time(curve: KaplanMeier) -> TimeQuantile:
    """Median time to the event; NaN if the curve never falls to one half.

    >>> median_time(kaplan_meier([2, 3, 9], [1, 0, 0])).time
    nan
    """
    return time_quantile(curve, 0.5)


def restricted_mean(curve: KaplanMeier, horizon: float) -> RestrictedMean:
    """Mean time without the event up to a horizon: the area under the curve.

    Args:
        curve: A curve.
        horizon: End of the area, > 0, in the unit of time.

    Returns:
        The mean with its standard error.

    Raises:
        ValueError: If `horizon` is not above zero.

    Source:
        Irwin (1949); Klein & Moeschberger (2003), Survival Analysis, section 4.5.

    >>> restricted_mean(kaplan_meier([2, 3, 3, 5], [1, 1, 0, 0]), 4.0).mean
    3.25
    """
    if not 0 < horizon < np.inf:
        raise ValueError("horizon must be above zero and finite")
    inside = curve.time < horizon
    edges = np.concatenate([[0.0], curve.time[inside], [horizon]])
    areas = np.diff(edges) * np.concatenate([[1.0], curve.survival[inside]])
    after = areas[::-1].cumsum()[::-1][1:]
    n, d = curve.risk.at_risk[inside], curve.risk.events[inside]
    hazard_variance = np.divide(d, n * (n - d), out=np.zeros_like(d), where=n > d)
    return RestrictedMean(
        mean=float(areas.sum()),
        std_error=float(np.sqrt((after**2 * hazard_variance).sum())),
        extrapolated=bool(horizon > curve.time[-1] and curve.survival[-1] > 0),
    )


def _first_time_at(height: float, values: FloatArray, time: FloatArray) -> float:
    known = ~np.isnan(values)
    curve, at = values[known], time[known]
    # Products of fractions miss "exactly one half" by rounding, which must not move a median by a step.
    rounding = float(np.sqrt(np.finfo(np.float64).eps))
    reached = np.flatnonzero(curve <= height + rounding)
    if len(reached) == 0:
        return float("nan")
    first = int(reached[0])
    if abs(curve[first] - height) >= rounding:
        return float(at[first])
    below = np.flatnonzero(curve < height - rounding)
    end = at[below[0]] if len(below) else at[-1]
    return float((at[first] + end) / 2)
