"""False discovery rate over the many comparisons of an edition (METHODS M5.7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, BoolArray, FloatArray, share, vector

# METHODS section 0.1: share of false flags accepted over one edition.
EDITION_Q = 0.10


@dataclass(frozen=True)
class Discoveries:
    """All comparisons of an edition, judged together.

    Attributes:
        adjusted: Adjusted p values in the shape given; NaN where there was no comparison.
        flagged: Where `adjusted` is at most q, same shape.
        comparisons: Comparisons made (p values that are not NaN).
        flags: Number flagged.
        expected_false: At most this many of the flagged are expected to be false: q times `flags`.
        expected_false_uncorrected: False flags to expect at p <= .05 without adjusting, were nothing different.
        q: Share of false flags accepted.
    """

    adjusted: FloatArray
    flagged: BoolArray
    comparisons: int
    flags: int
    expected_false: float
    expected_false_uncorrected: float
    q: float


def edition_discoveries(p: ArrayLike, q: float = EDITION_Q, *, any_dependence: bool = False) -> Discoveries:
    """Flag comparisons of an edition (clinic by measure by stratum) so that few of the flags are false.

    Args:
        p: P values, any shape, in [0, 1]; NaN where a comparison was not made.
        q: Share of false flags accepted.
        any_dependence: Benjamini-Yekutieli instead of Benjamini-Hochberg, for negative dependence.

    Returns:
        Adjusted p values and flags in the shape given, and what to expect of them.

    Raises:
        ValueError: If a p value is infinite or outside [0, 1], or q outside (0, 1).

    Source:
        Benjamini & Hochberg (1995); METHODS E5.7.

    >>> table = edition_discoveries([[0.001, np.nan], [0.008, 0.6]])
    >>> table.flagged.tolist(), table.comparisons, round(table.expected_false, 2)
    ([[True, False], [True, False]], 3, 0.2)
    """
    values, accepted = np.asarray(p, dtype=np.float64), share("q", q)
    made = ~np.isnan(values)
    adjusted = np.full(values.shape, np.nan)
    adjusted[made] = (benjamini_yekutieli if any_dependence else benjamini_hochberg)(values[made])
    # A p value that lies on the line must not miss it by a rounding of the multiplication.
    flagged = np.where(made, adjusted, 1.0) <= accepted * (1 + 1e-12)
    flags, comparisons = int(flagged.sum()), int(made.sum())
    return Discoveries(adjusted, flagged, comparisons, flags, accepted * flags, 0.05 * comparisons, accepted)


def benjamini_hochberg(p: ArrayLike) -> FloatArray:
    """Benjamini-Hochberg adjusted p values: flag where they are at most q.

    Args:
        p: P values, shape (m,), in [0, 1].

    Returns:
        Adjusted p values in the order given, shape (m,).

    Raises:
        ValueError: If a p value is NaN or outside [0, 1].

    Source:
        Benjamini & Hochberg (1995), J R Stat Soc B 57:289-300; METHODS E5.7.

    >>> benjamini_hochberg([0.012, 0.001, 0.008]).round(3)
    array([0.012, 0.003, 0.012])
    """
    return _step_up(p, 1.0)


def benjamini_yekutieli(p: ArrayLike) -> FloatArray:
    """Benjamini-Yekutieli adjusted p values, valid under any dependence.

    Args:
        p: P values, shape (m,), in [0, 1].

    Returns:
        Adjusted p values in the order given, shape (m,).

    Raises:
        ValueError: If a p value is NaN or outside [0, 1].

    Source:
        Benjamini & Yekutieli (2001), Ann Stat 29:1165-1188; METHODS E5.7.

    >>> benjamini_yekutieli([0.012, 0.001, 0.008]).round(4)
    array([0.022 , 0.0055, 0.022 ])
    """
    count = np.size(p)
    return _step_up(p, float((1 / np.arange(1, count + 1)).sum()))


def bayesian_false_discovery_rate(probability: ArrayLike) -> float:
    """Expected share of false flags among flagged comparisons: the mean of 1 - P.

    Args:
        probability: Posterior probability of each flagged comparison, shape (f,), in [0, 1]; may be empty.

    Returns:
        Fraction; 0 when nothing is flagged.

    Raises:
        ValueError: If a probability is NaN or outside [0, 1].

    Source:
        METHODS M5.7.

    >>> round(bayesian_false_discovery_rate([0.95, 0.91]), 2)
    0.07
    """
    p = _in_unit_interval("probability", probability)
    return float((1 - p).mean()) if len(p) else 0.0


def _step_up(p: ArrayLike, penalty: float) -> FloatArray:
    value = _in_unit_interval("p", p)
    m = len(value)
    order = np.argsort(value, kind="stable")
    raw = value[order] * penalty * m / np.arange(1, m + 1)
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return adjusted


def _in_unit_interval(name: str, values: ArrayLike) -> FloatArray:
    array = vector(name, values, at_least=0)
    if ((array < 0) | (array > 1)).any():
        raise ValueError(f"{name} must lie in [0, 1]")
    return array
