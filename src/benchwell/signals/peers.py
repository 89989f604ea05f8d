"""Where the peers lie, without naming any (M5.6): dots and quartiles from ten peers on, below that only the middle.

METHODS M5.6 would draw quantile bands from five peers on, but M4.6 publishes quartiles from ten on, and with five peers
a quartile is one clinic's own figure: the stricter rule holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchwell.i18n import _
from benchwell.models.quantiles import quantile_type7
from benchwell.registry.measure import Measure
from benchwell.signals.adjustment_words import in_view
from benchwell.signals.reading import ALL, EditionSource, Row, measure_of, organization_rows
from benchwell.signals.words import count, direction, figure_of
from benchwell.terms import Adjustment

NOBODY_FOLLOWED = "nobody_followed"  # the edition's reason where people count and none has a follow-up score
DOTS_FROM = 10
MIDDLE_FROM = 5


@dataclass(frozen=True)
class Distribution:
    """One measure over the organizations of an edition.

    Attributes:
        measure: The measure.
        values: Figures of the organizations in ascending order, without names; empty below ten peers.
        own: The figure of the one organization that is labelled; None for a view of everyone.
        own_lower: Its 95 % interval.
        own_upper: The same.
        name: Its name.
        quartiles: P25, P50, P75 (type 7, unweighted) of the organizations other than `own`; None below ten.
        middle: The median alone; None below five.
        n: How many organizations these are.
        hidden: Organizations without a figure, by status; those in which nobody was followed apart.
        title: What the picture shows, in one sentence; its alternative text is `text`.
        text: The same with figures, for those who cannot see it.
        adjustment: Which view of the figures this is.
    """

    measure: Measure
    values: tuple[float, ...]
    own: float | None
    own_lower: float | None
    own_upper: float | None
    name: str | None
    quartiles: tuple[float, float, float] | None
    middle: float | None
    n: int
    hidden: Mapping[str, int]
    title: str
    text: str
    adjustment: Adjustment = Adjustment.UNADJUSTED


def distribution(
    edition: EditionSource,
    measure: str | Measure,
    organization_id: str | None = None,
    *,
    name: str | None = None,
    period: str = ALL,
    adjustment: Adjustment | str = Adjustment.UNADJUSTED,
) -> Distribution:
    """How one measure is distributed over organizations; never in the order of results by name.

    Args:
        edition: The edition.
        measure: A measure, or its id.
        organization_id: The organization to label; None labels none.
        name: What to call it.
        period: Which period.
        adjustment: Which view of the figures; a comparison says in `adjustment` which one it used.

    Returns:
        The view. Only the labelled organization can be told apart.
    """
    declared = measure_of(edition, measure)
    view = Adjustment(adjustment)
    rows = organization_rows(edition, declared.id, period=period, adjustment=view)
    shown = [row for row in rows if has_figure(row)]
    own = next((row for row in shown if row["organization_id"] == organization_id), None)
    peers = sorted(float(row["estimate"]) for row in shown if row is not own)
    quartiles = _quartiles(peers)
    hidden: dict[str, int] = {}
    for row in rows:
        if not has_figure(row):
            why = NOBODY_FOLLOWED if nobody_followed(row) else row["status"]
            hidden[why] = hidden.get(why, 0) + 1
    middle = float(quantile_type7(peers, [0.5])[0]) if len(peers) >= MIDDLE_FROM else None
    title, text = _words(declared, len(peers), quartiles, middle, own, view)
    return Distribution(
        measure=declared,
        values=tuple(peers) if len(peers) >= DOTS_FROM else (),
        own=None if own is None else own["estimate"],
        own_lower=None if own is None else own["lower"],
        own_upper=None if own is None else own["upper"],
        name=name or organization_id,
        quartiles=quartiles,
        middle=middle,
        n=len(peers),
        hidden=hidden,
        title=title,
        text=text,
        adjustment=view,
    )


def has_figure(row: Row) -> bool:
    """Whether a row of organization_results may be shown."""
    return row["status"] == "ok" and row["estimate"] is not None


def nobody_followed(row: Row) -> bool:
    """Whether a row has no figure because none of its people has a follow-up score: more people would not help."""
    return (row["reason"] or "").partition(":")[0] == NOBODY_FOLLOWED


def _quartiles(peers: Sequence[float]) -> tuple[float, float, float] | None:
    if len(peers) < DOTS_FROM:
        return None
    low, middle, high = (float(value) for value in quantile_type7(peers, [0.25, 0.5, 0.75]))
    return low, middle, high


def _words(
    measure: Measure,
    n: int,
    quartiles: tuple[float, float, float] | None,
    middle: float | None,
    own: Row | None,
    view: Adjustment,
) -> tuple[str, str]:
    figure = figure_of(measure)
    clinics = count(n, "clinic")
    if middle is None:
        title = _("Too few clinics to show how this is distributed")
        text = _("{title}: {clinics} with a figure, {n} are needed to show a middle.")
        return title, text.format(title=_(measure.title), clinics=clinics, n=MIDDLE_FROM)
    text = _("{title} over {clinics}: the middle one has {figure}").format(
        title=f"{_(measure.title)}{in_view(view)}", clinics=clinics, figure=figure.text(middle)
    )
    if quartiles is None:
        title = (
            _("The middle one of {n} other clinics has {figure}")
            if own is not None
            else _("The middle one of {n} clinics has {figure}")
        ).format(n=n, figure=figure.text(middle))
        text += _("; {n} clinics are needed to show how they are spread").format(n=DOTS_FROM)
    else:
        low, _middle, high = (figure.text(value) for value in quartiles)
        title = (
            _("Half of the other clinics lie between {low} and {high}")
            if own is not None
            else _("Half of the clinics lie between {low} and {high}")
        ).format(low=low, high=high)
        text += _(", half lie from {low} to {high}").format(low=low, high=high)
    if own is not None:
        where = figure.interval(own["lower"], own["upper"])
        text += _("; the labelled clinic has {figure}").format(
            figure=f"{figure.text(own['estimate'])} {where}".rstrip()
        )
    return title, f"{text} ({direction(measure.better)})."
