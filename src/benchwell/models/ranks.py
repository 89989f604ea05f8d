"""Places of clinics in an order, and the refusal to give them (METHODS M3.10).

Places are not shown by default. A place is a far less certain thing than the estimate behind it: when the usual
interval of a place spans more than a quarter of the field, the data cannot order these clinics, and nothing is given
but that sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, IntArray, positive, same_shape, share, vector
from benchwell.models.deciles import top_tenth
from benchwell.terms import Better

REFUSAL = "the data cannot rank these clinics"

# Widest usual interval of a place, as a share of the number of clinics.
_WIDEST = 0.25
_BLOCK = 4_000_000
_LARGEST_GRID = 50_000


@dataclass(frozen=True)
class Ranks:
    """Posterior places; 1 is the most favorable estimate.

    Attributes:
        expected: Expected place of each clinic, shape (k,), from 1 to k.
        lower: Lower limit of the place, shape (k,), whole numbers.
        upper: Upper limit, shape (k,), whole numbers.
        p_first: Probability of the first place, shape (k,); they add up to 1.
        p_top_tenth: Probability of a place in the first tenth (at least one place), shape (k,).
        median_width: Median over clinics of upper minus lower limit.
        refused: Whether `median_width` exceeds a quarter of the clinics: then show none of the above.
        reason: Why, in words; empty when not refused.
        draws: Number of joint draws behind limits and `p_top_tenth`.
        seed: Seed of the draws.
    """

    expected: FloatArray
    lower: IntArray
    upper: IntArray
    p_first: FloatArray
    p_top_tenth: FloatArray
    median_width: float
    refused: bool
    reason: str
    draws: int
    seed: int


def posterior_ranks(
    estimate: ArrayLike,
    sd: ArrayLike,
    better: Better = Better.HIGHER,
    *,
    draws: int = 4000,
    seed: int = 0,
    level: float = 0.95,
) -> Ranks:
    """Places of clinics whose true values are independent normal around their (shrunken) estimates.

    Expected places and the probability of the first place are exact; limits and the first tenth come from joint draws.

    Args:
        estimate: Posterior means, shape (k,), k >= 2.
        sd: Posterior standard deviations, shape (k,), > 0.
        better: Which end of the scale comes first.
        draws: Joint draws.
        seed: Seed, recorded in the edition.
        level: Two-sided probability of the limits.

    Returns:
        Places with their doubt, and whether they may be used at all.

    Raises:
        ValueError: If shapes differ, a value is NaN, a standard deviation not above zero or `draws` below 100.

    Source:
        Goldstein & Spiegelhalter (1996), J R Stat Soc A 159:385-443; METHODS E3.10.

    >>> ranks = posterior_ranks([0.60, 0.52, 0.50], [0.03, 0.04, 0.05])
    >>> ranks.expected.round(4), ranks.p_first.round(4), ranks.refused
    (array([1.098 , 2.3226, 2.5794]), array([0.909 , 0.0511, 0.0399]), True)
    """
    theta, spread = vector("estimate", estimate, at_least=2), positive("sd", sd)
    same_shape(estimate=theta, sd=spread)
    if draws < 100:
        raise ValueError("limits of places need at least 100 draws")
    gain = theta if better is Better.HIGHER else -theta
    k = len(gain)
    lower, upper, top = _from_draws(gain, spread, draws, seed, share("level", level))
    width = float(np.median(upper - lower))
    refused = width > _WIDEST * k
    return Ranks(
        expected=_expected(gain, spread),
        lower=lower,
        upper=upper,
        p_first=_first(gain, spread),
        p_top_tenth=top,
        median_width=width,
        refused=refused,
        reason=f"{REFUSAL}: the usual interval of a place spans {width:g} of {k} places" if refused else "",
        draws=draws,
        seed=seed,
    )


def rank_confidence_sets(
    estimate: ArrayLike, se: ArrayLike, better: Better = Better.HIGHER, level: float = 0.95
) -> tuple[IntArray, IntArray]:
    """Frequentist check of the places: those not ruled out by comparing a clinic with every other one.

    A clinic's place lies after all clinics that are surely more favorable and before all that are surely less so;
    "surely" is Bonferroni's correction over its k - 1 comparisons. For unshrunken estimates.

    Args:
        estimate: Estimates, shape (k,), k >= 2.
        se: Their standard errors, shape (k,), > 0.
        better: Which end of the scale comes first.
        level: Confidence for each clinic's own set.

    Returns:
        First and last possible place of each clinic, shape (k,) each.

    Raises:
        ValueError: If shapes differ, a value is NaN or a standard error not above zero.

    Source:
        Mogstad, Romano, Shaikh & Wilhelm (2024), Rev Econ Stud, on confidence sets for ranks; METHODS M3.10.

    >>> rank_confidence_sets([0.9, 0.5, 0.48], [0.02, 0.02, 0.02])
    (array([1, 2, 2]), array([1, 3, 3]))
    """
    theta, spread = vector("estimate", estimate, at_least=2), positive("se", se)
    same_shape(estimate=theta, se=spread)
    gain = theta if better is Better.HIGHER else -theta
    k = len(gain)
    threshold = float(special.ndtri(1 - (1 - share("level", level)) / (2 * (k - 1))))
    first, last = np.empty(k, dtype=np.int64), np.empty(k, dtype=np.int64)
    for part in _parts(k, k):
        z = (gain[None, :] - gain[part, None]) / np.hypot(spread[None, :], spread[part, None])
        first[part] = 1 + (z > threshold).sum(axis=1)
        last[part] = k - (z < -threshold).sum(axis=1)
    return first, last


def _expected(gain: FloatArray, spread: FloatArray) -> FloatArray:
    """1 plus the probability of each other clinic to lie before: E[place], exactly."""
    expected = np.empty(len(gain))
    for part in _parts(len(gain), len(gain)):
        before = special.ndtr((gain[None, :] - gain[part, None]) / np.hypot(spread[None, :], spread[part, None]))
        expected[part] = 0.5 + before.sum(axis=1)  # a clinic lies "before itself" with one half, which is taken off
    return expected


def _first(gain: FloatArray, spread: FloatArray) -> FloatArray:
    """P(a clinic has the highest value): integral of its density times all others' distribution functions.

    On one grid for all clinics, a quarter of the smallest spread apart: the trapezoid rule is then exact to about ten
    digits for normal curves.
    """
    low, high = float((gain - 8 * spread).max()), float((gain + 8 * spread).max())
    size = int(min(np.ceil(4 * (high - low) / spread.min()) + 1, _LARGEST_GRID))
    x, step = np.linspace(low, high, size, retstep=True)
    log_below = np.zeros(size)
    for i in range(len(gain)):
        log_below += special.log_ndtr((x - gain[i]) / spread[i])
    p = np.empty(len(gain))
    for j in range(len(gain)):
        z = (x - gain[j]) / spread[j]
        others = np.exp(log_below - special.log_ndtr(z))
        p[j] = float(np.exp(-0.5 * z**2) @ others) * float(step) / (spread[j] * np.sqrt(2 * np.pi))
    return np.asarray(p / p.sum())


def _from_draws(
    gain: FloatArray, spread: FloatArray, draws: int, seed: int, level: float
) -> tuple[IntArray, IntArray, FloatArray]:
    generator = np.random.default_rng(seed)
    k = len(gain)
    # How often each clinic had each place would be k x k numbers; the draws themselves are fewer for many clinics.
    places = np.empty((draws, k), dtype=np.int32)
    for part in _parts(draws, k):
        drawn = gain + spread * generator.standard_normal((part.stop - part.start, k))
        order = np.argsort(-drawn, axis=1)
        np.put_along_axis(places[part], order, np.arange(1, k + 1, dtype=np.int32)[None, :], axis=1)
    tail = (1 - level) / 2
    lower, upper = np.quantile(places, [tail, 1 - tail], axis=0, method="inverted_cdf")
    return lower.astype(np.int64), upper.astype(np.int64), np.asarray((places <= top_tenth(k)).mean(axis=0))


def _parts(rows: int, columns: int) -> list[slice]:
    size = max(1, _BLOCK // columns)
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
