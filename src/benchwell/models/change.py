"""Change of one person: measurement error, reliable change and cut-offs (METHODS M2.3, M2.4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from benchwell.models.arrays import ArrayLike, FloatArray, finite


@dataclass(frozen=True)
class JacobsonCutoffs:
    """Cut-offs between the clinical and the normal range, in score points.

    Attributes:
        a: Two standard deviations from the clinical mean toward function.
        b: Two standard deviations from the normal mean toward dysfunction; NaN without a normal sample.
        c: Point equally many standard deviations from both means; NaN without a normal sample.
    """

    a: float
    b: float
    c: float


def sem(sd: float, reliability: float) -> float:
    """Standard error of measurement: the spread of one person's score around the true one.

    Args:
        sd: Standard deviation of the score in a named reference sample, points, > 0.
        reliability: Test-retest or internal consistency in that sample, in [0, 1).

    Returns:
        Points.

    Raises:
        ValueError: If `sd` is not above zero or `reliability` is outside [0, 1).

    Source:
        METHODS M2.3, E2.3.

    >>> round(sem(7.5, 0.80), 4)
    3.3541
    """
    if not (math.isfinite(sd) and sd > 0):
        raise ValueError("sd must be above zero")
    if not 0 <= reliability < 1:
        raise ValueError("reliability must lie in [0, 1)")
    return sd * math.sqrt(1 - reliability)


def difference_sd(sd: float, reliability: float) -> float:
    """Standard deviation of the difference of two scores of a person who did not change.

    >>> round(difference_sd(7.5, 0.80), 4)
    4.7434
    """
    return math.sqrt(2) * sem(sd, reliability)


def reliable_change_index(baseline: ArrayLike, followup: ArrayLike, sd: float, reliability: float) -> FloatArray:
    """Jacobson-Truax index: raw change (follow-up minus baseline) over its error.

    Args:
        baseline: Scores before, any shape, points.
        followup: Scores after, broadcastable, points.
        sd: Standard deviation in the reference sample, points.
        reliability: Reliability in the reference sample.

    Returns:
        The index, unitless, with the sign of the raw change; beyond +-1.96 is reliable.

    Raises:
        ValueError: If a score is NaN, or the reference figures are out of range.

    Source:
        Jacobson & Truax (1991), J Consult Clin Psychol 59:12-19; METHODS E2.3.

    >>> reliable_change_index(32.5, 47.5, 7.5, 0.80).round(4).item()
    3.1623
    """
    change = finite("followup", followup) - finite("baseline", baseline)
    return np.asarray(change / difference_sd(sd, reliability))


def reliable_change_points(sd: float, reliability: float, *, integer: bool = True, z: float = 1.96) -> float:
    """Smallest raw change that is reliable.

    Args:
        sd: Standard deviation in the reference sample, points.
        reliability: Reliability in the reference sample.
        integer: Round up to the next whole point, for scales of whole points.
        z: Two-sided normal quantile; 1.96 as published.

    Returns:
        Points; a gain of this size or more is reliable.

    Raises:
        ValueError: If the reference figures are out of range.

    Source:
        Jacobson & Truax (1991); METHODS E2.3.

    >>> round(reliable_change_points(7.5, 0.80, integer=False), 3), reliable_change_points(5.9, 0.90)
    (9.297, 6.0)
    """
    points = z * difference_sd(sd, reliability)
    # A whole number that binary floats put a hair too high is still that whole number.
    return float(math.ceil(points - 1e-9)) if integer else points


def jacobson_cutoffs(
    clinical_mean: float,
    clinical_sd: float,
    normal_mean: float | None = None,
    normal_sd: float | None = None,
    *,
    lower_is_better: bool | None = None,
) -> JacobsonCutoffs:
    """Cut-offs a, b and c between clinical and normal range.

    Args:
        clinical_mean: Mean of the clinical sample, points.
        clinical_sd: Its standard deviation, points, > 0.
        normal_mean: Mean of the normal sample, points, or None.
        normal_sd: Its standard deviation, points, > 0, or None.
        lower_is_better: Direction of function; read from the two means when both are given.

    Returns:
        The three cut-offs.

    Raises:
        ValueError: If a standard deviation is not above zero, the direction cannot be told, or the stated one
            contradicts the means.

    Source:
        Jacobson & Truax (1991); METHODS E2.4.

    >>> jacobson_cutoffs(40, 7.5, 60, 7.5)
    JacobsonCutoffs(a=55.0, b=45.0, c=50.0)
    """
    if not clinical_sd > 0 or (normal_sd is not None and not normal_sd > 0):
        raise ValueError("standard deviations must be above zero")
    if (normal_mean is None) != (normal_sd is None):
        raise ValueError("give both the mean and the standard deviation of the normal sample, or neither")
    toward_function = _direction(clinical_mean, normal_mean, lower_is_better)
    a = clinical_mean + toward_function * 2 * clinical_sd
    if normal_mean is None or normal_sd is None:
        return JacobsonCutoffs(a=float(a), b=math.nan, c=math.nan)
    b = normal_mean - toward_function * 2 * normal_sd
    c = (normal_sd * clinical_mean + clinical_sd * normal_mean) / (normal_sd + clinical_sd)
    return JacobsonCutoffs(a=float(a), b=float(b), c=float(c))


def _direction(clinical_mean: float, normal_mean: float | None, lower_is_better: bool | None) -> int:
    stated = None if lower_is_better is None else (-1 if lower_is_better else 1)
    if normal_mean is None or normal_mean == clinical_mean:
        if stated is None:
            raise ValueError("the direction of function cannot be told from these means; state lower_is_better")
        return stated
    seen = 1 if normal_mean > clinical_mean else -1
    if stated is not None and stated != seen:
        raise ValueError("lower_is_better contradicts the two means")
    return seen
