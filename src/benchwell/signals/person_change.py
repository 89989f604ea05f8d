"""One person's change since the start, against reliable change (METHODS M2.3, M2.4)."""

from __future__ import annotations

from functools import lru_cache

from benchwell.models.change import reliable_change_points
from benchwell.registry.instrument import Cutoff, Instrument, Scale
from benchwell.terms import Better, ChangeClass


def gain(baseline: float, value: float, better: Better) -> float:
    """Points gained since the start; positive is improvement in either direction (METHODS C1).

    >>> gain(20, 14, Better.LOWER), gain(40, 30, Better.HIGHER)
    (6, -10)
    """
    return baseline - value if better is Better.LOWER else value - baseline


def reliable_points_of(instrument: Instrument, scale: Scale) -> float | None:
    """Smallest change of one person that is more than error of measurement; None where none is declared.

    It is declared of the primary scale only, as points, or as SD and reliability of a named sample.
    """
    reliable = instrument.reliable_change
    if reliable is None or not scale.primary:
        return None
    if reliable.points is not None or reliable.sd is None or reliable.reliability is None:
        return reliable.points
    return _points(reliable.sd, reliable.reliability, _is_whole(instrument, scale))


@lru_cache(maxsize=256)
def _points(sd: float, reliability: float, whole: bool) -> float:
    return reliable_change_points(sd, reliability, integer=whole)


def _is_whole(instrument: Instrument, scale: Scale) -> bool:
    whole = instrument.items is not None and instrument.items.integer and scale.method == "sum"
    return whole and scale.multiply == 1 and scale.divide == 1 and not scale.lookup


def caseness_of(instrument: Instrument, scale: Scale) -> Cutoff | None:
    """The cut-off between the clinical and the healthy side of a scale."""
    return scale.caseness or (instrument.caseness if scale.primary else None)


def reaches(value: float, cutoff: Cutoff) -> bool:
    """Whether a score meets a cut-off, by its own operator."""
    return {
        ">=": value >= cutoff.value,
        ">": value > cutoff.value,
        "<=": value <= cutoff.value,
        "<": value < cutoff.value,
    }[cutoff.operator]


def change_of(baseline: float, value: float, instrument: Instrument, scale: Scale) -> ChangeClass | None:
    """Recovered, improved, deteriorated or unchanged, in this order; None without a declared reliable change.

    Recovered is a reliable gain that also crossed the cut-off from the clinical side.

    Source:
        METHODS M2.4; Jacobson & Truax (1991), J Consult Clin Psychol 59:12-19.

    >>> from benchwell.registry import Registry
    >>> phq9 = Registry.load().instrument("phq-9")
    >>> [change_of(16, later, phq9, phq9.primary).value for later in (9, 10, 11, 22)]
    ['recovered', 'improved', 'unchanged', 'deteriorated']
    """
    points = reliable_points_of(instrument, scale)
    if points is None:
        return None
    gained = gain(baseline, value, instrument.better_of(scale))
    if gained >= points:
        case = caseness_of(instrument, scale)
        crossed = case is not None and reaches(baseline, case) and not reaches(value, case)
        return ChangeClass.RECOVERED if crossed else ChangeClass.IMPROVED
    return ChangeClass.DETERIORATED if gained <= -points else ChangeClass.UNCHANGED
