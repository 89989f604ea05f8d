"""Do people differ within clinics as clinics differ among themselves? The Mundlak contrast (METHODS M3.8).

Case-mix coefficients that mix both kinds of variation can adjust away what clinics do: where people are poorer *and*
care is poorer, part of the difference in care is booked on the people. So expected outcomes rest on the coefficient
within clinics, and the contrast tells whether a model of random effects alone would move results.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, finite, non_negative, positive, vector

# A column counts as a combination of earlier ones when less than this share of its square is left.
_SINGULAR = 1e-9


@dataclass(frozen=True)
class ClinicSums:
    """Sufficient statistics per clinic; the first column of the design is the constant.

    Attributes:
        n: People per clinic, shape (k,), > 0.
        xtx: X'X per clinic, shape (k, p, p).
        xty: X'y per clinic, shape (k, p).
        yty: y'y per clinic, shape (k,).
    """

    n: FloatArray
    xtx: FloatArray
    xty: FloatArray
    yty: FloatArray

    @classmethod
    def of(cls, n: ArrayLike, xtx: ArrayLike, xty: ArrayLike, yty: ArrayLike) -> ClinicSums:
        """Check shapes and values.

        Raises:
            ValueError: If shapes do not fit, a value is NaN, a clinic has nobody, or the first column is no constant.

        >>> ClinicSums.of([2], [[[2.0]]], [[3.0]], [5.0]).n
        array([2.])
        """
        sums = cls(
            positive("n", vector("n", n)),
            finite("xtx", xtx),
            finite("xty", xty),
            non_negative("yty", vector("yty", yty)),
        )
        k = len(sums.n)
        p = sums.xty.shape[-1]
        if sums.xtx.shape != (k, p, p) or sums.xty.shape != (k, p) or sums.yty.shape != (k,) or not p:
            raise ValueError(f"statistics do not fit together: xtx {sums.xtx.shape}, xty {sums.xty.shape}")
        if not np.allclose(sums.xtx[:, 0, 0], sums.n, rtol=1e-9):
            raise ValueError("the first column of the design must be the constant 1")
        return sums


@dataclass(frozen=True)
class Slopes:
    """Coefficients of the columns after the constant.

    Attributes:
        values: Shape (p - 1,); NaN where the data do not tell.
        covariance: Shape (p - 1, p - 1); NaN rows and columns likewise.
        known: Which columns could be estimated, shape (p - 1,).
    """

    values: FloatArray
    covariance: FloatArray
    known: BoolArray

    @property
    def standard_errors(self) -> FloatArray:
        """Square roots of the variances, shape (p - 1,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


@dataclass(frozen=True)
class WithinBetween:
    """Coefficients within and between clinics, their contrast, and the models that mix both.

    Attributes:
        within: From differences between people of the same clinic (clinic fixed effects).
        between: From differences between clinics' means.
        random: From the random-intercept model that takes both for the same.
        pooled: From all people as if there were no clinics (ordinary least squares).
        posts: Fixed effect of each clinic at all columns 0, shape (k,): what is left after the within coefficients.
        contrast: Between minus within, with its covariance.
        contrast_z: Contrast over its standard error, column by column, shape (p - 1,).
        contrast_p: Two-sided p value of each, shape (p - 1,).
        chi_square: Wald test of all contrasts together; NaN when none is known.
        df: Its degrees of freedom.
        p: Its p value. Below .05 say that random effects alone would move results.
        variance_ratio: Variance between clinics over residual variance in the random-intercept model.
        residual_variance: Within clinics.
    """

    within: Slopes
    between: Slopes
    random: Slopes
    pooled: Slopes
    posts: FloatArray
    contrast: Slopes
    contrast_z: FloatArray
    contrast_p: FloatArray
    chi_square: float
    df: int
    p: float
    variance_ratio: float
    residual_variance: float


def within_between(sums: ClinicSums) -> WithinBetween:
    """Split every case-mix coefficient into its part within and its part between clinics.

    Args:
        sums: Sufficient statistics of each clinic.

    Returns:
        Both coefficients, their contrast and test, and the results of the models that mix them. The variances between
        clinics behind `between` and `random` are REML estimates of the model with clinic means and without.

    Raises:
        ValueError: If there are too few people for a residual variance within clinics.

    Source:
        Mundlak (1978), Econometrica 46:69-85; METHODS E3.8.

    >>> pre = [np.array([12, 16, 20, 14]), np.array([18, 15, 13]), np.array([17, 11, 19, 14, 16])]
    >>> post = [np.array([8, 10, 15, 7]), np.array([9, 6, 6]), np.array([14, 9, 16, 12, 12])]
    >>> designs = [np.column_stack([np.ones(len(x)), x - 15]) for x in pre]
    >>> sums = ClinicSums.of(
    ...     [len(x) for x in pre],
    ...     [X.T @ X for X in designs],
    ...     [X.T @ y for X, y in zip(designs, post)],
    ...     [y @ y for y in post],
    ... )
    >>> result = within_between(sums)
    >>> [round(one.values[0].item(), 6) for one in (result.within, result.random, result.pooled)]
    [0.857816, 0.858135, 0.863592]
    """
    k, p = sums.xty.shape
    gram, cross, total = _centered(sums)
    kept = independent_columns(gram)
    df = sums.n.sum() - k - kept.sum()
    if df <= 0:
        raise ValueError("too few people within clinics to separate clinics from people")
    beta = _solved(gram, cross, kept)
    residual = max(float(total - beta[kept] @ cross[kept]) / df, 0.0)
    within = _slopes(beta, residual, gram, kept)
    split = _with_means(sums, gram)
    mundlak, _ = _reml(split, sums.n)
    between = _part(mundlak, slice(p, 2 * p - 1))
    contrast = _contrast(mundlak, p)
    random, mixed_ratio = _reml(sums, sums.n)
    posts = (sums.xty[:, 0] - sums.xtx[:, 0, 1:] @ np.where(kept, beta, 0.0)) / sums.n
    z = contrast.values / contrast.standard_errors
    chi_square, contrasts = wald(contrast)
    return WithinBetween(
        within=within,
        between=between,
        random=_part(random, slice(1, p)),
        pooled=_part(_gls(sums, sums.n, 0.0)[0], slice(1, p)),
        posts=posts,
        contrast=contrast,
        contrast_z=z,
        contrast_p=2 * special.ndtr(-np.abs(z)),
        chi_square=chi_square,
        df=contrasts,
        p=float(special.chdtrc(contrasts, chi_square)) if contrasts else float("nan"),
        variance_ratio=mixed_ratio,
        residual_variance=residual,
    )


def wald(contrast: Slopes) -> tuple[float, int]:
    """Chi-square of all known contrasts being zero, and its degrees of freedom.

    >>> wald(Slopes(np.array([2.0]), np.array([[1.0]]), np.array([True])))
    (4.0, 1)
    """
    known = contrast.known
    if not known.any():
        return float("nan"), 0
    value = contrast.values[known]
    return float(value @ np.linalg.solve(contrast.covariance[np.ix_(known, known)], value)), int(known.sum())


def independent_columns(gram: FloatArray) -> BoolArray:
    """Columns that are no linear combination of earlier ones, from their cross products.

    >>> independent_columns(np.array([[4.0, 2.0, 6.0], [2.0, 5.0, 7.0], [6.0, 7.0, 13.0]]))
    array([ True,  True, False])
    """
    kept: list[int] = []
    for column in range(len(gram)):
        block, side = gram[np.ix_(kept, kept)], gram[kept, column]
        left = gram[column, column] - (side @ np.linalg.solve(block, side) if kept else 0.0)
        if left > _SINGULAR * gram[column, column] and gram[column, column] > 0:
            kept.append(column)
    mask = np.zeros(len(gram), dtype=np.bool_)
    mask[kept] = True
    return mask


def _centered(sums: ClinicSums) -> tuple[FloatArray, FloatArray, float]:
    """Cross products of deviations from the clinic's means, over all clinics."""
    means = sums.xtx[:, 0, 1:] / sums.n[:, None]
    gram = sums.xtx[:, 1:, 1:].sum(axis=0) - np.einsum("ki,kj->ij", means * sums.n[:, None], means)
    # A column that is constant in each clinic leaves rounding only.
    scale = np.diag(sums.xtx[:, 1:, 1:].sum(axis=0))
    empty = np.diag(gram) <= 1e-12 * scale
    gram[empty] = 0.0
    gram[:, empty] = 0.0
    cross = sums.xty[:, 1:].sum(axis=0) - (means * sums.xty[:, :1]).sum(axis=0)
    total = float(sums.yty.sum() - (sums.xty[:, 0] ** 2 / sums.n).sum())
    return gram, np.where(empty, 0.0, cross), total


def _with_means(sums: ClinicSums, gram: FloatArray) -> ClinicSums:
    """Statistics of the design (1, x - clinic mean, clinic mean), from those of (1, x)."""
    k, p = sums.xty.shape
    n, means = sums.n, sums.xtx[:, 0, 1:] / sums.n[:, None]
    constant = np.column_stack([np.ones(k), means])
    xtx = np.zeros((k, 2 * p - 1, 2 * p - 1))
    outer = [0, *range(p, 2 * p - 1)]
    xtx[np.ix_(range(k), outer, outer)] = n[:, None, None] * constant[:, :, None] * constant[:, None, :]
    within = slice(1, p)
    xtx[:, within, within] = sums.xtx[:, 1:, 1:] - n[:, None, None] * means[:, :, None] * means[:, None, :]
    empty = np.diag(gram) == 0
    xtx[:, 1:p][:, empty] = 0.0
    xtx[:, :, 1:p][:, :, empty] = 0.0
    xty = np.zeros((k, 2 * p - 1))
    xty[:, outer] = constant * sums.xty[:, :1]
    xty[:, within] = np.where(empty, 0.0, sums.xty[:, 1:] - means * sums.xty[:, :1])
    return ClinicSums(n, xtx, xty, sums.yty)


def _reml(sums: ClinicSums, n: FloatArray) -> tuple[Slopes, float]:
    """Random-intercept fit at the REML ratio of the variances (METHODS M3.2)."""
    grid = np.concatenate([[-np.inf], np.linspace(-14.0, 9.0, 24)])
    heights = np.array([_gls(sums, n, float(np.exp(log_ratio)))[1] for log_ratio in grid])
    top = int(np.argmax(heights))
    if top == 0:
        return _gls(sums, n, 0.0)[0], 0.0
    low, high = (float(bound) for bound in (max(grid[top] - 1.0, -16.0), grid[top] + 1.0))
    found = optimize.minimize_scalar(
        lambda log_ratio: -_gls(sums, n, float(np.exp(log_ratio)))[1],
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-10},
    )
    best = float(np.exp(found.x))
    return _gls(sums, n, best)[0], best


def _gls(sums: ClinicSums, n: FloatArray, variance_ratio: float) -> tuple[Slopes, float]:
    """Generalized least squares at a ratio of variance between to residual, with its REML height."""
    k = variance_ratio / (1 + n * variance_ratio)
    column = sums.xtx[:, 0, :]
    gram = sums.xtx.sum(axis=0) - np.einsum("k,ki,kj->ij", k, column, column)
    cross = sums.xty.sum(axis=0) - ((k * sums.xty[:, 0])[:, None] * column).sum(axis=0)
    total = float(sums.yty.sum() - (k * sums.xty[:, 0] ** 2).sum())
    kept = independent_columns(gram)
    beta = _solved(gram, cross, kept)
    df = float(n.sum()) - int(kept.sum())
    residual = max(total - float(beta[kept] @ cross[kept]), 1e-12 * max(total, 1e-300)) / df
    determinant = float(np.linalg.slogdet(gram[np.ix_(kept, kept)])[1])
    height = -0.5 * (df * np.log(residual) + float(np.log1p(n * variance_ratio).sum()) + determinant)
    return _slopes(beta, residual, gram, kept), height


def _solved(gram: FloatArray, cross: FloatArray, kept: BoolArray) -> FloatArray:
    beta = np.full(len(cross), np.nan)
    beta[kept] = np.linalg.solve(gram[np.ix_(kept, kept)], cross[kept])
    return beta


def _slopes(beta: FloatArray, residual: float, gram: FloatArray, kept: BoolArray) -> Slopes:
    covariance = np.full(gram.shape, np.nan)
    covariance[np.ix_(kept, kept)] = residual * np.linalg.inv(gram[np.ix_(kept, kept)])
    return Slopes(beta, covariance, kept)


def _part(slopes: Slopes, columns: slice) -> Slopes:
    return Slopes(slopes.values[columns], slopes.covariance[columns, columns], slopes.known[columns])


def _contrast(mundlak: Slopes, p: int) -> Slopes:
    """Between minus within, from the model that holds both."""
    within, between = np.arange(1, p), np.arange(p, 2 * p - 1)
    cov = mundlak.covariance
    cross = cov[np.ix_(within, between)]
    covariance = cov[np.ix_(within, within)] + cov[np.ix_(between, between)] - cross - cross.T
    values = mundlak.values[between] - mundlak.values[within]
    return Slopes(values, covariance, np.isfinite(values))
