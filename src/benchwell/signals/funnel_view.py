"""The funnel plot of one measure: rates against people counted, limits in words, dots only without names (M5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchwell.i18n import N_, _, local_digits, ngettext
from benchwell.models.funnel import Funnel, LimitMethod, funnel, funnel_limits
from benchwell.registry.measure import Measure
from benchwell.signals.adjustment_words import in_view
from benchwell.signals.peers import DOTS_FROM, has_figure
from benchwell.signals.reading import ALL, EditionSource, Row, measure_of, organization_rows
from benchwell.signals.usual_spread import people_behind, people_counted
from benchwell.signals.words import Figure, count, direction, figure_of, whole
from benchwell.terms import Adjustment

LIMIT_STEPS = 60
LEAST_POINTS = 3
LARGE_PHI = 4.0  # twice the spread of chance
INSIDE = N_("inside both limits")
BETWEEN = N_("beyond the 1-in-20 limit")
BEYOND = N_("beyond the 1-in-500 limit")
# Standard normal distances of the 95 % and 99.8 % limits.
_Z95, _Z998 = 1.959964, 3.090232


@dataclass(frozen=True)
class FunnelPoint:
    """One organization: people counted, figure, place against the limits.

    Of an adjusted figure, `n` is as many people as would give an unadjusted share the certainty that it has.
    """

    n: float
    rate: float
    z: float
    place: str


@dataclass(frozen=True)
class FunnelLimits:
    """Limits at one number of people: 95 % (1 in 20 by chance) and 99.8 % (1 in 500)."""

    n: float
    lower95: float
    upper95: float
    lower998: float
    upper998: float


@dataclass(frozen=True)
class FunnelView:
    """A funnel plot, ready to draw.

    Attributes:
        measure: The measure.
        target: The line in the middle: the rate of everyone together.
        own: The labelled organization; None for a view of everyone.
        name: Its name.
        peers: The others in the order of n; empty below ten, where a dot could be recognized.
        limits: Limits along the axis, with additive overdispersion when there is any.
        overdispersed: Whether clinics differ more than chance allows.
        phi: Overdispersion; about 1 when only chance is at work.
        volume_correlation: Spearman correlation of rate and n; NaN if it cannot be computed.
        n_beyond: Organizations outside the 99.8 % limits, of `n`.
        n: Organizations in the funnel.
        note: A limit of the figures that belongs beside the picture, "" if none.
        title: The finding in one sentence, or that there is none.
        text: Alternative text.
        adjustment: Which view of the figures this is.
        spread_note: What to look at first where clinics differ much more than chance allows; "" otherwise.
    """

    measure: Measure
    target: float
    own: FunnelPoint | None
    name: str | None
    peers: tuple[FunnelPoint, ...]
    limits: tuple[FunnelLimits, ...]
    overdispersed: bool
    phi: float
    volume_correlation: float
    n_beyond: int
    n: int
    note: str
    title: str
    text: str
    adjustment: Adjustment = Adjustment.UNADJUSTED
    spread_note: str = ""


def funnel_view(
    edition: EditionSource,
    measure: str | Measure,
    organization_id: str | None = None,
    *,
    name: str | None = None,
    period: str = ALL,
    adjustment: Adjustment | str = Adjustment.UNADJUSTED,
) -> FunnelView | None:
    """The funnel plot of a proportion, unadjusted or adjusted.

    Args:
        edition: The edition.
        measure: A measure, or its id.
        organization_id: The organization to label; None labels none.
        name: What to call it.
        period: Which period.
        adjustment: Which view of the figures; adjusted ones are drawn with the variance that their model gives.

    Returns:
        The view, or None when the measure is no proportion, fewer than three organizations have a figure, or all
        rates are 0 or 1.

    Source:
        METHODS M5.1, M5.6.
    """
    declared = measure_of(edition, measure)
    view = Adjustment(adjustment)
    found = organization_rows(edition, declared.id, period=period, adjustment=view)
    rows = [row for row in found if has_figure(row)]
    if declared.summary != "proportion" or len(rows) < LEAST_POINTS:
        return None
    n = np.array([_people(row, view) for row in rows])
    met = np.minimum(np.array([row["estimate"] for row in rows]) * n, n)
    if not 0 < met.sum() < n.sum():
        return None
    against = funnel(met, n)
    points = [
        FunnelPoint(float(people), float(row["estimate"]), float(z), _place(float(z)))
        for row, people, z in zip(rows, n, against.z_additive, strict=True)
    ]
    ids = [row["organization_id"] for row in rows]
    own = points[ids.index(organization_id)] if organization_id in ids else None
    peers = sorted((point for point in points if point is not own), key=lambda point: (point.n, point.rate))
    beyond = sum(point.place == BEYOND for point in points)
    figure = figure_of(declared)
    title = _title(beyond, len(points), own)
    return FunnelView(
        measure=declared,
        target=against.target,
        own=own,
        name=name or organization_id,
        peers=tuple(peers) if len(peers) >= DOTS_FROM else (),
        limits=_limits(against, n),
        overdispersed=against.overdispersed,
        phi=against.phi,
        volume_correlation=against.volume_correlation,
        n_beyond=beyond,
        n=len(points),
        note=_note(declared),
        title=title,
        text=_text(declared, against, points, own, figure, view),
        adjustment=view,
        spread_note=_spread_note(against.phi, view),
    )


def _people(row: Row, view: Adjustment) -> float:
    return people_counted(row) if view is Adjustment.UNADJUSTED else people_behind(row)


def _spread_note(phi: float, view: Adjustment) -> str:
    """A wide spread says first that something is missing from the adjustment (METHODS M5.1)."""
    if phi < LARGE_PHI:
        return ""
    if view is Adjustment.UNADJUSTED:
        return _(
            "Clinics differ at least twice as much as chance would make them. Nothing is adjusted for here: look at "
            "whom they treat before looking at the clinics."
        )
    return _(
        "Clinics differ at least twice as much as chance would make them, with the adjustment. That points first to "
        "something that the adjustment is missing; look at it before blaming clinics."
    )


def _limits(found: Funnel, n: np.ndarray) -> tuple[FunnelLimits, ...]:
    grid = np.geomspace(max(1.0, float(n.min()) * 0.8), float(n.max()) * 1.05, LIMIT_STEPS)
    low95, high95 = funnel_limits(grid, found.target, 0.95, LimitMethod.ADDITIVE, tau2=found.tau2)
    low998, high998 = funnel_limits(grid, found.target, 0.998, LimitMethod.ADDITIVE, tau2=found.tau2)
    columns = zip(grid, low95, high95, low998, high998, strict=True)
    return tuple(FunnelLimits(*(float(value) for value in values)) for values in columns)


def _place(z: float) -> str:
    if abs(z) <= _Z95:
        return INSIDE
    return BETWEEN if abs(z) <= _Z998 else BEYOND


def _title(beyond: int, n: int, own: FunnelPoint | None) -> str:
    if own is not None:
        return {
            INSIDE: _("This clinic lies where chance and the usual spread put most clinics"),
            BETWEEN: _("This clinic lies outside the range of 19 in 20 clinics"),
            BEYOND: _("This clinic lies far from what is expected"),
        }[own.place]
    if beyond == 0:
        return _("No clinic differs from the others by more than chance and the usual spread")
    text = ngettext(
        "{beyond} of {n} clinics lies far from what is expected",
        "{beyond} of {n} clinics lie far from what is expected",
        beyond,
    )
    return text.format(beyond=whole(beyond), n=n)


def _text(
    measure: Measure,
    found: Funnel,
    points: Sequence[FunnelPoint],
    own: FunnelPoint | None,
    figure: Figure,
    view: Adjustment,
) -> str:
    outside = sum(point.place != INSIDE for point in points)
    parts = [
        _(
            "{title} against people counted, {clinics}; all together {figure}. {outside} outside the limits that 1 in "
            "20 would cross by chance."
        ).format(
            title=f"{_(measure.title)}{in_view(view)}",
            clinics=count(len(points), "clinic"),
            figure=figure.text(found.target),
            outside=count(outside, "clinic"),
        )
    ]
    if own is not None:
        said = (
            _("The labelled clinic: {figure} of {n} people, {place}.")
            if view is Adjustment.UNADJUSTED
            else _("The labelled clinic: {figure} (as certain as a share of {n} people), {place}.")
        )
        n = local_digits(f"{own.n:,.0f}")
        parts.append(said.format(figure=figure.text(own.rate), n=n, place=_(own.place)))
    parts.append(
        _("The spread is wider than chance alone, so the limits include the usual spread between clinics.")
        if found.overdispersed
        else _("The spread is what chance alone gives.")
    )
    parts += [f"{direction(measure.better).capitalize()}.", _spread_note(found.phi, view)]
    return " ".join(part for part in parts if part)


def _note(measure: Measure) -> str:
    if measure.is_published:
        return _(
            "Denominator as available: the source may state a larger number of people than the rate is a share of. "
            "Where it does, the limits of the funnel are too narrow, and clinics look more different than they are."
        )
    return ""
