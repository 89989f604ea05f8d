"""Laplace deviance of a logistic mixed model, with its exact gradient and Hessian.

Parameters are phi = (beta, theta): fixed effects, then the standard deviation of the inner intercepts, then of the
outer ones. With standardized intercepts b, u = theta b, the deviance is

    d(phi) = -2 sum log p(y | eta) + |b|² + log|I + Λ'Z'WZΛ|   at the modes b(phi).

The modes move with phi and so do the weights W inside the determinant; both derivatives follow from the implicit
function theorem, so that no difference quotient is needed. Writing T_i = d eta_i / d phi (mode included), c_j for
the conditional variance of the intercept of inner group j, v_j = c_j sum w'_i, and rho = Λ (I + Λ'Z'WZΛ)^-1 Λ' v:

    gradient  = explicit part - 2 X'r + X'(c w' - rho w)
    curvature = that of the penalized likelihood + sum (c w'' - rho w') T T' - (cov ∘ cov)[N, N] + terms in theta

with N_j = dW_j / d phi. Tests hold both against differences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import FloatArray
from benchwell.models.grouped_rows import Block, GroupedRows
from benchwell.models.mode_search import Curvature, Modes, expit, find_modes


@dataclass(frozen=True)
class LaplacePoint:
    """The deviance at one parameter vector, and what its derivatives are made of.

    Attributes:
        phi: (beta, theta), shape (q,).
        value: Laplace deviance, -2 log-likelihood.
        penalized: Its part without the determinant, -2 log p(y | b) + |b|².
        gradient: d value / d phi, shape (q,).
        inner: Standardized modes, shape (g,).
        outer: Standardized modes, shape (k,).
        residual: Successes minus expected of each inner group, shape (g,).
        third: Sum of w' of each inner group, shape (g,).
        curvature: The factored matrix at the modes.
        steps: Newton steps of the slowest block.
        settled: Whether every mode was found.
    """

    phi: FloatArray
    value: float
    penalized: float
    gradient: FloatArray
    inner: FloatArray
    outer: FloatArray
    residual: FloatArray
    third: FloatArray
    curvature: Curvature
    steps: int
    settled: bool


@dataclass(frozen=True)
class LaplaceHessian:
    """Second derivatives at one point.

    Attributes:
        total: Of the Laplace deviance, shape (q, q).
        penalized: Of the part without the determinant; half of its beta block is lme4's RX'RX.
        modes: Derivatives of the standardized modes (inner, outer), shapes (g, q) and (k, q).
    """

    total: FloatArray
    penalized: FloatArray
    modes: tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class _BlockPoint:
    """What is kept of a block: nothing as long as its rows."""

    inner: FloatArray
    outer: FloatArray
    residual: FloatArray
    information: FloatArray
    third: FloatArray
    loglik: float
    slope: FloatArray
    steps: int
    settled: bool

    @classmethod
    def of(cls, modes: Modes, third: FloatArray, loglik: float, slope: FloatArray) -> _BlockPoint:
        return cls(
            modes.inner,
            modes.outer,
            modes.residual,
            modes.curvature.information,
            third,
            loglik,
            slope,
            modes.steps,
            modes.settled,
        )


def split(rows: GroupedRows, phi: FloatArray) -> tuple[FloatArray, tuple[float, float]]:
    """Take phi apart into the fixed effects and the standard deviations (inner, outer)."""
    p = rows.x.shape[1]
    return phi[:p], (float(phi[p]), float(phi[p + 1]) if len(phi) > p + 1 else 0.0)


def evaluate(
    rows: GroupedRows, phi: FloatArray, start: tuple[FloatArray, FloatArray], *, determinant: bool = True
) -> LaplacePoint:
    """Laplace deviance and gradient at phi, the mode search beginning at `start`.

    Without the determinant, value and gradient are those of the penalized likelihood alone.

    >>> from benchwell.models.grouped_rows import group_rows
    >>> y = np.array([0.0, 1, 1, 0])
    >>> x = np.array([[-1.5], [-0.7], [-0.2], [0.3]])
    >>> rows = group_rows(x, y, None, np.zeros(4, int), None)
    >>> point = evaluate(rows, np.array([1.0, 0.5]), (np.zeros(1), np.zeros(0)))
    >>> round(0.5 * float(point.inner[0]), 6)
    0.094696
    """
    beta, theta = split(rows, phi)

    def work(block: Block) -> _BlockPoint:
        return _evaluate_block(rows, block, beta, theta, start, determinant)

    parts = rows.each_block(work)
    inner = np.concatenate([part.inner for part in parts])
    outer = np.concatenate([part.outer for part in parts])
    residual = np.concatenate([part.residual for part in parts])
    third = np.concatenate([part.third for part in parts])
    curvature = Curvature.of(
        theta,
        np.concatenate([part.information for part in parts]),
        np.zeros(0, dtype=np.int64) if rows.outer_starts is None else rows.outer_starts,
        rows.outer_sizes,
    )
    penalized = float(-2.0 * sum(part.loglik for part in parts) + inner @ inner + outer @ outer)
    by_theta = -2.0 * np.array([residual @ inner, curvature.sum(residual) @ outer])
    if determinant:
        by_theta += _theta_slopes(curvature, inner, outer, residual, third)
    gradient = np.concatenate([sum(part.slope for part in parts), by_theta])
    return LaplacePoint(
        phi=phi,
        value=penalized + (curvature.log_determinant() if determinant else 0.0),
        penalized=penalized,
        gradient=gradient[: len(phi)],
        inner=inner,
        outer=outer,
        residual=residual,
        third=third,
        curvature=curvature,
        steps=max(part.steps for part in parts),
        settled=all(part.settled for part in parts),
    )


def _evaluate_block(
    rows: GroupedRows,
    block: Block,
    beta: FloatArray,
    theta: tuple[float, float],
    start: tuple[FloatArray, FloatArray],
    determinant: bool,
) -> _BlockPoint:
    """Modes, log-likelihood and slope by beta of one block."""
    successes = rows.successes[block.rows]
    trials = None if rows.trials is None else rows.trials[block.rows]
    starts, sizes = rows.block_starts(block), rows.sizes[block.inner]
    modes = find_modes(
        rows.predictor(block, beta),
        successes,
        trials,
        starts,
        rows.block_outer_starts(block),
        theta,
        (start[0][block.inner], start[1][block.outer]),
    )
    loglik = float(bernoulli_loglik(modes.eta, successes, trials).sum())
    expected = modes.probability if trials is None else modes.probability * trials
    if not determinant:
        pull = rows.pull(block, 2.0 * (expected - successes))
        return _BlockPoint.of(modes, np.zeros(len(starts)), loglik, pull)
    # w' = w (1 - 2p)
    third_rows = modes.probability * -2.0
    third_rows += 1.0
    third_rows *= modes.weight
    third = np.add.reduceat(third_rows, starts)
    variance, adjoint = _determinant_slopes(modes.curvature, third)[:2]
    third_rows *= np.repeat(variance, sizes)
    third_rows -= np.repeat(adjoint, sizes) * modes.weight
    third_rows -= 2.0 * (successes - expected)
    return _BlockPoint.of(modes, third, loglik, rows.pull(block, third_rows))


def bernoulli_loglik(eta: FloatArray, successes: FloatArray, trials: FloatArray | None) -> FloatArray:
    """Log-likelihood y eta - trials log(1 + exp(eta)) of each row, without the binomial coefficient.

    >>> bernoulli_loglik(np.array([0.0, 900.0]), np.array([1.0, 1.0]), None).round(6).tolist()
    [-0.693147, 0.0]
    """
    softplus = np.abs(eta)
    np.negative(softplus, out=softplus)
    np.exp(softplus, out=softplus)
    softplus += 1.0
    np.log(softplus, out=softplus)
    softplus += np.maximum(eta, 0.0)
    if trials is not None:
        softplus *= trials
    return np.asarray(np.subtract(successes * eta, softplus, out=softplus))


def _determinant_slopes(
    curvature: Curvature, third: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Conditional variance c, adjoint rho, and the adjoint's parts (inner, outer) of the log determinant."""
    theta = curvature.theta
    variance = theta[0] ** 2 / curvature.d
    if len(curvature.s):
        variance = variance + theta[1] ** 2 / curvature.d**2 * curvature.spread(1.0 / curvature.s)
    pull = variance * third
    inner, outer = curvature.solve(theta[0] * pull, theta[1] * curvature.sum(pull))
    return variance, curvature.intercepts(inner, outer), inner, outer


def _theta_slopes(
    curvature: Curvature, inner: FloatArray, outer: FloatArray, residual: FloatArray, third: FloatArray
) -> FloatArray:
    variance, adjoint, adjoint_inner, adjoint_outer = _determinant_slopes(curvature, third)
    theta, information = curvature.theta, curvature.information
    share = information / curvature.d
    pull = variance * third - adjoint * information
    by_inner = (
        2.0 * theta[0] * share.sum()
        - 2.0 * theta[0] * theta[1] ** 2 * (curvature.sum(share**2) / curvature.s).sum()
        + pull @ inner
        + adjoint_inner @ residual
    )
    outer_residual = curvature.sum(residual)
    by_outer = (
        2.0 * theta[1] * (curvature.sum(share) / curvature.s).sum()
        + curvature.sum(pull) @ outer
        + adjoint_outer @ outer_residual
    )
    return np.array([by_inner, by_outer])


def penalized_hessian(rows: GroupedRows, point: LaplacePoint) -> LaplaceHessian:
    """Second derivatives of the penalized likelihood alone, modes profiled out; `total` repeats them."""
    weight = _row_curvatures(rows, point, None)[0]
    penalized = _penalized(rows, point, weight)
    return LaplaceHessian(penalized.matrix, penalized.matrix, penalized.modes)


def hessian(rows: GroupedRows, point: LaplacePoint) -> LaplaceHessian:
    """Exact second derivatives of the Laplace deviance at a point that `evaluate` returned."""
    p, q = rows.x.shape[1], len(point.phi)
    curvature = point.curvature
    variance, adjoint, adjoint_inner, adjoint_outer = _determinant_slopes(curvature, point.third)
    weight, third, kappa = _row_curvatures(rows, point, (variance, adjoint))
    penalized = _penalized(rows, point, weight)
    intercept, modes, residual_slope = penalized.intercept, penalized.modes, penalized.residual
    weight_slope = _padded(rows.column_sums(third), q) + point.third[:, None] * intercept

    determinant = np.zeros((q, q))
    sums, determinant[:p, :p] = rows.moments(kappa)
    cross = _padded(sums, q).T @ intercept
    determinant += cross + cross.T + intercept.T @ (np.add.reduceat(kappa, rows.starts)[:, None] * intercept)
    determinant += _weights_in_determinant(curvature, weight_slope, p)
    free = variance * point.third - adjoint * curvature.information
    by_theta = np.zeros((q, q))
    by_theta[p] = free @ modes[0] + adjoint_inner @ residual_slope
    if q > p + 1:
        by_theta[p + 1] = curvature.sum(free) @ modes[1] + adjoint_outer @ curvature.sum(residual_slope)
    determinant += by_theta + by_theta.T
    determinant[p:, p:] += _theta_in_determinant(curvature)[: q - p, : q - p]
    total = penalized.matrix + determinant
    return LaplaceHessian((total + total.T) / 2.0, penalized.matrix, modes)


@dataclass(frozen=True)
class _Penalized:
    """Second derivatives of the penalized likelihood, and the slopes by phi that they are made of."""

    matrix: FloatArray
    modes: tuple[FloatArray, FloatArray]
    intercept: FloatArray
    residual: FloatArray


def _penalized(rows: GroupedRows, point: LaplacePoint, weight: FloatArray) -> _Penalized:
    p, q = rows.x.shape[1], len(point.phi)
    sums, information = rows.moments(weight)
    weight_x = _padded(sums, q)
    curvature = point.curvature
    modes = _mode_slopes(point, weight_x, p)
    spread_outer = curvature.spread(point.outer)
    intercept = curvature.intercepts(*modes)
    intercept[:, p] += point.inner
    if q > p + 1:
        intercept[:, p + 1] += spread_outer
    residual = -(weight_x + curvature.information[:, None] * intercept)
    matrix = np.zeros((q, q))
    matrix[:p, :p] = 2.0 * information
    matrix[:p] += 2.0 * (weight_x.T @ intercept)[:p]
    matrix[p] = -2.0 * (point.inner @ residual + point.residual @ modes[0])
    if q > p + 1:
        matrix[p + 1] = -2.0 * (spread_outer @ residual + curvature.sum(point.residual) @ modes[1])
    return _Penalized((matrix + matrix.T) / 2.0, modes, intercept, residual)


def _row_curvatures(
    rows: GroupedRows, point: LaplacePoint, slopes: tuple[FloatArray, FloatArray] | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """w, w' and c w'' - rho w' of each row; the last two only where the slopes (c, rho) are given."""
    beta, _ = split(rows, point.phi)
    intercept = point.curvature.intercepts(point.inner, point.outer)
    weights = np.empty(len(rows.successes))
    third = np.empty(0 if slopes is None else len(weights))
    kappa = np.empty_like(third)

    def work(block: Block) -> None:
        at, sizes = block.rows, rows.sizes[block.inner]
        probability = expit(rows.predictor(block, beta) + np.repeat(intercept[block.inner], sizes))
        spread = probability * (1.0 - probability)
        weight = spread if rows.trials is None else spread * rows.trials[at]
        if slopes is not None:
            third[at] = weight * (1.0 - 2.0 * probability)
            kappa[at] = np.repeat(slopes[0][block.inner], sizes) * weight * (1.0 - 6.0 * spread)
            kappa[at] -= np.repeat(slopes[1][block.inner], sizes) * third[at]
        weights[at] = weight

    rows.each_block(work)
    return weights, third, kappa


def _mode_slopes(point: LaplacePoint, weight_x: FloatArray, p: int) -> tuple[FloatArray, FloatArray]:
    """Derivatives of the standardized modes by phi."""
    curvature, theta = point.curvature, point.curvature.theta
    information, q = curvature.information, len(point.phi)
    pull = weight_x.copy()  # how an inner group's expected count moves at fixed standardized modes
    pull[:, p] += information * point.inner
    if q > p + 1:
        pull[:, p + 1] += information * curvature.spread(point.outer)
    inner, outer = -theta[0] * pull, -theta[1] * curvature.sum(pull)
    inner[:, p] += point.residual
    if q > p + 1:
        outer[:, p + 1] += curvature.sum(point.residual)
    return curvature.solve(inner, outer)


def _weights_in_determinant(curvature: Curvature, slope: FloatArray, p: int) -> FloatArray:
    """Second derivatives of the log determinant through W, and through W and theta."""
    (inner, outer), d, q = curvature.theta, curvature.d, slope.shape[1]
    inverse_s = curvature.spread(1.0 / curvature.s)
    own = inner**4 / d**2 + 2.0 * inner**2 * outer**2 * inverse_s / d**3
    total = -(slope.T @ (own[:, None] * slope))
    shared = curvature.sum(slope / d[:, None] ** 2) / curvature.s[:, None]
    total -= outer**4 * (shared.T @ shared)
    squares = curvature.spread(curvature.sum((curvature.information / d) ** 2))
    by_inner = (
        2.0 * inner / d**2
        + 2.0 * inner * outer**4 * squares * inverse_s**2 / d**2
        - 4.0 * inner * outer**2 * curvature.information * inverse_s / d**3
    )
    mixed = np.zeros((q, q))
    mixed[p] = by_inner @ slope
    if q > p + 1:
        mixed[p + 1] = (2.0 * outer * inverse_s**2 / d**2) @ slope
    return np.asarray(total + mixed + mixed.T)


def _theta_in_determinant(curvature: Curvature) -> FloatArray:
    """Second derivatives of the log determinant by theta at fixed W, shape (2, 2)."""
    (inner, outer), s = curvature.theta, curvature.s
    share = curvature.information / curvature.d
    one, two, three = curvature.sum(share), curvature.sum(share**2), curvature.sum(share**3)
    by_inner = (2.0 * share - 4.0 * inner**2 * share**2).sum() - (
        2.0 * outer**2 * (two / s - 4.0 * inner**2 * three / s + 2.0 * inner**2 * outer**2 * (two / s) ** 2)
    ).sum()
    by_outer = (2.0 * one / s - 4.0 * outer**2 * (one / s) ** 2).sum()
    both = -4.0 * inner * outer * (two / s**2).sum()
    return np.array([[by_inner, both], [both, by_outer]])


def _padded(values: FloatArray, q: int) -> FloatArray:
    wide = np.zeros((len(values), q))
    wide[:, : values.shape[1]] = values
    return wide
