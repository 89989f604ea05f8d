"""Logistic mixed models: random intercepts of one level, or of two nested levels (METHODS M3.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, IntArray, finite, vector
from benchwell.models.grouped_rows import GroupedRows, group_rows
from benchwell.models.laplace import LaplaceHessian, LaplacePoint, evaluate, hessian
from benchwell.models.mode_search import expit
from benchwell.models.newton import Minimum, minimize

LATENT_VARIANCE = np.pi**2 / 3.0  # of the standard logistic distribution: the residual on the scale of log odds
DISTANCE_TOLERANCE = 1e-6  # stop this close to the minimum, in standard errors
_LARGEST_ITERATIONS = 100


@dataclass(frozen=True)
class LogisticMixedFit:
    """A fit, and how it was found.

    Attributes:
        coefficients: Fixed effects, shape (p,), log odds; 0 for columns that were dropped.
        covariance: Their covariance from the Hessian of the deviance over (beta, theta), as glmer's default standard
            errors; with points=0 the same as `covariance_rx`. Shape (p, p), NaN for dropped columns.
        covariance_rx: Their covariance given the standard deviations of the groups (lme4's RX factor).
        kept: Shape (p,): False for a column that is a combination of earlier ones.
        sd_inner: Standard deviation of the inner (or only) intercepts, log odds, >= 0.
        sd_outer: Standard deviation of the outer intercepts; None for one level.
        loglik: Log-likelihood, without binomial coefficients.
        deviance: -2 loglik.
        effects_inner: Conditional modes of the inner intercepts, shape (g,), log odds; 0 for a code without rows.
        effects_inner_sd: Their conditional standard deviations given the parameters (lme4's condVar).
        effects_outer: The same for outer groups, shape (k,); None for one level.
        effects_outer_sd: Their conditional standard deviations; None for one level.
        reliability_inner: 1 - conditional variance / variance, shape (g,); 0 where the variance is 0.
        reliability_outer: The same for outer groups; None for one level.
        icc: Share of the latent variance that rows of the same inner group have in common.
        icc_outer: Share that rows of the same outer group have in common; None for one level.
        singular: Whether a standard deviation is 0.
        separated: Whether some combination of columns predicts every row: the coefficients then have no maximum,
            and what is returned is where the search was stopped. Reported, not patched.
        separated_columns: Columns that take part in it, shape (p,).
        converged: Whether the search settled.
        iterations: Newton steps.
        evaluations: Deviances evaluated.
        gradient: Of the deviance by (kept beta, sd_inner, sd_outer) at the end.
        distance: Distance to the minimum in standard errors, as the last step foresaw it.
        tolerances: Those of the search, by name.
        optimizer: Its name.
        points: 0 penalized least squares, 1 Laplace, > 1 quadrature points.
    """

    coefficients: FloatArray
    covariance: FloatArray
    covariance_rx: FloatArray
    kept: BoolArray
    sd_inner: float
    sd_outer: float | None
    loglik: float
    deviance: float
    effects_inner: FloatArray
    effects_inner_sd: FloatArray
    effects_outer: FloatArray | None
    effects_outer_sd: FloatArray | None
    reliability_inner: FloatArray
    reliability_outer: FloatArray | None
    icc: float
    icc_outer: float | None
    singular: bool
    separated: bool
    separated_columns: BoolArray
    converged: bool
    iterations: int
    evaluations: int
    gradient: FloatArray
    distance: float
    tolerances: dict[str, float]
    optimizer: str
    points: int

    @property
    def standard_errors(self) -> FloatArray:
        """Square roots of the diagonal of `covariance`, shape (p,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def logistic_mixed(
    x: FloatArray,
    successes: ArrayLike,
    trials: ArrayLike | None,
    group: ArrayLike,
    parent: ArrayLike | None = None,
    *,
    points: int = 1,
) -> LogisticMixedFit:
    """Fit logit p = x'beta + u[group] (+ v[parent of group]) by maximum approximate likelihood.

    Args:
        x: Design, shape (n, p), constant in column 0.
        successes: Shape (n,), between 0 and `trials`.
        trials: Shape (n,), above 0; None when every row is one trial.
        group: Integer code of each row's innermost group, 0 to g - 1, shape (n,).
        parent: Integer code of each inner group's outer group, shape (g,); None for one level.
        points: 0 for penalized iteratively reweighted least squares (lme4's nAGQ=0), 1 for Laplace, more for adaptive
            Gauss-Hermite quadrature (one level only).

    Raises:
        ValueError: If shapes do not fit, a value is not finite, the constant is missing, or `points` > 1 with two
            levels.

    Source:
        METHODS M3.4; Bates, Mächler, Bolker & Walker (2015), J Stat Softw 67(1); Pinheiro & Bates (1995).

    >>> clinic = np.repeat(np.arange(30), 40)
    >>> rate = 0.3 + 0.4 * (clinic % 3) / 2
    >>> seen = (np.arange(1200) * 0.6180339887) % 1 < rate
    >>> fit = logistic_mixed(np.ones((1200, 1)), seen, None, clinic)
    >>> fit.converged, fit.singular, round(fit.sd_inner, 2)
    (True, False, 0.64)
    """
    rows, kept, sizes = _checked(x, successes, trials, group, parent, points)
    if points != 1:
        raise ValueError("points other than 1 are on their way")
    start = _start(rows)
    found = _search(rows, start)
    return _result(rows, kept, sizes, found, points)


def _checked(
    x: FloatArray,
    successes: ArrayLike,
    trials: ArrayLike | None,
    group: ArrayLike,
    parent: ArrayLike | None,
    points: int,
) -> tuple[GroupedRows, BoolArray, tuple[int, int]]:
    if points < 0:
        raise ValueError("points must be 0 (penalized least squares), 1 (Laplace) or more (quadrature)")
    if points > 1 and parent is not None:
        raise ValueError(f"points={points} needs one level of groups; with two nested levels use points=1 (Laplace)")
    design = np.asarray(x, dtype=np.float64)
    y = vector("successes", successes)
    m = None if trials is None else vector("trials", trials)
    code, outer = _codes("group", group), None if parent is None else _codes("parent", parent)
    if design.ndim != 2 or len(design) != len(y) or len(code) != len(y) or (m is not None and len(m) != len(y)):
        raise ValueError(f"x {design.shape}, successes {y.shape} and group {code.shape} do not fit together")
    if design.shape[1] == 0 or not (design[:, 0] == 1.0).all():
        raise ValueError("column 0 of x must be the constant 1")
    if (y < 0).any() or (y > (1.0 if m is None else m)).any():
        raise ValueError("successes must lie between 0 and trials")
    if m is not None and (m <= 0).any():
        raise ValueError("trials must be above zero everywhere")
    if outer is not None and code.max() >= len(outer):
        raise ValueError(f"group holds codes beyond the {len(outer)} entries of parent")
    kept = _independent_columns(design)
    if not kept.all():
        design = design[:, kept]
    sizes = (int(code.max()) + 1 if outer is None else len(outer), 0 if outer is None else int(outer.max()) + 1)
    return group_rows(design, y, m, code, outer), kept, sizes


def _codes(name: str, values: ArrayLike) -> IntArray:
    codes = np.asarray(values)
    if codes.ndim != 1 or len(codes) == 0 or not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"{name} must be a one-dimensional array of integer codes")
    if codes.min() < 0:
        raise ValueError(f"{name} holds negative codes; leave rows without a group out")
    return codes.astype(np.int64, copy=False)


def _independent_columns(x: FloatArray) -> BoolArray:
    """Columns that are no combination of earlier ones, from the Gram matrix around the column means."""
    p = x.shape[1]
    mean = x.mean(axis=0)
    mean[0] = 0.0
    gram = np.zeros((p, p))
    for start in range(0, len(x), 65_536):
        part = x[start : start + 65_536] - mean
        gram += part.T @ part
    finite("x", gram)
    kept: list[int] = []
    for column in range(p):
        cross = gram[kept, column]
        rest = gram[column, column]
        if kept:
            rest = rest - cross @ np.linalg.solve(gram[np.ix_(kept, kept)], cross)
        # A constant column is constant to rounding: compare with what rounding leaves of its mean.
        if rest > 1e-9 * gram[column, column] and rest > 1e-20 * len(x) * mean[column] ** 2:
            kept.append(column)
    mask = np.zeros(p, dtype=np.bool_)
    mask[kept] = True
    return mask


def _start(rows: GroupedRows) -> FloatArray:
    """Fixed effects without groups, and a moment estimate of the standard deviation of the groups."""
    beta = _without_groups(rows)
    probability = expit(rows.x @ beta)
    trials = 1.0 if rows.trials is None else rows.trials
    residual = np.add.reduceat(rows.successes - trials * probability, rows.starts)
    information = np.add.reduceat(trials * probability * (1.0 - probability), rows.starts)
    # E residual² = information + variance information²
    variance = float((residual**2 - information).sum() / max(float((information**2).sum()), 1e-300))
    levels = 1 if rows.outer_starts is None else 2
    sd = float(np.clip(np.sqrt(max(variance, 0.0) / levels), 0.1, 3.0))
    return np.concatenate([beta, [sd] * levels])


def _without_groups(rows: GroupedRows) -> FloatArray:
    """Damped Newton for the plain logistic regression; rough, and stopped early when columns separate the rows."""
    beta = np.zeros(rows.x.shape[1])
    trials = np.ones(1) if rows.trials is None else rows.trials
    rate = float(rows.successes.sum() / (trials.sum() if rows.trials is not None else len(rows.successes)))
    beta[0] = np.log((rate + 1e-6) / (1.0 - rate + 1e-6))
    for _ in range(12):
        probability = expit(rows.x @ beta)
        weight = trials * probability * (1.0 - probability)
        score = rows.x.T @ (rows.successes - trials * probability)
        information = rows.weighted_cross(weight)
        step = np.linalg.lstsq(information, score, rcond=1e-12)[0]
        move = float(np.abs(rows.x @ step).max())
        beta = beta + step * (np.log1p(move) / move if move > 0.5 else 1.0)
        if move < 1e-2:
            break
    return beta


def _search(rows: GroupedRows, start: FloatArray) -> Minimum[LaplacePoint, LaplaceHessian]:
    p = rows.x.shape[1]

    def moved(phi: FloatArray, origin: LaplacePoint, slopes: LaplaceHessian) -> LaplacePoint:
        step = phi - origin.phi
        return evaluate(rows, phi, (origin.inner + slopes.modes[0] @ step, origin.outer + slopes.modes[1] @ step))

    def largest_step(step: FloatArray) -> float:
        return float(1.0 / max(1.0, np.abs(step[p:]).max()))

    zero = (np.zeros(len(rows.starts)), np.zeros(len(rows.outer_sizes)))
    return minimize(
        moved,
        lambda point: hessian(rows, point),
        lambda slopes: slopes.total,
        evaluate(rows, start, zero),
        largest_step=largest_step,
        tolerance=DISTANCE_TOLERANCE,
        max_iterations=_LARGEST_ITERATIONS,
    )


def _result(
    rows: GroupedRows,
    kept: BoolArray,
    sizes: tuple[int, int],
    found: Minimum[LaplacePoint, LaplaceHessian],
    points: int,
) -> LogisticMixedFit:
    point, p = found.point, rows.x.shape[1]
    theta = np.abs(point.phi[p:])
    variances = point.curvature.conditional_variances()
    nested = rows.outer_starts is not None
    signs = np.sign(point.phi[p:])
    inner = _placed(point.phi[p] * point.inner, rows.codes, sizes[0], 0.0)
    inner_sd = _placed(np.sqrt(variances[0]), rows.codes, sizes[0], float(theta[0]))
    outer = _placed(point.phi[-1] * point.outer, rows.outer_codes, sizes[1], 0.0) if nested else None
    outer_sd = _placed(np.sqrt(variances[1]), rows.outer_codes, sizes[1], float(theta[-1])) if nested else None
    total = LATENT_VARIANCE + float((theta**2).sum())
    return LogisticMixedFit(
        coefficients=_placed(point.phi[:p], np.flatnonzero(kept), len(kept), 0.0),
        covariance=_full(_inverse(found.hessian.total)[:p, :p], kept),
        covariance_rx=_full(_inverse(found.hessian.penalized[:p, :p]), kept),
        kept=kept,
        sd_inner=float(theta[0]),
        sd_outer=float(theta[1]) if nested else None,
        loglik=-point.value / 2.0,
        deviance=point.value,
        effects_inner=inner,
        effects_inner_sd=inner_sd,
        effects_outer=outer,
        effects_outer_sd=outer_sd,
        reliability_inner=_reliability(inner_sd, float(theta[0])),
        reliability_outer=None if outer_sd is None else _reliability(outer_sd, float(theta[-1])),
        icc=float((theta**2).sum()) / total,
        icc_outer=float(theta[1] ** 2) / total if nested else None,
        singular=bool((theta == 0.0).any()),
        separated=False,
        separated_columns=np.zeros(len(kept), dtype=np.bool_),
        converged=found.converged and point.settled,
        iterations=found.iterations,
        evaluations=found.evaluations,
        gradient=point.gradient * np.concatenate([np.ones(p), np.where(signs < 0, -1.0, 1.0)]),
        distance=found.distance,
        tolerances={"distance": DISTANCE_TOLERANCE},
        optimizer="Newton, exact Hessian",
        points=points,
    )


def _placed(values: FloatArray, at: IntArray, size: int, empty: float) -> FloatArray:
    full = np.full(size, empty)
    full[at] = values
    return full


def _inverse(hessian_of_deviance: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.inv(hessian_of_deviance / 2.0), dtype=np.float64)


def _full(values: FloatArray, kept: BoolArray) -> FloatArray:
    full = np.full((len(kept), len(kept)), np.nan)
    full[np.ix_(kept, kept)] = values
    return full


def _reliability(sd: FloatArray, group_sd: float) -> FloatArray:
    if group_sd == 0.0:
        return np.zeros_like(sd)
    return np.asarray(np.maximum(1.0 - (sd / group_sd) ** 2, 0.0))
