"""Intervals on one axis, one line each, drawn from a plain Vega-Lite specification.

Each label stands above its own line: labels beside the axis are cut off in fonts wider than expected. What a figure
stands beside is a stroke on its own line, or one line through all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchwell.reports.canvas import INK, LIGHTS, MARK, OWN, PAPER, WIDE, Build, number_format
from benchwell.signals.words import Figure
from benchwell.terms import Light

STEP = 46  # pixels of one line, its label included
LABEL = 19  # of them that its label takes
SAID = 18  # more of them where a state needs a line of its own
REACH = 9  # half the height of a stroke


@dataclass(frozen=True)
class Interval:
    """One line of the picture.

    Attributes:
        label: What it is.
        value: The figure.
        low: 95 % interval.
        high: The same.
        beside: What it stands beside; None for nothing of its own.
        state: The light that belongs to it; None for none.
        said: The light in words.
    """

    label: str
    value: float
    low: float
    high: float
    beside: float | None = None
    state: Light | None = None
    said: str = ""


def interval_picture(
    lines: Sequence[Interval], common: float | None, figure: Figure, *, own: float | None = None
) -> Build | None:
    """What draws the lines in their own order; None of nothing.

    Args:
        lines: What to draw.
        common: A figure that all lines stand beside; None for none.
        figure: How figures are written.
        own: A figure of the clinic's own that all lines belong to, as a dashed line; None for none.
    """
    if not lines:
        return None

    def build(width: int) -> dict[str, Any]:
        return _specification(lines, common, own, figure, width)

    return build


def _specification(
    lines: Sequence[Interval], common: float | None, own: float | None, figure: Figure, width: int
) -> dict[str, Any]:
    apart = width < WIDE and any(one.said for one in lines)
    step = STEP + (SAID if apart else 0)
    height = step * len(lines)
    ends = [value for one in lines for value in (one.low, one.high, one.value)]
    ends += [value for value in (common, own, *(one.beside for one in lines)) if value is not None]
    pad = (max(ends) - min(ends)) * 0.06 or 0.02
    domain = [min(ends) - pad, max(ends) + pad]
    axis = {"format": number_format(figure), "tickCount": max(3, width // 90), "grid": False}
    along = {"type": "quantitative", "scale": {"domain": domain, "nice": False}, "axis": axis, "title": None}
    down = {
        "type": "quantitative",
        "scale": {"domain": [0, height], "range": [0, height], "nice": False},
        "axis": None,
        "title": None,
    }
    records = [
        {"label": one.label, "value": one.value, "low": one.low, "high": one.high}
        | {"top": at * step + 13, "under": at * step + 13 + SAID, "y": (at + 1) * step - 12}
        for at, one in enumerate(lines)
    ]

    def place(x: str, y: str = "y") -> dict[str, Any]:
        return {"x": {"field": x, **along}, "y": {"field": y, **down}}

    whole: list[tuple[float | None, dict[str, Any]]] = [
        (common, {"type": "rule", "color": MARK, "strokeWidth": 1.5}),
        (own, {"type": "rule", "color": OWN, "strokeWidth": 1.5, "strokeDash": [5, 4]}),
    ]
    # A line through all rows stops at each label: it would cross its letters.
    beside = [
        {"from": at * step + LABEL + (SAID if apart else 0), "to": (at + 1) * step} for at, _line in enumerate(lines)
    ]
    layers: list[dict[str, Any]] = [
        {"data": {"values": [one | {"at": at} for one in beside]}, "mark": mark}
        | {"encoding": place("at", "from") | {"y2": {"field": "to"}}}
        for at, mark in whole
        if at is not None
    ]
    layers += _strokes(lines, records, place)
    layers += [
        {
            "mark": {"type": "rule", "color": OWN, "strokeWidth": 2.5},
            "encoding": place("low") | {"x2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "shape": "circle", "size": 110, "filled": True, "color": OWN, "stroke": PAPER}
            | {"opacity": 1},
            "encoding": place("value"),
        },
    ]
    layers += _labels(lines, down, width)
    layers += _states(lines, records, down, width, apart=apart)
    return {"data": {"values": records}, "layer": layers, "width": width, "height": height}


def _labels(lines: Sequence[Interval], down: dict[str, Any], width: int) -> list[dict[str, Any]]:
    """Each label above its line."""
    mark: dict[str, Any] = {"type": "text", "align": "left", "baseline": "alphabetic", "limit": width, "color": INK}
    mark |= {"fontWeight": "bold" if width == WIDE and any(one.said for one in lines) else "normal"}
    encoding = {"x": {"value": 0}, "y": {"field": "top", **down}, "text": {"field": "label"}}
    return [{"mark": mark, "encoding": encoding}]


def _strokes(lines: Sequence[Interval], records: Sequence[dict[str, Any]], place: Any) -> list[dict[str, Any]]:
    """What each line stands beside: a stroke across it."""
    found = [
        {"beside": one.beside, "from": record["y"] - REACH, "to": record["y"] + REACH}
        for one, record in zip(lines, records, strict=True)
        if one.beside is not None
    ]
    if not found:
        return []
    mark: dict[str, Any] = {"type": "rule", "color": MARK, "strokeWidth": 3}
    encoding = place("beside", "from") | {"y2": {"field": "to"}}
    return [{"data": {"values": found}, "mark": mark, "encoding": encoding}]


def _states(
    lines: Sequence[Interval], records: Sequence[dict[str, Any]], down: dict[str, Any], width: int, *, apart: bool
) -> list[dict[str, Any]]:
    """The lights in words: beside the label, where there is room for both, else below it."""
    layers: list[dict[str, Any]] = []
    for one, record in zip(lines, records, strict=True):
        if one.state is None:
            continue
        own: dict[str, Any] = {"said": one.said, "y": record["under" if apart else "top"]}
        mark: dict[str, Any] = {"type": "text", "align": "left" if apart else "right", "baseline": "alphabetic"}
        mark |= {"color": LIGHTS[one.state], "limit": width}
        # The right edge is where the picture ends, not where it would end at the width it was made for.
        encoding = {"x": {"value": 0 if apart else "width"}, "y": {"field": "y", **down}, "text": {"field": "said"}}
        layers.append({"data": {"values": [own]}, "mark": mark, "encoding": encoding})
    return layers
