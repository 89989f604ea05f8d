"""Do people differ within clinics as clinics differ among themselves? The Mundlak contrast (METHODS M3.8).

Case-mix coefficients that mix both kinds of variation can adjust away what clinics do: where people are poorer *and*
care is poorer, part of the difference in care is booked on the people. So expected outcomes rest on the coefficient
within clinics, and the contrast tells whether a model of random effects alone would move results.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.models.linear_mixed import LinearMixedFit, linear_mixed
from benchwell.models.mixed_statistics import MixedStatistics

# A column counts as a combination of earlier ones when less than this share of its square is left.
_SINGULAR = 1e-9


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


def within_between(statistics: MixedStatistics) -> WithinBetween:
    """Split every case-mix coefficient into its part within and its part between clinics.

    Args:
        statistics: Sums of a design (constant first) with one level of groups, the clinics.

    Returns:
        Both coefficients, their contrast and test, and the results of the models that mix them. `between` and
        `contrast` come from the random-intercept model (REML) with deviations from the clinic's mean and the means as
        columns.

    Raises:
        ValueError: If there is more than one level, too few people for a residual variance within clinics, or a
            mixed model cannot be fitted.

    Source:
        Mundlak (1978), Econometrica 46:69-85; METHODS E3.8.

    >>> sites = MixedStatistics.from_sites(
    ...     [4, 3, 5], [[[4, 2], [2, 36]], [[3, 1], [1, 13]], [[5, 2], [2, 38]]],
    ...     [[40, 54], [21, 15], [63, 56]], [438, 153, 821])
    >>> result = within_between(sites)
    >>> [round(one.values[0].item(), 6) for one in (result.within, result.random, result.pooled)]
    [0.857816, 0.858135, 0.863592]
    """
    if statistics.parent is not None:
        raise ValueError("the contrast is between one level of groups; give the sums by clinic")
    p, k = statistics.p, statistics.groups
    gram, cross, total = _centered(statistics)
    kept = independent_columns(gram)
    beta, residual = _least_squares(gram, cross, total, kept, statistics.n - k)
    mundlak = linear_mixed(_with_means(statistics, gram, cross))
    contrast = _contrast(mundlak, p)
    random = linear_mixed(statistics)
    whole = independent_columns(statistics.xtx)
    pooled, pooled_residual = _least_squares(statistics.xtx, statistics.xty, statistics.yty, whole, statistics.n)
    posts = (statistics.group_y - statistics.group_x[:, 1:] @ np.where(kept, beta, 0.0)) / statistics.group_n
    z = contrast.values / contrast.standard_errors
    chi_square, contrasts = wald(contrast)
    return WithinBetween(
        within=_slopes(beta, residual, gram, kept),
        between=_part(mundlak, slice(p, 2 * p - 1)),
        random=_part(random, slice(1, p)),
        pooled=_without_constant(_slopes(pooled, pooled_residual, statistics.xtx, whole)),
        posts=posts,
        contrast=contrast,
        contrast_z=z,
        contrast_p=2 * special.ndtr(-np.abs(z)),
        chi_square=chi_square,
        df=contrasts,
        p=float(special.chdtrc(contrasts, chi_square)) if contrasts else float("nan"),
        variance_ratio=(random.sd_inner / random.residual_sd) ** 2,
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


def _centered(sums: MixedStatistics) -> tuple[FloatArray, FloatArray, float]:
    """Cross products of deviations from the clinic's means, over all clinics."""
    n, x = sums.group_n.astype(np.float64), sums.group_x[:, 1:]
    gram = sums.xtx[1:, 1:] - (x / n[:, None]).T @ x
    # A column that is constant in each clinic leaves rounding only.
    empty = np.diag(gram) <= 1e-12 * np.diag(sums.xtx)[1:]
    gram[empty] = 0.0
    gram[:, empty] = 0.0
    cross = np.where(empty, 0.0, sums.xty[1:] - x.T @ (sums.group_y / n))
    return gram, cross, float(sums.yty - (sums.group_y**2 / n).sum())


def _with_means(sums: MixedStatistics, gram: FloatArray, cross: FloatArray) -> MixedStatistics:
    """Statistics of the design (1, deviations, clinic means), from those of (1, x)."""
    p, n = sums.p, sums.group_n.astype(np.float64)
    means = sums.group_x / n[:, None]  # 1 and the means of the columns
    outer = [0, *range(p, 2 * p - 1)]
    xtx, xty = np.zeros((2 * p - 1, 2 * p - 1)), np.zeros(2 * p - 1)
    xtx[np.ix_(outer, outer)] = (means * n[:, None]).T @ means
    xtx[1:p, 1:p] = gram
    xty[outer], xty[1:p] = means.T @ sums.group_y, cross
    group_x = np.zeros((sums.groups, 2 * p - 1))  # deviations sum to nothing in every clinic
    group_x[:, outer] = sums.group_x
    return MixedStatistics(sums.n, xtx, xty, sums.yty, sums.group_n, group_x, sums.group_y)


def _least_squares(
    gram: FloatArray, cross: FloatArray, total: float, kept: BoolArray, rows: int
) -> tuple[FloatArray, float]:
    """Coefficients, NaN where not kept, and the residual variance on `rows` less the columns."""
    df = rows - int(kept.sum())
    if df <= 0:
        raise ValueError("too few people within clinics to separate clinics from people")
    beta = np.full(len(cross), np.nan)
    beta[kept] = np.linalg.solve(gram[np.ix_(kept, kept)], cross[kept])
    return beta, max(float(total - beta[kept] @ cross[kept]), 0.0) / df


def _slopes(beta: FloatArray, residual: float, gram: FloatArray, kept: BoolArray) -> Slopes:
    covariance = np.full(gram.shape, np.nan)
    covariance[np.ix_(kept, kept)] = residual * np.linalg.inv(gram[np.ix_(kept, kept)])
    return Slopes(beta, covariance, kept)


def _without_constant(slopes: Slopes) -> Slopes:
    return Slopes(slopes.values[1:], slopes.covariance[1:, 1:], slopes.known[1:])


def _part(fit: LinearMixedFit, columns: slice) -> Slopes:
    return Slopes(fit.coefficients[columns], fit.covariance[columns, columns], fit.kept[columns])


def _contrast(mundlak: LinearMixedFit, p: int) -> Slopes:
    """Between minus within, from the model that holds both."""
    within, between = np.arange(1, p), np.arange(p, 2 * p - 1)
    cov = mundlak.covariance
    cross = cov[np.ix_(within, between)]
    covariance = cov[np.ix_(within, within)] + cov[np.ix_(between, between)] - cross - cross.T
    values = mundlak.coefficients[between] - mundlak.coefficients[within]
    return Slopes(values, covariance, np.isfinite(values))
