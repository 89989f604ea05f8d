"""Predicted over expected, as hierarchical quality measures report it (METHODS M3.7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import special

from benchwell.models.arrays import (
    ArrayLike,
    FloatArray,
    IntArray,
    finite,
    non_negative,
    ratio,
    same_shape,
    share,
    vector,
)
from benchwell.models.group_sums import rows_by_group, sums_by_group

# A clinic's predicted count is computed at some shifts and interpolated between them, to about this relative error.
_INTERPOLATION_ERROR = 1e-7
_REACH = 6.0  # posterior standard deviations that the nodes span on each side
_QUADRATURE = 20
_BLOCK = 2_000_000


class ExpectedAt(StrEnum):
    """What "expected" means: a clinic of the average effect, or the average over all clinics' effects."""

    AVERAGE_CLINIC = "conditional: effect 0"
    ALL_CLINICS = "marginal: effects averaged over their normal distribution"


@dataclass(frozen=True)
class PredictedExpected:
    """Each clinic with its own effect beside a clinic of the reference.

    Attributes:
        predicted: Sum of the chances with the clinic's effect (P), shape (k,), counts.
        expected: Sum of the chances without it (E), shape (k,), counts.
        ratio: P / E, shape (k,), unitless; NaN for a clinic without people.
        rate: Risk-standardized rate: `ratio` times the overall rate, shape (k,), may pass 1.
        overall_rate: Rate of all people together, fraction.
        expected_at: Which `expected` this is.
    """

    predicted: FloatArray
    expected: FloatArray
    ratio: FloatArray
    rate: FloatArray
    overall_rate: float
    expected_at: ExpectedAt


@dataclass(frozen=True)
class RatioInterval:
    """Percentile interval of predicted over expected.

    Attributes:
        ratio_lower: Lower limits of P / E, shape (k,).
        ratio_upper: Upper limits, shape (k,).
        rate_lower: Lower limits of the risk-standardized rate, shape (k,).
        rate_upper: Upper limits, shape (k,).
        replicates: Number of draws.
        seed: Seed; the same seed gives the same limits.
    """

    ratio_lower: FloatArray
    ratio_upper: FloatArray
    rate_lower: FloatArray
    rate_upper: FloatArray
    replicates: int
    seed: int


def predicted_expected(
    lp: ArrayLike,
    group: ArrayLike,
    effect: ArrayLike,
    overall_rate: float,
    *,
    intercept: float = 0.0,
    tau2: float | None = None,
) -> PredictedExpected:
    """Sum people's chances with and without their clinic's effect.

    Shrunken effects pull small clinics to the mean: a ratio near 1 of a small clinic says little. Show the effect with
    its reliability beside it.

    Args:
        lp: Linear predictor of each person without the clinic's effect, shape (n,), log odds.
        group: Index of each person's clinic, shape (n,), 0 to k - 1.
        effect: Shrunken clinic effects, shape (k,), log odds.
        overall_rate: Rate of all people, in (0, 1).
        intercept: Constant that `lp` leaves out.
        tau2: None expects the average clinic (effect 0); a variance averages the chances over normal effects of that
            variance, by Gauss-Hermite quadrature.

    Returns:
        Predicted, expected, their ratio and the risk-standardized rate.

    Raises:
        ValueError: If shapes differ, a value is NaN, a group out of range or `tau2` negative.

    Source:
        Normand, Glickman & Gatsonis (1997), J Am Stat Assoc 92:803-814; METHODS E3.7.

    >>> result = predicted_expected([-1.2, -0.4, 0.1, 0.6], [0] * 4, [0.45], 0.42, intercept=-0.3)
    >>> result.ratio.round(6), result.rate.round(6)
    (array([1.259647]), array([0.529052]))
    """
    u = vector("effect", effect)
    k = len(u)
    eta, _, index = rows_by_group(lp, np.zeros(np.shape(lp)), group, k)
    eta = eta + float(finite("intercept", intercept))
    rate = share("overall_rate", overall_rate)
    predicted = sums_by_group(special.expit(eta + u[index]), index, k)
    expected = sums_by_group(special.expit(eta) if tau2 is None else marginal_chance(eta, tau2), index, k)
    quotient = ratio(predicted, expected)
    at = ExpectedAt.AVERAGE_CLINIC if tau2 is None else ExpectedAt.ALL_CLINICS
    return PredictedExpected(predicted, expected, quotient, quotient * rate, rate, at)


def marginal_chance(eta: ArrayLike, tau2: float) -> FloatArray:
    """Chance averaged over normal clinic effects, by Gauss-Hermite quadrature.

    Args:
        eta: Linear predictors, any shape, log odds.
        tau2: Variance of the effects, >= 0.

    Returns:
        Fractions, same shape.

    Raises:
        ValueError: If a value is NaN or `tau2` negative.

    Source:
        METHODS E3.7.

    >>> marginal_chance([-1.5, -0.7, -0.2, 0.3], 0.25).sum().round(6).item()
    1.557261
    """
    value, spread = finite("eta", eta), float(np.sqrt(non_negative("tau2", tau2)))
    nodes, weights = np.polynomial.hermite_e.hermegauss(_QUADRATURE)
    total = np.zeros_like(value)
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        total += weight * special.expit(value + spread * node)
    return total


def predicted_expected_interval(
    lp: ArrayLike,
    outcome: ArrayLike,
    group: ArrayLike,
    effect: ArrayLike,
    effect_sd: ArrayLike,
    tau2: float,
    *,
    replicates: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> RatioInterval:
    """Interval of P / E: clinics are resampled, the average effect moves with them, each effect is drawn anew.

    In each replicate clinics are drawn with replacement. Their effects move the model's constant by one exact step of
    the normal model (sum of effects over sum of reliabilities), and their people move the overall rate; every clinic's
    effect is then drawn from its posterior under that constant. The coefficients of the people's characteristics stay
    as they are: they rest on all rows and add little.

    Args:
        lp: Linear predictor of each person with the constant, without the clinic's effect, shape (n,), log odds.
        outcome: 0 or 1 of each person, shape (n,).
        group: Index of each person's clinic, shape (n,), 0 to k - 1.
        effect: Posterior means of the clinic effects, shape (k,), k >= 2.
        effect_sd: Their posterior standard deviations, shape (k,), >= 0.
        tau2: Variance of the effects, > 0 unless all `effect_sd` are 0.
        replicates: Number of draws.
        seed: Seed, recorded in the edition.
        level: Two-sided confidence level.

    Returns:
        Percentile limits of the ratio and of the risk-standardized rate. By simulation (40 clinics, nominal 95 %, the
        other parameters known) they hold the true ratio in 94 % of clinics with 25 people and of those with 200.

    Raises:
        ValueError: If shapes differ, a value is NaN or out of range.

    Source:
        Normand, Glickman & Gatsonis (1997); METHODS M3.7.

    >>> rng = np.random.default_rng(0)
    >>> group, lp = np.repeat(np.arange(5), 40), rng.normal(size=200)
    >>> result = predicted_expected_interval(lp, rng.random(200) < 0.5, group, [-.4, -.2, 0, .2, .4], [.2] * 5, 0.1)
    >>> bool((result.ratio_lower < result.ratio_upper).all())
    True
    """
    u, sd = vector("effect", effect, at_least=2), non_negative("effect_sd", effect_sd)
    same_shape(effect=u, effect_sd=sd)
    k = len(u)
    eta, y, index = rows_by_group(lp, outcome, group, k)
    variance = float(non_negative("tau2", tau2))
    if replicates < 2:
        raise ValueError("an interval needs at least 2 replicates")
    generator = np.random.default_rng(seed)
    reliability = np.clip(1 - sd**2 / variance, 0.0, 1.0) if variance > 0 else np.ones(k)
    moved, rate = _resampled(generator, replicates, u, reliability, y, index)
    reach = _REACH * np.maximum(sd, 1e-6) + float(np.abs(moved).max())
    predicted_at = _CountCurve(eta, index, u, reach)
    expected_at = _CountCurve(eta, index, np.zeros(k), np.full(k, float(np.abs(moved).max()) + 1e-6))
    tail = (1 - share("level", level)) / 2
    limits = np.full((4, k), np.nan)
    size = max(1, _BLOCK // replicates)
    for start in range(0, k, size):
        part = slice(start, start + size)
        noise = generator.standard_normal((len(u[part]), replicates)) * sd[part, None]
        own = u[part, None] + (1 - reliability)[part, None] * moved + noise
        quotient = ratio(predicted_at(own, part), expected_at(np.broadcast_to(moved, own.shape), part))
        limits[:2, part] = np.quantile(quotient, [tail, 1 - tail], axis=1)
        limits[2:, part] = np.quantile(quotient * rate, [tail, 1 - tail], axis=1)
    return RatioInterval(limits[0], limits[1], limits[2], limits[3], replicates, seed)


def _resampled(
    generator: np.random.Generator,
    replicates: int,
    u: FloatArray,
    reliability: FloatArray,
    y: FloatArray,
    index: IntArray,
) -> tuple[FloatArray, FloatArray]:
    """Move of the constant and overall rate in each replicate, shape (replicates,) each."""
    k = len(u)
    met, people = sums_by_group(y, index, k), sums_by_group(np.ones_like(y), index, k)
    moved, rate = np.empty(replicates), np.empty(replicates)
    size = max(1, _BLOCK // k)
    for start in range(0, replicates, size):
        part = slice(start, min(start + size, replicates))
        chosen = generator.integers(0, k, size=(part.stop - start, k))
        moved[part] = ratio(u[chosen].sum(axis=1), reliability[chosen].sum(axis=1), empty=0.0)
        rate[part] = ratio(met[chosen].sum(axis=1), people[chosen].sum(axis=1), empty=0.0)
    return moved, rate


class _CountCurve:
    """Sum of a clinic's chances as a function of the shift of its log odds, by barycentric interpolation."""

    def __init__(self, eta: FloatArray, index: IntArray, center: FloatArray, reach: FloatArray) -> None:
        k = len(center)
        self._center, self._reach = center, reach
        # A logistic curve is analytic up to a distance of pi: this tells how many Chebyshev nodes the error takes.
        ratio_to_pole = np.pi / float(reach.max())
        convergence = np.log(ratio_to_pole + np.sqrt(1 + ratio_to_pole**2))
        size = int(np.clip(np.ceil(-np.log(_INTERPOLATION_ERROR) / convergence), 7, 200))
        angle = (2 * np.arange(size) + 1) * np.pi / (2 * size)
        self._nodes, self._weights = np.cos(angle), (-1.0) ** np.arange(size) * np.sin(angle)
        self._values = np.column_stack(
            [sums_by_group(special.expit(eta + (center + reach * node)[index]), index, k) for node in self._nodes]
        )

    def __call__(self, shift: FloatArray, part: slice) -> FloatArray:
        x = np.clip((shift - self._center[part, None]) / self._reach[part, None], -1.0, 1.0)
        top, bottom = np.zeros_like(x), np.zeros_like(x)
        for node, weight, value in zip(self._nodes, self._weights, self._values[part].T, strict=True):
            distance = x - node
            pull = weight / np.where(distance == 0, 1e-100, distance)  # on a node its own value decides
            top += pull * value[:, None]
            bottom += pull
        return np.asarray(top / bottom)
