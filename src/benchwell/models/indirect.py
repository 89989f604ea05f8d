"""Observed beside expected: indirect standardization (METHODS M3.6).

The expected count of a clinic comes from a model in which its own effect is left out (u = 0); who calls says which
model. A ratio answers one question only: how does this clinic compare with the reference, for its own mix of people?
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import special

from benchwell.models.arrays import (
    ArrayLike,
    BoolArray,
    FloatArray,
    non_negative,
    positive,
    ratio,
    same_shape,
    share,
    vector,
)
from benchwell.models.group_sums import rows_by_group, sums_by_group
from benchwell.models.intervals import byar, poisson_exact
from benchwell.models.poisson_binomial import ratio_limits

NOT_COMPARABLE = (
    "Observed-to-expected ratios of two clinics are not comparable with each other, each only with the reference: "
    "every clinic is weighed by its own mix of people."
)

# Beyond this many people the normal limits differ from the exact ones in the fourth digit only.
EXACT_UP_TO = 3_000


class RatioMethod(StrEnum):
    """How the limits of a clinic's ratio were found."""

    EXACT = "poisson-binomial"
    NORMAL = "normal"
    NONE = "none"  # nobody in the group, or no chance given


@dataclass(frozen=True)
class ObservedExpected:
    """Each clinic beside what the reference model expects of its people.

    Attributes:
        ratio: Observed over expected, shape (k,), unitless; 1 is "as the reference"; NaN where nothing is expected.
        z: (observed - expected) / sqrt(variance), shape (k,); NaN where the variance is 0.
        rate: `ratio` times the reference rate, shape (k,), clipped at 1.
        clipped: Where `rate` was above 1 before, shape (k,).
        poisson_lower: Garwood's exact limits of the observed count over expected, shape (k,). Right for rare events
            and counts; too wide for common outcomes, where `ratio_limits_of_groups` is meant.
        poisson_upper: The upper ones, shape (k,).
        byar_lower: Byar's closed form of the same, shape (k,).
        byar_upper: The upper ones, shape (k,).
        reference_rate: Rate of the reference, fraction.
        comparable: Always False: see `caution`.
        caution: What must stand beside every table of ratios.
    """

    ratio: FloatArray
    z: FloatArray
    rate: FloatArray
    clipped: BoolArray
    poisson_lower: FloatArray
    poisson_upper: FloatArray
    byar_lower: FloatArray
    byar_upper: FloatArray
    reference_rate: float
    comparable: bool = False
    caution: str = NOT_COMPARABLE


@dataclass(frozen=True)
class GroupRatioLimits:
    """Limits of observed over expected for each group, from the chances of its people.

    Attributes:
        lower: Lower limits of the ratio, shape (k,); NaN for a group of nobody.
        upper: Upper limits, shape (k,).
        p_value: Two-sided probability of a count at least as far from the expected one, shape (k,): twice the smaller
            tail, at most 1; exact or normal as `method` says.
        method: `RatioMethod` of each group, shape (k,).
    """

    lower: FloatArray
    upper: FloatArray
    p_value: FloatArray
    method: tuple[RatioMethod, ...]


def observed_expected(
    observed: ArrayLike, expected: ArrayLike, variance: ArrayLike, reference_rate: float, level: float = 0.95
) -> ObservedExpected:
    """Compare each clinic with the reference, for its own mix of people.

    Args:
        observed: People with the outcome per clinic, shape (k,), counts.
        expected: Sum of the people's chances under the reference model, shape (k,), counts.
        variance: Sum of chance times one minus chance, shape (k,), counts squared.
        reference_rate: Rate of the reference population, in (0, 1).
        level: Two-sided confidence level.

    Returns:
        Ratios, z, standardized rates and count-type limits.

    Raises:
        ValueError: If shapes differ, a value is NaN or negative, or the rate or level outside (0, 1).

    Source:
        Evans, Seaton & Manktelow (2013) on what may be compared; Breslow & Day (1987), vol. II, for Byar's limits;
        METHODS E3.6.

    >>> result = observed_expected([5], [3.05], [1.7625], 0.42)
    >>> result.ratio.round(4), result.z.round(4), result.rate.round(4), result.comparable
    (array([1.6393]), array([1.4688]), array([0.6885]), False)
    """
    o, e, v = (
        non_negative(name, vector(name, values))
        for name, values in (("observed", observed), ("expected", expected), ("variance", variance))
    )
    same_shape(observed=o, expected=e, variance=v)
    reference = share("reference_rate", reference_rate)
    quotient = ratio(o, e)
    rate = quotient * reference
    exposure = np.where(e > 0, e, 1.0)
    known = np.where(e > 0, 1.0, np.nan)
    exact, closed = poisson_exact(o, exposure, level), byar(o, exposure, level)
    return ObservedExpected(
        ratio=quotient,
        z=ratio(o - e, np.sqrt(v)),
        rate=np.minimum(rate, 1.0),
        clipped=rate > 1,
        poisson_lower=exact[0] * known,
        poisson_upper=exact[1] * known,
        byar_lower=closed[0] * known,
        byar_upper=closed[1] * known,
        reference_rate=reference,
    )


def ratio_limits_of_groups(
    p: ArrayLike, outcome: ArrayLike, group: ArrayLike, groups: int, level: float = 0.95, exact_up_to: int = EXACT_UP_TO
) -> GroupRatioLimits:
    """Limits of observed over expected from people's chances: exact for each group, normal for very large ones.

    Args:
        p: Chance of each person under the reference model, shape (n,), strictly between 0 and 1.
        outcome: 0 or 1 of each person, shape (n,).
        group: Index of each person's group, shape (n,), whole numbers from 0 to `groups` - 1.
        groups: Number of groups, k.
        level: Two-sided confidence level.
        exact_up_to: People beyond which a group gets normal limits, (O -+ z sqrt(V)) / E kept in [0, n / E].

    Returns:
        Limits, two-sided p values, and which method each group got.

    Raises:
        ValueError: If shapes differ, a chance is outside (0, 1), an outcome not 0 or 1, or a group out of range.

    Source:
        METHODS M3.6.

    >>> limits = ratio_limits_of_groups([.2, .35, .5, .4, .6, .3, .25, .45], [1, 0, 1, 1, 1, 0, 0, 1], [0] * 8, 1)
    >>> limits.lower.round(4), limits.upper.round(4), limits.method[0].value
    (array([0.6655]), array([2.3934]), 'poisson-binomial')
    """
    chance, y, index = rows_by_group(p, outcome, group, groups)
    if ((chance <= 0) | (chance >= 1)).any():
        raise ValueError("p must lie strictly between 0 and 1")
    order = np.argsort(index, kind="stable")
    people = np.bincount(index, minlength=groups)
    end = np.cumsum(people)
    met = sums_by_group(y, index, groups)
    lower, upper, p_value = (np.full(groups, np.nan) for _ in range(3))
    method = [RatioMethod.NONE] * groups
    for j in np.flatnonzero(people):
        own = chance[order[end[j] - people[j] : end[j]]]
        if people[j] <= exact_up_to:
            exact = ratio_limits(own, int(met[j]), level)
            lower[j], upper[j] = exact.lower, exact.upper
            p_value[j] = min(1.0, 2 * min(exact.p_at_most, exact.p_at_least))
            method[j] = RatioMethod.EXACT
        else:
            lower[j], upper[j], p_value[j] = _normal(own, float(met[j]), level)
            method[j] = RatioMethod.NORMAL
    return GroupRatioLimits(lower, upper, p_value, tuple(method))


def _normal(chance: FloatArray, met: float, level: float) -> tuple[float, float, float]:
    expected, sd = float(chance.sum()), float(np.sqrt((chance * (1 - chance)).sum()))
    half = float(special.ndtri(0.5 + share("level", level) / 2)) * sd
    lower, upper = max(met - half, 0.0) / expected, min(met + half, float(len(chance))) / expected
    return lower, upper, float(2 * special.ndtr(-abs(met - expected) / float(positive("sd", sd))))
