"""How well chances tell people with the outcome from those without (METHODS M3.11)."""

from __future__ import annotations

import numpy as np

from benchwell.models.arrays import ArrayLike, same_shape, vector


def c_statistic(p: ArrayLike, outcome: ArrayLike) -> float:
    """Share of pairs of one person with and one without the outcome in which the former had the higher chance.

    Equal chances count one half. From mid-ranks, so that the work is that of sorting. A high value says nothing about
    fairness or quality.

    Args:
        p: Chances (or any score), shape (n,).
        outcome: 0 or 1, shape (n,).

    Returns:
        Fraction, .5 for a score that tells nothing; NaN when all outcomes are the same.

    Raises:
        ValueError: If shapes differ, a value is NaN or an outcome not 0 or 1.

    Source:
        Hanley & McNeil (1982), Radiology 143:29-36; METHODS E3.11.

    >>> c_statistic([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    score, y = vector("p", p), vector("outcome", outcome)
    same_shape(p=score, outcome=y)
    if not ((y == 0) | (y == 1)).all():
        raise ValueError("outcome must be 0 or 1")
    _, place = np.unique(score, return_inverse=True)
    with_outcome = np.bincount(place, weights=y)
    without = np.bincount(place, weights=1 - y)
    return c_statistic_from_counts(with_outcome, without)


def c_statistic_from_counts(with_outcome: ArrayLike, without: ArrayLike) -> float:
    """`c_statistic` of people gathered in cells of equal (or binned) chance, in rising order of chance.

    Args:
        with_outcome: People with the outcome in each cell, shape (m,).
        without: People without it, shape (m,).

    Returns:
        Fraction; NaN when either kind is missing. Pairs within a cell count one half.

    Raises:
        ValueError: If shapes differ or a value is NaN.

    >>> c_statistic_from_counts([1, 3], [3, 1])
    0.75
    """
    cases, others = vector("with_outcome", with_outcome), vector("without", without)
    same_shape(with_outcome=cases, without=others)
    pairs = cases.sum() * others.sum()
    if pairs == 0:
        return float("nan")
    below = np.cumsum(others) - others
    return float(cases @ (below + 0.5 * others) / pairs)
