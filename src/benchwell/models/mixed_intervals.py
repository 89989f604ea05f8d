"""Intervals of a linear mixed model: Wald for coefficients, profile likelihood for coefficients and SDs (METHODS C4).

A profile interval holds one parameter, maximizes the ML likelihood over all others, and keeps the values at which
twice the log likelihood falls by no more than the square of a normal quantile. lme4's `confint(method="profile")`
does the same on a spline; here each limit is solved for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from benchwell.models.arrays import FloatArray, share
from benchwell.models.linear_mixed import LinearMixedFit, blocks_of, linear_mixed
from benchwell.models.mixed_absolute import AbsoluteDeviance
from benchwell.models.mixed_blocks import Blocks
from benchwell.models.mixed_design import MixedDesign
from benchwell.models.mixed_likelihood import Profiled
from benchwell.models.mixed_search import newton
from benchwell.models.mixed_statistics import MixedStatistics

# How many times the bracket of a limit may double before the data are said not to bound it.
DOUBLINGS = 40
# Part of the largest theta to start a held fit from where the free one is zero, which is always stationary.
LIFT = 0.05


@dataclass(frozen=True, eq=False)
class ProfileIntervals:
    """Profile-likelihood intervals, each (lower, upper); units as in the fit.

    Attributes:
        coefficients: Fixed effects, shape (p, 2); NaN where not kept.
        sd_inner: SD between innermost groups, shape (2,); the lower limit is 0 when the data allow none.
        sd_outer: SD between outer groups, shape (2,); None with one level.
        slope_sd: SD of slopes, shape (2,); None without a slope.
        slope_correlation: Correlation of intercepts and slopes, shape (2,), within -1 and 1; None without a slope.
        residual_sd: SD of the residuals, shape (2,).
        level: Coverage aimed at.
    """

    coefficients: FloatArray
    sd_inner: FloatArray
    sd_outer: FloatArray | None
    slope_sd: FloatArray | None
    slope_correlation: FloatArray | None
    residual_sd: FloatArray
    level: float


def wald_intervals(fit: LinearMixedFit, level: float = 0.95) -> FloatArray:
    """Estimates plus and minus a normal quantile of standard errors, shape (p, 2).

    >>> sites = MixedStatistics.from_sites(
    ...     [4, 3, 5], [[[4, 2], [2, 36]], [[3, 1], [1, 13]], [[5, 2], [2, 38]]],
    ...     [[40, 54], [21, 15], [63, 56]], [438, 153, 821])
    >>> wald_intervals(linear_mixed(sites)).round(3)
    array([[ 6.397, 12.666],
           [ 0.636,  1.081]])
    """
    reach = _quantile(level) * fit.standard_errors
    return np.column_stack([fit.coefficients - reach, fit.coefficients + reach])


def profile_intervals(statistics: MixedStatistics, fit: LinearMixedFit, level: float = 0.95) -> ProfileIntervals:
    """Profile-likelihood intervals under ML, also for a fit by REML (as lme4).

    Args:
        statistics: The sums that were fitted.
        fit: Their fit, by either method.
        level: Coverage aimed at, in (0, 1).

    Raises:
        ValueError: If the fit is not of these statistics, or `level` is not in (0, 1).

    Source:
        Bates et al. (2015), J Stat Softw 67(1), section 5.1.

    >>> sites = MixedStatistics.from_sites(
    ...     [4, 3, 5], [[[4, 2], [2, 36]], [[3, 1], [1, 13]], [[5, 2], [2, 38]]],
    ...     [[40, 54], [21, 15], [63, 56]], [438, 153, 821])
    >>> intervals = profile_intervals(sites, linear_mixed(sites))
    >>> intervals.sd_inner.round(3), intervals.coefficients.round(3)
    (array([1.076, 6.66 ]), array([[ 5.875, 13.166],
           [ 0.624,  1.093]]))
    """
    if fit.n != statistics.n or len(fit.coefficients) != statistics.p:
        raise ValueError("this fit is not a fit of these statistics")
    quantile = _quantile(level)
    design = MixedDesign.of(statistics)
    free = fit if fit.method == "ml" else linear_mixed(statistics, method="ml")
    profile = _Profile(design, blocks_of(design), free, quantile)
    absolute = profile.of_sds()
    slope = statistics.slope is not None
    return ProfileIntervals(
        coefficients=profile.of_coefficients(),
        sd_inner=absolute[0],
        sd_outer=absolute[1] if statistics.parent is not None else None,
        slope_sd=absolute[2] if slope else None,
        slope_correlation=absolute[1] if slope else None,
        residual_sd=absolute[-1],
        level=level,
    )


@dataclass(frozen=True, eq=False)
class _Profile:
    """The ML fit whose deviance the held fits are compared with."""

    design: MixedDesign
    blocks: Blocks
    free: LinearMixedFit
    quantile: float

    @property
    def lowest(self) -> float:
        """Deviance of the free fit on the standardized scale."""
        return float(self.free.deviance - 2 * self.design.n * np.log(self.design.y_scale))

    @property
    def theta(self) -> FloatArray:
        """Internal parameters of the free fit, lifted off zero."""
        theta = self.free.internal_theta
        return np.where(theta == 0.0, LIFT * max(float(np.abs(theta).max()), 1.0), theta)

    def of_coefficients(self) -> FloatArray:
        """Limits of all kept coefficients."""
        limits = np.full((self.design.statistics.p, 2), np.nan)
        for place, column in enumerate(np.flatnonzero(self.design.kept)):
            unit = self.design.y_scale / self.design.scale[column]
            estimate, error = self.free.coefficients[column], self.free.standard_errors[column]
            shift = self.design.y_center if place == 0 else 0.0
            rise = self._rise_of_coefficient(place)
            found = [self._limit(rise, (estimate - shift) / unit, side * error / unit) for side in (-1.0, 1.0)]
            limits[column] = shift + unit * np.array(found)
        return limits

    def _rise_of_coefficient(self, place: int) -> Callable[[float], float]:
        theta = self.theta
        center = (self.design.center / self.design.scale)[self.design.kept]

        def rise(held: float) -> float:
            nonlocal theta
            blocks = self.blocks.transformed(_holding(place, held, center))
            profiled = Profiled(blocks, self.design.n, reml=False)
            found = newton(profiled.value_and_gradient, profiled.value, theta)
            return found.value - self.lowest

        return rise

    def of_sds(self) -> list[FloatArray]:
        """Limits of the absolute parameters, in units; the correlation in place of its angle."""
        deviance = AbsoluteDeviance.of(self.design, self.blocks)
        scale = self.design.y_scale
        best = deviance.parameters(self.free.internal_theta, self.free.residual_sd / scale)
        limits = []
        for place in range(len(best)):
            angle = deviance.forward is not None and place == 1
            if angle:
                rise = _rise_of_angle(deviance, best, self.lowest)
            else:
                rise = _rise_of_parameter(deviance, best, place, self.lowest)
            limits.append(self._angle(rise, best[1]) if angle else scale * self._sd(rise, best[place], best[-1]))
        return limits

    def _sd(self, rise: Callable[[float], float], estimate: float, residual: float) -> FloatArray:
        step = max(estimate, 0.05 * residual) / 4
        tiny = 1e-7 * max(estimate, residual)
        lower = 0.0
        if estimate > 10 * tiny and rise(tiny) > self.quantile**2:
            lower = self._limit(rise, estimate, -step, least=tiny)
        return np.array([lower, self._limit(rise, estimate, step)])

    def _angle(self, rise: Callable[[float], float], estimate: float) -> FloatArray:
        ends = []
        for end in (-np.pi / 2, np.pi / 2):
            inside = abs(end - estimate) > 1e-6 and rise(end) > self.quantile**2
            ends.append(optimize.brentq(self._signed(rise), estimate, end, xtol=1e-9) if inside else end)
        return np.sin(ends)

    def _limit(self, rise: Callable[[float], float], estimate: float, step: float, least: float | None = None) -> float:
        """Where the deviance has risen by the quantile squared, going from the estimate in the direction of `step`."""
        signed = self._signed(rise)
        near, reach = estimate, self.quantile * step
        for _ in range(DOUBLINGS):
            far = estimate + reach if least is None else max(estimate + reach, least)
            if signed(far) > 0:
                return float(optimize.brentq(signed, near, far, xtol=1e-9 * max(abs(far), abs(step)), rtol=1e-12))
            near, reach = far, 1.5 * reach
        return float(np.copysign(np.inf, step))  # pragma: no cover - the deviance of finite data rises without end

    def _signed(self, rise: Callable[[float], float]) -> Callable[[float], float]:
        return lambda held: float(np.sqrt(max(rise(held), 0.0)) - self.quantile)


def _rise_of_parameter(
    deviance: AbsoluteDeviance, best: FloatArray, place: int, lowest: float
) -> Callable[[float], float]:
    """How far the deviance rises when one absolute parameter is held and the others are free."""
    others = np.arange(len(best)) != place
    typical = np.maximum(np.abs(best), LIFT * best[-1])
    if deviance.forward is not None:
        typical[1] = 0.5
    start = np.where((best == 0.0) & (np.arange(len(best)) != place), typical, best)

    def full(free: FloatArray, held: float) -> FloatArray:
        parameters = np.empty(len(best))
        parameters[others], parameters[place] = free, held
        return parameters

    def rise(held: float) -> float:
        def objective(free: FloatArray) -> tuple[float, FloatArray]:
            value, gradient = deviance.value_and_gradient(full(free, held))
            return value, gradient[others]

        found = newton(objective, lambda free: deviance.value(full(free, held)), start[others], typical[others])
        return found.value - lowest

    return rise


def _rise_of_angle(deviance: AbsoluteDeviance, best: FloatArray, lowest: float) -> Callable[[float], float]:
    """The same for the angle of the correlation.

    An SD below zero would be one above zero with the opposite correlation, so the search goes over roots of the SDs;
    and a correlation far from the estimate may be best borne by either SD shrinking, so it starts from both sides.
    """
    sds = np.maximum(best[[0, 2, 3]], LIFT * best[-1])
    starts = [np.append(np.sqrt(shrunken * sds[:2]), sds[2]) for shrunken in ([1.0, 1.0], [1.0, 0.1], [0.1, 1.0])]

    def full(free: FloatArray, held: float) -> FloatArray:
        return np.array([free[0] ** 2, held, free[1] ** 2, free[2]])

    def rise(held: float) -> float:
        def objective(free: FloatArray) -> tuple[float, FloatArray]:
            value, gradient = deviance.value_and_gradient(full(free, held))
            return value, np.array([2.0 * free[0], 2.0 * free[1], 1.0]) * gradient[[0, 2, 3]]

        ends = (newton(objective, lambda free: deviance.value(full(free, held)), start, starts[0]) for start in starts)
        return min(end.value for end in ends) - lowest

    return rise


def _holding(place: int, held: float, center: FloatArray) -> FloatArray:
    """Columns [X, y] with coefficient `place` held: its column goes, and y loses what it explains, shape (q, q - 1).

    The constant is held where all columns are zero, not at their means: its column stays in the others.
    """
    q = len(center) + 1
    matrix = np.eye(q)
    if place == 0:
        matrix[0, 1:-1] = center[1:]
    matrix[place, -1] = -held
    return np.delete(matrix, place, axis=1)


def _quantile(level: float) -> float:
    return float(special.ndtri(0.5 + share("level", level) / 2))
