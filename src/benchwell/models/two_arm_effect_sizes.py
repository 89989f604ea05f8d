"""Effect sizes of studies with two arms: standardized mean difference, log risk ratio, log odds ratio (METHODS M10.1).

Arm `a` is the treated or exposed one, arm `b` the one it is compared with. A difference above zero says that arm `a`
scores higher or has more events; whether that is good is known to the measure, not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from benchwell.models.arrays import (
    ArrayLike,
    BoolArray,
    FloatArray,
    finite,
    met_of_n,
    positive,
    same_shape,
)
from benchwell.models.effect_size import hedges_correction


class ContinuityCorrection(StrEnum):
    """Which studies get something added to their four cells before a ratio is taken."""

    ZERO_CELLS = "zero-cells"
    """Studies with at least one empty cell."""
    ALL_IF_ANY = "all-if-any"
    """All studies as soon as one of them has an empty cell."""
    ALL = "all"
    """All studies."""
    NONE = "none"
    """No study; those with an empty cell are then undefined (NaN)."""


@dataclass(frozen=True)
class StudyEffects:
    """Effect sizes of studies, one per study and in the given order.

    Attributes:
        estimate: Effect sizes; log scale for ratios. NaN where the study holds no information on it.
        variance: Their sampling variances; NaN in the same places.
        corrected: Whether something was added to the cells of the study.
        dropped: Whether the study was left out because both arms have no event, or nothing but events.
    """

    estimate: FloatArray
    variance: FloatArray
    corrected: BoolArray
    dropped: BoolArray

    @property
    def n_dropped(self) -> int:
        """Number of studies left out, to be stated beside the pooled figure."""
        return int(self.dropped.sum())

    @property
    def usable(self) -> BoolArray:
        """Studies that have an estimate and a variance above zero, as pooling needs them."""
        return np.asarray(np.isfinite(self.estimate) & np.isfinite(self.variance) & (self.variance > 0))


def standardized_mean_difference(
    mean_a: ArrayLike, sd_a: ArrayLike, n_a: ArrayLike, mean_b: ArrayLike, sd_b: ArrayLike, n_b: ArrayLike
) -> StudyEffects:
    """Standardized mean difference with Hedges' exact correction, one per study.

    Args:
        mean_a: Means of arm a, shape (k,), points.
        sd_a: Standard deviations of arm a, same shape, points, >= 0.
        n_a: People in arm a, same shape, > 0, at least 3 in the two arms together.
        mean_b: Means of arm b.
        sd_b: Standard deviations of arm b.
        n_b: People in arm b.

    Returns:
        Hedges' g and its large-sample variance `1/n_a + 1/n_b + g^2 / (2 (n_a + n_b))`. NaN where nobody differs from
        anybody (pooled standard deviation of zero) or where there are not three people.

    Raises:
        ValueError: If shapes differ, a value is NaN or negative, or an arm has nobody.

    Source:
        Hedges (1981), J Educ Stat 6:107-128; Hedges (1982), Psychol Bull 92:490-499.

    >>> effects = standardized_mean_difference([14.98], [3.29], [90], [15.54], [4.41], [95])
    >>> effects.estimate.round(6).item(), effects.variance.round(6).item()
    (-0.142794, 0.021693)
    """
    difference = finite("mean_a", mean_a) - finite("mean_b", mean_b)
    s_a, s_b = finite("sd_a", sd_a), finite("sd_b", sd_b)
    size_a, size_b = positive("n_a", n_a), positive("n_b", n_b)
    same_shape(mean=difference, sd_a=s_a, sd_b=s_b, n_a=size_a, n_b=size_b)
    if (s_a < 0).any() or (s_b < 0).any():
        raise ValueError("sd_a or sd_b holds negative values")
    df = size_a + size_b - 2
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = np.sqrt(((size_a - 1) * s_a**2 + (size_b - 1) * s_b**2) / df)
        g = np.where(pooled > 0, hedges_correction(df) * difference / pooled, np.nan)
    variance = 1 / size_a + 1 / size_b + g**2 / (2 * (size_a + size_b))
    nobody = np.zeros(g.shape, dtype=np.bool_)
    return StudyEffects(estimate=g, variance=variance, corrected=nobody, dropped=nobody)


def log_risk_ratio(
    events_a: ArrayLike,
    n_a: ArrayLike,
    events_b: ArrayLike,
    n_b: ArrayLike,
    *,
    correction: ContinuityCorrection = ContinuityCorrection.ZERO_CELLS,
    add: float = 0.5,
    drop_uninformative: bool = True,
) -> StudyEffects:
    """Logarithm of the risk ratio of arm a to arm b, one per study.

    Args:
        events_a: People with the event in arm a, shape (k,), counts.
        n_a: People in arm a, same shape, > 0.
        events_b: People with the event in arm b.
        n_b: People in arm b.
        correction: Which studies get `add` added to each of their four cells.
        add: What is added, in people.
        drop_uninformative: Leave out (NaN, counted in `n_dropped`) studies without events in both arms or with nothing
            but events in both: they say nothing about the ratio. With False they are corrected like others.

    Returns:
        Log risk ratios with `1/events_a - 1/n_a + 1/events_b - 1/n_b` as variance.

    Raises:
        ValueError: If shapes differ, a count is NaN or negative, or events exceed people.

    Source:
        Cochrane Handbook ch. 10; METHODS E10.1.

    >>> effects = log_risk_ratio([4, 0, 0], [123, 10, 10], [11, 3, 0], [139, 10, 10])
    >>> effects.estimate.round(6)
    array([-0.889311, -1.94591 ,       nan])
    >>> effects.corrected, effects.n_dropped
    (array([False,  True, False]), 1)
    """
    a, n1, b, n2, corrected, dropped = _cells(events_a, n_a, events_b, n_b, correction, add, drop_uninformative)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.log((a / n1) / (b / n2))
        variance = 1 / a - 1 / n1 + 1 / b - 1 / n2
    return _study_effects(estimate, variance, corrected, dropped)


def log_odds_ratio(
    events_a: ArrayLike,
    n_a: ArrayLike,
    events_b: ArrayLike,
    n_b: ArrayLike,
    *,
    correction: ContinuityCorrection = ContinuityCorrection.ZERO_CELLS,
    add: float = 0.5,
    drop_uninformative: bool = True,
) -> StudyEffects:
    """Logarithm of the odds ratio of arm a to arm b, one per study; arguments as in `log_risk_ratio`.

    Returns:
        Log odds ratios with the sum of the inverse cells as variance (Woolf).

    Raises:
        ValueError: If shapes differ, a count is NaN or negative, or events exceed people.

    >>> log_odds_ratio([4], [123], [11], [139]).estimate.round(6).item()
    -0.938694
    """
    a, n1, b, n2, corrected, dropped = _cells(events_a, n_a, events_b, n_b, correction, add, drop_uninformative)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.log(a * (n2 - b)) - np.log((n1 - a) * b)
        variance = 1 / a + 1 / (n1 - a) + 1 / b + 1 / (n2 - b)
    return _study_effects(estimate, variance, corrected, dropped)


def _cells(
    events_a: ArrayLike,
    n_a: ArrayLike,
    events_b: ArrayLike,
    n_b: ArrayLike,
    correction: ContinuityCorrection,
    add: float,
    drop_uninformative: bool,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, BoolArray, BoolArray]:
    a, n1 = met_of_n(events_a, positive("n_a", n_a))
    b, n2 = met_of_n(events_b, positive("n_b", n_b))
    same_shape(events_a=a, events_b=b)
    if not add >= 0:
        raise ValueError("add must not be negative")
    dropped = ((a == 0) & (b == 0)) | ((a == n1) & (b == n2))
    if not drop_uninformative:
        dropped = np.zeros_like(dropped)
    empty = ((a == 0) | (b == 0) | (a == n1) | (b == n2)) & ~dropped
    chosen = {
        ContinuityCorrection.ZERO_CELLS: empty,
        ContinuityCorrection.ALL_IF_ANY: np.full(empty.shape, bool(empty.any())) & ~dropped,
        ContinuityCorrection.ALL: ~dropped,
        ContinuityCorrection.NONE: np.zeros_like(empty),
    }[correction]
    extra = np.where(chosen, add, 0.0)
    return a + extra, n1 + 2 * extra, b + extra, n2 + 2 * extra, chosen, dropped


def _study_effects(
    estimate: FloatArray, variance: FloatArray, corrected: BoolArray, dropped: BoolArray
) -> StudyEffects:
    known = np.isfinite(estimate) & np.isfinite(variance) & ~dropped
    return StudyEffects(
        estimate=np.where(known, estimate, np.nan),
        variance=np.where(known, variance, np.nan),
        corrected=corrected,
        dropped=dropped,
    )
