"""What following up more people would gain, said before anybody does it."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.models.intervals import wilson
from benchwell.models.missing import followup_bounds


@dataclass(frozen=True)
class FollowUpGain:
    """What further follow-up does to a share.

    Attributes:
        more: How many more people would be followed up.
        half_now: Half the 95 % interval among the followed now, points of percent.
        half_then: The same afterwards, if as large a share of them meets it.
        range_now: From nobody to everybody of the missing having met it, points of percent.
        range_then: The same afterwards.
    """

    more: int
    half_now: float
    half_then: float
    range_now: float
    range_then: float


def follow_up_gain(n_eligible: int, n_followed: int, n_met: int, more: int) -> FollowUpGain | None:
    """What following up more people would gain.

    Args:
        n_eligible: People whose follow-up is due.
        n_followed: Of them, followed up.
        n_met: Of these, met.
        more: How many more would be followed up; at most as many as are missing.

    Returns:
        The gain; None where nobody is followed yet, or nobody is missing.

    Source:
        Wilson's interval (METHODS C4) and Manski's bounds (M1.4), now and with the same share among those added.

    >>> gain = follow_up_gain(120, 92, 42, 20)
    >>> round(gain.half_now), round(gain.half_then), round(gain.range_now), round(gain.range_then)
    (10, 9, 23, 7)
    """
    added = min(more, n_eligible - n_followed)
    if n_followed <= 0 or added <= 0:
        return None
    followed, met = n_followed + added, n_met * (n_followed + added) / n_followed
    low, high = wilson([n_met, met], [n_followed, followed])
    bounds = followup_bounds([n_met, met], [n_followed, followed], [n_eligible, n_eligible])
    half, width = (high - low) * 50, (bounds.best - bounds.worst) * 100
    return FollowUpGain(added, float(half[0]), float(half[1]), float(width[0]), float(width[1]))
