"""Do chances come true? Checks of a 0/1 model on people it was not fitted to (METHODS M3.11).

Everything here is computed on predictions for held-out clinics. The smooth curve behind ICI, E50 and E90 is logistic
recalibration: outcome on the log odds of the chance, a straight line on that scale. It sees a model that is too bold,
too timid or off by a constant, not one that is right at both ends and wrong in the middle; the binned table does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, FloatArray, IntArray, ratio, same_shape, vector
from benchwell.models.discrimination import c_statistic
from benchwell.models.group_sums import group_index, sums_by_group
from benchwell.models.logistic_regression import fit_logistic

# Chances of 0 and 1 have no log odds; they count as this close to it.
_CLOSEST = 1e-10
_SETTLED = 1e-11


@dataclass(frozen=True)
class Calibration:
    """Checks of chances against outcomes.

    Attributes:
        n: People.
        observed: People with the outcome.
        expected: Sum of chances.
        c_statistic: Discrimination; NaN when all outcomes are the same.
        brier: Mean squared error of the chances.
        scaled_brier: 1 - brier / (that of the overall rate); 0 tells nothing, 1 is perfect; NaN as above.
        observed_expected: Observed over expected.
        in_the_large: Calibration-in-the-large: constant of a logistic model with the log odds as offset, log odds.
            Above 0 means that more people had the outcome than expected.
        intercept: Constant of the recalibration model.
        slope: Its slope: below 1 means that chances are too extreme. NaN if it cannot be estimated.
        ici: Mean distance between chance and smooth curve (integrated calibration index).
        e50: Median of that distance.
        e90: Its 90th percentile (type 7).
        smoother: How the smooth curve was made.
    """

    n: int
    observed: float
    expected: float
    c_statistic: float
    brier: float
    scaled_brier: float
    observed_expected: float
    in_the_large: float
    intercept: float
    slope: float
    ici: float
    e50: float
    e90: float
    smoother: str = "logistic recalibration"


@dataclass(frozen=True)
class GroupCalibration:
    """Observed beside expected in each group of people.

    Attributes:
        n: People, shape (g,).
        observed: People with the outcome, shape (g,).
        expected: Sum of chances, shape (g,).
        observed_expected: Their ratio, shape (g,); NaN where nothing is expected.
    """

    n: IntArray
    observed: FloatArray
    expected: FloatArray
    observed_expected: FloatArray


def calibration(p: ArrayLike, outcome: ArrayLike) -> Calibration:
    """Check chances against outcomes.

    Args:
        p: Chance of each person from a model fitted without their clinic, shape (n,), in [0, 1].
        outcome: 0 or 1, shape (n,).

    Returns:
        All checks; NaN where the outcomes do not tell (all the same, or separated by the chances).

    Raises:
        ValueError: If shapes differ, a value is NaN, a chance outside [0, 1] or an outcome not 0 or 1.

    Source:
        Austin & Steyerberg (2019), Stat Med 38:4051-4065; Van Calster et al. (2019), BMC Med 17:230; METHODS E3.11.

    >>> check = calibration([.1, .2, .25, .3, .35, .5, .55, .6, .75, .9], [0, 0, 0, 1, 0, 1, 0, 1, 1, 1])
    >>> round(check.c_statistic, 2), round(check.brier, 4), round(check.in_the_large, 6), round(check.slope, 4)
    (0.88, 0.151, 0.262087, 1.9442)
    """
    chance, y = chances_and_outcomes(p, outcome)
    rate, brier = float(y.mean()), float(np.mean((chance - y) ** 2))
    intercept, slope = recalibration(chance, y)
    smooth = special.expit(intercept + slope * log_odds(chance))
    distance = np.abs(smooth - chance)
    e50, e90 = (float(value) for value in np.quantile(distance, [0.5, 0.9]))
    return Calibration(
        n=len(y),
        observed=float(y.sum()),
        expected=float(chance.sum()),
        c_statistic=c_statistic(chance, y),
        brier=brier,
        scaled_brier=1 - brier / (rate * (1 - rate)) if 0 < rate < 1 else float("nan"),
        observed_expected=float(ratio(y.sum(), chance.sum())),
        in_the_large=calibration_in_the_large(chance, y, np.ones_like(y)),
        intercept=intercept,
        slope=slope,
        ici=float(distance.mean()),
        e50=e50,
        e90=e90,
    )


def calibration_by_group(p: ArrayLike, outcome: ArrayLike, group: ArrayLike, groups: int) -> GroupCalibration:
    """Observed beside expected by group: demographic groups, or bands of clinic size.

    Args:
        p: Chances, shape (n,), in [0, 1].
        outcome: 0 or 1, shape (n,).
        group: Index of each person's group, shape (n,), 0 to `groups` - 1.
        groups: Number of groups.

    Returns:
        Counts and ratios.

    Raises:
        ValueError: As `calibration`, or if a group is out of range.

    Source:
        METHODS M3.11.

    >>> calibration_by_group([0.5, 0.5, 0.2], [1, 0, 1], [0, 0, 1], 2).observed_expected
    array([1., 5.])
    """
    chance, y = chances_and_outcomes(p, outcome)
    index = group_index(group, groups)
    same_shape(p=chance, group=index)
    observed = sums_by_group(y, index, groups)
    expected = sums_by_group(chance, index, groups)
    return GroupCalibration(np.bincount(index, minlength=groups), observed, expected, ratio(observed, expected))


def calibration_in_the_large(p: FloatArray, observed: FloatArray, n: FloatArray) -> float:
    """Constant that makes expected and observed counts equal, with the log odds of the chances as offset.

    Args:
        p: Chances, shape (m,).
        observed: People with the outcome at each chance, shape (m,).
        n: People at each chance, shape (m,).

    Returns:
        Log odds; NaN when nobody or everybody had the outcome.

    >>> round(calibration_in_the_large(np.array([0.5]), np.array([3.0]), np.array([4.0])), 4)
    1.0986
    """
    met, people = float(observed.sum()), float(n.sum())
    if not 0 < met < people:
        return float("nan")
    eta, shift = log_odds(p), 0.0
    low, high, move = -np.inf, np.inf, np.inf
    while abs(move) > _SETTLED:  # ends, since the bracket halves where Newton's step leaves it
        q = special.expit(eta + shift)
        excess, slope = float(n @ q) - met, float(n @ (q * (1 - q)))
        low, high = (shift, high) if excess < 0 else (low, shift)
        step = min(max(-excess / slope, -2.0), 2.0) if slope > 0 else -2.0 * np.sign(excess)
        proposal = shift + step
        if not low < proposal < high and np.isfinite(low + high):
            proposal = (low + high) / 2
        move, shift = proposal - shift, proposal
    return float(shift)


def recalibration(p: FloatArray, outcome: FloatArray) -> tuple[float, float]:
    """Constant and slope of a logistic model of the outcome on the log odds of the chance.

    Args:
        p: Chances, shape (n,).
        outcome: 0 or 1, shape (n,).

    Returns:
        Both; NaN when chances do not vary or separate the outcomes.

    >>> recalibration(np.array([0.4, 0.4]), np.array([0.0, 1.0]))
    (nan, nan)
    """
    eta = log_odds(p)
    fit = fit_logistic(np.column_stack([np.ones_like(eta), eta]), outcome)
    if not fit.converged or not fit.kept.all():
        return float("nan"), float("nan")
    return float(fit.coefficients[0]), float(fit.coefficients[1])


def log_odds(p: FloatArray) -> FloatArray:
    """Log odds; chances of 0 and 1 count as 1e-10 away.

    >>> log_odds(np.array([0.5]))
    array([0.])
    """
    return np.asarray(special.logit(np.clip(p, _CLOSEST, 1 - _CLOSEST)))


def chances_and_outcomes(p: ArrayLike, outcome: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Check chances in [0, 1] and outcomes of 0 or 1 of the same people.

    >>> chances_and_outcomes([0.5], [1])
    (array([0.5]), array([1.]))
    """
    chance, y = vector("p", p), vector("outcome", outcome)
    same_shape(p=chance, outcome=y)
    if ((chance < 0) | (chance > 1)).any():
        raise ValueError("p must lie in [0, 1]")
    if not ((y == 0) | (y == 1)).all():
        raise ValueError("outcome must be 0 or 1")
    return chance, y
