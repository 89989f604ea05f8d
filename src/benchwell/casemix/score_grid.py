"""What a score can be, and by how much an imputed one is shifted: both follow from declarations (METHODS M1.6)."""

from __future__ import annotations

import math

import numpy as np

from benchwell.errors import DeclarationError
from benchwell.models.arrays import FloatArray
from benchwell.models.multiple_imputation import ScoreGrid
from benchwell.outcomes.cuts import reliable_points
from benchwell.registry import Instrument, Measure
from benchwell.registry.measure import ReliableChange

_THIRDS = (-3, -2, -1, 0, 1, 2, 3)
_MOST_LEVELS = 2000
_SD_PER_LOG_ODDS = math.sqrt(3) / math.pi


def score_grid(instrument: Instrument, scale_id: str | None) -> ScoreGrid:
    """The values that a scale can report: an imputed score is bounded and rounded to them.

    Sums of whole answers lie on whole steps, means and multiples on theirs, and looked-up values are the lookup's.
    Where answers are not whole, or only a total exists, the step is the smallest power of ten that gives at most 2,000
    values.
    """
    scale = instrument.scale(scale_id)
    if scale.lookup:
        return ScoreGrid(np.unique(np.array(list(scale.lookup.values()), dtype=np.float64)))
    span = scale.max - scale.min
    if instrument.items is not None and instrument.items.integer:
        size = len(instrument.groups_of(scale)) if scale.method == "mean" else 1
        step = abs(scale.multiply) / (size * abs(scale.divide))
    else:
        step = 10.0 ** math.ceil(math.log10(span / (_MOST_LEVELS - 1)))
    count = int(span / step + 1e-9)
    return ScoreGrid(scale.min + step * np.arange(count + 1, dtype=np.float64))


def kappa_grid(
    measure: Measure, instrument: Instrument, followup: FloatArray, *, kappa_points: float | None, kappa: float
) -> tuple[float, ...]:
    """Shifts of the imputed scores, in points; above zero the missing did worse than people like them.

    Seven, evenly spaced from minus to plus the declared points. Where none are declared they are half of the reliable
    change: people who were not followed are then off, on average and beyond all that is known of them, by half of what
    counts as a change in one person. This is our own reading, since METHODS M1.6 names no number. An instrument
    without a reliable change takes the points that the log-odds `kappa` stand for: sqrt(3) / pi of an SD each.

    Args:
        measure: May override the reliable change.
        instrument: Of the follow-up.
        followup: Scores of the followed, for their SD, shape (n,).
        kappa_points: `Gates.kappa_points`.
        kappa: `Gates.kappa`.

    Source:
        METHODS M1.6, M5.5; Chinn (2000), Stat Med 19:3127-3131 (log-odds in SDs).
    """
    points = kappa_points
    if points is None:
        override = measure.endpoint.points if isinstance(measure.endpoint, ReliableChange) else None
        try:
            points = reliable_points(instrument, measure.scale, override) / 2
        except DeclarationError:
            points = float(f"{kappa * _SD_PER_LOG_ODDS * float(np.std(followup, ddof=1)):.3g}")
    return tuple(third * points / 3 for third in _THIRDS) if points > 0 else (0.0,)
