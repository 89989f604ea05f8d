"""One person's own line, for that person: large dots, few words, the whole range of the scale."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchwell.i18n import _, day, ngettext, number, short_day
from benchwell.reports.canvas import BAND, OWN, PAPER, Build, Chart

HEIGHT = 220


@dataclass(frozen=True)
class OwnPoint:
    """A day and the score of that day."""

    date: dt.date
    value: float


@dataclass(frozen=True)
class OwnRange:
    """Where the newest score was expected: 80 % of people with a similar start had a score between the two."""

    lower: float
    upper: float


def own_line_picture(
    points: Sequence[OwnPoint],
    chart_id: str,
    *,
    title: str,
    name: str,
    low: float,
    high: float,
    up: str,
    expected: OwnRange | None = None,
) -> Chart:
    """Draw a person's own line.

    Args:
        points: In order of days; two are needed for a picture.
        chart_id: Unique on its page.
        title: The finding.
        name: Of the questionnaire.
        low: Lowest value of the scale.
        high: Highest value of the scale.
        up: What the upright axis shows, and which direction is better.
        expected: Where the newest score was expected, if the person wants to see it.
    """
    picture: Build | None = None
    if len(points) > 1:

        def build(width: int) -> Any:
            return {
                "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
                "width": width,
                "height": HEIGHT,
                "layer": [*_range(points, expected, low, high), *_line(points, width, low, high)],
            }

        picture = build
    rows = tuple((day(point.date), _score(point.value)) for point in points)
    return Chart(
        id=chart_id,
        title=title,
        build=picture,
        text=_alternative(points, name),
        columns=(_("Day"), _("Score")),
        rows=rows,
        caption=_("Your scores, {name}").format(name=name),
        up=up if picture else "",
        key=_("Shaded: where most people with a similar start were by then.") if picture and expected else "",
    )


def _alternative(points: Sequence[OwnPoint], name: str) -> str:
    if not points:
        return ""
    count = ngettext("{n} score", "{n} scores", len(points)).format(n=number(len(points)))
    ends = {"first": _score(points[0].value), "last": _score(points[-1].value), "count": count, "name": name}
    days = {"start": day(points[0].date), "end": day(points[-1].date)}
    return _("{name}: {count}, from {first} on {start} to {last} on {end}.").format(**ends, **days)


def _score(value: float) -> str:
    return number(value, 0 if value == int(value) else 1)


def _y(field: str, low: float, high: float) -> dict[str, Any]:
    scale = {"domain": [low, high], "nice": False, "zero": False}
    return {"field": field, "type": "quantitative", "title": None, "scale": scale, "axis": {"tickCount": 4}}


_ROOM = 90  # pixels that a label needs


def _x(points: Sequence[OwnPoint], width: int) -> dict[str, Any]:
    # Days as the reader's language writes them: the last and the first, and between them as many as have room.
    kept = _labelled([point.date for point in points], width)
    same_year = points[0].date.year == points[-1].date.year
    words = {one.isoformat(): short_day(one) if same_year else day(one) for one in kept}
    label = " : ".join(f"timeFormat(datum.value, '%Y-%m-%d') == '{iso}' ? '{said}'" for iso, said in words.items())
    axis = {
        "values": [f"{iso}T00:00:00" for iso in words],
        "labelExpr": f"{label} : ''",
        "labelAngle": 0,
        "grid": False,
    }
    return {
        "field": "day",
        "type": "temporal",
        # The year once, below, where it is the same for all.
        "title": str(points[0].date.year) if same_year else None,
        "axis": axis | {"labelOverlap": True, "labelFlush": True},
    }


def _labelled(days: Sequence[dt.date], width: int) -> list[dt.date]:
    """The days that get a label, none closer to another than a label is wide."""
    whole = max(1, (days[-1] - days[0]).days)

    def is_far(one: dt.date, other: dt.date) -> bool:
        return abs((one - other).days) / whole * width >= _ROOM

    kept = [days[0]]
    for one in days[1:-1]:
        if is_far(one, kept[-1]) and is_far(one, days[-1]):
            kept.append(one)
    return [*kept, days[-1]]


def _line(points: Sequence[OwnPoint], width: int, low: float, high: float) -> list[dict[str, Any]]:
    values = [{"day": f"{point.date.isoformat()}T00:00:00", "score": point.value} for point in points]
    places = {"x": _x(points, width), "y": _y("score", low, high)}
    dots = {"type": "point", "shape": "circle", "size": 110, "filled": True, "color": OWN, "stroke": PAPER}
    return [
        {"data": {"values": values}, "mark": {"type": "line", "color": OWN, "strokeWidth": 3}, "encoding": places},
        {"data": {"values": values}, "mark": dots | {"opacity": 1}, "encoding": places},
    ]


def _range(points: Sequence[OwnPoint], expected: OwnRange | None, low: float, high: float) -> list[dict[str, Any]]:
    if expected is None:
        return []
    place = {"day": f"{points[-1].date.isoformat()}T00:00:00", "low": expected.lower, "high": expected.upper}
    encoding = {
        "x": {"field": "day", "type": "temporal"},
        "y": _y("low", low, high),
        "y2": {"field": "high"},
    }
    bar = {"type": "bar", "width": 18, "color": BAND}
    return [{"data": {"values": [place]}, "mark": bar, "encoding": encoding}]
