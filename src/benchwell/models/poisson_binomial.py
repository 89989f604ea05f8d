"""Number of successes among people whose chances differ: exact distribution, limits and tails (METHODS M3.6).

Shifting every person's log odds by the same amount keeps the distribution in one family: the probability of s successes
is multiplied by exp(shift * s) and normed again. So one exact distribution answers for every shift, and limits of the
ratio of observed to expected need no second one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from benchwell.models.arrays import ArrayLike, FloatArray, share, vector

# Rows up to this length are multiplied all at once; longer ones pair by pair, where NumPy's own product is faster.
_SHORT = 64


@dataclass(frozen=True)
class RatioLimits:
    """Exact limits of observed over expected, and how likely the count is when the chances are right.

    Attributes:
        lower: Lower limit of the ratio, 0 when nobody had the outcome.
        upper: Upper limit of the ratio; n over expected when everybody had it.
        p_at_most: P(count <= observed) under the given chances.
        p_at_least: P(count >= observed) under the given chances.
    """

    lower: float
    upper: float
    p_at_most: float
    p_at_least: float


def poisson_binomial_pmf(p: ArrayLike) -> FloatArray:
    """Exact distribution of the number of successes, by pairwise products of the people's distributions.

    Only sums of positive terms occur, so every probability, however small, is right to nearly all digits (a Fourier
    transform would lose the tails).

    Args:
        p: Chance of each person, shape (n,), in [0, 1]; n may be 0.

    Returns:
        P(0), ..., P(n), shape (n + 1,).

    Raises:
        ValueError: If a chance is NaN or outside [0, 1].

    Source:
        Hong (2013), Comput Stat Data Anal 59:41-51, on the distribution; METHODS M3.6.

    >>> poisson_binomial_pmf([0.5, 0.5, 0.2]).round(10)
    array([0.2 , 0.45, 0.3 , 0.05])
    """
    chance = vector("p", p, at_least=0)
    if ((chance < 0) | (chance > 1)).any():
        raise ValueError("p must lie in [0, 1]")
    if not len(chance):
        return np.ones(1)
    rows = np.column_stack([1 - chance, chance])
    while len(rows) > 1 and rows.shape[1] <= _SHORT:
        if len(rows) % 2:  # a person who never succeeds changes nothing
            rows = np.vstack([rows, np.eye(1, rows.shape[1])])
        rows = _products(rows[::2], rows[1::2])
    parts = list(rows)
    while len(parts) > 1:
        odd = parts[-1:] if len(parts) % 2 else []
        parts = [np.convolve(one, other) for one, other in zip(parts[::2], parts[1::2], strict=False)] + odd
    return np.asarray(parts[0][: len(chance) + 1])


def ratio_limits(p: ArrayLike, observed: int, level: float = 0.95) -> RatioLimits:
    """Exact limits of observed over expected from each person's chance.

    The limits are those shifts of all log odds at which the observed count would be in either tail, turned back into
    the ratio: with equal chances they are Clopper and Pearson's. They are narrower than Poisson limits when the
    outcome is common.

    Args:
        p: Chance of each person, shape (n,), strictly between 0 and 1, n >= 1.
        observed: People with the outcome, 0 to n.
        level: Two-sided confidence level.

    Returns:
        Limits and tail probabilities.

    Raises:
        ValueError: If a chance is outside (0, 1) or `observed` not among 0 to n.

    Source:
        Clopper & Pearson (1934) carried over to unequal chances; METHODS M3.6.

    >>> limits = ratio_limits([0.5] * 20, 14)
    >>> round(limits.lower / 2, 4), round(limits.upper / 2, 4)
    (0.4572, 0.8811)
    """
    chance = vector("p", p)
    if ((chance <= 0) | (chance >= 1)).any():
        raise ValueError("p must lie strictly between 0 and 1")
    n, count = len(chance), int(observed)
    if count != observed or not 0 <= count <= n:
        raise ValueError("observed must be a whole number from 0 to the number of people")
    tail = (1 - share("level", level)) / 2
    eta, expected = special.logit(chance), float(chance.sum())
    # The distribution is made where the count is usual: far-off limits of large clinics would underflow otherwise.
    home = _shift_to(eta, min(max(count, 0.5), n - 0.5))
    log_pmf = _log(poisson_binomial_pmf(special.expit(eta + home)))
    at_home = _Tails(log_pmf, count)
    lower = 0.0 if count == 0 else at_home.shift_where_upper_tail_is(tail)
    upper = 0.0 if count == n else at_home.shift_where_lower_tail_is(tail)
    return RatioLimits(
        lower=0.0 if count == 0 else float(special.expit(eta + home + lower).sum()) / expected,
        upper=n / expected if count == n else float(special.expit(eta + home + upper).sum()) / expected,
        p_at_most=at_home.lower_tail(-home),
        p_at_least=at_home.upper_tail(-home),
    )


class _Tails:
    """Tails of the family that shifting the log odds makes of one distribution."""

    def __init__(self, log_pmf: FloatArray, count: int) -> None:
        self._log_pmf, self._count = log_pmf, count
        self._distance = np.arange(len(log_pmf)) - count  # from the count, so that exp(shift * s) stays in range

    def lower_tail(self, shift: float) -> float:
        return self._share(shift, slice(None, self._count + 1))

    def upper_tail(self, shift: float) -> float:
        return self._share(shift, slice(self._count, None))

    def shift_where_upper_tail_is(self, tail: float) -> float:
        return _root(lambda shift: self.upper_tail(shift) - tail)

    def shift_where_lower_tail_is(self, tail: float) -> float:
        return _root(lambda shift: tail - self.lower_tail(shift))

    def _share(self, shift: float, part: slice) -> float:
        weight = self._log_pmf + shift * self._distance
        likelihood = np.exp(weight - weight.max())
        return min(1.0, float(likelihood[part].sum() / likelihood.sum()))


def _root(rising: Callable[[float], float]) -> float:
    low, high = -1.0, 1.0
    while rising(low) > 0:
        low *= 2
    while rising(high) < 0:
        high *= 2
    return float(optimize.brentq(rising, low, high, xtol=1e-12, rtol=1e-12))


def _shift_to(eta: FloatArray, expected: float) -> float:
    """The shift of all log odds at which `expected` successes are expected."""
    return _root(lambda shift: float(special.expit(eta + shift).sum()) - expected)


def _products(one: FloatArray, other: FloatArray) -> FloatArray:
    """Row by row, the distribution of the sum of two independent counts."""
    size = one.shape[1]
    product = np.zeros((len(one), 2 * size - 1))
    for shift in range(size):
        product[:, shift : shift + size] += one[:, shift : shift + 1] * other
    return product


def _log(values: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):  # a probability too small for a double counts as none
        return np.asarray(np.log(values))
