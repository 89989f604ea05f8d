"""Risk-adjusted CUSUM and VLAD: drift of a clinic from what its people let expect (METHODS M5.4).

Outcomes are coded adversely: y = 1 is a person who did not improve, p the chance of that. People come in the order in
which their outcome was due (maturity), not in which they started.

Rule of the signal: C starts at 0 and signals when it reaches h; it then starts anew at 0 with the next person. One
chart looks for odds that have doubled (R_A = 2), a second for odds that have halved (R_A = 1/2), each with its own h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, IntArray, positive, same_shape, vector

DOUBLED, HALVED = 2.0, 0.5

# Before a chart is shown: people over a year, or so many people in less. Below that a path is mostly its own start.
MONITORED_DAYS, MONITORED_PEOPLE = 365, 50


@dataclass(frozen=True)
class Cusum:
    """A risk-adjusted CUSUM.

    Attributes:
        weight: Log likelihood ratio of each person (W), shape (t,).
        value: C after each person, before any restart, shape (t,), >= 0.
        signals: Index of each person at whom C reached the limit; empty without a limit.
        limit: The limit h; None draws the chart without signals.
        odds_ratio: R_A, the odds looked for against those expected.
    """

    weight: FloatArray
    value: FloatArray
    signals: IntArray
    limit: float | None
    odds_ratio: float


def cusum_weights(expected: ArrayLike, adverse: ArrayLike, odds_ratio: float, null_ratio: float = 1.0) -> FloatArray:
    """Log likelihood ratio of changed odds against usual odds, person by person.

    Args:
        expected: Chance of the adverse outcome, shape (t,), strictly between 0 and 1.
        adverse: 1 if it came, else 0, shape (t,).
        odds_ratio: R_A, > 0 and other than `null_ratio`.
        null_ratio: R_0, odds against the expected ones that count as usual.

    Returns:
        Weights, shape (t,).

    Raises:
        ValueError: If shapes differ, a chance is outside (0, 1), an outcome not 0 or 1, or a ratio out of range.

    Source:
        Steiner, Cook, Farewell & Treasure (2000), Biostatistics 1:441-452; METHODS E5.4.

    >>> cusum_weights([0.3, 0.5, 0.2], [1, 1, 0], 2.0).round(4)
    array([ 0.4308,  0.2877, -0.1823])
    """
    p, y = _people(expected, adverse)
    changed, usual = float(positive("odds_ratio", odds_ratio)), float(positive("null_ratio", null_ratio))
    if changed == usual:
        raise ValueError("odds_ratio must differ from null_ratio")
    common = np.log((1 - p + usual * p) / (1 - p + changed * p))
    return np.asarray(common + y * np.log(changed / usual))


def cusum(
    expected: ArrayLike,
    adverse: ArrayLike,
    odds_ratio: float = DOUBLED,
    limit: float | None = None,
    *,
    null_ratio: float = 1.0,
) -> Cusum:
    """Accumulate evidence of changed odds: C = max(0, C + W), with a restart at 0 after every signal.

    Args:
        expected: Chance of the adverse outcome in order of maturity, shape (t,), strictly between 0 and 1.
        adverse: 1 if it came, else 0, shape (t,).
        odds_ratio: R_A: 2 looks for doubled odds, 1/2 for halved ones.
        limit: h, from `control_limit`; None draws without signals.
        null_ratio: R_0.

    Returns:
        Weights, values and signals.

    Raises:
        ValueError: As `cusum_weights`, or if `limit` is not above zero.

    Source:
        Steiner et al. (2000); METHODS E5.4.

    >>> chart = cusum([.3, .5, .2, .4, .6, .3], [1, 1, 0, 1, 1, 1], limit=1.5)
    >>> chart.value.round(4), chart.signals
    (array([0.4308, 0.7185, 0.5361, 0.8928, 1.116 , 1.5467]), array([5]))
    """
    weight = cusum_weights(expected, adverse, odds_ratio, null_ratio)
    height = np.inf if limit is None else float(positive("limit", limit))
    value, signals, start = np.empty_like(weight), [], 0
    while start < len(weight):
        run = reflected(weight[start:])
        over = np.flatnonzero(run >= height)
        end = start + int(over[0]) + 1 if len(over) else len(weight)
        value[start:end] = run[: end - start]
        if len(over):
            signals.append(end - 1)
        start = end
    return Cusum(weight, value, np.asarray(signals, dtype=np.int64), limit, float(odds_ratio))


def vlad(expected: ArrayLike, adverse: ArrayLike) -> FloatArray:
    """Variable life-adjusted display: adverse outcomes spared so far, against expectation. For display only.

    Args:
        expected: Chance of the adverse outcome in order of maturity, shape (t,), strictly between 0 and 1.
        adverse: 1 if it came, else 0, shape (t,).

    Returns:
        Running sum of expected minus observed, shape (t,), people; falling means more adverse outcomes than expected.

    Raises:
        ValueError: If shapes differ, a chance is outside (0, 1) or an outcome not 0 or 1.

    Source:
        Lovegrove et al. (1997), Lancet 350:1128-1130; METHODS E5.4.

    >>> vlad([.3, .5, .2, .4, .6, .3], [1, 1, 0, 1, 1, 1]).round(4)
    array([-0.7, -1.2, -1. , -1.6, -2. , -2.7])
    """
    p, y = _people(expected, adverse)
    return np.asarray(np.cumsum(p - y))


def is_monitored(n: ArrayLike, days: ArrayLike, least: int) -> BoolArray:
    """Whether an organization has people enough for its charts: at least `least`, over a year or at least 50.

    Args:
        n: People, shape (k,).
        days: From the first to the last day on which an outcome was due, both counted, shape (k,).
        least: People below whom nothing of an organization is shown.

    Source:
        Our reading of METHODS M5.4, which names no least number.

    >>> is_monitored([9, 12, 12, 50], [400, 400, 200, 90], 10)
    array([False,  True, False,  True])
    """
    people, span = np.asarray(n), np.asarray(days)
    return np.asarray((people >= least) & ((span >= MONITORED_DAYS) | (people >= MONITORED_PEOPLE)))


def reflected(weight: FloatArray) -> FloatArray:
    """max(0, C + W) step by step over the last axis, as a running sum above its running minimum.

    >>> reflected(np.array([1.0, -3.0, 2.0]))
    array([1., 0., 2.])
    """
    total = np.cumsum(weight, axis=-1)
    return np.asarray(total - np.minimum(np.minimum.accumulate(total, axis=-1), 0.0))


def _people(expected: ArrayLike, adverse: ArrayLike) -> tuple[FloatArray, FloatArray]:
    p, y = vector("expected", expected), vector("adverse", adverse)
    same_shape(expected=p, adverse=y)
    if ((p <= 0) | (p >= 1)).any():
        raise ValueError("expected must lie strictly between 0 and 1")
    if not ((y == 0) | (y == 1)).all():
        raise ValueError("adverse must be 0 or 1")
    return p, y
