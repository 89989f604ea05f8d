"""The four-state light: green, near, red, or grey "cannot tell" (METHODS M5.5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, finite, non_negative, share
from benchwell.terms import Better, Light


@dataclass(frozen=True)
class LightVerdict:
    """Probabilities behind the light, and its state before any gate.

    Attributes:
        state: Green, near, red or grey.
        decided_by: Probability of the most probable of the three, the one compared with the threshold.
        p_above: P(the clinic is more favorable than the benchmark by more than the margin).
        p_near: P(it lies within the margin).
        p_below: P(it is less favorable by more than the margin).
    """

    state: Light
    decided_by: float
    p_above: float
    p_near: float
    p_below: float


def light(
    theta: float,
    sd: float,
    benchmark: float,
    se_benchmark: float,
    delta: float,
    probability: float = 0.90,
    better: Better = Better.HIGHER,
) -> LightVerdict:
    """Compare a clinic with a benchmark by probability.

    Args:
        theta: The clinic's shrunken estimate.
        sd: Its posterior standard deviation, >= 0, same unit.
        benchmark: The benchmark, same unit.
        se_benchmark: Its standard error, >= 0, same unit.
        delta: Margin that matters, >= 0, same unit.
        probability: Probability that a state needs, above .5.
        better: Which direction is favorable; green is always the favorable side.

    Returns:
        State and probabilities, gates taken as passed. At equality with `probability` the state is taken.

    Raises:
        ValueError: If an input is NaN, a spread or the margin negative, or `probability` not in (.5, 1).

    Source:
        METHODS M5.5, E5.5.

    >>> light(0.605, 0.031, 0.47, 0.010, 0.03).state.value
    'green'
    >>> verdict = light(0.51, 0.047, 0.47, 0.010, 0.03)
    >>> verdict.state.value, round(verdict.p_above, 4)
    ('grey', 0.5824)
    """
    above, near, below = (float(p) for p in light_probabilities(theta, sd, benchmark, se_benchmark, delta, better))
    if share("probability", probability) <= 0.5:
        raise ValueError("probability must be above .5, or two states could hold at once")
    state = Light.UNKNOWN
    for candidate, p in ((Light.ABOVE, above), (Light.BELOW, below), (Light.CLOSE, near)):
        if p >= probability:
            state = candidate
    return LightVerdict(state=state, decided_by=max(above, near, below), p_above=above, p_near=near, p_below=below)


def light_probabilities(
    theta: ArrayLike,
    sd: ArrayLike,
    benchmark: ArrayLike,
    se_benchmark: ArrayLike,
    delta: ArrayLike,
    better: Better = Better.HIGHER,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Probabilities that the clinic is above, near and below the benchmark; all arguments broadcast.

    Returns:
        P(above by more than the margin), P(within), P(below by more than the margin), which add up to 1. "Above" is
        the favorable side. Without any spread they are 0 or 1.

    Raises:
        ValueError: If an input is NaN, or a spread or the margin negative.
    """
    sign = 1.0 if better is Better.HIGHER else -1.0
    gap = sign * (finite("theta", theta) - finite("benchmark", benchmark))
    spread = np.hypot(non_negative("sd", sd), non_negative("se_benchmark", se_benchmark))
    margin = non_negative("delta", delta)
    gap, spread, margin = np.broadcast_arrays(gap, spread, margin)
    known = spread == 0
    scale = np.where(known, 1.0, spread)
    with np.errstate(over="ignore"):  # a spread of next to nothing: infinitely many of it away, which is right
        above = np.where(known, gap > margin, special.ndtr((gap - margin) / scale))
        below = np.where(known, gap < -margin, special.ndtr((-margin - gap) / scale))
    return above, np.maximum(1 - above - below, 0.0), below


def people_needed(
    estimate: float,
    n: int,
    mean: float,
    tau2: float,
    benchmark: float,
    se_benchmark: float,
    delta: float,
    probability: float = 0.90,
    better: Better = Better.HIGHER,
    *,
    unit_variance: float | None = None,
    min_reliability: float = 0.0,
    added_variance: float = 0.0,
    at_most: int = 1_000_000,
) -> int | None:
    """How many more followed people the light would need to leave grey, if the estimate stayed where it is.

    Args:
        estimate: The clinic's raw estimate.
        n: People behind it now, >= 0.
        mean: Mean of the clinics it is shrunken toward.
        tau2: Variance between clinics, >= 0.
        benchmark: The benchmark.
        se_benchmark: Its standard error.
        delta: Margin that matters.
        probability: Probability that a state needs.
        better: Which direction is favorable.
        unit_variance: Sampling variance of one person's value; None is mean * (1 - mean), for a yes/no outcome.
        min_reliability: Reliability that a color needs as well.
        added_variance: Posterior variance beyond tau2 (1 - B) at `n`, from the doubt about mean and tau2
            (`hyper_uncertainty`), >= 0. It fades with the weight of the mean, (1 - B)^2.
        at_most: Largest total number that is looked at.

    Returns:
        The smallest number of further people with which the light is not grey, 0 if it is not grey now, or None if
        no number up to `at_most` is enough.

    Raises:
        ValueError: If an input is out of range.

    Source:
        METHODS C8 (say the n still needed), M3.9, M5.5.

    >>> people_needed(0.55, 40, mean=0.45, tau2=0.005, benchmark=0.45, se_benchmark=0.01, delta=0.03)
    118
    >>> people_needed(0.48, 40, mean=0.45, tau2=0.005, benchmark=0.45, se_benchmark=0.01, delta=0.03) is None
    True
    """
    if n < 0 or tau2 < 0 or not added_variance >= 0:
        raise ValueError("n, tau2 and added_variance must not be negative")
    per_person = mean * (1 - mean) if unit_variance is None else unit_variance
    if not (math.isfinite(per_person) and per_person >= 0):
        raise ValueError("the sampling variance of one person must be finite and not negative")
    if per_person == 0:  # nobody anywhere, or everybody, succeeded: no number follows from that
        return None

    leaning = per_person / (tau2 * n + per_person)  # 1 - B at the present number

    def decided(people: FloatArray) -> np.ndarray:
        reliability = tau2 * people / (tau2 * people + per_person)
        theta = reliability * estimate + (1 - reliability) * mean
        fading = ((1 - reliability) / leaning) ** 2
        sd = np.sqrt(tau2 * (1 - reliability) + added_variance * fading)
        states = light_probabilities(theta, sd, benchmark, se_benchmark, delta, better)
        return np.asarray((np.maximum.reduce(states) >= probability) & (reliability >= min_reliability))

    share("probability", probability)
    # "Near" can hold at small n and be lost again, so the answer is searched from n upward, not bisected.
    start, width = n, 1024
    while start <= at_most:
        stop = min(start + width, at_most + 1)
        hits = np.flatnonzero(decided(np.arange(start, stop, dtype=np.float64)))
        if len(hits):
            return int(start - n + hits[0])
        start, width = stop, width * 2
    return None
