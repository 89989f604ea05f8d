"""Cumulative incidence when one event rules out another: Aalen-Johansen (METHODS M2.9, E2.9).

Improvement and unplanned dropout compete. "1 - Kaplan-Meier with dropout censored" answers what would happen if nobody
could drop out, and overstates what did happen; it is given beside the incidence so that the gap can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, finite, same_shape
from benchwell.models.follow_up_times import risk_table
from benchwell.models.kaplan_meier import LimitScale, curve_limits, kaplan_meier


@dataclass(frozen=True)
class CumulativeIncidence:
    """Share of people who had each kind of event by each distinct time, first.

    Attributes:
        time: Distinct times, ascending, shape (m,).
        at_risk: People still followed and without any event just before each time, shape (m,).
        causes: Codes of the kinds of events, ascending, shape (c,).
        incidence: Shares, shape (c, m).
        std_error: Standard errors, shape (c, m).
        lower: Lower confidence limits, shape (c, m); NaN where the incidence is 0.
        upper: Upper confidence limits, shape (c, m), likewise.
        event_free: Share without any event, shape (m,); with the incidences it adds up to 1.
        one_minus_kaplan_meier: What one gets by censoring the other kinds, shape (c, m): overstates.
    """

    time: FloatArray
    at_risk: FloatArray
    causes: FloatArray
    incidence: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    event_free: FloatArray
    one_minus_kaplan_meier: FloatArray


def cumulative_incidence(
    time: ArrayLike, cause: ArrayLike, *, level: float = 0.95, scale: LimitScale = LimitScale.LOG
) -> CumulativeIncidence:
    """Aalen-Johansen estimate of the share of people with each kind of event.

    Args:
        time: Time to the first event or to the end of follow-up, shape (n,), >= 0.
        cause: 0 for censored (end of observation only), 1, 2, ... for the kind of event, shape (n,), whole numbers.
        level: Two-sided confidence level.
        scale: Scale of the confidence limits.

    Returns:
        One row per kind of event that occurs; no row if everybody is censored.

    Raises:
        ValueError: If there is nobody, shapes differ, or a code is NaN, negative or not whole.

    Source:
        Aalen & Johansen (1978), Scand J Stat 5:141-150; Austin, Lee & Fine (2016), Circulation 133:601-609; standard
        errors by the delta method on multinomial increments. METHODS E2.9.

    >>> result = cumulative_incidence([2, 3, 4, 4, 6, 6, 8, 9, 10, 12], [1, 2, 1, 2, 1, 1, 0, 2, 1, 0])
    >>> incidence_at(result, 10.0).round(4), result.one_minus_kaplan_meier[0, -1].round(4).item()
    (array([0.5333, 0.3333]), 0.7375)
    """
    code = finite("cause", cause)
    if (code < 0).any() or (code != np.round(code)).any():
        raise ValueError("cause must be 0 (censored) or a whole number above 0 everywhere")
    table = risk_table(time, code > 0)
    t = finite("time", time)
    same_shape(time=t, cause=code)
    kinds, n = np.unique(code[code > 0]), table.at_risk
    row = np.searchsorted(table.time, t)
    counts = [np.bincount(row[code == kind], minlength=len(n)).astype(np.float64) for kind in kinds]
    hazard = np.array(counts).reshape(len(kinds), len(n)) / n
    free: FloatArray = np.cumprod(1 - table.events / n, dtype=np.float64)
    before = np.concatenate([[1.0], free[:-1]])
    incidence = np.cumsum(before * hazard, axis=1)
    std_error = np.array([_std_error(incidence[j], hazard[j], table.events / n, before, n) for j in range(len(kinds))])
    std_error = std_error.reshape(incidence.shape)
    lower, upper = curve_limits(incidence, std_error, level, scale)
    known = incidence > 0
    alone = [1 - kaplan_meier(t, code == kind).survival for kind in kinds]
    return CumulativeIncidence(
        time=table.time,
        at_risk=n,
        causes=kinds,
        incidence=incidence,
        std_error=std_error,
        lower=np.where(known, lower, np.nan),
        upper=np.where(known, upper, np.nan),
        event_free=free,
        one_minus_kaplan_meier=np.array(alone).reshape(incidence.shape),
    )


def incidence_at(result: CumulativeIncidence, time: float) -> FloatArray:
    """Incidence of each kind by one time, shape (c,); NaN beyond the last person followed, if anybody was left then.

    >>> result = cumulative_incidence([2, 3, 4], [1, 2, 0])
    >>> incidence_at(result, 2.5).round(4), incidence_at(result, 5)
    (array([0.3333, 0.    ]), array([nan, nan]))
    """
    if not time >= 0:
        raise ValueError("time must not be negative")
    if time > result.time[-1] and result.event_free[-1] > 0:
        return np.full(len(result.causes), np.nan)
    row = int(np.searchsorted(result.time, time, side="right"))
    return result.incidence[:, row - 1] if row else np.zeros(len(result.causes))


def median_incidence_time(result: CumulativeIncidence) -> FloatArray:
    """First time at which half of all people have had each kind of event, shape (c,); NaN where it never comes.

    >>> median_incidence_time(cumulative_incidence([1, 2, 3, 4], [1, 1, 2, 0]))
    array([ 2., nan])
    """
    half = result.incidence >= 0.5 - float(np.sqrt(np.finfo(np.float64).eps))
    return np.where(half.any(axis=1), result.time[half.argmax(axis=1)], np.nan)


def _std_error(
    incidence: FloatArray, hazard: FloatArray, all_hazard: FloatArray, before: FloatArray, n: FloatArray
) -> FloatArray:
    """Delta method: the events of each time are a multinomial draw from the people at risk, and move later shares."""
    # The sum over earlier times of (a_i - b_i)^2 splits into powers of the incidence at the time looked at, so that
    # one pass suffices: b_i = (F(t) - F(t_i)) / (1 - h_i) is linear in F(t).
    left = 1 - all_hazard
    share_left = np.divide(1.0, left, out=np.zeros_like(left), where=left > 1e-12)
    fixed = before + incidence * share_left
    other = incidence * share_left

    def summed(x: FloatArray, y: FloatArray, u: FloatArray, w: FloatArray) -> FloatArray:
        """Running covariance of the draws: own kind moves by x (or u), every other kind by y (or w)."""
        rest = all_hazard - hazard
        mean_1, mean_2 = x * hazard + y * rest, u * hazard + w * rest
        return np.asarray(np.cumsum((x * u * hazard + y * w * rest - mean_1 * mean_2) / n))

    constant = summed(fixed, other, fixed, other)
    mixed = summed(fixed, other, share_left, share_left)
    squared = summed(share_left, share_left, share_left, share_left)
    variance = constant - 2 * incidence * mixed + incidence**2 * squared
    return np.sqrt(np.maximum(variance, 0.0))
