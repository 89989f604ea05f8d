"""Direct standardization: every clinic's rate in one common population (METHODS M3.6, M3.7).

Unlike observed over expected, two direct rates may be compared with each other: both describe the same people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, IntArray, finite, non_negative, same_shape, vector
from benchwell.models.group_sums import rows_by_group, sums_by_group

# A reference of more rows than this is gathered into narrow cells of the linear predictor first.
_GATHER_ABOVE = 20_000
# Width of such a cell in log odds. A rate moves by less than width^2 / 250, that is 2e-8.
_CELL = 1 / 512
_BLOCK = 4_000_000
_NEWTON_STEPS = 60
_SETTLED = 1e-10


@dataclass(frozen=True)
class DirectRates:
    """Rates in the reference population, from each clinic's own people and outcomes.

    Attributes:
        shift: Log odds by which the clinic differs from the linear predictor (alpha_j), shape (k,).
        shift_variance: Its sampling variance, shape (k,).
        rate: Mean chance of the reference population at the clinic's shift, shape (k,), fraction.
        variance: Delta-method variance of `rate`, shape (k,). The coefficients behind the linear predictor count as
            known.
        n: People of each clinic (sum of weights), shape (k,).
        half_counted: Clinics where nobody or everybody had the outcome, shape (k,): a person at the clinic's mean
            linear predictor was added who counts half as met, since no finite shift would fit.
    """

    shift: FloatArray
    shift_variance: FloatArray
    rate: FloatArray
    variance: FloatArray
    n: FloatArray
    half_counted: BoolArray


def direct_rate(intercept: float, effect: ArrayLike, reference_lp: ArrayLike) -> FloatArray:
    """Rate that clinics with these effects would have in the reference population.

    Args:
        intercept: Constant of the model, log odds.
        effect: Clinic effects, shape (k,), log odds; 0 gives the reference itself.
        reference_lp: Linear predictor without constant of the reference population, shape (m,), log odds.

    Returns:
        Fractions, shape (k,).

    Raises:
        ValueError: If a value is NaN or the reference is empty.

    Source:
        METHODS E3.7.

    >>> direct_rate(-0.3, [0.45, 0.0], [-1, -0.5, 0, 0.2, 0.8, 1.1]).round(6)
    array([0.55588, 0.4562 ])
    """
    shift = float(finite("intercept", intercept)) + vector("effect", effect)
    return _mean_over(shift, *_gathered(vector("reference_lp", reference_lp)))[0]


def direct_rates_from_rows(
    lp: ArrayLike,
    outcome: ArrayLike,
    group: ArrayLike,
    groups: int,
    reference_lp: ArrayLike,
    weight: ArrayLike | None = None,
    reference_weight: ArrayLike | None = None,
) -> DirectRates:
    """Fit each clinic's own shift of the log odds, and read its rate off the reference population.

    The shift solves sum expit(shift + lp) = observed, with no shrinkage, for all clinics at once.

    Args:
        lp: Linear predictor of each person, shape (n,), log odds; with or without the constant, as `reference_lp`.
        outcome: 0 or 1 of each person, shape (n,).
        group: Index of each person's clinic, shape (n,), 0 to `groups` - 1.
        groups: Number of clinics, k.
        reference_lp: Linear predictor of the reference population, shape (m,).
        weight: Weight of each person, shape (n,), >= 0, such as inverse probabilities of follow-up; None is 1. With
            weights the variance of a shift is the sandwich one.
        reference_weight: How much each person of the reference counts, shape (m,), >= 0; None is alike.

    Returns:
        Shifts and rates with their variances; NaN for a clinic without people.

    Raises:
        ValueError: If shapes differ, a value is NaN, an outcome not 0 or 1, or a group out of range.

    Source:
        Kalbfleisch & Wolfe (2013), Stat Biosci 5:286-302, for fixed effects; METHODS M3.6, M3.7, E3.6b.

    >>> rates = direct_rates_from_rows([0, 0, 0, 0], [1, 0, 1, 1], [0, 0, 1, 1], 2, [0.0])
    >>> rates.rate.round(4), rates.half_counted
    (array([0.5   , 0.8333]), array([False,  True]))
    """
    eta, y, index = rows_by_group(lp, outcome, group, groups)
    w = np.ones_like(eta) if weight is None else non_negative("weight", weight)
    same_shape(lp=eta, weight=w)
    sums = _Sums(eta, y, index, groups, w)
    shift = sums.solve()
    information, squares = sums.spread(shift, weighted=weight is not None)
    with np.errstate(divide="ignore", invalid="ignore"):
        shift_variance = squares / information**2
    reference = vector("reference_lp", reference_lp)
    counts = None if reference_weight is None else non_negative("reference_weight", reference_weight)
    rate, slope = _mean_over(shift, *_gathered(reference, counts))
    return DirectRates(shift, shift_variance, rate, slope**2 * shift_variance, sums.n, sums.half)


class _Sums:
    """Sums over each clinic's people, with the half-counted person where nobody or everybody had the outcome."""

    def __init__(self, eta: FloatArray, y: FloatArray, index: IntArray, groups: int, w: FloatArray) -> None:
        self.eta, self.y, self.index, self.groups, self.w = eta, y, index, groups, w
        self.n = self._by_group(w)
        self.observed = self._by_group(w * y)
        with np.errstate(invalid="ignore"):
            self.mean_eta = self._by_group(w * eta) / self.n
        self.half: BoolArray = (self.n > 0) & ((self.observed <= 0) | (self.observed >= self.n))

    def solve(self) -> FloatArray:
        """Newton's method for all clinics, kept inside a bracket that narrows with every step."""
        half = self.half.astype(np.float64)
        wanted = self.observed + 0.5 * half
        with np.errstate(invalid="ignore"):
            shift: FloatArray = special.logit((self.observed + 0.5) / (self.n + 1)) - self.mean_eta
        # Between the shifts at which all people had the extreme linear predictors lies the root.
        low, high = np.full(self.groups, -np.inf), np.full(self.groups, np.inf)
        for _ in range(_NEWTON_STEPS):
            excess, slope = self._at(shift)
            excess = excess - wanted
            low, high = np.where(excess < 0, shift, low), np.where(excess > 0, shift, high)
            with np.errstate(divide="ignore", invalid="ignore"):
                step = np.clip(-excess / slope, -2.0, 2.0)
            proposal: FloatArray = shift + step
            outside = (proposal <= low) | (proposal >= high)
            with np.errstate(invalid="ignore"):
                proposal = np.where(outside & np.isfinite(low + high), (low + high) / 2, proposal)
            settled = not (np.abs(proposal - shift) > _SETTLED).any()
            shift = proposal
            if settled:
                break
        return shift

    def spread(self, shift: FloatArray, *, weighted: bool) -> tuple[FloatArray, FloatArray]:
        """Information about the shift, and the variance of its estimating equation."""
        information = self._at(shift)[1]
        if not weighted:
            return information, information
        residual = self.w * (self.y - special.expit(shift[self.index] + self.eta))
        # Residuals of a half-counted clinic are small by construction: they would promise too much.
        weighted_as_known = information * self._by_group(self.w**2) / np.where(self.n > 0, self.n, 1.0)
        return information, np.where(self.half, weighted_as_known, self._by_group(residual**2))

    def _at(self, shift: FloatArray) -> tuple[FloatArray, FloatArray]:
        p = special.expit(shift[self.index] + self.eta)
        extra = special.expit(shift + self.mean_eta)
        with_extra = np.where(self.half, extra, 0.0)
        wp = self.w * p
        return self._by_group(wp) + with_extra, self._by_group(wp * (1 - p)) + with_extra * (1 - extra)

    def _by_group(self, values: FloatArray) -> FloatArray:
        return sums_by_group(values, self.index, self.groups)


def _gathered(lp: FloatArray, weight: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Linear predictors with their shares; many rows become the means of narrow cells."""
    w = np.ones(len(lp)) if weight is None else weight
    same_shape(reference_lp=lp, reference_weight=w)
    if len(lp) <= _GATHER_ABOVE:
        return lp, w / w.sum()
    cell = np.floor(lp / _CELL)
    cell -= cell.min()
    if cell.max() > len(lp):  # spread so thin that cells would not be fewer than rows
        return lp, w / w.sum()
    place = cell.astype(np.int64)
    counted = np.bincount(place, weights=w)
    used = counted > 0
    return np.bincount(place, weights=w * lp)[used] / counted[used], counted[used] / w.sum()


def _mean_over(shift: FloatArray, lp: FloatArray, share: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean chance of the reference at each shift, and its slope in the shift."""
    rate, slope = np.empty(len(shift)), np.empty(len(shift))
    size = max(1, _BLOCK // len(lp))
    for start in range(0, len(shift), size):
        part = slice(start, start + size)
        p = special.expit(shift[part, None] + lp[None, :])
        rate[part] = p @ share
        slope[part] = (p * (1 - p)) @ share
    return rate, slope
