"""Variance between studies (tau squared) beyond what moderators explain, by eight methods (METHODS M10.1).

`heterogeneity.py` holds what benchmarks of clinics need, without moderators: DerSimonian and Laird's over thousands of
replicates at once, and a profile-likelihood interval. Here a design matrix takes the place of the single mean, and each
estimate comes with a standard error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import optimize

from benchwell.models.arrays import FloatArray
from benchwell.models.brent_root import brent_root


class Tau2Method(StrEnum):
    """How the variance between studies is estimated."""

    COMMON_EFFECT = "common-effect"
    """Not at all: one common effect, tau squared is zero."""
    REML = "reml"
    """Restricted maximum likelihood."""
    MAXIMUM_LIKELIHOOD = "maximum-likelihood"
    DERSIMONIAN_LAIRD = "dersimonian-laird"
    PAULE_MANDEL = "paule-mandel"
    EMPIRICAL_BAYES = "empirical-bayes"
    """Solves the same equation as Paule-Mandel."""
    HEDGES = "hedges"
    """Unweighted moments."""
    SIDIK_JONKMAN = "sidik-jonkman"


@dataclass(frozen=True)
class Tau2Estimate:
    """Variance between studies.

    Attributes:
        value: tau squared, squared units of the effect, >= 0.
        std_error: Its standard error; NaN where it has none (a common effect, no degree of freedom left).
        iterations: Steps of Fisher scoring; 0 for methods without.
        several_maxima: Whether the likelihood has a second hill; `value` is then on the higher one.
    """

    value: float
    std_error: float
    iterations: int = 0
    several_maxima: bool = False


class WeightedFit:
    """Least squares with weights `1 / (variance + tau2)`: what every method below is made of.

    Attributes:
        weight: Weights, shape (k,).
        covariance: Inverse of X'WX, shape (p, p).
        coefficient: Coefficients, shape (p,).
        residual: y - X b, shape (k,).
    """

    def __init__(self, y: FloatArray, v: FloatArray, X: FloatArray, tau2: float) -> None:
        self.X = X
        self.weight = 1 / (v + tau2)
        root = np.sqrt(self.weight)
        # QR of the weighted design keeps digits that the normal equations would lose.
        Q, R = np.linalg.qr(root[:, None] * X)
        inverse = np.linalg.inv(R)
        self.covariance = inverse @ inverse.T
        self.coefficient = inverse @ (Q.T @ (root * y))
        self.residual = y - X @ self.coefficient
        self.log_det: float = 2 * float(np.log(np.abs(np.diag(R))).sum())

    @property
    def q(self) -> float:
        """Weighted sum of squared residuals."""
        return float((self.weight * self.residual**2).sum())

    def trace(self) -> float:
        """Trace of P = W - WX (X'WX)^-1 X'W."""
        return float(self.weight.sum() - np.trace(self._between(2)))

    def trace_of_square(self) -> float:
        """Trace of PP."""
        squared = self._between(2)
        return float((self.weight**2).sum() - 2 * np.trace(self._between(3)) + np.trace(squared @ squared))

    def projection(self) -> FloatArray:
        """The matrix P itself, shape (k, k)."""
        WX = self.weight[:, None] * self.X
        return np.asarray(np.diag(self.weight) - WX @ self.covariance @ WX.T)

    def _between(self, power: int) -> FloatArray:
        return np.asarray(self.covariance @ (self.X.T @ (self.weight[:, None] ** power * self.X)))


def estimate_tau2(
    y: FloatArray, v: FloatArray, X: FloatArray, method: Tau2Method, root_tolerance: float = 0.0
) -> Tau2Estimate:
    """Variance between studies that the columns of `X` do not explain.

    Args:
        y: Effect sizes, shape (k,).
        v: Their sampling variances, shape (k,), > 0.
        X: Design, shape (k, p), of full column rank, k >= p; a column of ones for the mean alone.
        method: The estimator.
        root_tolerance: Paule-Mandel only: absolute tolerance of the root search from 0 to 100, to check figures of
            programs that stop early; 0 is exact.

    Returns:
        tau squared with its standard error. Without a degree of freedom left (k = p) it is 0 with NaN.

    Raises:
        ArithmeticError: If no method of search found the root.

    Source:
        Viechtbauer (2005), J Educ Behav Stat 30:261-293; Sidik & Jonkman (2005), JRSS C 54:367-384; Paule & Mandel
        (1982); Morris (1983), JASA 78:47-55.

    >>> y, v = np.array([0.1, 0.5, 0.9]), np.array([0.01, 0.02, 0.01])
    >>> found = estimate_tau2(y, v, np.ones((3, 1)), Tau2Method.REML)
    >>> round(found.value, 6), round(found.std_error, 6)
    (0.153203, 0.166436)
    """
    k, p = X.shape
    if k == p or method is Tau2Method.COMMON_EFFECT:
        return Tau2Estimate(value=0.0, std_error=float("nan"))
    if method in (Tau2Method.REML, Tau2Method.MAXIMUM_LIKELIHOOD):
        return _likelihood(y, v, X, restricted=method is Tau2Method.REML)
    if method is Tau2Method.DERSIMONIAN_LAIRD:
        return _dersimonian_laird(y, v, X)
    if method is Tau2Method.HEDGES:
        return _hedges(y, v, X)
    if method is Tau2Method.SIDIK_JONKMAN:
        return _sidik_jonkman(y, v, X)
    return _paule_mandel(y, v, X, root_tolerance if method is Tau2Method.PAULE_MANDEL else 0.0)


def tau2_where_q_is(target: float, y: FloatArray, v: FloatArray, X: FloatArray, root_tolerance: float = 0.0) -> float:
    """Return the tau squared at which the weighted sum of squares falls to `target`; 0 if it is below that already.

    >>> y, v = np.array([0.1, 0.5, 0.9]), np.array([0.01, 0.01, 0.01])
    >>> round(tau2_where_q_is(2.0, y, v, np.ones((3, 1))), 9)
    0.15
    """

    def excess(tau2: float) -> float:
        return WeightedFit(y, v, X, tau2).q - target

    if excess(0.0) <= 0:
        return 0.0
    # The interval of programs that stop early is 0 to 100 whatever the scale; the exact search finds its own.
    high = 100.0 if root_tolerance > 0 else float(v.mean()) + float(y.var())
    while excess(high) > 0:
        high *= 2
    return brent_root(excess, 0.0, high, root_tolerance)


def log_likelihood(y: FloatArray, v: FloatArray, X: FloatArray, tau2: float, *, restricted: bool) -> float:
    """Log-likelihood of the effects at `tau2`, or the restricted one, which is that of the residual contrasts."""
    k, p = X.shape
    fit = WeightedFit(y, v, X, tau2)
    both: float = 0.5 * float(np.log(fit.weight).sum()) - 0.5 * fit.q
    if not restricted:
        return both - 0.5 * float(k * np.log(2 * np.pi))
    design = 0.5 * float(np.linalg.slogdet(X.T @ X)[1])
    return both - 0.5 * float((k - p) * np.log(2 * np.pi)) + design - 0.5 * fit.log_det


def _dersimonian_laird(y: FloatArray, v: FloatArray, X: FloatArray) -> Tau2Estimate:
    fit, df = WeightedFit(y, v, X, 0.0), X.shape[0] - X.shape[1]
    trace = fit.trace()
    tau2 = max(0.0, (fit.q - df) / trace)
    spread = 2 * df + 4 * tau2 * trace + 2 * tau2**2 * fit.trace_of_square()
    return Tau2Estimate(tau2, float(np.sqrt(spread)) / trace)


def _paule_mandel(y: FloatArray, v: FloatArray, X: FloatArray, root_tolerance: float) -> Tau2Estimate:
    k, p = X.shape
    tau2 = tau2_where_q_is(float(k - p), y, v, X, root_tolerance)
    total = float((1 / (v + tau2)).sum())
    return Tau2Estimate(tau2, float(np.sqrt(2 * k**2 / (k - p))) / total)


def _hedges(y: FloatArray, v: FloatArray, X: FloatArray) -> Tau2Estimate:
    fit = WeightedFit(y, np.ones_like(v), X, 0.0)
    P, df = fit.projection(), X.shape[0] - X.shape[1]
    PV = P * v
    tau2 = max(0.0, (fit.q - float(np.trace(PV))) / df)
    spread = 2 * (PV * PV.T).sum() + 4 * tau2 * (PV * P).sum() + 2 * tau2**2 * df
    return Tau2Estimate(tau2, float(np.sqrt(spread)) / df)


def _sidik_jonkman(y: FloatArray, v: FloatArray, X: FloatArray) -> Tau2Estimate:
    first = float(y.var())
    if first == 0:
        return Tau2Estimate(0.0, float("nan"))
    fit, df = WeightedFit(y, v, X, first), X.shape[0] - X.shape[1]
    tau2, P = first * fit.q / df, fit.projection()
    PV = P * v
    spread = 2 * (PV * PV.T).sum() + 4 * tau2 * (PV * P).sum() + 2 * tau2**2 * (P * P).sum()
    return Tau2Estimate(tau2, first * float(np.sqrt(spread)) / df)


def _likelihood(y: FloatArray, v: FloatArray, X: FloatArray, *, restricted: bool) -> Tau2Estimate:
    def height(tau2: float) -> float:
        return log_likelihood(y, v, X, tau2, restricted=restricted)

    def slope(tau2: float) -> float:
        fit = WeightedFit(y, v, X, tau2)
        pull = float(((fit.weight * fit.residual) ** 2).sum())
        return pull - (fit.trace() if restricted else float(fit.weight.sum()))

    def information(tau2: float) -> float:
        return WeightedFit(y, v, X, tau2).trace_of_square() if restricted else float((1 / (v + tau2) ** 2).sum())

    tau2, iterations = _hedges(y, v, X).value, 0
    climbing = True
    while climbing and iterations < 100:
        step = max(slope(tau2) / information(tau2), -tau2)
        # A step past the top lands lower on the other side; rounding of the height is not "lower".
        rounding = 1e-13 * (1 + abs(height(tau2)))
        while abs(step) > 1e-14 * tau2 and height(tau2 + step) < height(tau2) - rounding:
            step /= 2
        tau2, iterations = tau2 + step, iterations + 1
        climbing = abs(step) > 1e-11 * tau2 + 1e-15 * float(v.min())
    higher = _higher_hill(height, slope, tau2, float(v.min()), 10 * float(y.var() + v.max()))
    top = tau2 if higher is None else higher
    if climbing or higher is not None:
        top = _sharpened(slope, top)
    return Tau2Estimate(top, float(np.sqrt(2 / information(top))), iterations, higher is not None)


def _higher_hill(
    height: Callable[[float], float], slope: Callable[[float], float], found: float, floor: float, ceiling: float
) -> float | None:
    """A point on a hill of the likelihood that is higher than the one found, if a grid over the range meets one."""
    grid = np.concatenate([[0.0], np.geomspace(floor * 1e-4, ceiling, 60)])
    heights = np.array([height(float(tau2)) for tau2 in grid])
    peak = int(np.argmax(heights))
    if heights[peak] <= height(found) + 1e-9:
        return None
    low, high = float(grid[max(peak - 1, 0)]), float(grid[min(peak + 1, len(grid) - 1)])
    climbed = optimize.minimize_scalar(lambda tau2: -height(tau2), bounds=(low, high), method="bounded")
    return 0.0 if slope(0.0) <= 0 and height(0.0) >= -climbed.fun else float(climbed.x)


def _sharpened(slope: Callable[[float], float], near: float) -> float:
    """The top of the hill at `near`: where the slope turns from up to down."""
    if near == 0.0:
        return 0.0
    low, high = near, near
    for _ in range(200):
        low, high = (low * 0.9 if slope(low) < 0 else low), (high * 1.1 if slope(high) > 0 else high)
        if slope(low) >= 0 >= slope(high):
            return brent_root(slope, low, high)
    return 0.0
