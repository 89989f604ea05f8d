"""Penalized iteratively reweighted least squares: lme4's nAGQ=0, fast and slightly off where groups are small.

For given standard deviations theta, fixed effects and modes minimize the penalized likelihood together; theta then
minimizes that minimum plus the log determinant. The Laplace fit differs by letting the fixed effects see the
determinant too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchwell.models.arrays import FloatArray
from benchwell.models.grouped_rows import GroupedRows
from benchwell.models.laplace import LaplaceHessian, LaplacePoint, evaluate, hessian, penalized_hessian
from benchwell.models.newton import Minimum, minimize, solve_scaled

_INNER_TOLERANCE = 1e-8  # of the fixed effects at given theta, in standard errors
_INNER_ITERATIONS = 60


@dataclass(frozen=True)
class ProfilePoint:
    """The profiled deviance at one theta.

    Attributes:
        phi: theta, shape (1,) or (2,).
        value: Deviance at the fixed effects that minimize the penalized likelihood.
        gradient: By theta, the fixed effects moving with it.
        at: Deviance and modes at (beta, theta).
        slopes: Second derivatives there.
        beta_slope: d beta / d theta, shape (p, 1) or (p, 2).
        settled: Whether the fixed effects settled.
    """

    phi: FloatArray
    value: float
    gradient: FloatArray
    at: LaplacePoint
    slopes: LaplaceHessian
    beta_slope: FloatArray
    settled: bool


def fit_penalized(
    rows: GroupedRows, start: FloatArray, *, tolerance: float, max_iterations: int
) -> Minimum[ProfilePoint, FloatArray]:
    """Minimize the profiled deviance over theta, from phi = (beta, theta)."""
    p = rows.x.shape[1]
    modes = (np.zeros(len(rows.starts)), np.zeros(len(rows.outer_sizes)))
    first = _profile(rows, start[:p], start[p:], modes)

    def moved(theta: FloatArray, origin: ProfilePoint, _: FloatArray) -> ProfilePoint:
        step = theta - origin.phi
        beta_step = origin.beta_slope @ step
        whole = np.concatenate([beta_step, step])
        start_modes = (
            origin.at.inner + origin.slopes.modes[0] @ whole,
            origin.at.outer + origin.slopes.modes[1] @ whole,
        )
        return _profile(rows, origin.at.phi[:p] + beta_step, theta, start_modes)

    return minimize(
        moved,
        lambda point: _theta_curvature(point, p),
        lambda matrix: matrix,
        first,
        largest_step=lambda step: float(1.0 / max(1.0, np.abs(step).max())),
        tolerance=tolerance,
        max_iterations=max_iterations,
    )


def _theta_curvature(point: ProfilePoint, p: int) -> FloatArray:
    """Curvature of the Laplace deviance with the fixed effects profiled out: close to that of this deviance."""
    whole = point.slopes.total
    cross = whole[:p, p:]
    return np.asarray(whole[p:, p:] - cross.T @ solve_scaled(whole[:p, :p], cross))


def _profile(
    rows: GroupedRows, beta: FloatArray, theta: FloatArray, modes: tuple[FloatArray, FloatArray]
) -> ProfilePoint:
    p = rows.x.shape[1]

    def only_beta(point: LaplacePoint) -> LaplacePoint:
        return replace(point, phi=point.phi[:p], gradient=point.gradient[:p])

    def whole(point: LaplacePoint) -> LaplacePoint:
        return replace(point, phi=np.concatenate([point.phi, theta]))

    def moved(beta: FloatArray, origin: LaplacePoint, slopes: LaplaceHessian) -> LaplacePoint:
        step = beta - origin.phi
        start = (origin.inner + slopes.modes[0][:, :p] @ step, origin.outer + slopes.modes[1][:, :p] @ step)
        return only_beta(evaluate(rows, np.concatenate([beta, theta]), start, determinant=False))

    found = minimize(
        moved,
        lambda point: penalized_hessian(rows, whole(point)),
        lambda slopes: slopes.penalized[:p, :p],
        only_beta(evaluate(rows, np.concatenate([beta, theta]), modes, determinant=False)),
        largest_step=lambda _: 1.0,
        tolerance=_INNER_TOLERANCE,
        max_iterations=_INNER_ITERATIONS,
    )
    phi = np.concatenate([found.point.phi, theta])
    at = evaluate(rows, phi, (found.point.inner, found.point.outer))
    slopes = hessian(rows, at)
    beta_slope = -solve_scaled(slopes.penalized[:p, :p], slopes.penalized[:p, p:])
    # The penalized part is flat in beta here, so that only the determinant's slope is carried along.
    gradient = at.gradient[p:] + beta_slope.T @ at.gradient[:p]
    return ProfilePoint(theta, at.value, gradient, at, slopes, beta_slope, found.converged and at.settled)
