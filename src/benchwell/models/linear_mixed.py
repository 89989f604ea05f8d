"""Linear mixed models from sufficient statistics, by REML or ML (METHODS M3.2, M3.3, M2.8).

One level of groups with a random intercept, two nested levels, or one level with a random intercept and slope. The
parametrization, the criterion and what is called a conditional SD are those of lme4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.models.mixed_blocks import Blocks
from benchwell.models.mixed_design import MixedDesign
from benchwell.models.mixed_effects import GroupEffects, nested_effects, one_level_effects, slope_effects
from benchwell.models.mixed_likelihood import Profiled, Solved, solve
from benchwell.models.mixed_nested import Nested
from benchwell.models.mixed_one_level import OneLevel
from benchwell.models.mixed_search import OPTIMIZER, STARTS, WORTH, Found, newton, search
from benchwell.models.mixed_slope import InterceptAndSlope
from benchwell.models.mixed_statistics import MixedStatistics

Method: TypeAlias = Literal["reml", "ml"]


@dataclass(frozen=True, eq=False)
class LinearMixedFit:
    """A fitted linear mixed model; p columns in X, g innermost groups, h outer groups.

    Attributes:
        coefficients: Fixed effects, shape (p,), units of y per unit of the column; NaN where not kept.
        covariance: Their covariance, shape (p, p); NaN where not kept.
        kept: Which columns of X are in the model, shape (p,): a column that depends on earlier ones is left out.
        sd_inner: SD of the innermost groups' intercepts, units of y.
        sd_outer: SD of the outer groups' intercepts; None with one level.
        slope_sd: SD of the groups' slopes, units of y per unit of the slope's column; None without a slope.
        slope_correlation: Correlation of intercepts and slopes; NaN when either SD is zero, None without a slope.
        group_covariance: Covariance of intercepts and slopes, shape (2, 2); None without a slope.
        residual_sd: SD of the residuals, units of y.
        loglik: REML or ML log likelihood at the estimates, as lme4's `logLik`.
        method: `reml` or `ml`.
        effects_inner: Predicted effects of the innermost groups, shape (g,), or (g, 2) with a slope.
        effects_inner_sd: Their SDs given the estimates (lme4's `condVar`), same shape.
        effects_outer: Predicted effects of the outer groups, shape (h,); None with one level.
        effects_outer_sd: Their SDs given the estimates, shape (h,); None with one level.
        reliability: Share of signal in each innermost group's effect, 1 - conditional variance / variance, shape
            like `effects_inner`; 0 where the variance is zero.
        reliability_outer: The same for the outer groups, shape (h,); None with one level.
        icc: Share of the variance of y (given X) that lies between innermost groups, then between outer ones, shape
            (levels,); with a slope, where the slope's column is zero.
        singular: Whether a variance is estimated as zero or a correlation as 1 or -1.
        theta: lme4's parameters: relative SDs (inner, outer), or the relative Cholesky factor by columns.
        internal_theta: The same on the standardized slope, as the search has it.
        optimizer: How the estimates were found.
        iterations: Newton steps, over all starts.
        gradient: Derivatives of the deviance by the internal parameters at the end, shape (m,).
        converged: Whether the search ended at an optimum.
        df: Number of parameters.
        deviance: The criterion, -2 loglik.
        n: Rows.
    """

    coefficients: FloatArray
    covariance: FloatArray
    kept: BoolArray
    sd_inner: float
    sd_outer: float | None
    slope_sd: float | None
    slope_correlation: float | None
    group_covariance: FloatArray | None
    residual_sd: float
    loglik: float
    method: Method
    effects_inner: FloatArray
    effects_inner_sd: FloatArray
    effects_outer: FloatArray | None
    effects_outer_sd: FloatArray | None
    reliability: FloatArray
    reliability_outer: FloatArray | None
    icc: FloatArray
    singular: bool
    theta: FloatArray
    internal_theta: FloatArray
    optimizer: str
    iterations: int
    gradient: FloatArray
    converged: bool
    df: int
    deviance: float
    n: int

    @property
    def standard_errors(self) -> FloatArray:
        """Standard errors of the fixed effects, shape (p,)."""
        return np.sqrt(np.diag(self.covariance))


@dataclass(frozen=True, eq=False)
class CriterionAt:
    """The likelihood and the coefficients at given variances.

    Attributes:
        loglik: REML or ML log likelihood.
        coefficients: Generalized least squares, shape (p,); NaN where a column is not kept.
        covariance: Their covariance at these variances, shape (p, p).
    """

    loglik: float
    coefficients: FloatArray
    covariance: FloatArray


def linear_mixed(statistics: MixedStatistics, *, method: Method = "reml") -> LinearMixedFit:
    """Fit a linear mixed model to its sufficient statistics.

    Args:
        statistics: The sums; their `parent` and `slope` say which model.
        method: `reml` or `ml`.

    Returns:
        The estimates. A fit of federated sums is the fit of the pooled rows.

    Raises:
        ValueError: If the model cannot be told apart from its residual (a single group or a single row in every group,
            no rows beyond the columns), if nothing is left unexplained, or the method is not known.

    Source:
        METHODS M3.2, M3.3; Bates et al. (2015), J Stat Softw 67(1); Luo et al. (2022), Nat Commun 13:1678.

    >>> sites = MixedStatistics.from_sites(
    ...     [4, 3, 5], [[[4, 2], [2, 36]], [[3, 1], [1, 13]], [[5, 2], [2, 38]]],
    ...     [[40, 54], [21, 15], [63, 56]], [438, 153, 821])
    >>> fit = linear_mixed(sites)
    >>> fit.coefficients.round(5), round(fit.loglik, 6)
    (array([9.53147, 0.85814]), -21.403365)
    """
    design = MixedDesign.of(statistics)
    blocks = blocks_of(design)
    profiled = Profiled(blocks, _freedom(design, method), reml=method == "reml")
    found = _settled(profiled, _searched(profiled))
    return _fit(design, profiled, found, method)


def criterion_at(
    statistics: MixedStatistics,
    *,
    inner_variance: float | None = None,
    outer_variance: float | None = None,
    group_covariance: FloatArray | None = None,
    residual_variance: float,
    method: Method = "reml",
) -> CriterionAt:
    """The likelihood at given variances, all in squared units of y.

    Args:
        statistics: The sums.
        inner_variance: Variance between innermost groups; not with a slope.
        outer_variance: Variance between outer groups; with two levels only.
        group_covariance: Covariance of intercepts and slopes, shape (2, 2); with a slope only.
        residual_variance: Variance of the residuals, > 0.
        method: `reml` or `ml`.

    Raises:
        ValueError: If the variances do not go with the levels of the statistics, or are negative.

    >>> sites = MixedStatistics.from_sites(
    ...     [4, 3, 5], [[[4, 2], [2, 36]], [[3, 1], [1, 13]], [[5, 2], [2, 38]]],
    ...     [[40, 54], [21, 15], [63, 56]], [438, 153, 821])
    >>> round(criterion_at(sites, inner_variance=7.382766, residual_variance=1.094133).loglik, 6)
    -21.403365
    """
    design = MixedDesign.of(statistics)
    if not residual_variance > 0:
        raise ValueError("residual_variance must be above zero")
    variances = _given_variances(statistics, inner_variance, outer_variance, group_covariance)
    if statistics.slope is not None:
        forward = np.linalg.inv(design.slope_back)
        moved = forward @ variances.reshape(2, 2) @ forward.T
        variances = np.array([moved[0, 0], moved[1, 0], moved[1, 1]])
    ratios = variances / residual_variance
    solved = solve(blocks_of(design), ratios)
    scaled_variance = residual_variance / design.y_scale**2
    freedom = _freedom(design, method)
    criterion = solved.log_v + freedom * np.log(2 * np.pi * scaled_variance) + solved.residual / scaled_variance
    if method == "reml":
        criterion += solved.log_x
    coefficients, covariance = _in_units(design, solved, residual_variance)
    return CriterionAt(-0.5 * float(criterion + _units(design, method)), coefficients, covariance)


def blocks_of(design: MixedDesign) -> Blocks:
    """The covariance structure that the statistics ask for."""
    if design.statistics.slope is not None:
        return InterceptAndSlope.of(design)
    return OneLevel.of(design) if design.statistics.parent is None else Nested.of(design)


def _freedom(design: MixedDesign, method: Method) -> int:
    if method not in ("reml", "ml"):
        raise ValueError("method must be 'reml' or 'ml'")
    return design.n - design.rank if method == "reml" else design.n


def _units(design: MixedDesign, method: Method) -> float:
    """What standardizing y and the columns took off the deviance."""
    on_y = 2 * _freedom(design, method) * np.log(design.y_scale)
    return float(on_y + (2 * design.log_scale if method == "reml" else 0.0))


def _searched(profiled: Profiled) -> Found:
    blocks = profiled.blocks
    return search(
        profiled.value_and_gradient, profiled.value, blocks.starts(), newton_starts=1 if blocks.many else STARTS
    )


def _settled(profiled: Profiled, found: Found) -> Found:
    """Set parameters that are worth nothing to exactly zero, and fit the others again without them."""
    for theta in simpler(found.theta):
        if profiled.value(theta) <= found.value + WORTH:
            polished = newton(profiled.value_and_gradient, profiled.value, theta)
            settled = np.where(theta == 0.0, 0.0, polished.theta)
            here, gradient = profiled.value_and_gradient(settled)
            return Found(settled, here, gradient, found.iterations, found.converged)
    return found


def simpler(theta: FloatArray) -> list[FloatArray]:
    """Thetas with fewer parameters to compare with, the simplest first."""
    if len(theta) == 3:
        a, b, c = theta
        slope_only = np.array([0.0, 0.0, np.hypot(b, c)])
        return [np.zeros(3), np.array([a, 0.0, 0.0]), slope_only, np.array([a, b, 0.0])]
    zeros = [np.zeros(len(theta))]
    return zeros + [np.where(np.arange(len(theta)) == k, 0.0, theta) for k in range(len(theta)) if len(theta) > 1]


def _fit(design: MixedDesign, profiled: Profiled, found: Found, method: Method) -> LinearMixedFit:
    blocks, s = profiled.blocks, design.statistics
    ratios = blocks.ratios(found.theta)
    solved = solve(blocks, ratios)
    residual_sd = float(np.sqrt(solved.residual / profiled.freedom)) * design.y_scale
    coefficients, covariance = _in_units(design, solved, residual_sd**2)
    deviance = found.value + _units(design, method)
    effects = _effects(design, solved, ratios, residual_sd)
    group_covariance = None
    variances = residual_sd**2 * ratios
    if s.slope is not None:
        back = design.slope_back
        group_covariance = residual_sd**2 * back @ ratios[[0, 1, 1, 2]].reshape(2, 2) @ back.T
        variances = np.diag(group_covariance)
    sds = np.sqrt(np.maximum(variances, 0.0))
    between = variances[:1] if s.slope is not None else variances
    return LinearMixedFit(
        coefficients=coefficients,
        covariance=covariance,
        kept=design.kept,
        sd_inner=float(sds[0]),
        sd_outer=None if s.parent is None else float(sds[1]),
        slope_sd=None if s.slope is None else float(sds[1]),
        slope_correlation=None if group_covariance is None else _correlation(group_covariance, found.theta),
        group_covariance=group_covariance,
        residual_sd=residual_sd,
        loglik=-0.5 * deviance,
        method=method,
        effects_inner=effects.inner,
        effects_inner_sd=effects.inner_sd,
        effects_outer=effects.outer,
        effects_outer_sd=effects.outer_sd,
        reliability=effects.reliability,
        reliability_outer=effects.reliability_outer,
        icc=between / (between.sum() + residual_sd**2),
        singular=bool((found.theta[[0, -1]] == 0).any()),
        theta=_lme4_theta(group_covariance, residual_sd, found.theta),
        internal_theta=found.theta,
        optimizer=OPTIMIZER,
        iterations=found.iterations,
        gradient=found.gradient,
        converged=found.converged,
        df=design.rank + blocks.parameters + 1,
        deviance=deviance,
        n=design.n,
    )


def _in_units(design: MixedDesign, solved: Solved, residual_variance: float) -> tuple[FloatArray, FloatArray]:
    """Coefficients and covariance of the columns that came in, with NaN for those not kept."""
    p, back = design.statistics.p, design.back
    kept = np.flatnonzero(design.kept)
    coefficients, covariance = np.full(p, np.nan), np.full((p, p), np.nan)
    coefficients[kept] = design.y_scale * (back @ solved.coefficients)
    coefficients[0] += design.y_center
    covariance[np.ix_(kept, kept)] = residual_variance * (back @ solved.inverse @ back.T)
    return coefficients, covariance


def _effects(design: MixedDesign, solved: Solved, ratios: FloatArray, residual_sd: float) -> GroupEffects:
    direction = np.append(-solved.coefficients, 1.0) * design.y_scale
    s = design.statistics
    if s.slope is not None and design.z_products is not None and design.z_sums is not None:
        return slope_effects(design.z_products, design.z_sums @ direction, ratios, residual_sd, design.slope_back)
    residuals = design.sums @ direction
    n = design.group_n.astype(np.float64)
    if s.parent is None:
        return one_level_effects(n, residuals, float(ratios[0]), residual_sd)
    return nested_effects(n, residuals, s.parent, ratios, residual_sd)


def _correlation(covariance: FloatArray, theta: FloatArray) -> float:
    size = np.sqrt(covariance[0, 0] * covariance[1, 1])
    if size == 0:
        return float("nan")
    correlation = float(np.clip(covariance[0, 1] / size, -1.0, 1.0))
    return float(np.sign(correlation)) if theta[2] == 0 else correlation


def _lme4_theta(covariance: FloatArray | None, residual_sd: float, theta: FloatArray) -> FloatArray:
    if covariance is None:
        return np.abs(theta)
    ratios = covariance / residual_sd**2
    first = np.sqrt(ratios[0, 0])
    below = ratios[1, 0] / first if first > 0 else 0.0
    last = 0.0 if theta[2] == 0 and first > 0 else np.sqrt(max(ratios[1, 1] - below**2, 0.0))
    return np.array([first, below, last])


def _given_variances(
    statistics: MixedStatistics, inner: float | None, outer: float | None, covariance: FloatArray | None
) -> FloatArray:
    if statistics.slope is not None:
        if covariance is None or inner is not None or outer is not None:
            raise ValueError("with a random slope give group_covariance and no other group variance")
        matrix = np.asarray(covariance, dtype=np.float64)
        if matrix.shape != (2, 2) or not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix)[0] < -1e-12:
            raise ValueError("group_covariance must be a 2 by 2 covariance")
        return matrix.ravel()
    wanted = [inner] if statistics.parent is None else [inner, outer]
    if covariance is not None or (statistics.parent is None and outer is not None):
        raise ValueError("these statistics have no random slope or no outer groups; give the variances they have")
    if any(value is None or not value >= 0 for value in wanted):
        raise ValueError("give a variance of at least zero for each level of groups")
    return np.array(wanted, dtype=np.float64)
