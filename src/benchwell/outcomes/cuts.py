"""Cut-offs as expressions: on the side of worse, or on the healthy side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import narwhals as nw

from benchwell.errors import DeclarationError
from benchwell.registry import Instrument, Measure
from benchwell.registry.measure import Cut
from benchwell.terms import Better

_COMPARE: dict[str, Callable[[nw.Expr, float], nw.Expr]] = {
    ">=": lambda value, cut: value >= cut,
    ">": lambda value, cut: value > cut,
    "<=": lambda value, cut: value <= cut,
    "<": lambda value, cut: value < cut,
}


def better_of(instrument: Instrument, scale: str | None) -> Better:
    """Direction of one scale: its own, or else the instrument's."""
    return instrument.scale(scale).better or instrument.better


def sign_of(instrument: Instrument, scale: str | None) -> int:
    """+1 when lower is better, -1 when higher is better (METHODS C1)."""
    return 1 if better_of(instrument, scale) is Better.LOWER else -1


def is_worse(value: nw.Expr, instrument: Instrument, scale: str | None, cut: Cut) -> nw.Expr:
    """Whether a score is at least as bad as a cut-off.

    A number is met when reached (>= where lower is better, <= where higher is better); the instrument's own
    cut-offs keep their own operator: `caseness` names the worse side, `remission` the healthy one.

    Raises:
        DeclarationError: If the instrument declares no such cut-off, or it is asked of a subscale.
    """
    if not isinstance(cut, str):
        return _COMPARE[">=" if better_of(instrument, scale) is Better.LOWER else "<="](value, cut)
    declared = instrument.caseness if cut == "caseness" else instrument.remission
    if declared is None or instrument.scale(scale) != instrument.primary:
        part = "" if declared is None else f" for scale {scale!r}"
        raise DeclarationError(
            f"Instrument {instrument.id!r} declares no {cut} cut-off{part}.",
            hint="give the measure a number instead, with its source",
        )
    reached = _COMPARE[declared.operator](value, declared.value)
    return reached if cut == "caseness" else ~reached


def reliable_points(instrument: Instrument, scale: str | None, override: float | None) -> float:
    """Smallest gain in points that is reliable (METHODS M2.3).

    The measure's own number, else the instrument's points, else 1.96 * SD * sqrt(2 * (1 - r)), which on a scale
    of whole numbers is rounded up to the next whole point.

    Raises:
        DeclarationError: If neither the measure nor the instrument states it.
    """
    if override is not None:
        return override
    reliable = instrument.reliable_change if instrument.scale(scale) == instrument.primary else None
    if reliable is not None and reliable.points is not None:
        return reliable.points
    if reliable is not None and reliable.sd is not None and reliable.reliability is not None:
        whole = instrument.items is not None and instrument.items.integer and instrument.scale(scale).method == "sum"
        whole = whole and instrument.scale(scale).multiply == 1 and not instrument.scale(scale).lookup
        return minimum_reliable_change(reliable.sd, reliable.reliability, whole=whole)
    raise DeclarationError(
        f"Instrument {instrument.id!r} declares no reliable change.", hint="give the measure `points`, with its source"
    )


def minimum_reliable_change(sd: float, reliability: float, *, whole: bool) -> float:
    """Smallest raw change beyond measurement error: 1.96 * SD * sqrt(2 * (1 - r)).

    Args:
        sd: Standard deviation in the reference sample, points.
        reliability: Reliability in the same sample, 0 to 1.
        whole: Round up to the next whole point.

    Source:
        Jacobson & Truax (1991), J Consult Clin Psychol 59:12-19; METHODS E2.3.

    >>> minimum_reliable_change(5.9, 0.90, whole=True)
    6.0
    >>> round(minimum_reliable_change(7.5, 0.80, whole=False), 3)
    9.297
    """
    points = 1.96 * sd * math.sqrt(2 * (1 - reliability))
    # A hair of tolerance: a value that is whole up to rounding error must not jump to the next point.
    return float(math.ceil(points - 1e-9)) if whole else points


def instruments_of(measure: Measure, instruments: Mapping[str, Instrument]) -> list[Instrument]:
    """The measure's instruments, in order of preference.

    Raises:
        DeclarationError: If one is unknown, lacks the scale, or they differ in direction.
    """
    missing = [name for name in measure.instruments if name not in instruments]
    if missing:
        raise DeclarationError(f"Measure {measure.id!r} names unknown instruments {missing}.")
    found = [instruments[name] for name in measure.instruments]
    try:
        directions = {better_of(instrument, measure.scale) for instrument in found}
    except KeyError:
        raise DeclarationError(f"Measure {measure.id!r}: an instrument lacks scale {measure.scale!r}.") from None
    if len(directions) > 1 and measure.endpoint.kind != "two_measure":
        raise DeclarationError(f"Measure {measure.id!r} mixes instruments of opposite direction.")
    return found


def by_instrument(column: str, instruments: Sequence[Instrument], make: Callable[[Instrument], nw.Expr]) -> nw.Expr:
    """One expression that follows the instrument named in `column`; a single instrument needs no branch."""
    branches = [make(instrument) for instrument in instruments]
    if len(branches) == 1:
        return branches[0]
    result = branches[-1]
    for instrument, branch in zip(reversed(instruments[:-1]), reversed(branches[:-1]), strict=True):
        result = nw.when(nw.col(column) == instrument.id).then(branch).otherwise(result)
    return result
