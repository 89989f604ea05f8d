"""Times to an event with censoring, counted up per distinct time: what every survival kernel starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, finite, non_negative, same_shape, vector


@dataclass(frozen=True)
class RiskTable:
    """People at risk and what happened, one row per distinct time, each array of shape (m,).

    Attributes:
        time: Distinct times, ascending, in the caller's unit.
        at_risk: People still followed just before the time.
        events: Events at the time.
        censored: People whose follow-up ends at the time without the event; they count as at risk there.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray


def follow_up(time: ArrayLike, event: ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Check times and event marks: times finite and not negative, marks 0 or 1, one each per person.

    >>> follow_up([3, 5], [1, 0])
    (array([3., 5.]), array([ True, False]))
    """
    t, mark = non_negative("time", vector("time", time)), finite("event", event)
    same_shape(time=t, event=mark)
    if not np.isin(mark, (0.0, 1.0)).all():
        raise ValueError("event must be 0 (censored) or 1 everywhere")
    return t, mark == 1


def risk_table(time: ArrayLike, event: ArrayLike) -> RiskTable:
    """Count people at risk, events and censored per distinct time.

    Args:
        time: Time to the event or to the end of follow-up, shape (n,), >= 0.
        event: 1 for an event, 0 for censored, shape (n,).

    Returns:
        The table.

    Raises:
        ValueError: If there is nobody, shapes differ, a time is NaN or negative, or a mark is not 0 or 1.

    >>> risk_table([2, 3, 3, 5], [1, 1, 0, 0]).at_risk
    array([4., 3., 1.])
    """
    t, happened = follow_up(time, event)
    distinct, row = np.unique(t, return_inverse=True)
    everybody = np.bincount(row, minlength=len(distinct)).astype(np.float64)
    events = np.bincount(row[happened], minlength=len(distinct)).astype(np.float64)
    at_risk = everybody[::-1].cumsum()[::-1]
    return RiskTable(time=distinct, at_risk=at_risk, events=events, censored=everybody - events)
