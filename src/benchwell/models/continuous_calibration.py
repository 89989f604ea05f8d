"""Do predicted scores come true? Checks of a model of a continuous outcome on held-out clinics (METHODS M3.11)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, IntArray, ratio, same_shape, vector
from benchwell.models.group_sums import group_index, sums_by_group


@dataclass(frozen=True)
class ContinuousCalibration:
    """Checks of predicted against observed values.

    Attributes:
        n: People.
        r2: 1 - squared error over squared deviation from the mean; below 0 is less than the mean alone would do; NaN
            when outcomes do not vary.
        mean_error: Mean of observed minus predicted, unit of the outcome.
        rmse: Root of the mean squared error.
        intercept: Constant of observed on predicted.
        slope: Slope of observed on predicted: below 1 means that predictions are too extreme; NaN when they do not
            vary.
        outcome_sd: Standard deviation of the outcome (n - 1); NaN for one person.
        group_n: People of each group, shape (g,).
        group_mean_error: Mean error of each group, shape (g,); NaN for a group of nobody.
    """

    n: int
    r2: float
    mean_error: float
    rmse: float
    intercept: float
    slope: float
    outcome_sd: float
    group_n: IntArray
    group_mean_error: FloatArray


def continuous_calibration(
    predicted: ArrayLike, observed: ArrayLike, group: ArrayLike | None = None, groups: int = 0
) -> ContinuousCalibration:
    """Check predicted against observed values.

    Args:
        predicted: From a model fitted without the person's clinic, shape (n,), unit of the outcome.
        observed: Shape (n,).
        group: Index of each person's group, shape (n,), 0 to `groups` - 1; None for no groups.
        groups: Number of groups.

    Returns:
        The checks, overall and by group.

    Raises:
        ValueError: If shapes differ, a value is NaN or a group out of range.

    Source:
        METHODS M3.11, read for continuous outcomes.

    >>> check = continuous_calibration([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 3.0, 5.0])
    >>> round(check.mean_error, 2), round(check.slope, 2), round(check.r2, 2)
    (0.5, 1.2, 0.75)
    """
    f, y = vector("predicted", predicted), vector("observed", observed)
    same_shape(predicted=f, observed=y)
    index = np.zeros(len(y), dtype=np.int64) if group is None else group_index(group, groups)
    same_shape(predicted=f, group=index)
    error = y - f
    spread = f - f.mean()
    slope = float(ratio(spread @ y, spread @ spread))
    n = np.bincount(index, minlength=groups)[:groups]
    return ContinuousCalibration(
        n=len(y),
        r2=1 - float(ratio(error @ error, ((y - y.mean()) ** 2).sum())),
        mean_error=float(error.mean()),
        rmse=float(np.sqrt(np.mean(error**2))),
        intercept=float(y.mean() - slope * f.mean()),
        slope=slope,
        outcome_sd=float(y.std(ddof=1)) if len(y) > 1 else float("nan"),
        group_n=n,
        group_mean_error=ratio(sums_by_group(error, index, groups)[:groups], n),
    )
