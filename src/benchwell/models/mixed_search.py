"""Search for the variance ratios of largest likelihood: many coarse starts, then Newton steps that never go uphill.

Theta holds square roots, and the deviance is even in each of them, so zero variance is an ordinary stationary point
and needs no bounds. What does need care is that every boundary is stationary: the search starts inside, and leaves a
saddle along its direction of negative curvature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benchwell.models.arrays import FloatArray

OPTIMIZER = "Newton with analytic gradients from a grid of starts"
MAX_ITERATIONS = 200
# Squared distance to the optimum in standard errors at which one last full step is taken; it leaves some 1e-10.
LAST_STEP = 1e-10
# Deviance that a parameter must be worth to be told from zero.
WORTH = 1e-9
# Below this squared distance, a step that leaves more than this share of it shows that rounding is the limit.
ROUNDING = 1e-8
STALLED = 0.9
STARTS = 3
# Two starts closer than this in every theta (natural logarithm) lead to the same place.
NEAR = 1.2

Objective = Callable[[FloatArray], tuple[float, FloatArray]]


@dataclass(frozen=True, eq=False)
class Found:
    """Where a search ended.

    Attributes:
        theta: Parameters, shape (m,).
        value: The objective there.
        gradient: Its derivatives there, shape (m,).
        iterations: Newton steps taken, over all starts.
        converged: Whether the last step was shorter than can matter.
    """

    theta: FloatArray
    value: float
    gradient: FloatArray
    iterations: int
    converged: bool


def search(
    objective: Objective,
    value: Callable[[FloatArray], float],
    starts: list[FloatArray],
    *,
    newton_starts: int = STARTS,
) -> Found:
    """Minimize from the most promising starts and keep the lowest end.

    Args:
        objective: Value and gradient at theta.
        value: Value alone at theta.
        starts: Thetas to try, coarsely covering the plausible range.
        newton_starts: How many of them, the lowest that are not neighbors, to follow down.
    """
    ends = [newton(objective, value, start) for start in _promising(value, starts, newton_starts)]
    lowest = min(end.value for end in ends)
    best = next(end for end in ends if end.value <= lowest + WORTH)
    return replace(best, iterations=sum(end.iterations for end in ends))


def newton(
    objective: Objective,
    value: Callable[[FloatArray], float],
    start: FloatArray,
    typical: FloatArray | None = None,
) -> Found:
    """Minimize from one start with Newton steps, curvature from differences of the analytic gradient.

    Args:
        objective: Value and gradient at theta.
        value: Value alone at theta.
        start: Where to begin, shape (m,).
        typical: Least change of each parameter that counts as a large one, shape (m,); by default a thousandth of
            the largest parameter.
    """
    theta = np.asarray(start, dtype=np.float64)
    here, gradient = objective(theta)
    before = np.inf
    for iteration in range(MAX_ITERATIONS):
        scale = _scale(theta, typical)
        step, decrement = _newton_step(objective, theta, gradient, scale)
        if decrement < LAST_STEP or STALLED * before < decrement < ROUNDING:
            theta, here, gradient = _last_step(objective, theta, here, gradient, step)
            return Found(theta, here, gradient, iteration + 1, converged=True)
        before = decrement
        there, ahead = objective(theta + step)
        if _pays(there, here, float(gradient @ step)):
            theta, here, gradient = theta + step, there, ahead
            continue
        length = _step_length(value, theta, here, step, float(gradient @ step))
        if length == 0.0:
            return Found(theta, here, gradient, iteration + 1, converged=decrement < 1e-6)
        theta = theta + length * step
        here, gradient = objective(theta)
    return Found(theta, here, gradient, MAX_ITERATIONS, converged=False)


def _last_step(
    objective: Objective, theta: FloatArray, here: float, gradient: FloatArray, step: FloatArray
) -> tuple[FloatArray, float, FloatArray]:
    there, new_gradient = objective(theta + step)
    if there <= here + 1e-12 * max(1.0, abs(here)):
        return theta + step, there, new_gradient
    return theta, here, gradient


def _scale(theta: FloatArray, typical: FloatArray | None) -> FloatArray:
    """What counts as a change of order one in each parameter."""
    size = np.abs(theta)
    if typical is not None:
        return np.asarray(np.maximum(size, typical), dtype=np.float64)
    floor = max(1e-3 * float(size.max(initial=0.0)), 1e-8)
    scale: FloatArray = np.maximum(size, floor)
    return scale


def _newton_step(
    objective: Objective, theta: FloatArray, gradient: FloatArray, scale: FloatArray
) -> tuple[FloatArray, float]:
    """A downhill step of at most order one, and the squared length of the full step in standard errors."""
    m = len(theta)
    curvature = np.empty((m, m))
    for k in range(m):
        ahead = theta.copy()
        ahead[k] += 1e-5 * scale[k]
        curvature[k] = (objective(ahead)[1] - gradient) / (ahead[k] - theta[k])
    scaled = (curvature + curvature.T) / 2 * np.outer(scale, scale)
    values, vectors = np.linalg.eigh(scaled)
    along = vectors.T @ (scale * gradient)
    # Curvature that is next to nothing must not make a step without bounds.
    least = max(1e-10 * float(np.abs(values).max()), 1e-3 * float(np.linalg.norm(along)), 1e-300)
    bent = np.maximum(np.abs(values), least)
    step = -vectors @ (along / bent)
    decrement = float(along @ (along / bent))
    if values[0] < 0 and decrement < LAST_STEP and np.abs(values[0]) > 1e-6:
        # A saddle: leave it along the direction of negative curvature.
        step, decrement = 0.1 * vectors[:, 0], np.inf
    length = np.linalg.norm(step)
    return scale * step * min(1.0, 2.0 / length if length > 0 else 1.0), decrement


def _step_length(
    value: Callable[[FloatArray], float], theta: FloatArray, here: float, step: FloatArray, slope: float
) -> float:
    """Halve a step that does not pay until it does; 0 when no length does."""
    length = 0.5
    for _ in range(40):
        if _pays(value(theta + length * step), here, length * slope):
            return length
        length /= 2
    return 0.0


def _pays(there: float, here: float, promised: float) -> bool:
    """Whether the objective fell by a part of what the gradient promised, up to rounding."""
    return there <= here + min(0.0, 1e-4 * promised) + 1e-13 * max(1.0, abs(here))


def _promising(value: Callable[[FloatArray], float], starts: list[FloatArray], most: int) -> list[FloatArray]:
    """The lowest starts that are not neighbors of a lower one already taken."""
    ranked = sorted(((value(start), index) for index, start in enumerate(starts)))
    taken: list[FloatArray] = []
    for _, index in ranked:
        start = starts[index]
        if all(np.abs(_log_size(start) - _log_size(other)).max() > 2 * NEAR for other in taken):
            taken.append(start)
        if len(taken) == most:
            break
    return taken


def _log_size(theta: FloatArray) -> FloatArray:
    return np.asarray(np.log(np.abs(theta) + 1e-12), dtype=np.float64)
