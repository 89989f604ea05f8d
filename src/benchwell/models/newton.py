"""Newton's method with a modified Hessian and step halving, for smooth deviances in a handful of parameters.

A deviance is -2 log-likelihood, so half of g'H⁻¹g is the squared distance to the minimum in standard errors: that is
what the stopping rule is stated in. Far from the minimum, directions of negative curvature are turned around.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from benchwell.models.arrays import FloatArray

_REUSE = 1e-6  # squared distance below which the Hessian at hand is good enough for what is left
_LARGEST_HALVINGS = 30
_ROUNDING = 1e-4  # standard errors: where a step this small finds no descent, rounding is the limit
_STALLED = 0.9  # as it is where a step leaves more than this share of the distance
_NEAR = 1e-2  # standard errors: from here on steps that halve the distance are trusted: a decrease so small may drown
_NOISE = 1e-8  # in what the inner searches (modes of the groups) leave of the deviance, as a share of it
_FLAT = 1e-7  # share of the largest scaled curvature below which a direction counts as flat


class Point(Protocol):
    """A deviance at one parameter vector."""

    @property
    def phi(self) -> FloatArray: ...  # noqa: D102 - the attribute's own name says it
    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def gradient(self) -> FloatArray: ...  # noqa: D102


AnyPoint = TypeVar("AnyPoint", bound=Point)
AnyHessian = TypeVar("AnyHessian")


@dataclass(frozen=True)
class Minimum(Generic[AnyPoint, AnyHessian]):
    """Where the search ended, and how it got there.

    Attributes:
        point: The last point.
        hessian: Second derivatives, at the point or within 1e-3 standard errors of it.
        distance: Distance to the minimum in standard errors, as the last step foresaw it.
        iterations: Steps taken.
        evaluations: Deviances (with gradients) evaluated.
        converged: Whether the distance is below the tolerance (or rounding is the limit) and the curvature positive.
    """

    point: AnyPoint
    hessian: AnyHessian
    distance: float
    iterations: int
    evaluations: int
    converged: bool


def minimize(
    evaluate: Callable[[FloatArray, AnyPoint, AnyHessian], AnyPoint],
    curvature: Callable[[AnyPoint], AnyHessian],
    matrix: Callable[[AnyHessian], FloatArray],
    start: AnyPoint,
    *,
    largest_step: Callable[[FloatArray], float],
    tolerance: float,
    max_iterations: int,
) -> Minimum[AnyPoint, AnyHessian]:
    """Walk from `start` to a minimum.

    Args:
        evaluate: Deviance at new parameters, given the point it comes from and its second derivatives (for a start).
        curvature: Second derivatives at a point.
        matrix: The matrix in them, shape (q, q).
        start: Where to begin.
        largest_step: Share (0, 1] of a proposed step, shape (q,), that may be taken at once.
        tolerance: Distance to the minimum at which to stop, in standard errors.
        max_iterations: Steps before giving up.
    """
    point, hessian = start, curvature(start)
    iterations, evaluations, before = 0, 1, np.inf
    while True:
        step, distance, positive = _newton_step(point.gradient, matrix(hessian))
        settled = distance < tolerance or _STALLED * before < distance < _ROUNDING
        if settled or iterations >= max_iterations:
            return Minimum(point, hessian, distance, iterations, evaluations, positive and settled)
        share, decrease = largest_step(step), -float(point.gradient @ step)
        trusted = positive and distance < min(_NEAR, before / 2.0)
        slack, before = abs(point.value) * (_NOISE if trusted else 1e-12), distance
        for _ in range(_LARGEST_HALVINGS):
            trial = evaluate(point.phi + share * step, point, hessian)
            evaluations += 1
            if trial.value <= point.value - 1e-4 * share * decrease + slack:
                break
            share /= 2.0
        else:  # no descent left: at the bottom of what rounding can tell apart, or stuck
            return Minimum(point, hessian, distance, iterations, evaluations, positive and distance < _ROUNDING)
        point = trial
        iterations += 1
        if distance**2 > _REUSE or not trusted:
            hessian = curvature(point)


def solve_scaled(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Least-squares solution of a symmetric system, whatever the units of its rows.

    >>> solve_scaled(np.diag([4.0, 1e-12]), np.array([2.0, 1e-12])).tolist()
    [0.5, 1.0]
    """
    diagonal = np.abs(np.diag(matrix))
    scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    column = scale if right.ndim == 1 else scale[:, None]
    solved = np.linalg.lstsq(matrix * np.outer(scale, scale), column * right, rcond=1e-14)[0]
    return np.asarray(column * solved, dtype=np.float64)


def _newton_step(gradient: FloatArray, matrix: FloatArray) -> tuple[FloatArray, float, bool]:
    """Step, distance to the minimum in standard errors, and whether the curvature is positive everywhere."""
    diagonal = np.abs(np.diag(matrix))
    scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(matrix * np.outer(scale, scale))
    floor = 1e-12 * float(np.abs(values).max(initial=1.0))
    pull = vectors.T @ (scale * gradient)
    step = -scale * (vectors @ (pull / np.maximum(np.abs(values), floor)))
    distance = float(np.sqrt(max(-float(gradient @ step), 0.0) / 2.0))
    return step, distance, bool(values.min() > -_FLAT)


__all__ = ["Minimum", "Point", "minimize", "solve_scaled"]
