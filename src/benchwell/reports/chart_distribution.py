"""How a measure is distributed over organizations: a dot strip, never bars in the order of results (UX.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from benchwell.i18n import _
from benchwell.reports.canvas import BAND, MARK, OWN, PAPER, PEER, Build, Chart, data, number_format
from benchwell.signals.adjustment_words import TITLES
from benchwell.signals.peers import Distribution
from benchwell.signals.words import figure_of, uncapital
from benchwell.terms import Adjustment

HEIGHT = 96
DOT = 6  # pixels between the middles of two dots


def distribution_chart(view: Distribution, chart_id: str) -> Chart:
    """Draw the middle half as a named band, peers as dots without names, the own figure with its interval.

    Args:
        view: What to draw; below five organizations only words are given.
        chart_id: Unique on its page.
    """
    figure = figure_of(view.measure)
    rows: list[tuple[str, ...]] = []
    if view.middle is not None:
        points = [(_("the middle clinic"), view.middle)]
        if view.quartiles is not None:
            low, _p50, high = view.quartiles
            points = [(_("a quarter lies below"), low), *points, (_("a quarter lies above"), high)]
        rows = [(name, figure.text(value)) for name, value in points]
    if view.own is not None:
        own = f"{figure.text(view.own)} {figure.interval(view.own_lower, view.own_upper)}".rstrip()
        rows.append((view.name or _("this clinic"), own))
    picture: Build | None = None
    title = view.title
    if view.adjustment is not Adjustment.UNADJUSTED:
        title = f"{_(TITLES[view.adjustment])}: {uncapital(title)}"
    # A line alone is no picture.
    if view.middle is not None and (view.quartiles is not None or view.own is not None):
        middle = view.middle

        def build(width: int) -> Any:
            return alt.layer(*_layers(view, middle, width)).properties(width=width, height=HEIGHT)

        picture = build
    caption = _("{title} over {n} clinics").format(title=_(view.measure.title), n=view.n)
    heads = (_("Point"), _(view.measure.title))
    return Chart(chart_id, title, picture, view.text, heads, tuple(rows), caption, key=_key(view) if picture else "")


def _key(view: Distribution) -> str:
    labelled, banded = view.own is not None, view.quartiles is not None
    if banded:
        said = [
            _("Band: half of the other clinics. Line: the middle one.")
            if labelled
            else _("Band: half of the clinics. Line: the middle one.")
        ]
    else:
        said = [
            _("Line: the middle one of the other clinics.") if labelled else _("Line: the middle one of the clinics.")
        ]
    said += [_("Dots: one clinic each.")] if view.values else []
    said += [_("Diamond: this clinic, with its 95 % interval.")] if labelled else []
    return " ".join(said)


def _layers(view: Distribution, middle: float, width: int) -> list[Any]:
    everything = [*view.values, *(view.quartiles or ()), middle]
    everything += [value for value in (view.own, view.own_lower, view.own_upper) if value is not None]
    pad = (max(everything) - min(everything)) * 0.06 or 0.02
    scale = alt.Scale(domain=[min(everything) - pad, max(everything) + pad], nice=False)
    axis = alt.Axis(format=number_format(figure_of(view.measure)), grid=False, tickCount=max(3, width // 80))

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=axis, title=None)

    height = alt.Scale(domain=[0, 1])

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=height, axis=None)

    frame = alt.Chart(data({"middle": middle, "floor": 0.0, "roof": 1.0}))
    layers: list[Any] = []
    if view.quartiles is not None:
        low, _p50, high = view.quartiles
        band = alt.Chart(data({"low": low, "high": high, "floor": 0.0, "roof": 1.0}))
        layers.append(band.mark_rect(color=BAND).encode(x=x("low"), x2="high:Q", y=y("floor"), y2="roof:Q"))
    layers += [
        frame.mark_rule(color=MARK, strokeWidth=2).encode(x=x("middle"), y=y("floor"), y2="roof:Q"),
    ]
    if view.values:
        per_pixel = (max(everything) - min(everything) + 2 * pad) / width
        heights = _swarm(view.values, DOT * per_pixel)
        dots = [{"value": value, "at": at} for value, at in zip(view.values, heights, strict=True)]
        marks = alt.Chart(data(*dots)).mark_circle(size=DOT**2 * 0.7, color=PEER, opacity=0.9)
        layers.append(marks.encode(x=x("value"), y=y("at")))
    if view.own is not None:
        own = {"own": view.own, "low": view.own_lower, "high": view.own_upper, "at": 0.5}
        point = alt.Chart(data(own))
        layers += [
            point.mark_rule(color=OWN, strokeWidth=3).encode(x=x("low"), x2="high:Q", y=y("at")),
            point.mark_point(shape="diamond", size=200, filled=True, color=OWN, stroke=PAPER, opacity=1).encode(
                x=x("own"), y=y("at")
            ),
        ]
    return layers


def _swarm(values: Sequence[float], gap: float) -> list[float]:
    """Heights that keep neighboring dots apart: the nearest free line to the middle, without chance.

    >>> _swarm([1.0, 1.1, 3.0], 0.5) == [0.5, 0.5 + DOT / HEIGHT, 0.5]
    True
    """
    lines = int(HEIGHT / DOT / 2) - 1
    offsets = [0, *(side * step for step in range(1, lines + 1) for side in (1, -1))]
    last: dict[int, float] = {}
    found = []
    for value in values:  # in ascending order
        free = (offset for offset in offsets if value - last.get(offset, float("-inf")) >= gap)
        chosen = next(free, min(last, key=lambda offset: last[offset], default=0))
        last[chosen] = value
        found.append(0.5 + chosen * DOT / HEIGHT)
    return found
