"""Does little change early say something of the end? Share of gain, and a two-by-two table (METHODS M6.3)."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.models.arrays import BoolArray


def share_of_gain(baseline: float, value: float, healthy_end: float) -> float | None:
    """How much of the way from the start to the healthy end of the scale was gone; below 0 is a loss.

    On a scale from 0 where lower is better that is the gain in percent of the baseline, as in "response".

    Args:
        baseline: First score, points.
        value: Later score, points.
        healthy_end: The end of the scale at which there are no symptoms, points.

    Returns:
        A share; None for somebody who started at the healthy end, who has no way to go.

    >>> share_of_gain(20, 17, 0), share_of_gain(40, 55, 100), share_of_gain(0, 3, 0)
    (0.15, 0.25, None)
    """
    way = baseline - healthy_end
    return None if way == 0 else (baseline - value) / way


@dataclass(frozen=True)
class TwoByTwo:
    """Counts of people by what a rule said early and what was seen at the end.

    Attributes:
        tp: The rule said "no response", and there was none.
        fp: The rule said "no response", and there was one: a late responder.
        fn: The rule said nothing, and there was no response.
        tn: The rule said nothing, and there was a response.

    Source:
        METHODS M6.3, E6.3.

    >>> rule = TwoByTwo(42, 28, 18, 112)
    >>> rule.sensitivity, rule.specificity, rule.ppv, round(rule.npv, 4), rule.prevalence
    (0.7, 0.8, 0.6, 0.8615, 0.3)
    """

    tp: int
    fp: int
    fn: int
    tn: int

    def __post_init__(self) -> None:
        """Refuse what are no counts."""
        if min(self.tp, self.fp, self.fn, self.tn) < 0:
            raise ValueError("counts are at least zero")

    @property
    def n(self) -> int:
        """People."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def flagged(self) -> int:
        """People of whom the rule said "no response"."""
        return self.tp + self.fp

    @property
    def sensitivity(self) -> float | None:
        """Of those without a response, the share that the rule named; None if there are none."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float | None:
        """Of those with a response, the share that the rule did not name."""
        return _share(self.tn, self.tn + self.fp)

    @property
    def ppv(self) -> float | None:
        """Of those whom the rule named, the share without a response, at the prevalence of these people."""
        return _share(self.tp, self.flagged)

    @property
    def npv(self) -> float | None:
        """Of those whom the rule did not name, the share with a response."""
        return _share(self.tn, self.tn + self.fn)

    @property
    def prevalence(self) -> float | None:
        """Share without a response: what PPV and NPV depend on, and what differs from place to place."""
        return _share(self.tp + self.fn, self.n)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def two_by_two(flagged: BoolArray, responded: BoolArray) -> TwoByTwo:
    """Count people by what a rule said and what was seen at the end.

    Args:
        flagged: Whether the rule said "no response", shape (n,).
        responded: Whether there was one at the end, same shape.

    >>> import numpy as np
    >>> two_by_two(np.array([True, True, False]), np.array([False, True, True]))
    TwoByTwo(tp=1, fp=1, fn=0, tn=1)
    """
    return TwoByTwo(
        int((flagged & ~responded).sum()),
        int((flagged & responded).sum()),
        int((~flagged & ~responded).sum()),
        int((~flagged & responded).sum()),
    )
