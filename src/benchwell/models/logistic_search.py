"""The search for the estimates: penalized least squares, Laplace or quadrature, each by Newton's method."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.models.grouped_rows import GroupedRows
from benchwell.models.laplace import LaplaceHessian, LaplacePoint, evaluate, hessian
from benchwell.models.logistic_start import rough_start, sample
from benchwell.models.newton import Minimum, minimize, solve_scaled
from benchwell.models.penalized_fit import fit_penalized
from benchwell.models.quadrature import evaluate_quadrature, quadrature_hessian
from benchwell.models.separation import separating_columns

DISTANCE_TOLERANCE = 1e-6  # stop this close to the minimum, in standard errors
LARGEST_ITERATIONS = 100
_LOOK_FOR_SEPARATION = 12  # Newton needs fewer steps than this unless something runs away
_NEAR_ZERO = 0.05  # a standard deviation below this is compared with zero itself,
_SAME = 1e-8  # and is zero when the deviance there is higher by no more than this
_SUSPICIOUS = 10.0  # log odds: a standard deviation above this is looked into
_LARGEST_START_ERROR = 3.0  # log odds, at a column's furthest value: beyond this a sample tells nothing


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
        separated: Columns that separate the rows, none of them when it is the groups that do; None without separation.
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
    found = _laplace(rows, start)
    if points == 0:
        found = _penalized(rows, found)
    elif points > 1:
        found = _quadrature(rows, found, points)
    if np.abs(found.point.phi[rows.x.shape[1] :]).max() > _SUSPICIOUS and _groups_separate(rows):
        nothing = np.zeros(rows.x.shape[1], dtype=np.bool_)
        return replace(found, converged=False, separated=nothing if found.separated is None else found.separated)
    return found


def _groups_separate(rows: GroupedRows) -> bool:
    """Whether every group holds successes only or failures only: its intercept then explains it ever better."""
    met = np.add.reduceat(rows.successes, rows.starts)
    people = rows.sizes if rows.trials is None else np.add.reduceat(rows.trials, rows.starts)
    return bool(((met == 0) | (met == people)).all() and (people > 1).any())


def _start(rows: GroupedRows) -> FloatArray:
    part = sample(rows)
    if part is not None:
        first = _newton_laplace(part, rough_start(part), tolerance=0.05, max_iterations=_LOOK_FOR_SEPARATION)
        phi, p = first.point.phi, rows.x.shape[1]
        variance = np.diag(solve_scaled(first.hessian.total / 2.0, np.eye(len(phi))))[1:p]
        reach = np.abs(part.x - part.x.mean(axis=0)).max(axis=0)[1:]
        # A rare column may separate the sampled rows, though not all of them; its error then says so.
        if first.converged and (variance > 0).all() and (np.sqrt(variance) * reach < _LARGEST_START_ERROR).all():
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
    step = -solve_scaled(slopes.penalized[:p, :p], point.gradient[:p])
    return separating_columns(rows, step)


def _at_zero(rows: GroupedRows, point: LaplacePoint, slopes: LaplaceHessian) -> tuple[LaplacePoint, LaplaceHessian]:
    """Put a standard deviation that came to rest next to zero on zero, where the deviance is no higher there."""
    p = rows.x.shape[1]
    for at in range(p, len(point.phi)):
        if 0.0 < abs(point.phi[at]) < _NEAR_ZERO:
            phi = point.phi.copy()
            phi[at] = 0.0
            trial = evaluate(rows, phi, (point.inner, point.outer))
            if trial.value <= point.value + _SAME:
                point, slopes = trial, hessian(rows, trial)
    return point, slopes


def _penalized(rows: GroupedRows, laplace: Found) -> Found:
    """From the Laplace estimates, which are near and cost little."""
    optimizer = "Newton over the standard deviations, penalized least squares within"
    p = rows.x.shape[1]
    if laplace.separated is not None:
        return replace(laplace, gradient=laplace.gradient[p:], optimizer=optimizer)
    start = laplace.point.phi.copy()
    start[p:] = np.maximum(np.abs(start[p:]), 0.05)  # at zero the slope is zero whatever the data
    found = fit_penalized(rows, start, tolerance=DISTANCE_TOLERANCE, max_iterations=LARGEST_ITERATIONS)
    point, slopes = _at_zero(rows, found.point.at, found.point.slopes)
    return Found(
        point=point,
        slopes=slopes,
        gradient=found.point.gradient,
        distance=found.distance,
        iterations=laplace.iterations + found.iterations,
        evaluations=laplace.evaluations + found.evaluations,
        converged=found.converged and found.point.settled,
        separated=None,
        optimizer=optimizer,
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
        if trial.value <= point.value + _SAME:
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
