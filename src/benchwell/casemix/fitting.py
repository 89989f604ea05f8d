"""Fit hierarchical case-mix models: the public functions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from benchwell.casemix.blocks import Blocks, blocks_of
from benchwell.casemix.coding import Coding, back_to_frame_scale
from benchwell.casemix.fit import Fit, Found
from benchwell.casemix.fit_text import separation
from benchwell.casemix.groups import Groups
from benchwell.casemix.profile import Roles
from benchwell.casemix.sufficient import SufficientStatistics, sufficient_statistics
from benchwell.errors import ModelError
from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.models.linear_mixed import LinearMixedFit, Method, linear_mixed
from benchwell.models.mixed_search import LAST_STEP, WORTH

_MOST_POINTS = 100  # up to there the nodes of the quadrature rule are known to be right
# When the search of a linear fit takes its last step, and what a parameter must be worth to be told from zero.
_TOLERANCES = {"squared distance": LAST_STEP, "deviance": WORTH}


class DoubtfulFitWarning(UserWarning):
    """A fit did not converge, or its outcome is separated; the fit says so too."""


def fit_linear(
    frame: Any,
    outcome: str,
    covariates: Sequence[str],
    groups: Sequence[str],
    method: Method = "reml",
    slope: str | None = None,
    *,
    references: Mapping[str, str] | None = None,
) -> Fit:
    """Fit a linear mixed model: a random intercept per group, and optionally a random slope.

    Rows stay on the engine that holds them; what is fitted are their sums, so size does not matter.

    Args:
        frame: A pandas, Polars, PyArrow, DuckDB or PySpark frame, or the path of a Parquet file.
        outcome: A numeric column.
        covariates: Numeric columns enter linearly, text, yes/no and categorical ones by level (`name[level]`).
        groups: Grouping columns from the outside in: `["clinic"]` or `["clinic", "clinician"]`. Inner ids may repeat
            in other outer groups: an inner group is the pair.
        method: `reml` or `ml`.
        slope: Numeric covariate whose coefficient varies between the groups (one grouping column only).
        references: Reference level of a categorical covariate; the first in sorted order when not given.

    Returns:
        The fit. Rows with a missing value are left out, and counted in `left_out`.

    Raises:
        ModelError: If the model cannot be fitted to these data; the message says why.
        SourceError: If the frame cannot be read or lacks a column.

    Source:
        METHODS M3.2, M3.3; Bates et al. (2015), J Stat Softw 67(1).

    >>> rows = pa.table({
    ...     "pre": [12.0, 16, 20, 14, 18, 15, 13, 17, 11, 19, 14, 16],
    ...     "post": [8.0, 10, 15, 7, 9, 6, 6, 14, 9, 16, 12, 12],
    ...     "clinic": [*"AAAABBBCCCCC"],
    ... })
    >>> fit = fit_linear(rows, "post", ["pre"], ["clinic"])
    >>> round(fit.coefficients["pre"], 6), round(fit.loglik, 6)
    (0.858135, -21.403365)
    """
    statistics = sufficient_statistics(frame, outcome, covariates, groups, slope, references=references)
    return fit_linear_statistics(statistics, method)


def fit_linear_statistics(statistics: SufficientStatistics, method: Method = "reml") -> Fit:
    """Fit a linear mixed model to sums, of one frame or of many sites.

    Args:
        statistics: From `sufficient_statistics`, `SufficientStatistics.combine` or `SufficientStatistics.from_sites`.
        method: `reml` or `ml`.

    Returns:
        The same fit as of the rows behind the sums.

    Raises:
        ModelError: If the model cannot be fitted to these sums.

    >>> sums = SufficientStatistics.from_sites(
    ...     {"A": (4, [[4, 2], [2, 36]], [40, 54], 438), "B": (3, [[3, 1], [1, 13]], [21, 15], 153),
    ...      "C": (5, [[5, 2], [2, 38]], [63, 56], 821)},
    ...     columns=["(intercept)", "pre"])
    >>> fit = fit_linear_statistics(sums)
    >>> round(fit.group_sd["site"] ** 2, 5), round(fit.loglik, 6)
    (7.38277, -21.403365)
    """
    if method not in ("reml", "ml"):
        raise ModelError("The method is 'reml' or 'ml'.")
    if not isinstance(statistics, SufficientStatistics):
        raise ModelError(
            f"A {type(statistics).__name__} holds no sufficient statistics.",
            hint="fit_linear takes a frame; sufficient_statistics(frame, ...) gives its sums",
        )
    _check_size(statistics.n, statistics.keys, statistics.coding)
    sums = statistics.sums
    if sums.yty - sums.xty[0] ** 2 / sums.n <= 1e-12 * max(sums.yty, 1e-300):
        raise ModelError(f"The outcome {statistics.coding.outcome.name!r} has the same value in every row.")
    try:
        found = linear_mixed(sums, method=method)
    except ValueError as error:
        raise ModelError(f"The model cannot be fitted: {error}.") from None
    return _warned(_linear_fit(statistics, found))


def fit_logistic(
    frame: Any,
    outcome: str,
    covariates: Sequence[str],
    groups: Sequence[str],
    points: int = 1,
    *,
    trials: str | None = None,
    references: Mapping[str, str] | None = None,
) -> Fit:
    """Fit a logistic mixed model: a random intercept per group on the scale of log odds.

    Args:
        frame: As for `fit_linear`.
        outcome: A yes/no or 0/1 column; with `trials` the number of successes.
        covariates: As for `fit_linear`.
        groups: As for `fit_linear`.
        points: 0: penalized least squares (lme4's nAGQ=0). 1: Laplace. More: adaptive Gauss-Hermite quadrature with
            that many points, for one grouping column.
        trials: Column with the number of trials of each row, when rows are counts.
        references: As for `fit_linear`.

    Returns:
        The fit; `separated` says when coefficients have no maximum.

    Raises:
        ModelError: If the model cannot be fitted to these data; the message says why.
        SourceError: If the frame cannot be read or lacks a column.

    Source:
        METHODS M3.4; Bates et al. (2015), J Stat Softw 67(1); Pinheiro & Bates (1995).

    >>> rows = pa.table({"clinic": [j for j in range(30) for _ in range(10)],
    ...                  "remission": [i < 2 + j % 6 for j in range(30) for i in range(10)]})
    >>> fit = fit_logistic(rows, "remission", [], ["clinic"])
    >>> round(fit.coefficients["(intercept)"], 2), fit.n_groups
    (-0.2, {'clinic': 30})
    """
    from benchwell.models.logistic_mixed import logistic_mixed

    roles = Roles.asked(outcome, covariates, groups, trials=trials)
    if not (isinstance(points, int) and 0 <= points <= _MOST_POINTS) or (points > 1 and len(roles.groups) > 1):
        raise ModelError(
            "points is 0 (penalized least squares), 1 (Laplace), or 2 to 100 (quadrature, with one grouping column)."
        )
    blocks = blocks_of(frame, roles, references or {})
    _check_size(blocks.rows, blocks.keys, blocks.coding)
    total = blocks.successes.sum()
    if total in (0, len(blocks.successes) if blocks.trials is None else blocks.trials.sum()):
        raise ModelError(f"The outcome {outcome!r} has the same value in every row.")
    try:
        found = logistic_mixed(blocks.x, blocks.successes, blocks.trials, blocks.group, blocks.parent, points=points)
    except ValueError as error:  # pragma: no cover - what it refuses was refused above, in words about the frame
        raise ModelError(f"The model cannot be fitted: {error}.") from None
    return _warned(_logistic_fit(blocks, found, points))


def _check_size(n: int, keys: pa.Table, coding: Coding) -> None:
    outer = coding.groups[0]
    if len(keys[outer].unique()) < 2:
        raise ModelError(
            f"{outer!r} has a single value, and a model of differences between groups needs two or more.",
            hint="give a column that tells groups apart",
        )
    if n <= len(coding.columns):
        raise ModelError(
            f"{n} complete rows cannot carry {len(coding.columns)} columns.",
            hint="leave covariates out, or join levels of categories",
        )


def _linear_fit(statistics: SufficientStatistics, found: LinearMixedFit) -> Fit:
    coding, sums = statistics.coding, statistics.sums
    named = _in_frame_units(coding, found.coefficients, found.covariance, found.kept)
    scale = 1.0 if coding.slope is None else float(coding.constants[1][coding.columns.index(coding.slope)])
    per_unit = np.array([1.0, 1.0 / scale])
    effect, sd, reliability = found.effects_inner, found.effects_inner_sd, found.reliability
    if found.group_covariance is not None:
        inner = Groups(
            statistics.keys,
            sums.group_n,
            effect[:, 0],
            sd[:, 0],
            reliability[:, 0],
            effect[:, 1] / scale,
            sd[:, 1] / scale,
        )
    else:
        inner = Groups(statistics.keys, sums.group_n, effect, sd, reliability)
    groups: tuple[Groups, ...] = (inner,)
    sds = {coding.groups[-1]: found.sd_inner}
    if found.sd_outer is not None and sums.parent is not None:
        rows = np.bincount(sums.parent, weights=sums.group_n).astype(np.int64)
        outer = (found.effects_outer, found.effects_outer_sd, found.reliability_outer)
        groups = (Groups(_outer_keys(statistics.keys), rows, *_known(*outer)), inner)
        sds = {coding.groups[0]: found.sd_outer, **sds}
    # REML reads ln|X'X|, so the unit of each column moves it: back to the units of the frame.
    units = float(np.log(coding.constants[1][found.kept]).sum()) if found.method == "reml" else 0.0
    return Fit(
        family="linear",
        method=found.method.upper(),
        coding=coding,
        coefficients=named[0],
        covariance=named[1],
        group_sd=sds,
        group_covariance=None
        if found.group_covariance is None
        else found.group_covariance * np.outer(per_unit, per_unit),
        residual_sd=found.residual_sd,
        loglik=found.loglik - units,
        n=found.n,
        n_groups={one.name: len(one.n) for one in groups},
        singular=found.singular,
        separated=False,
        separated_columns=(),
        dropped=_not_kept(coding, found.kept),
        left_out=statistics.left_out,
        found=Found(found.optimizer, found.iterations, found.converged, tuple(map(float, found.gradient)), _TOLERANCES),
        groups=groups,
        kind=statistics.kind,
        statistics=statistics,
    )


def _logistic_fit(blocks: Blocks, found: Any, points: int) -> Fit:
    coding = blocks.coding
    named = _in_frame_units(coding, found.coefficients, found.covariance, found.kept)
    inner = Groups(blocks.keys, blocks.group_rows, found.effects_inner, found.effects_inner_sd, found.reliability_inner)
    groups: tuple[Groups, ...] = (inner,)
    sds = {coding.groups[-1]: found.sd_inner}
    if blocks.parent is not None:
        rows = np.bincount(blocks.parent, weights=blocks.group_rows).astype(np.int64)
        outer = _known(found.effects_outer, found.effects_outer_sd, found.reliability_outer)
        groups = (Groups(_outer_keys(blocks.keys), rows, *outer), inner)
        sds = {coding.groups[0]: found.sd_outer, **sds}
    methods = {0: "penalized least squares", 1: "Laplace"}
    return Fit(
        family="logistic",
        method=methods.get(points, f"adaptive Gauss-Hermite, {points} points"),
        coding=coding,
        coefficients=named[0],
        covariance=named[1],
        group_sd=sds,
        group_covariance=None,
        residual_sd=None,
        loglik=found.loglik,
        n=blocks.rows,
        n_groups={one.name: len(one.n) for one in groups},
        singular=found.singular,
        separated=found.separated,
        separated_columns=tuple(np.array(coding.columns)[found.separated_columns].tolist()),
        dropped=_not_kept(coding, found.kept),
        left_out=blocks.left_out,
        found=Found(
            found.optimizer, found.iterations, found.converged, tuple(map(float, found.gradient)), found.tolerances
        ),
        groups=groups,
        kind=blocks.kind,
    )


def _in_frame_units(
    coding: Coding, coefficients: FloatArray, covariance: FloatArray, kept: BoolArray
) -> tuple[dict[str, float], FloatArray]:
    """Coefficients and covariance of the kept columns, per unit of the frame's columns."""
    names = tuple(name for name, own in zip(coding.columns, kept, strict=True) if own)
    back = back_to_frame_scale(coding, names)
    values = back @ coefficients[kept]
    values[0] += coding.outcome.center
    return dict(zip(names, map(float, values), strict=True)), back @ covariance[np.ix_(kept, kept)] @ back.T


def _not_kept(coding: Coding, kept: BoolArray) -> tuple[str, ...]:
    return tuple(name for name, own in zip(coding.columns, kept, strict=True) if not own)


def _outer_keys(keys: pa.Table) -> pa.Table:
    """The outer groups, in the order in which the sorted keys name them."""
    outer = keys.column(0).combine_chunks()
    return pa.table({keys.column_names[0]: outer.unique()})


def _known(*arrays: FloatArray | None) -> list[FloatArray]:
    return [array for array in arrays if array is not None]


def _warned(fit: Fit) -> Fit:
    if fit.separated:
        warnings.warn(f"{separation(fit)}: do not use this fit.", DoubtfulFitWarning, 3)
    elif not fit.found.converged:
        warnings.warn("The search for the estimates did not settle: do not use this fit.", DoubtfulFitWarning, 3)
    return fit
