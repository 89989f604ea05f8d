"""Adaptive Gauss-Hermite quadrature of a random intercept: the marginal likelihood, to any accuracy asked for.

Each group's integral is taken over nodes placed around its mode at the width of its curvature. The gradient is that
of the quadrature itself: nodes and widths move with the parameters, and their movement is differentiated too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, finite, vector
from benchwell.models.grouped_rows import Block, GroupedRows
from benchwell.models.laplace import LaplaceHessian, LaplacePoint, bernoulli_loglik, evaluate, hessian, split
from benchwell.models.mode_search import expit, find_modes

_STEP = 1e-3  # of the difference quotient of the gradient, in standard errors


def evaluate_quadrature(
    rows: GroupedRows, phi: FloatArray, start: tuple[FloatArray, FloatArray], points: int
) -> LaplacePoint:
    """Quadrature deviance and gradient at phi = (beta, theta), one level of groups.

    >>> from benchwell.models.grouped_rows import group_rows
    >>> y = np.array([0.0, 1, 1, 0])
    >>> x = np.array([[-1.5], [-0.7], [-0.2], [0.3]])
    >>> rows = group_rows(x, y, None, np.zeros(4, int), None)
    >>> point = evaluate_quadrature(rows, np.array([1.0, 0.5]), (np.zeros(1), np.zeros(0)), 15)
    >>> round(-point.value / 2, 6)
    -3.032723
    """
    point = evaluate(rows, phi, start)
    beta, (theta, _) = split(rows, phi)
    nodes = hermite(points)

    def work(block: Block) -> tuple[float, FloatArray]:
        return _evaluate_block(rows, block, point, beta, theta, nodes)

    parts = rows.each_block(work)
    gradient = np.asarray(sum(part[1] for part in parts))
    return replace(point, value=sum(part[0] for part in parts), gradient=gradient)


def hermite(points: int) -> tuple[FloatArray, FloatArray]:
    """Nodes z and log weights log w + z² of Gauss-Hermite quadrature, for integrals without exp(-z²) split off."""
    z, w = np.polynomial.hermite.hermgauss(points)
    return z, np.log(w) + z**2


def _evaluate_block(
    rows: GroupedRows,
    block: Block,
    point: LaplacePoint,
    beta: FloatArray,
    theta: float,
    nodes: tuple[FloatArray, FloatArray],
) -> tuple[float, FloatArray]:
    """Deviance of one block, and its slope by (beta, theta)."""
    offset = rows.predictor(block, beta)
    successes = rows.successes[block.rows]
    trials = None if rows.trials is None else rows.trials[block.rows]
    starts, sizes = rows.block_starts(block), rows.sizes[block.inner]
    mode, d = point.inner[block.inner], point.curvature.d[block.inner]
    information, third = point.curvature.information[block.inner], point.third[block.inner]
    width = np.sqrt(2.0 / d)

    top = np.add.reduceat(bernoulli_loglik(offset + np.repeat(theta * mode, sizes), successes, trials), starts)
    top -= mode**2 / 2.0
    total, pull, pull_width, by_theta = (np.zeros(len(mode)) for _ in range(4))
    expected = np.zeros(len(offset))
    for z, log_weight in zip(*nodes, strict=True):
        b = mode + width * z
        eta = offset + np.repeat(theta * b, sizes)
        probability = expit(eta)
        if trials is not None:
            probability *= trials
        height = np.add.reduceat(bernoulli_loglik(eta, successes, trials), starts) - b**2 / 2.0
        share = np.exp(log_weight + height - top)
        residual = np.add.reduceat(successes - probability, starts)
        total += share
        pull += share * (theta * residual - b)
        pull_width += share * (theta * residual - b) * z
        by_theta += share * residual * b
        probability *= np.repeat(share, sizes)
        expected += probability
    loglik = top + np.log(total) - 0.5 * np.log(np.pi * d)

    # Movement of the nodes: by d mode and by dD, D = 1 + theta² W.
    by_mode = pull / total
    by_d = -(np.sqrt(2.0 / d) * pull_width / total + 1.0) / (2.0 * d)
    mode_slope = (point.residual[block.inner] - theta * information * mode) / d
    by_theta = (
        by_theta / total
        + by_mode * mode_slope
        + by_d * (2.0 * theta * information + theta**2 * third * (mode + theta * mode_slope))
    )
    probability = expit(offset + np.repeat(theta * mode, sizes))
    weight = probability * (1.0 - probability)
    if trials is not None:
        weight *= trials
    slope = successes - expected / np.repeat(total, sizes)
    slope -= np.repeat(by_mode * theta / d + by_d * theta**4 * third / d, sizes) * weight
    slope += np.repeat(by_d * theta**2, sizes) * weight * (1.0 - 2.0 * probability)
    return -2.0 * float(loglik.sum()), -2.0 * np.append(rows.pull(block, slope), by_theta.sum())


def quadrature_hessian(rows: GroupedRows, point: LaplacePoint, points: int) -> LaplaceHessian:
    """Second derivatives of the quadrature deviance, by central differences of its exact gradient."""
    near = hessian(rows, point)
    scale = np.sqrt(2.0 / np.maximum(np.abs(np.diag(near.total)), 1e-300))
    columns = []
    for at, size in enumerate(_STEP * scale):
        step = np.zeros(len(scale))
        step[at] = size
        ahead, behind = (
            evaluate_quadrature(
                rows, point.phi + sign * step, (point.inner + sign * (near.modes[0] @ step), point.outer), points
            ).gradient
            for sign in (1.0, -1.0)
        )
        columns.append((ahead - behind) / (2.0 * size))
    total = np.array(columns)
    return LaplaceHessian((total + total.T) / 2.0, near.penalized, near.modes)


@dataclass(frozen=True)
class MarginalLoglik:
    """What one clinic returns in a round of a federated fit, and what it may keep for its own display.

    Attributes:
        value: Marginal log-likelihood of the clinic's rows.
        gradient: By (every column's coefficient, intercept's standard deviation), shape (p + 1,).
        hessian: Second derivatives, shape (p + 1, p + 1).
        posterior_mean: Of the clinic's intercept, log odds.
        posterior_sd: Of the clinic's intercept, log odds.
        mode: Of the clinic's intercept, log odds.
    """

    value: float
    gradient: FloatArray
    hessian: FloatArray
    posterior_mean: float
    posterior_sd: float
    mode: float


def marginal_loglik_group(
    x: ArrayLike, successes: ArrayLike, coefficients: ArrayLike, sd: float, *, offset: ArrayLike = 0.0, points: int = 15
) -> MarginalLoglik:
    """Exact marginal log-likelihood of one clinic with its derivatives, computed inside the clinic.

    The likelihood factorises over clinics: the sum of what each returns is the pooled one, without loss.

    Args:
        x: The clinic's design, shape (n, p), constant in column 0.
        successes: 0 or 1, shape (n,).
        coefficients: The coordinator's current fixed effects, shape (p,), log odds.
        sd: Its current standard deviation of the clinics' intercepts, log odds, >= 0.
        offset: Known part of the log odds, broadcastable to (n,).
        points: Quadrature points, at least 7.

    Raises:
        ValueError: If shapes do not fit, `sd` is negative, or `points` is below 7.

    Source:
        METHODS M3.4, E3.4; derivatives by Louis (1982), J R Stat Soc B 44:226-233.

    >>> clinic = marginal_loglik_group(np.ones((4, 1)), [0, 1, 1, 0], [-0.3], 0.5, offset=[-1.2, -0.4, 0.1, 0.6])
    >>> round(clinic.value, 6), round(clinic.posterior_mean, 6), round(clinic.mode, 6)
    (-3.032723, 0.092082, 0.094696)
    """
    design = np.atleast_2d(np.asarray(x, dtype=np.float64))
    y, beta = vector("successes", successes), vector("coefficients", coefficients)
    if design.shape != (len(y), len(beta)):
        raise ValueError(f"x {design.shape}, successes {y.shape} and coefficients {beta.shape} do not fit together")
    if points < 7:
        raise ValueError("points must be at least 7")
    if not sd >= 0:
        raise ValueError("sd must not be negative")
    fixed = np.asarray(design @ beta + finite("offset", offset), dtype=np.float64)
    none = np.zeros(0, dtype=np.int64)
    modes = find_modes(fixed, y, None, np.zeros(1, dtype=np.int64), none, (sd, 0.0), (np.zeros(1), np.zeros(0)))
    z, log_weight = hermite(points)
    b = modes.inner[0] + z * np.sqrt(2.0 / modes.curvature.d[0])
    eta = fixed[:, None] + sd * b
    height = bernoulli_loglik(eta, y[:, None], None).sum(axis=0) - b**2 / 2.0 + log_weight
    share = np.exp(height - height.max())
    value = height.max() + np.log(share.sum()) - 0.5 * np.log(np.pi * modes.curvature.d[0])
    share /= share.sum()
    probability = expit(eta)
    # Louis: the Hessian is the mean of the complete-data Hessian plus the variance of the complete-data score.
    residual = y[:, None] - probability
    score = np.vstack([design.T @ residual, b * residual.sum(axis=0)])
    gradient = score @ share
    centered = score - gradient[:, None]
    second = (centered * share) @ centered.T
    weight = probability * (1.0 - probability)
    second[:-1, :-1] -= design.T @ (design * (weight @ share)[:, None])
    cross = design.T @ (weight @ (share * b))
    second[:-1, -1] -= cross
    second[-1, :-1] -= cross
    second[-1, -1] -= float(weight.sum(axis=0) @ (share * b**2))
    mean = float(share @ b)
    spread = float(np.sqrt(share @ (b - mean) ** 2))
    return MarginalLoglik(float(value), gradient, second, sd * mean, sd * spread, sd * float(modes.inner[0]))
