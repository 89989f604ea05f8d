"""How well a score orders people by who has the event first (Harrell's C)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, finite, same_shape
from benchwell.models.follow_up_times import follow_up


@dataclass(frozen=True)
class Concordance:
    """Pairs of people of whom one had the event while the other was known to be still without it.

    Attributes:
        concordant: Pairs in which the one with the earlier event has the higher score.
        discordant: Pairs in which that one has the lower score.
        tied_score: Pairs with the same score.
    """

    concordant: float
    discordant: float
    tied_score: float

    @property
    def value(self) -> float:
        """Share of pairs in the right order, ties counting half; .5 is chance, NaN without any pair."""
        pairs = self.concordant + self.discordant + self.tied_score
        return (self.concordant + self.tied_score / 2) / pairs if pairs else float("nan")


def concordance(time: ArrayLike, event: ArrayLike, score: ArrayLike, stratum: ArrayLike | None = None) -> Concordance:
    """Count concordant pairs; a higher score is meant to bring the event earlier.

    Args:
        time: Time to the event or to the end of follow-up, shape (n,), >= 0.
        event: 1 for an event, 0 for censored, shape (n,).
        score: Score, shape (n,), such as the linear predictor of a Cox model.
        stratum: Codes, shape (n,): only people of the same stratum are compared. None for one stratum.

    Returns:
        The counts. Two events at the same time are no pair.

    Raises:
        ValueError: If shapes differ or a value is NaN.

    Source:
        Harrell et al. (1996), Stat Med 15:361-387.

    >>> concordance([1, 2, 3], [1, 1, 0], [0.9, 0.1, 0.5]).value.__round__(4)
    0.6667
    """
    t, happened = follow_up(time, event)
    x = finite("score", score)
    layer = np.zeros_like(t) if stratum is None else finite("stratum", stratum)
    same_shape(time=t, score=x, stratum=layer)
    counts = np.zeros(3)
    for one in np.unique(layer):
        inside = layer == one
        counts += _one_stratum(t[inside], happened[inside], x[inside])
    return Concordance(*counts.tolist())


def _one_stratum(t: FloatArray, happened: BoolArray, x: FloatArray) -> FloatArray:
    """Walk from the longest followed to the shortest, keeping those still without the event in a counting tree."""
    # Scores that differ by rounding alone are the same score.
    levels, rank = np.unique(np.round(x, 12), return_inverse=True)
    tree = np.zeros(len(levels) + 1, dtype=np.int64)
    counts, seen = np.zeros(3), 0
    for moment in np.unique(t)[::-1]:
        now = t == moment
        for person in np.flatnonzero(now & ~happened):
            _add(tree, int(rank[person]))
            seen += 1
        for person in np.flatnonzero(now & happened):
            below, up_to = _below(tree, int(rank[person])), _below(tree, int(rank[person]) + 1)
            counts += (below, seen - up_to, up_to - below)
        for person in np.flatnonzero(now & happened):
            _add(tree, int(rank[person]))
            seen += 1
    return counts


def _add(tree: npt.NDArray[np.int64], rank: int) -> None:
    node = rank + 1
    while node < len(tree):
        tree[node] += 1
        node += node & -node


def _below(tree: npt.NDArray[np.int64], rank: int) -> int:
    total, node = 0, rank
    while node > 0:
        total += int(tree[node])
        node -= node & -node
    return total
