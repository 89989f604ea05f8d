"""Log-rank test: do groups have the event at the same rate over the whole time? (METHODS M2.9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, finite, same_shape
from benchwell.models.follow_up_times import follow_up


@dataclass(frozen=True)
class LogRankTest:
    """Observed and expected events of groups, if all had the same hazard.

    Attributes:
        groups: Codes of the groups, ascending, shape (g,).
        n: People per group, shape (g,).
        observed: Events per group, shape (g,).
        expected: Events expected per group, shape (g,).
        covariance: Covariance of observed less expected, shape (g, g).
        chi_squared: Test statistic; NaN if fewer than two groups could have had an event.
        df: Groups that could have had an event, less one.
        p_value: Its p value; NaN with the statistic.
    """

    groups: FloatArray
    n: FloatArray
    observed: FloatArray
    expected: FloatArray
    covariance: FloatArray
    chi_squared: float
    df: int
    p_value: float


def log_rank_test(time: ArrayLike, event: ArrayLike, group: ArrayLike, stratum: ArrayLike | None = None) -> LogRankTest:
    """Compare the event times of two or more groups.

    Args:
        time: Time to the event or to the end of follow-up, shape (n,), >= 0.
        event: 1 for an event, 0 for censored, shape (n,).
        group: Code of the group, shape (n,), numbers.
        stratum: Code of the stratum within which people are compared, shape (n,), or None.

    Returns:
        The test; it does not say how large a difference is.

    Raises:
        ValueError: If there is nobody, shapes differ, a value is NaN, or there is only one group.

    Source:
        Mantel (1966), Cancer Chemother Rep 50:163-170; Peto & Peto (1972), JRSS A 135:185-207.

    >>> test = log_rank_test([6, 7, 10, 15, 1, 2, 3, 4], [1, 0, 1, 0, 1, 1, 1, 1], [1, 1, 1, 1, 2, 2, 2, 2])
    >>> round(test.chi_squared, 4), test.df
    (7.3444, 1)
    """
    t, happened = follow_up(time, event)
    code = finite("group", group)
    layer = np.zeros_like(t) if stratum is None else finite("stratum", stratum)
    same_shape(time=t, group=code, stratum=layer)
    groups, member = np.unique(code, return_inverse=True)
    if len(groups) < 2:
        raise ValueError("group holds only one group; a comparison needs two")
    expected, covariance = np.zeros(len(groups)), np.zeros((len(groups), len(groups)))
    for one in np.unique(layer):
        inside = layer == one
        more, spread = _one_stratum(t[inside], happened[inside], member[inside], len(groups))
        expected, covariance = expected + more, covariance + spread
    observed = np.bincount(member[happened], minlength=len(groups)).astype(np.float64)
    chi_squared, df = _chi_squared(observed, expected, covariance)
    return LogRankTest(
        groups=groups,
        n=np.bincount(member).astype(np.float64),
        observed=observed,
        expected=expected,
        covariance=covariance,
        chi_squared=chi_squared,
        df=df,
        p_value=float(special.chdtrc(df, chi_squared)) if df > 0 else float("nan"),
    )


def _one_stratum(
    t: FloatArray, happened: BoolArray, member: npt.NDArray[np.intp], g: int
) -> tuple[FloatArray, FloatArray]:
    times, row = np.unique(t, return_inverse=True)
    people = np.zeros((len(times), g))
    np.add.at(people, (row, member), 1.0)
    at_risk = people[::-1].cumsum(axis=0)[::-1]
    d, n = np.bincount(row[happened], minlength=len(times)).astype(np.float64), at_risk.sum(axis=1)
    part = at_risk / n[:, None]
    # Hypergeometric: the last person at risk leaves nothing to chance.
    chance = np.divide(d * (n - d), n - 1, out=np.zeros_like(n), where=n > 1)
    covariance = np.diag(chance @ part) - (part * chance[:, None]).T @ part
    return np.asarray(d @ part), np.asarray(covariance)


def _chi_squared(observed: FloatArray, expected: FloatArray, covariance: FloatArray) -> tuple[float, int]:
    could = np.flatnonzero(expected > 0)
    if len(could) < 2:
        return float("nan"), max(len(could) - 1, 0)
    kept = could[1:]
    gap = (observed - expected)[kept]
    solved, *_ = np.linalg.lstsq(covariance[np.ix_(kept, kept)], gap, rcond=None)
    return float(gap @ solved), len(kept)
