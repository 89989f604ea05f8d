"""Funnel plot of proportions: distance from a target, overdispersion, control limits (METHODS M5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, met_of_n, positive, same_shape, share, vector


class FunnelScale(StrEnum):
    """The scale on which distance is measured."""

    ARCSINE = "arcsine"
    PROPORTION = "proportion"


class LimitMethod(StrEnum):
    """How control limits are drawn."""

    EXACT = "exact"  # binomial, interpolated; no overdispersion
    PLAIN = "plain"  # normal on the chosen scale; no overdispersion
    ADDITIVE = "additive"  # normal, with the variance between clinics added
    MULTIPLICATIVE = "multiplicative"  # normal, widened by the square root of phi


@dataclass(frozen=True)
class Overdispersed:
    """Distances of clinics from a target, against chance alone and against the usual spread between clinics.

    Attributes:
        z: Distance over its standard error, shape (k,), before overdispersion.
        winsor_bounds: Lower and upper bound to which `z` was pulled in before `phi`.
        phi: Mean of the squared winsorized `z`; about 1 when clinics differ by chance alone. A large one means that
            the adjustment is poor, not that clinics are.
        tau2: Additive variance between clinics on the scale of the distance; 0 when there is no overdispersion.
        z_additive: z*, the distance with `tau2` added to the variance, shape (k,): the default for flags.
        z_multiplicative: z over sqrt(phi), shape (k,); equal to `z` when there is no overdispersion.
        overdispersed: Whether k * phi exceeds k - 1.
    """

    z: FloatArray
    winsor_bounds: tuple[float, float]
    phi: float
    tau2: float
    z_additive: FloatArray
    z_multiplicative: FloatArray
    overdispersed: bool


@dataclass(frozen=True)
class Funnel:
    """Clinics against a target.

    Attributes:
        target: The target, fraction.
        scale: The scale on which `z` and `tau2` live.
        z: Standardized distance of each clinic, shape (k,), before overdispersion.
        winsor_bounds: Lower and upper bound to which `z` was pulled in before `phi`.
        phi: Mean of the squared winsorized `z`; about 1 when clinics differ by chance alone.
        tau2: Additive variance between clinics on `scale`; 0 when there is no overdispersion.
        z_additive: z*, the distance with `tau2` added to the variance, shape (k,): the default for flags.
        z_multiplicative: z over sqrt(phi), shape (k,); equal to `z` when there is no overdispersion.
        overdispersed: Whether k * phi exceeds k - 1.
        volume_correlation: Spearman correlation of rate and n; NaN when either does not vary.
    """

    target: float
    scale: FunnelScale
    z: FloatArray
    winsor_bounds: tuple[float, float]
    phi: float
    tau2: float
    z_additive: FloatArray
    z_multiplicative: FloatArray
    overdispersed: bool
    volume_correlation: float


def funnel(
    met: ArrayLike,
    n: ArrayLike,
    target: float | None = None,
    scale: FunnelScale = FunnelScale.ARCSINE,
    winsorize: float = 0.10,
) -> Funnel:
    """Measure how far each clinic is from a target, allowing for more spread than chance.

    Args:
        met: Successes per clinic, shape (k,), counts (a published rate times its denominator may be fractional).
        n: People per clinic, shape (k,), > 0.
        target: The target, in (0, 1); None takes the pooled rate.
        scale: Arcsine (default) or proportion scale.
        winsorize: Share pulled in at each end before `phi`; 0 pulls in nothing.

    Returns:
        Distances, overdispersion and the volume correlation.

    Raises:
        ValueError: If a count is NaN or negative, `met` exceeds `n`, a clinic has nobody, or the target is 0 or 1.

    Source:
        Spiegelhalter (2005), Stat Med 24:1185-1202 and Qual Saf Health Care 14:347-351; METHODS E5.1.

    >>> result = funnel([52, 30, 61, 18, 70, 25, 40, 9], [100, 80, 120, 60, 130, 40, 100, 30])
    >>> round(result.target, 6), round(result.phi, 6), round(result.tau2, 8)
    (0.462121, 2.56665, 0.00600586)
    """
    x, people = met_of_n(vector("met", met), positive("n", vector("n", n)))
    theta = share("target", float(x.sum() / people.sum()) if target is None else target)
    if not 0 <= winsorize < 0.5:
        raise ValueError("winsorize must lie in [0, .5)")
    distance = _transform(x / people, scale) - _transform(np.asarray(theta), scale)
    found = overdispersed_z(distance, _variance(theta, people, scale), winsorize)
    return Funnel(
        target=theta,
        scale=scale,
        z=found.z,
        winsor_bounds=found.winsor_bounds,
        phi=found.phi,
        tau2=found.tau2,
        z_additive=found.z_additive,
        z_multiplicative=found.z_multiplicative,
        overdispersed=found.overdispersed,
        volume_correlation=_spearman(x / people, people),
    )


def overdispersed_z(distance: ArrayLike, variance: ArrayLike, winsorize: float = 0.10) -> Overdispersed:
    """Standardize distances of any kind: rates, adjusted rates, fixed effects.

    Pulling in a tenth at each end keeps unusual clinics from making themselves usual, at a price: where the spread
    between clinics is large and normal, `phi` comes out at .68 of its true size, and about 10 % of clinics lie outside
    95 % limits with `tau2` added.

    Args:
        distance: Distance of each clinic from the target, shape (k,).
        variance: Their sampling variances on the same scale, shape (k,), > 0.
        winsorize: Share pulled in at each end before `phi`; 0 pulls in nothing.

    Returns:
        Distances against chance and against the usual spread.

    Raises:
        ValueError: If shapes differ, a value is NaN, a variance not above zero or `winsorize` outside [0, .5).

    Source:
        Spiegelhalter (2005), Stat Med 24:1185-1202; METHODS M3.8, M5.1.

    >>> overdispersed_z([0.2, -0.1, 0.3, -0.4], [0.01, 0.01, 0.02, 0.02], winsorize=0.0).phi.__round__(4)
    4.375
    """
    d, v = vector("distance", distance), positive("variance", vector("variance", variance))
    same_shape(distance=d, variance=v)
    if not 0 <= winsorize < 0.5:
        raise ValueError("winsorize must lie in [0, .5)")
    z = d / np.sqrt(v)
    low, high = (float(bound) for bound in np.quantile(z, [winsorize, 1 - winsorize]))
    phi = float((np.clip(z, low, high) ** 2).mean())
    tau2 = _additive_tau2(phi, 1 / v)
    return Overdispersed(
        z=z,
        winsor_bounds=(low, high),
        phi=phi,
        tau2=tau2,
        z_additive=d / np.sqrt(v + tau2),
        z_multiplicative=z / np.sqrt(phi) if tau2 > 0 else z,
        overdispersed=tau2 > 0,
    )


def funnel_of_ratios(
    observed: ArrayLike, expected: ArrayLike, variance: ArrayLike, winsorize: float = 0.10
) -> Overdispersed:
    """Distances of observed-over-expected ratios from 1: the funnel on adjusted outcomes.

    Args:
        observed: People with the outcome per clinic, shape (k,), counts.
        expected: Sum of the people's chances, shape (k,), > 0.
        variance: Sum of chance times one minus chance, shape (k,), > 0.
        winsorize: Share pulled in at each end before `phi`.

    Returns:
        Distances; `tau2` is on the scale of the ratio, and (observed - expected) / sqrt(variance) is `z`. The axis of
        such a funnel is the precision `expected` ** 2 / `variance`, from which `ratio_funnel_limits` draws limits.

    Raises:
        ValueError: If shapes differ, a value is NaN, or an expected count or variance not above zero.

    Source:
        Spiegelhalter (2005), Stat Med 24:1185-1202, section 4; METHODS M3.6, M5.1.

    >>> funnel_of_ratios([5, 9, 2], [3.05, 10, 4], [1.7625, 5, 2.5]).z.round(4)
    array([ 1.4688, -0.4472, -1.2649])
    """
    o, e = vector("observed", observed), positive("expected", vector("expected", expected))
    v = positive("variance", vector("variance", variance))
    same_shape(observed=o, expected=e, variance=v)
    return overdispersed_z(o / e - 1, v / e**2, winsorize)


def ratio_funnel_limits(precision: ArrayLike, level: float = 0.95, tau2: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Limits of observed over expected around 1 at any precision.

    Args:
        precision: Expected count squared over its variance, any shape, > 0.
        level: Share of clinics expected inside if only chance (and the usual spread) is at work.
        tau2: Variance between clinics on the scale of the ratio, from `funnel_of_ratios`.

    Returns:
        Lower limits, not below 0, and upper limits, shape of `precision`.

    Raises:
        ValueError: If a precision is not above zero, the level outside (0, 1) or `tau2` negative.

    Source:
        Spiegelhalter (2005), Stat Med 24:1185-1202; METHODS M5.1.

    >>> [limit.round(4).item() for limit in ratio_funnel_limits(100.0)]
    [0.804, 1.196]
    """
    if not (np.isfinite(tau2) and tau2 >= 0):
        raise ValueError("tau2 must be finite and not negative")
    half = special.ndtri(0.5 + share("level", level) / 2) * np.sqrt(1 / positive("precision", precision) + tau2)
    return np.asarray(np.maximum(1 - half, 0.0)), np.asarray(1 + half)


def usual_spread(distance: ArrayLike, variance: ArrayLike, winsorize: float = 0.10) -> float:
    """Additive variance between clinics beyond chance, from their distances to a target on any scale.

    Args:
        distance: Distance of each clinic from the target, shape (k,).
        variance: Their sampling variances on the same scale, shape (k,), > 0.
        winsorize: Share of standardized distances pulled in at each end, so that an extreme clinic does not make
            itself usual.

    Returns:
        tau2, >= 0; 0 when distances are no larger than chance, and for one clinic.

    Raises:
        ValueError: If a value is NaN or a variance not above zero.

    Source:
        Spiegelhalter (2005), Qual Saf Health Care 14:347-351; METHODS M5.1.

    >>> met, n = np.array([52, 30, 61, 18, 70, 25, 40, 9]), np.array([100, 80, 120, 60, 130, 40, 100, 30])
    >>> distance = np.arcsin(np.sqrt(met / n)) - np.arcsin(np.sqrt(met.sum() / n.sum()))
    >>> round(usual_spread(distance, 0.25 / n), 8)
    0.00600586
    """
    return overdispersed_z(distance, variance, winsorize).tau2


def funnel_limits(
    n: ArrayLike,
    target: float,
    level: float = 0.95,
    method: LimitMethod = LimitMethod.ADDITIVE,
    *,
    scale: FunnelScale = FunnelScale.ARCSINE,
    tau2: float = 0.0,
    phi: float = 1.0,
    clip: bool = True,
) -> tuple[FloatArray, FloatArray]:
    """Control limits at any number of people.

    Args:
        n: People, any shape, > 0.
        target: The target, in (0, 1).
        level: Share of clinics expected inside if only chance is at work: .95 or .998.
        method: How the limits are drawn.
        scale: Scale of `tau2`, and of the normal limits.
        tau2: Additive variance between clinics, for `ADDITIVE`.
        phi: Overdispersion, for `MULTIPLICATIVE`; below 1 it counts as 1.
        clip: Keep limits in [0, 1]. Interpolated exact limits can leave it by a little at small n.

    Returns:
        Lower and upper limits, shape of `n`, fractions.

    Raises:
        ValueError: If an argument is out of range.

    Source:
        Spiegelhalter (2005), Stat Med 24:1185-1202, appendix A.1 for the interpolation; METHODS E5.1.

    >>> [limit.round(4).item() for limit in funnel_limits(100, 0.4621212, method=LimitMethod.EXACT)]
    [0.36, 0.5555]
    >>> [limit.round(4).item() for limit in funnel_limits(100, 0.4621212, tau2=0.00600586)]
    [0.2882, 0.6409]
    """
    people, theta = positive("n", n), share("target", target)
    tail = (1 - share("level", level)) / 2
    if method is LimitMethod.EXACT:
        lower, upper = _exact_limit(tail, people, theta), _exact_limit(1 - tail, people, theta)
    else:
        if tau2 < 0 or not np.isfinite([tau2, phi]).all():
            raise ValueError("tau2 and phi must be finite, tau2 not negative")
        variance = _variance(theta, people, scale)
        if method is LimitMethod.ADDITIVE:
            variance = variance + tau2
        elif method is LimitMethod.MULTIPLICATIVE:
            variance = variance * max(phi, 1.0)
        half = special.ndtri(1 - tail) * np.sqrt(variance)
        centre = _transform(np.asarray(theta), scale)
        lower, upper = _back(centre - half, scale), _back(centre + half, scale)
    if clip:
        return np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)
    return lower, upper


def _transform(p: FloatArray, scale: FunnelScale) -> FloatArray:
    return np.asarray(np.arcsin(np.sqrt(p)) if scale is FunnelScale.ARCSINE else p)


def _back(y: FloatArray, scale: FunnelScale) -> FloatArray:
    if scale is FunnelScale.PROPORTION:
        return y
    # Beyond 0 and pi/2 the sine would fold back inside: the limit is then 0 or 1.
    return np.asarray(np.sin(np.clip(y, 0.0, np.pi / 2)) ** 2)


def _variance(theta: float, n: FloatArray, scale: FunnelScale) -> FloatArray:
    return np.asarray(0.25 / n if scale is FunnelScale.ARCSINE else theta * (1 - theta) / n)


def _additive_tau2(phi: float, w: FloatArray) -> float:
    k = len(w)
    scale = w.sum() - (w**2).sum() / w.sum()
    if k < 2 or scale <= 1e-12 * w.sum():
        return 0.0
    return float(max(0.0, (k * phi - (k - 1)) / scale))


def _exact_limit(q: float, n: FloatArray, theta: float) -> FloatArray:
    """Binomial quantile moved back by the share of its probability step that overshoots `q`."""
    whole = np.round(n)  # a binomial has whole people; official denominators may be estimates
    from scipy import stats  # heavy to import, and only exact limits need it

    r = stats.binom.ppf(q, whole, theta)
    reached, before = stats.binom.cdf(r, whole, theta), stats.binom.cdf(r - 1, whole, theta)
    return np.asarray((r - (reached - q) / (reached - before)) / whole)


def _spearman(rate: FloatArray, n: FloatArray) -> float:
    if len(rate) < 3 or np.ptp(rate) == 0 or np.ptp(n) == 0:
        return float("nan")
    return float(np.corrcoef(_midranks(rate), _midranks(n))[0, 1])


def _midranks(values: FloatArray) -> FloatArray:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place])
