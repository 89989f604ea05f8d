"""Imputed follow-up scores: the figure and the light under each shift, and which shift would change it (M1.6)."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.reports.method.structure import Table, table
from benchwell.signals.comparison import Comparison
from benchwell.signals.lights import face
from benchwell.signals.words import count, figure_of
from benchwell.terms import Light

COLUMNS = ("The missing did", "This clinic", "Light, if only its missing did so", "Light, if those of all clinics did")


@dataclass(frozen=True)
class Imputed:
    """What imputation says of one light.

    Attributes:
        text: How it was done, and which shift would change what may be said.
        table: One line per shift.
    """

    text: str
    table: Table


def imputed(comparison: Comparison) -> Imputed | None:
    """The sweep over shifts in words and as a table; None where nothing was imputed.

    Args:
        comparison: One organization's comparison.
    """
    found = comparison.imputed
    if found is None:
        return None
    figure = figure_of(comparison.measure)
    everybody: tuple[Light | None, ...] = found.everybody or (None,) * len(found.kappas)
    lines = zip(found.kappas, found.estimates, found.alone, everybody, strict=True)
    rows = [
        (_shift(kappa), figure.text(estimate), _light(alone, comparison), _light(others, comparison))
        for kappa, estimate, alone, others in lines
    ]
    text = (
        f"The follow-up scores of the missing were filled in {count(found.m, 'time')} from people like them, and then "
        f"moved by whole points in both directions. {_tipping(comparison)}"
    )
    return Imputed(text, table(COLUMNS, rows))


def _tipping(comparison: Comparison) -> str:
    kappa, found = comparison.tipping_kappa, comparison.imputed
    if kappa is None:
        reach = max(found.kappas, default=0.0) if found is not None else 0.0
        return f"No shift of up to {_points(reach)} changes what may be said."
    if kappa == 0:
        return "Already without a shift, filling in changes what may be said."
    side = "less" if kappa > 0 else "more"
    return f"What may be said changes if the missing did {_points(abs(kappa))} {side} well than people like them."


def _points(kappa: float) -> str:
    return "1 point" if kappa == 1 else f"{kappa:g} points"


def _shift(kappa: float) -> str:
    if kappa == 0:
        return "as people like them"
    return f"{_points(abs(kappa))} {'less' if kappa > 0 else 'more'} well"


def _light(state: Light | None, comparison: Comparison) -> str:
    if state is None:
        return ""
    shown = face(state, comparison.better)
    return f"{shown.symbol} {shown.word}"
