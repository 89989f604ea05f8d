"""Imputed follow-up scores: the figure and the light under each shift, and which shift would change it (M1.6)."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.i18n import N_, _, ngettext
from benchwell.reports.method.structure import Table, table
from benchwell.signals.comparison import Comparison
from benchwell.signals.lights import face
from benchwell.signals.words import count, figure_of
from benchwell.terms import Light

COLUMNS = (
    N_("The missing did"),
    N_("This clinic"),
    N_("Light, if only its missing did so"),
    N_("Light, if those of all clinics did"),
)


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
    text = _(
        "The follow-up scores of the missing were filled in {times} from people like them, and then moved by whole "
        "points in both directions."
    ).format(times=count(found.m, "time"))
    return Imputed(f"{text} {_tipping(comparison)}", table(tuple(map(_, COLUMNS)), rows))


def _tipping(comparison: Comparison) -> str:
    kappa, found = comparison.tipping_kappa, comparison.imputed
    if kappa is None:
        reach = max(found.kappas, default=0.0) if found is not None else 0.0
        return _("No shift of up to {points} changes what may be said.").format(points=_points(reach))
    if kappa == 0:
        return _("Already without a shift, filling in changes what may be said.")
    said = (
        _("What may be said changes if the missing did {points} less well than people like them.")
        if kappa > 0
        else _("What may be said changes if the missing did {points} more well than people like them.")
    )
    return said.format(points=_points(abs(kappa)))


def _points(kappa: float) -> str:
    return ngettext("{n} point", "{n} points", 1 if kappa == 1 else 2).format(n=f"{kappa:g}")


def _shift(kappa: float) -> str:
    if kappa == 0:
        return _("as people like them")
    said = _("{points} less well") if kappa > 0 else _("{points} more well")
    return said.format(points=_points(abs(kappa)))


def _light(state: Light | None, comparison: Comparison) -> str:
    if state is None:
        return ""
    shown = face(state, comparison.better)
    return f"{shown.symbol} {shown.word}"
