"""Logistic mixed models: random intercepts of one level, or of two nested levels (METHODS M3.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, IntArray, vector
from benchwell.models.grouped_rows import GroupedRows, group_rows
from benchwell.models.logistic_search import DISTANCE_TOLERANCE, Found, search
from benchwell.models.logistic_start import independent_columns
from benchwell.models.mode_search import MODE_TOLERANCE

LATENT_VARIANCE = np.pi**2 / 3.0  # of the standard logistic distribution: the residual on the scale of log odds


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
        separated: Whether some combination of columns tells successes from failures without error: its coefficients
            then have no maximum, and what is returned is where the search was stopped. Also when every group holds
            successes only or failures only: the standard deviation then has none. Reported, not patched.
        separated_columns: Columns that take part, shape (p,); none when it is the groups.
        converged: Whether the search settled.
        iterations: Newton steps.
        evaluations: Deviances evaluated.
        gradient: Of what was minimized, at the end: by (kept beta, sd_inner, sd_outer); with points=0 by the
            standard deviations alone.
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
        """Square roots of the diagonal of `covariance`, shape (p,); NaN where a search that failed left none."""
        variances = np.diag(self.covariance)
        return np.asarray(np.sqrt(np.where(variances >= 0, variances, np.nan)))


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
    return _result(rows, kept, sizes, search(rows, points), points)


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
    kept = independent_columns(design)
    if not kept.all():
        design = design[:, kept]
    design = np.ascontiguousarray(design)  # blocks of rows are read many times: once copied is better than each time
    sizes = (int(code.max()) + 1 if outer is None else len(outer), 0 if outer is None else int(outer.max()) + 1)
    return group_rows(design, y, m, code, outer), kept, sizes


def _codes(name: str, values: ArrayLike) -> IntArray:
    codes = np.asarray(values)
    if codes.ndim != 1 or len(codes) == 0 or not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"{name} must be a one-dimensional array of integer codes")
    if codes.min() < 0:
        raise ValueError(f"{name} holds negative codes; leave rows without a group out")
    return codes.astype(np.int64, copy=False)


def _result(rows: GroupedRows, kept: BoolArray, sizes: tuple[int, int], found: Found, points: int) -> LogisticMixedFit:
    point, p = found.point, rows.x.shape[1]
    theta = np.abs(point.phi[p:])
    variances = point.curvature.conditional_variances()
    nested = rows.outer_starts is not None
    flips = np.concatenate([np.ones(p), -np.ones(len(theta))])  # the sign of a standard deviation is arbitrary
    inner = _placed(point.phi[p] * point.inner, rows.codes, sizes[0], 0.0)
    inner_sd = _placed(np.sqrt(variances[0]), rows.codes, sizes[0], float(theta[0]))
    outer = _placed(point.phi[-1] * point.outer, rows.outer_codes, sizes[1], 0.0) if nested else None
    outer_sd = _placed(np.sqrt(variances[1]), rows.outer_codes, sizes[1], float(theta[-1])) if nested else None
    covariance_rx = _inverse(found.slopes.penalized[:p, :p])
    separated = np.zeros(len(kept), dtype=np.bool_)
    if found.separated is not None:
        separated[np.flatnonzero(kept)[found.separated]] = True
    total = LATENT_VARIANCE + float((theta**2).sum())
    return LogisticMixedFit(
        coefficients=_placed(point.phi[:p], np.flatnonzero(kept), len(kept), 0.0),
        covariance=_full(covariance_rx if points == 0 else _inverse(found.slopes.total)[:p, :p], kept),
        covariance_rx=_full(covariance_rx, kept),
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
        separated=found.separated is not None,
        separated_columns=separated,
        converged=found.converged,
        iterations=found.iterations,
        evaluations=found.evaluations,
        gradient=found.gradient * np.where(point.phi[-len(found.gradient) :] < 0, flips[-len(found.gradient) :], 1.0),
        distance=found.distance,
        tolerances={"distance": DISTANCE_TOLERANCE, "modes": MODE_TOLERANCE},
        optimizer=found.optimizer,
        points=points,
    )


def _placed(values: FloatArray, at: IntArray, size: int, empty: float) -> FloatArray:
    full = np.full(size, empty)
    full[at] = values
    return full


def _inverse(hessian_of_deviance: FloatArray) -> FloatArray:
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(hessian_of_deviance)) / 2.0, 1e-300))
    scaled = hessian_of_deviance / 2.0 * np.outer(scale, scale)
    try:
        inverse = np.linalg.inv(scaled)
    except np.linalg.LinAlgError:  # separated to the last digit: there is no covariance to state
        inverse = np.full_like(scaled, np.nan)
    return np.asarray(inverse * np.outer(scale, scale), dtype=np.float64)


def _full(values: FloatArray, kept: BoolArray) -> FloatArray:
    full = np.full((len(kept), len(kept)), np.nan)
    full[np.ix_(kept, kept)] = values
    return full


def _reliability(sd: FloatArray, group_sd: float) -> FloatArray:
    if group_sd == 0.0:
        return np.zeros_like(sd)
    return np.asarray(np.maximum(1.0 - (sd / group_sd) ** 2, 0.0))
