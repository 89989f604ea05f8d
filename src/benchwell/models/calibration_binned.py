"""Calibration from counts: each site returns a table of bins, no site returns people (METHODS M3.11).

All sites use one grid of chances, so that tables add up. A bin of fewer than k people is merged with its neighbor
before it leaves a site.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, non_negative, ratio, same_shape, vector
from benchwell.models.calibration import calibration_in_the_large, chances_and_outcomes, log_odds
from benchwell.models.discrimination import c_statistic_from_counts
from benchwell.models.group_sums import sums_by_group

# The published grid: log odds from -5 to 5 in steps of a quarter, so that rare and common outcomes get bins alike.
COMMON_GRID: FloatArray = np.asarray(special.expit(np.arange(-5.0, 5.01, 0.25)))

_NEWTON_STEPS = 60


@dataclass(frozen=True)
class BinnedPredictions:
    """Counts by bin of the chance, in rising order of the chance.

    Attributes:
        n: People in each bin, shape (m,).
        expected: Sum of their chances, shape (m,).
        observed: People with the outcome, shape (m,).
    """

    n: FloatArray
    expected: FloatArray
    observed: FloatArray

    def __add__(self, other: BinnedPredictions) -> BinnedPredictions:
        """Add the tables of two sites, bin by bin."""
        same_shape(bins=self.n, other_bins=other.n)
        return BinnedPredictions(self.n + other.n, self.expected + other.expected, self.observed + other.observed)


@dataclass(frozen=True)
class BinnedCalibration:
    """Checks from pooled bins; the finer the grid, the nearer to those from people.

    Attributes:
        n: People.
        observed_expected: Observed over expected (no approximation).
        c_statistic: Discrimination; pairs within a bin count one half, which draws it toward .5 a little.
        in_the_large: Calibration-in-the-large with people at their bin's mean chance, log odds.
        intercept: Constant of the recalibration model, likewise.
        slope: Its slope; NaN if it cannot be estimated.
        curve: Mean chance, share with the outcome and people of each bin that has people, shape (b, 3).
    """

    n: float
    observed_expected: float
    c_statistic: float
    in_the_large: float
    intercept: float
    slope: float
    curve: FloatArray


def bin_predictions(p: ArrayLike, outcome: ArrayLike, grid: ArrayLike = COMMON_GRID) -> BinnedPredictions:
    """Count people by bin of their chance.

    Args:
        p: Chances, shape (n,), in [0, 1].
        outcome: 0 or 1, shape (n,).
        grid: Inner bounds of the bins in rising order, shape (m - 1,). A chance on a bound belongs above it.

    Returns:
        Table of m bins.

    Raises:
        ValueError: If shapes differ, a value is NaN or out of range, or the grid does not rise.

    >>> bin_predictions([0.1, 0.2, 0.7], [0, 1, 1], [0.5]).observed
    array([1., 1.])
    """
    chance, y = chances_and_outcomes(p, outcome)
    bounds = vector("grid", grid)
    if (np.diff(bounds) <= 0).any():
        raise ValueError("grid must rise")
    place, size = np.searchsorted(bounds, chance, side="right"), len(bounds) + 1
    return BinnedPredictions(
        np.bincount(place, minlength=size).astype(np.float64),
        sums_by_group(chance, place, size),
        sums_by_group(y, place, size),
    )


def merge_small_bins(bins: BinnedPredictions, k: int = 10) -> BinnedPredictions:
    """Merge bins until none that leaves the site has 1 to k - 1 people; totals stay as they are.

    Each run of bins is gathered from the lowest chance up until it has k people, and stands in the bin that holds the
    middle of its people; what is left at the top joins the run before it. The grid stays, so that sites still add up.

    Args:
        bins: Table of one site.
        k: Fewest people in a bin that leaves.

    Returns:
        Table of the same bins. All empty when the whole site has fewer than k people.

    Raises:
        ValueError: If `k` is below 1.

    >>> merge_small_bins(BinnedPredictions(*np.array([[4.0, 9, 3], [1, 4, 2], [0, 4, 2]])), 10).n
    array([ 0., 16.,  0.])
    """
    if k < 1:
        raise ValueError("k must be at least 1")
    run, runs, gathered = 0, np.empty(len(bins.n), dtype=np.int64), 0.0
    for position, people in enumerate(bins.n):
        runs[position] = run
        gathered += people
        if gathered >= k:
            run, gathered = run + 1, 0.0
    runs = np.minimum(runs, max(run - 1, 0))
    empty = BinnedPredictions(*(np.zeros_like(bins.n) for _ in range(3)))
    if bins.n.sum() < k:
        return empty
    for one in range(int(runs.max()) + 1):
        members = np.flatnonzero(runs == one)
        middle = members[np.searchsorted(np.cumsum(bins.n[members]), bins.n[members].sum() / 2)]
        for whole, part in ((empty.n, bins.n), (empty.expected, bins.expected), (empty.observed, bins.observed)):
            whole[middle] = part[members].sum()
    return empty


def binned_calibration(bins: BinnedPredictions) -> BinnedCalibration:
    """Check chances against outcomes from pooled bins.

    Args:
        bins: Sum of the sites' tables.

    Returns:
        The checks.

    Raises:
        ValueError: If a count is negative or NaN, observed exceeds people somewhere, or there is nobody.

    Source:
        METHODS M3.11.

    >>> check = binned_calibration(BinnedPredictions(*np.array([[50.0, 50], [10, 40], [15, 40]])))
    >>> round(check.observed_expected, 2), round(check.c_statistic, 2)
    (1.1, 0.75)
    """
    n, expected, observed = (
        non_negative(name, vector(name, values))
        for name, values in (("n", bins.n), ("expected", bins.expected), ("observed", bins.observed))
    )
    same_shape(n=n, expected=expected, observed=observed)
    if (observed > n).any() or n.sum() == 0:
        raise ValueError("each bin needs at most as many outcomes as people, and there must be people")
    used = n > 0
    n, expected, observed = n[used], expected[used], observed[used]
    mean = np.clip(expected / n, 0.0, 1.0)
    order = np.argsort(mean, kind="stable")
    intercept, slope = _recalibrated(log_odds(mean), observed, n)
    return BinnedCalibration(
        n=float(n.sum()),
        observed_expected=float(ratio(observed.sum(), expected.sum())),
        c_statistic=c_statistic_from_counts(observed[order], (n - observed)[order]),
        in_the_large=calibration_in_the_large(mean, observed, n),
        intercept=intercept,
        slope=slope,
        curve=np.column_stack([mean, observed / n, n])[order],
    )


def _recalibrated(eta: FloatArray, observed: FloatArray, n: FloatArray) -> tuple[float, float]:
    """Logistic regression of counts on one predictor, by Newton steps halved until the likelihood rises."""
    unknown = (float("nan"), float("nan"))
    if not 0 < observed.sum() < n.sum() or np.ptp(eta) == 0:
        return unknown
    design, beta = np.column_stack([np.ones_like(eta), eta]), np.array([0.0, 1.0])

    def height(b: FloatArray) -> float:
        return float(observed @ (design @ b) - n @ np.logaddexp(0.0, design @ b))

    for _ in range(_NEWTON_STEPS):
        q = special.expit(design @ beta)
        information = (design * (n * q * (1 - q))[:, None]).T @ design
        if np.linalg.cond(information) > 1e13 or information[0, 0] < 1e-9 * n.sum():  # separated: the weights vanish
            break
        step = np.linalg.solve(information, design.T @ (observed - n * q))
        while height(beta + step) < height(beta) - 1e-9 * abs(height(beta)):
            step = step / 2
        beta = beta + step
        if np.abs(step).max() < 1e-11:
            return float(beta[0]), float(beta[1])
    return unknown
