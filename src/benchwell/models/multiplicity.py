"""False discovery rate over the many comparisons of an edition (METHODS M5.7)."""

from __future__ import annotations

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, vector


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
