"""Quantiles, unweighted (type 7) and weighted (METHODS C5)."""

from __future__ import annotations

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, finite, non_negative, same_shape, vector


def quantile_type7(values: ArrayLike, p: ArrayLike) -> FloatArray:
    """Linear-interpolation quantile, the default of R and NumPy.

    Args:
        values: One number per clinic, shape (k,) with k >= 1.
        p: Probabilities in [0, 1], any shape.

    Returns:
        Quantiles, shape of `p`, in the unit of `values`.

    Raises:
        ValueError: If `values` is empty or NaN, or `p` lies outside [0, 1].

    Source:
        Hyndman & Fan (1996), Am Stat 50:361-365, type 7; METHODS E0.1.

    >>> quantile_type7([0.31, 0.35, 0.38, 0.40, 0.41, 0.44, 0.46, 0.49, 0.55, 0.68], 0.9).round(3).item()
    0.563
    """
    return np.asarray(np.quantile(vector("values", values), _probabilities(p), method="linear"))


def weighted_quantile(values: ArrayLike, weights: ArrayLike, p: ArrayLike) -> FloatArray:
    """Smallest value whose cumulative weight share reaches `p`.

    Args:
        values: One number per clinic, shape (k,) with k >= 1.
        weights: Weight per clinic (patients), shape (k,), >= 0 with a positive sum. Zero weight: never returned.
        p: Probabilities in [0, 1], any shape.

    Returns:
        Quantiles, shape of `p`, each one of `values`.

    Raises:
        ValueError: If shapes differ, a weight is negative, or all weights are zero.

    Source:
        METHODS C5, E0.1.

    >>> weighted_quantile([0.31, 0.35, 0.38], [80, 150, 60], 0.5).item()
    0.35
    """
    value = vector("values", values)
    weight = non_negative("weights", weights)
    same_shape(values=value, weights=weight)
    probability = _probabilities(p)
    value, weight = value[weight > 0], weight[weight > 0]
    if not len(value):
        raise ValueError("weights must have a positive sum")
    order = np.argsort(value, kind="stable")
    cumulative = np.cumsum(weight[order])
    # The share is compared with a hair of tolerance: .1 + .2 >= .3 must hold in binary floats too.
    shares = cumulative / cumulative[-1]
    position = np.searchsorted(shares, probability - 1e-12, side="left")
    return np.asarray(value[order][np.minimum(position, len(value) - 1)])


def _probabilities(p: ArrayLike) -> FloatArray:
    probability = finite("p", p)
    if ((probability < 0) | (probability > 1)).any():
        raise ValueError("p must lie in [0, 1]")
    return probability
