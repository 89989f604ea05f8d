"""The search for the estimates: penalized least squares, Laplace or quadrature, each by Newton's method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.models.grouped_rows import GroupedRows
from benchwell.models.laplace import LaplaceHessian, LaplacePoint, evaluate, hessian
from benchwell.models.logistic_start import rough_start, sample
from benchwell.models.newton import Minimum, minimize
from benchwell.models.penalized_fit import fit_penalized
from benchwell.models.quadrature import evaluate_quadrature, quadrature_hessian
from benchwell.models.separation import separating_columns

DISTANCE_TOLERANCE = 1e-6  # stop this close to the minimum, in standard errors
LARGEST_ITERATIONS = 100
_LOOK_FOR_SEPARATION = 12  # Newton needs fewer steps than this unless something runs away
_NEAR_ZERO = 1e-3  # a standard deviation below this is compared with zero itself
_LARGEST_START = 5.0  # log odds by one column, at its root mean square, that a sample may claim


@dataclass(frozen=True)
class Found:
    """Where the search ended.

    Attributes:
        point: Deviance, gradient and modes at the estimates.
        slopes: Second derivatives there.
        gradient: Of what was minimized: by (beta, theta), or by theta alone for penalized least squares.
        distance: To the minimum, in standard errors.
        iterations: Newton steps, those on a sample not counted.
        evaluations: Deviances evaluated on all rows.
        converged: Whether the search settled.
        separated: Columns that separate the rows; None when none do.
        optimizer: Name of the method.
    """

    point: LaplacePoint
    slopes: LaplaceHessian
    gradient: FloatArray
    distance: float
    iterations: int
    evaluations: int
    converged: bool
    separated: BoolArray | None
    optimizer: str


def search(rows: GroupedRows, points: int) -> Found:
    """Find the estimates; see `benchwell.models.logistic_mixed.logistic_mixed` for `points`."""
    start = _start(rows)
    if points == 0:
        return _penalized(rows, start)
    found = _laplace(rows, start)
    return found if points == 1 else _quadrature(rows, found, points)


def _start(rows: GroupedRows) -> FloatArray:
    part = sample(rows)
    if part is not None:
        first = _newton_laplace(part, rough_start(part), tolerance=0.05, max_iterations=_LOOK_FOR_SEPARATION)
        phi, p = first.point.phi, rows.x.shape[1]
        reach = np.abs(phi[1:p]) * np.sqrt(np.einsum("ij,ij->j", part.x, part.x) / len(part.x))[1:]
        if first.converged and (reach < _LARGEST_START).all():
            return np.concatenate([phi[:p], np.maximum(np.abs(phi[p:]), 0.05)])
    return rough_start(rows)


def _newton_laplace(
    rows: GroupedRows, start: FloatArray | LaplacePoint, *, tolerance: float, max_iterations: int
) -> Minimum[LaplacePoint, LaplaceHessian]:
    p = rows.x.shape[1]
    if not isinstance(start, LaplacePoint):
        start = evaluate(rows, start, (np.zeros(len(rows.starts)), np.zeros(len(rows.outer_sizes))))
    return minimize(
        lambda phi, origin, slopes: evaluate(rows, phi, _foreseen(phi, origin, slopes)),
        lambda point: hessian(rows, point),
        lambda slopes: slopes.total,
        start,
        largest_step=lambda step: _bounded(step[p:]),
        tolerance=tolerance,
        max_iterations=max_iterations,
    )


def _foreseen(phi: FloatArray, origin: LaplacePoint, slopes: LaplaceHessian) -> tuple[FloatArray, FloatArray]:
    """Modes at new parameters, as their derivatives foresee them."""
    step = phi - origin.phi
    return origin.inner + slopes.modes[0] @ step, origin.outer + slopes.modes[1] @ step


def _bounded(theta_step: FloatArray) -> float:
    return float(1.0 / max(1.0, np.abs(theta_step).max()))


def _laplace(rows: GroupedRows, start: FloatArray) -> Found:
    first = _newton_laplace(rows, start, tolerance=DISTANCE_TOLERANCE, max_iterations=_LOOK_FOR_SEPARATION)
    separated = None
    iterations, evaluations = first.iterations, first.evaluations
    if not first.converged:
        separated = _separated(rows, first.point, first.hessian)
        if separated is None:
            rest = LARGEST_ITERATIONS - iterations
            first = _newton_laplace(rows, first.point, tolerance=DISTANCE_TOLERANCE, max_iterations=rest)
            iterations, evaluations = iterations + first.iterations, evaluations + first.evaluations
            separated = None if first.converged else _separated(rows, first.point, first.hessian)
    point, slopes = _at_zero(rows, first.point, first.hessian)
    return Found(
        point=point,
        slopes=slopes,
        gradient=point.gradient,
        distance=first.distance,
        iterations=iterations,
        evaluations=evaluations,
        converged=first.converged and point.settled and separated is None,
        separated=separated,
        optimizer="Newton, exact gradient and Hessian",
    )


def _separated(rows: GroupedRows, point: LaplacePoint, slopes: LaplaceHessian) -> BoolArray | None:
    p = rows.x.shape[1]
    matrix = slopes.penalized[:p, :p]
    scale = 1.0 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    step = -scale * np.linalg.lstsq(matrix * np.outer(scale, scale), scale * point.gradient[:p], rcond=1e-14)[0]
    return separating_columns(rows, step)


def _at_zero(rows: GroupedRows, point: LaplacePoint, slopes: LaplaceHessian) -> tuple[LaplacePoint, LaplaceHessian]:
    """Put a standard deviation that came to rest next to zero on zero, where the deviance is no higher there."""
    p = rows.x.shape[1]
    for at in range(p, len(point.phi)):
        if 0.0 < abs(point.phi[at]) < _NEAR_ZERO:
            phi = point.phi.copy()
            phi[at] = 0.0
            trial = evaluate(rows, phi, (point.inner, point.outer))
            if trial.value <= point.value + 1e-12 * abs(point.value):
                point, slopes = trial, hessian(rows, trial)
    return point, slopes


def _penalized(rows: GroupedRows, start: FloatArray) -> Found:
    found = fit_penalized(rows, start, tolerance=DISTANCE_TOLERANCE, max_iterations=LARGEST_ITERATIONS)
    profile = found.point
    separated = None if profile.settled else _separated(rows, profile.at, profile.slopes)
    point, slopes = _at_zero(rows, profile.at, profile.slopes)
    return Found(
        point=point,
        slopes=slopes,
        gradient=profile.gradient,
        distance=found.distance,
        iterations=found.iterations,
        evaluations=found.evaluations,
        converged=found.converged and profile.settled and separated is None,
        separated=separated,
        optimizer="Newton over the standard deviations, penalized least squares within",
    )


def _quadrature(rows: GroupedRows, laplace: Found, points: int) -> Found:
    """Newton from the Laplace estimates: first with the Laplace Hessian, which is near, then with its own."""
    p = rows.x.shape[1]
    phi = laplace.point.phi.copy()
    phi[p] = max(abs(float(phi[p])), 0.3)  # at zero the slope is zero whatever the data; Laplace may end there wrongly

    def at(phi: FloatArray, origin: LaplacePoint, slopes: LaplaceHessian) -> LaplacePoint:
        return evaluate_quadrature(rows, phi, _foreseen(phi, origin, slopes), points)

    point = at(phi, laplace.point, laplace.slopes)
    iterations, evaluations = laplace.iterations, laplace.evaluations
    if laplace.separated is not None:
        slopes, distance, converged = hessian(rows, point), laplace.distance, False
    else:
        rough = minimize(
            at,
            lambda point: hessian(rows, point),
            lambda slopes: slopes.total,
            point,
            largest_step=lambda step: _bounded(step[p:]),
            tolerance=1e-2,
            max_iterations=15,
        )
        fine = minimize(
            at,
            lambda point: quadrature_hessian(rows, point, points),
            lambda slopes: slopes.total,
            rough.point,
            largest_step=lambda step: _bounded(step[p:]),
            tolerance=DISTANCE_TOLERANCE,
            max_iterations=LARGEST_ITERATIONS,
        )
        point, slopes, distance, converged = fine.point, fine.hessian, fine.distance, fine.converged
        iterations += rough.iterations + fine.iterations
        evaluations += rough.evaluations + fine.evaluations
    if 0.0 < abs(point.phi[p]) < _NEAR_ZERO:
        phi = point.phi.copy()
        phi[p] = 0.0
        trial = at(phi, point, slopes)
        if trial.value <= point.value + 1e-12 * abs(point.value):
            point, slopes = trial, quadrature_hessian(rows, trial, points)
    return Found(
        point=point,
        slopes=slopes,
        gradient=point.gradient,
        distance=distance,
        iterations=iterations,
        evaluations=evaluations,
        converged=converged and point.settled,
        separated=laplace.separated,
        optimizer="Newton, exact gradient, Hessian by its differences",
    )
