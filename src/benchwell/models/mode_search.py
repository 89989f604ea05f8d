"""Conditional modes of the random intercepts: a damped Newton search in every group at once.

An undamped search overshoots and diverges in clusters of thousands of rows. The logistic log-likelihood changes its
curvature by at most a factor exp(t) when no linear predictor moves by more than t. A Newton step that would move a
group's intercept by t is therefore shortened to log(1 + t), which lowers the objective whatever the start, without
ever evaluating it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import FloatArray, IntArray
from benchwell.models.grouped_rows import outer_spread, outer_sum

MODE_TOLERANCE = 1e-8  # largest remaining move of an intercept, on the scale of log odds
_FULL_STEP = 0.5  # below this the curvature changes so little that the whole Newton step is safe
_LARGEST_SEARCH = 200


@dataclass(frozen=True)
class Curvature:
    """The matrix I + Λ'Z'WZΛ of the standardized intercepts, block by block of outer groups.

    Attributes:
        theta: Standard deviations (inner, outer) of the intercepts; outer is 0 for one level.
        information: W, sum of the binomial weights of each inner group, shape (g,).
        d: 1 + theta_inner² W, shape (g,).
        s: 1 + theta_outer² sum(W / d), shape (k,).
        outer_starts: First inner group of each outer group, shape (k,).
        outer_sizes: Inner groups of each outer group, shape (k,).
    """

    theta: tuple[float, float]
    information: FloatArray
    d: FloatArray
    s: FloatArray
    outer_starts: IntArray
    outer_sizes: IntArray

    @classmethod
    def of(
        cls, theta: tuple[float, float], information: FloatArray, outer_starts: IntArray, outer_sizes: IntArray
    ) -> Curvature:
        """Factor the matrix at given weights."""
        d = 1.0 + theta[0] ** 2 * information
        s = 1.0 + theta[1] ** 2 * outer_sum(information / d, outer_starts)
        return cls(theta, information, d, s, outer_starts, outer_sizes)

    def sum(self, values: FloatArray) -> FloatArray:
        """Sum over the inner groups of each outer group."""
        return outer_sum(values, self.outer_starts)

    def spread(self, values: FloatArray) -> FloatArray:
        """Give each inner group its outer group's value."""
        return outer_spread(values, self.outer_sizes, len(self.d))

    def solve(self, inner: FloatArray, outer: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Solve for right-hand sides of shape (g, ...) and (k, ...)."""
        trailing = (slice(None), *([None] * (inner.ndim - 1)))
        cross = (self.theta[0] * self.theta[1] * self.information / self.d)[trailing]
        if len(self.s) == 0:
            return inner / self.d[trailing], outer
        x_outer = (outer - self.sum(cross * inner)) / self.s[trailing]
        return inner / self.d[trailing] - cross * self.spread(x_outer), x_outer

    def intercepts(self, inner: FloatArray, outer: FloatArray) -> FloatArray:
        """Intercept of each inner group, theta_inner b_inner + theta_outer b_outer, shape (g, ...)."""
        if len(self.s) == 0:
            return self.theta[0] * inner
        return self.theta[0] * inner + self.theta[1] * self.spread(outer)

    def log_determinant(self) -> float:
        """Log determinant of the whole matrix."""
        return float(np.log(self.d).sum() + np.log(self.s).sum())

    def conditional_variances(self) -> tuple[FloatArray, FloatArray]:
        """Conditional variances of the inner and outer intercepts given the parameters (lme4's condVar)."""
        outer = 1.0 / self.s
        cross = self.theta[0] * self.theta[1] * self.information / self.d
        inner = 1.0 / self.d + cross**2 * self.spread(outer)
        return self.theta[0] ** 2 * inner, self.theta[1] ** 2 * outer


@dataclass(frozen=True)
class Modes:
    """Where the search of one block ended.

    Attributes:
        inner: Standardized modes, shape (g,).
        outer: Standardized modes, shape (k,).
        residual: Sum of successes minus expected, per inner group, shape (g,).
        curvature: The factored matrix at the modes.
        eta: Linear predictor of each row, shape (n,).
        probability: Of each row, shape (n,).
        weight: trials p (1 - p) of each row, shape (n,).
        steps: Newton steps taken.
        settled: Whether the last step was below the tolerance.
    """

    inner: FloatArray
    outer: FloatArray
    residual: FloatArray
    curvature: Curvature
    eta: FloatArray
    probability: FloatArray
    weight: FloatArray
    steps: int
    settled: bool


def expit(eta: FloatArray) -> FloatArray:
    """Probability of a log odds; exact 0 or 1 far out, without a warning.

    >>> expit(np.array([0.0, 800.0, -800.0])).tolist()
    [0.5, 1.0, 0.0]
    """
    with np.errstate(over="ignore"):
        negative = np.exp(-eta)
    negative += 1.0
    return np.asarray(np.divide(1.0, negative, out=negative))


def find_modes(
    offset: FloatArray,
    successes: FloatArray,
    trials: FloatArray | None,
    starts: IntArray,
    outer_starts: IntArray,
    theta: tuple[float, float],
    start: tuple[FloatArray, FloatArray],
    tolerance: float = MODE_TOLERANCE,
) -> Modes:
    """Find the modes of the standardized intercepts of one block of whole outer groups.

    Args:
        offset: Fixed part of the linear predictor, shape (n,), log odds, rows of a group side by side.
        successes: Shape (n,).
        trials: Shape (n,), or None when every row is one trial.
        starts: First row of each inner group, shape (g,).
        outer_starts: First inner group of each outer group, shape (k,); empty for one level.
        theta: Standard deviations (inner, outer) of the intercepts, log odds.
        start: Where to begin: standardized modes of shapes (g,) and (k,).
        tolerance: Largest remaining move, log odds.

    Source:
        Sun & Tran-Dinh (2019), Math Program 178:145-213, theorem 2 (generalized self-concordance, nu = 2).

    >>> offset = np.full(4000, 3.0)
    >>> modes = find_modes(offset, np.zeros(4000), None, np.array([0]), np.zeros(0, int), (4.0, 0.0),
    ...                    (np.zeros(1), np.zeros(0)))
    >>> modes.settled, abs(float(4.0 * modes.residual[0] - modes.inner[0])) < 1e-6
    (True, True)
    """
    sizes = np.diff(np.append(starts, len(offset)))
    outer_sizes = np.diff(np.append(outer_starts, len(starts))) if len(outer_starts) else outer_starts
    inner, outer = start
    settled, steps = False, 0
    while True:
        intercept = theta[0] * inner + (theta[1] * outer_spread(outer, outer_sizes, len(inner)) if len(outer) else 0.0)
        eta = np.repeat(intercept, sizes)
        eta += offset
        probability = expit(eta)
        weight = 1.0 - probability
        weight *= probability
        expected = probability
        if trials is not None:
            weight *= trials
            expected = probability * trials
        residual = np.add.reduceat(successes - expected, starts)
        curvature = Curvature.of(theta, np.add.reduceat(weight, starts), outer_starts, outer_sizes)
        if settled or steps >= _LARGEST_SEARCH:
            return Modes(inner, outer, residual, curvature, eta, probability, weight, steps, settled)
        step_inner, step_outer = curvature.solve(
            theta[0] * residual - inner, theta[1] * curvature.sum(residual) - outer
        )
        move = np.abs(curvature.intercepts(step_inner, step_outer))
        largest = max(float(move.max()), float(np.abs(step_inner).max()), float(np.abs(step_outer).max(initial=0.0)))
        if largest < tolerance:
            return Modes(inner, outer, residual, curvature, eta, probability, weight, steps, True)
        if len(outer):
            share = _damping(np.maximum.reduceat(move, outer_starts))
            inner, outer = inner + step_inner * np.repeat(share, outer_sizes), outer + step_outer * share
        else:
            inner = inner + step_inner * _damping(move)
        steps += 1
        # Convergence is quadratic: after a step this small one more look at the rows only confirms it.
        settled = largest**2 < tolerance


def _damping(move: FloatArray) -> FloatArray:
    return np.where(move > _FULL_STEP, np.log1p(move) / np.maximum(move, _FULL_STEP), 1.0)
