"""How a measure is distributed over organizations: a dot strip, never bars in the order of results (UX.md)."""

from __future__ import annotations

from typing import Any

import altair as alt

from benchwell.reports.canvas import BAND, MARK, OWN, PAPER, PEER, Chart, data, draw, number_format
from benchwell.signals.peers import Distribution
from benchwell.signals.words import figure_of

WIDTH, HEIGHT = 560, 96


def distribution_chart(view: Distribution, chart_id: str) -> Chart:
    """Draw the middle half as a named band, peers as dots without names, the own figure with its interval.

    Args:
        view: What to draw; below five organizations only words are given.
        chart_id: Unique on its page.
    """
    figure = figure_of(view.measure)
    rows: list[tuple[str, ...]] = []
    if view.quartiles is not None:
        names = ("a quarter lies below", "the middle clinic", "a quarter lies above")
        rows = [(name, figure.text(value)) for name, value in zip(names, view.quartiles, strict=True)]
    if view.own is not None:
        own = f"{figure.text(view.own)} {figure.interval(view.own_lower, view.own_upper)}".rstrip()
        rows.append((view.name or "this clinic", own))
    svg = ""
    if view.quartiles is not None:
        chart = alt.layer(*_layers(view, view.quartiles)).properties(width=WIDTH, height=HEIGHT)
        svg = draw(chart, chart_id=chart_id, title=view.title, text=view.text)
    caption = f"{view.measure.title} over {view.n} clinics"
    return Chart(chart_id, view.title, svg, view.text, ("Point", view.measure.title), tuple(rows), caption)


def _layers(view: Distribution, quartiles: tuple[float, float, float]) -> list[Any]:
    low, middle, high = quartiles
    everything = [*view.values, *quartiles]
    everything += [value for value in (view.own, view.own_lower, view.own_upper) if value is not None]
    pad = (max(everything) - min(everything)) * 0.06 or 0.02
    scale = alt.Scale(domain=[min(everything) - pad, max(everything) + pad], nice=False)
    axis = alt.Axis(format=number_format(figure_of(view.measure)), grid=False, tickCount=7)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=axis, title=view.measure.title)

    height = alt.Scale(domain=[0, 1])

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=height, axis=None)

    band = {"low": low, "high": high, "middle": middle, "floor": 0.0, "roof": 0.72, "label": 0.86}
    frame = alt.Chart(data(band))
    layers: list[Any] = [
        frame.mark_rect(color=BAND).encode(x=x("low"), x2="high:Q", y=y("floor"), y2="roof:Q"),
        frame.mark_rule(color=MARK, strokeWidth=2).encode(x=x("middle"), y=y("floor"), y2="roof:Q"),
        frame.mark_text(fontSize=12).encode(x=x("middle"), y=y("label"), text=alt.value("half of the clinics")),
    ]
    if view.values:
        dots = [{"value": value, "at": at} for value, at in zip(view.values, _swarm(view.values), strict=True)]
        marks = alt.Chart(data(*dots)).mark_circle(size=30, color=PEER, opacity=0.75)
        layers.append(marks.encode(x=x("value"), y=y("at")))
    if view.own is not None:
        own = {"own": view.own, "low": view.own_lower, "high": view.own_upper, "at": 0.36}
        point = alt.Chart(data(own))
        layers += [
            point.mark_rule(color=OWN, strokeWidth=3).encode(x=x("low"), x2="high:Q", y=y("at")),
            point.mark_point(shape="diamond", size=200, filled=True, color=OWN, stroke=PAPER, opacity=1).encode(
                x=x("own"), y=y("at")
            ),
        ]
    return layers


def _swarm(values: tuple[float, ...]) -> list[float]:
    """Heights that keep neighboring dots apart: the same data give the same picture, without chance."""
    steps = (0.36, 0.46, 0.26, 0.56, 0.16, 0.64, 0.08)
    return [steps[place % len(steps)] for place in range(len(values))]
