"""What the top of a list of clinics looks like when there is nothing to see (METHODS M4.2, E4.2).

The expectation is exact, from order statistics: no simulation is needed to show that noise makes leaders.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from benchwell.models.arrays import share


def expected_top_mean_of_noise(p: float, n: int, clinics: int, top: int = 1) -> float:
    """Expected mean of the most favorable raw rates when every clinic's true rate is the same.

    Args:
        p: The true rate of every clinic, in (0, 1).
        n: People in every clinic, >= 1.
        clinics: Number of clinics.
        top: How many of the most favorable clinics are averaged, 1 <= top <= clinics.

    Returns:
        Expected mean rate of the `top` clinics.

    Raises:
        ValueError: If an argument is out of range.

    Source:
        The mean of the largest `top` of k counts is the sum over x >= 1 of E[min(top, #counts >= x)] / top, and
        the number of counts >= x is binomial(k, P(X >= x)).

    >>> round(expected_top_mean_of_noise(0.5, 20, clinics=10), 4)
    0.6703
    >>> round(expected_top_mean_of_noise(0.5, 20, clinics=100, top=10), 4)
    0.6912
    """
    if n < 1 or not 1 <= top <= clinics:
        raise ValueError("n must be at least 1, and 1 <= top <= clinics")
    reach = special.bdtrc(np.arange(n, dtype=np.float64), n, share("p", p))  # P(X >= 1) ... P(X >= n)
    filled = np.arange(top, dtype=np.float64)  # E[min(top, N)] = sum over c < top of P(N > c)
    expected = special.bdtrc(filled[:, None], clinics, reach[None, :]).sum()
    return float(expected / top / n)
