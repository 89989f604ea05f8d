"""The funnel plot as a picture (METHODS M5.1, M5.6)."""

from __future__ import annotations

from typing import Any, Literal

import altair as alt

from benchwell.i18n import N_, _, local_digits
from benchwell.reports.canvas import BAND, MARK, OWN, PAPER, PEER, Chart, data
from benchwell.signals.adjustment_words import TITLES, in_view
from benchwell.signals.funnel_view import BETWEEN, BEYOND, INSIDE, FunnelView
from benchwell.signals.words import figure_of, uncapital
from benchwell.terms import Adjustment

HEIGHT = 280
_KEY = N_(
    "Line: all together. Inner band: where chance and the usual spread put 19 in 20 clinics; outer band: 499 in 500. "
    "● inside the inner band, ▲ outside it, ■ outside both."
)
_SHAPES = {INSIDE: ("circle", 26), BETWEEN: ("triangle-up", 46), BEYOND: ("square", 46)}


def funnel_chart(view: FunnelView, chart_id: str, *, beside: str = "") -> Chart:
    """Draw a funnel: limits as named bands, peers as dots without names, the own clinic as a labelled diamond.

    Args:
        view: What to draw.
        chart_id: Unique on its page.
        beside: Why the light beside it says something else; "" where it does not.
    """
    figure = figure_of(view.measure)
    title = view.title
    if view.adjustment is not Adjustment.UNADJUSTED:
        title = f"{_(TITLES[view.adjustment])}: {uncapital(title)}"
    name = view.name or _("this clinic")
    own = [(name, view.own)] if view.own else []
    rows = [
        (who, local_digits(f"{point.n:,.0f}"), figure.text(point.rate), _(point.place))
        for who, point in [*own, *((_("another clinic"), peer) for peer in view.peers)]
    ]
    rows += [
        (
            _("limits at {n} people").format(n=local_digits(f"{limit.n:,.0f}")),
            local_digits(f"{limit.n:,.0f}"),
            figure.interval(limit.lower95, limit.upper95),
            _("1 in 20"),
        )
        for limit in (view.limits[0], view.limits[len(view.limits) // 2], view.limits[-1])
    ]

    def build(width: int) -> Any:
        chart = alt.layer(*_bands(view), *_target(view), *_peers(view), *_own(view, name, width))
        return chart.properties(width=width, height=HEIGHT)

    return Chart(
        id=chart_id,
        title=title,
        build=build,
        text=view.text,
        columns=(_("Clinic"), _("People counted"), _(view.measure.title), _("Against the limits")),
        rows=tuple(rows),
        caption=_("{title}: clinics in the order of people counted").format(title=_(view.measure.title)),
        note=" ".join(note for note in (beside, view.note, view.spread_note) if note),
        up=f"{_(view.measure.title)}{in_view(view.adjustment)}",
        key=_(_KEY) + " " + _("Diamond: this clinic.") if view.own else _(_KEY),
    )


def _x(view: FunnelView) -> alt.X:
    domain = [view.limits[0].n, view.limits[-1].n]
    axis = alt.Axis(grid=False, tickCount=5, format="~s")
    return alt.X("n:Q", title=_("People counted"), scale=alt.Scale(type="log", nice=False, domain=domain), axis=axis)


def _y(view: FunnelView, field: str) -> alt.Y:
    rates = [point.rate for point in (*view.peers, *((view.own,) if view.own else ()))]
    low = min([limit.lower95 for limit in view.limits] + rates) - 0.03
    high = max([limit.upper95 for limit in view.limits] + rates) + 0.03
    scale = alt.Scale(domain=[max(0.0, low), min(1.0, high)], clamp=True, nice=False)
    return alt.Y(f"{field}:Q", title=None, scale=scale, axis=alt.Axis(format="%", tickCount=6))


def _bands(view: FunnelView) -> list[Any]:
    base = alt.Chart(data(*view.limits)).encode(x=_x(view))
    wide = base.mark_area(color=BAND, opacity=0.5).encode(y=_y(view, "lower998"), y2="upper998:Q")
    narrow = base.mark_area(color=BAND, opacity=1).encode(y=_y(view, "lower95"), y2="upper95:Q")
    return [wide, narrow]


def _target(view: FunnelView) -> list[Any]:
    line = alt.Chart(data({"target": view.target})).mark_rule(color=MARK, strokeWidth=1.5)
    return [line.encode(y=_y(view, "target"))]


def _peers(view: FunnelView) -> list[Any]:
    layers = []
    for place, (shape, size) in _SHAPES.items():
        found = [point for point in view.peers if point.place == place]
        dots = alt.Chart(data(*found)).mark_point(shape=shape, size=size, filled=True, color=PEER, opacity=0.8)
        layers += [dots.encode(x=_x(view), y=_y(view, "rate"))] if found else []
    return layers


def _own(view: FunnelView, name: str, width: int) -> list[Any]:
    if view.own is None:
        return []
    point = alt.Chart(data(view.own)).encode(x=_x(view), y=_y(view, "rate"))
    # The name stands below the dots, tied to its diamond by a thin line; on the right half it ends at the line.
    right = view.own.n > (view.limits[0].n * view.limits[-1].n) ** 0.5
    align: Literal["left", "right"] = "right" if right else "left"
    name_at = alt.value(HEIGHT - 10)
    line = point.mark_rule(color=OWN, strokeWidth=1).encode(y2=alt.value(HEIGHT - 4))
    room = width * 0.55  # a long name is cut where the picture ends; it stands whole in the key
    words = alt.Chart(data(view.own)).mark_text(
        align=align, dx=-6 if right else 6, fontWeight="bold", color=OWN, limit=room
    )
    return [
        line,
        point.mark_point(shape="diamond", size=210, filled=True, color=OWN, stroke=PAPER, strokeWidth=1.5, opacity=1),
        words.encode(x=_x(view), y=name_at, text=alt.value(name)),
    ]
