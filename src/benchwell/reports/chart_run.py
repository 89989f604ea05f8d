"""The run chart as a picture: frozen centre line, gaps that stay gaps, breaks that are marked (METHODS M5.2)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

import altair as alt

from benchwell.i18n import _
from benchwell.reports.canvas import BAND, INK, MARK, MUTED, OWN, PAPER, Build, Chart, data, number_format
from benchwell.signals.run_chart import RunChart, RunPoint
from benchwell.signals.share_limits import PointLimits
from benchwell.signals.words import people_words, whole

HEIGHT = 200


def run_picture(chart: RunChart, chart_id: str, changes: Sequence[tuple[str, str]] = ()) -> Chart:
    """Draw a run chart.

    Args:
        chart: What to draw; below two neighboring points only words and the table are given.
        chart_id: Unique on its page.
        changes: Periods in which something was changed, with a word or two for each; those outside are left out.
    """
    picture: Build | None = None
    if chart.center is not None:

        def build(width: int) -> Any:
            marked = _changes(chart, changes, width)
            layers = alt.layer(*_limits(chart), *_share_limits(chart, width), *_series(chart, width), *marked)
            return layers.properties(width=width, height=HEIGHT)

        picture = build
    columns, rows = _table(chart)
    return Chart(
        id=chart_id,
        title=chart.title,
        build=picture,
        text=chart.text,
        columns=columns,
        rows=rows,
        caption=_caption(chart),
        note=_note(chart),
        up=", ".join(part for part in (chart.title_of, _each_time(chart)) if part) if picture else "",
        key=_key(chart) if picture else "",
    )


def _caption(chart: RunChart) -> str:
    text = _("{title} by period") if chart.each == "period" else _("{title} by course")
    return text.format(title=chart.title_of)


def _note(chart: RunChart) -> str:
    firm = chart.firm or chart.center is None
    parts = [
        "" if firm else _("The usual range is provisional: fewer than 12 points."),
        chart.share.text if chart.share else "",
    ]
    return " ".join(part for part in parts if part)


def _key(chart: RunChart) -> str:
    parts = [_("Line: the centre. Band: the usual ups and downs.")]
    parts += [_("□: beyond the usual.")] if any(point.signal for point in chart.points) else []
    parts += [_("Short lines: limits for the number of people counted each time.")] if chart.share else []
    beyond = chart.share is not None and any(limit is not None and limit.beyond for limit in chart.share.points)
    parts += [_("△: beyond those.")] if beyond else []
    parts += [] if chart.known == len(chart.points) else [_("Gaps: no figure.")]
    parts += [] if chart.each == "period" else [_("Along: courses in the order in which they started.")]
    return " ".join(parts)


def _table(chart: RunChart) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The points as text; columns that hold nothing in any of them are left out."""
    figure = chart.figure
    columns = (
        _("Period") if chart.each == "period" else _("Course"),
        chart.title_of,
        _("95 % interval"),
        _("People"),
        _("Limits for so many"),
        _("Followed up"),
        _("Signal"),
    )
    limits = chart.share.points if chart.share else (None,) * len(chart.points)
    rows = [
        (
            point.period,
            figure.text(point.value) if point.value is not None else _("no figure"),
            figure.interval(point.lower, point.upper) if point.value is not None else "",
            "" if point.n is None else whole(point.n),
            "" if limit is None else figure.interval(limit.lower, limit.upper),
            "" if point.completion is None else f"{point.completion:.0%}".replace("%", " %"),
            _signal(point, limit),
        )
        for point, limit in zip(chart.points, limits, strict=True)
    ]
    kept = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    return tuple(columns[place] for place in kept), tuple(tuple(row[place] for place in kept) for row in rows)


def _signal(point: RunPoint, limit: PointLimits | None) -> str:
    beyond = _("beyond the limits for so many people") if limit is not None and limit.beyond else ""
    changed = _("follow-up changed") if point.break_before else ""
    return "; ".join(part for part in (point.signal, beyond, changed) if part)


def _x(chart: RunChart, width: int) -> alt.X:
    periods = [point.period for point in chart.points]
    labels = {point.period: _label(point) for point in chart.points}
    # As many labels as have room: one takes about nine pixels a letter.
    letters = max(len(line) for lines in labels.values() for line in lines)
    room = max(2, width // (9 * letters + 6))
    every = -(-len(periods) // room)
    shown = [period for place, period in enumerate(periods) if place % every == 0]
    # The whole series is the domain, so that a gap keeps its place.
    scale = alt.Scale(type="point", domain=periods, padding=_edge(len(periods), letters, width))
    # The people counted stand below each period: a point that rests on few is seen to.
    said = " : ".join(f"datum.value == {json.dumps(one)} ? {json.dumps(labels[one])}" for one in shown)
    axis = alt.Axis(labelAngle=0, values=shown, grid=False, labelExpr=f"{said} : ''")
    return alt.X("period:O", sort=periods, title=None, scale=scale, axis=axis)


def _edge(periods: int, letters: int, width: int) -> float:
    """Room before the first and after the last point, in steps: half a label, which would be cut off otherwise."""
    half, free = 4.5 * letters, max(1.0, width - 45 - 9.0 * letters)
    return max(0.5, round(half * (periods - 1) / free, 2))


def _label(point: RunPoint) -> list[str]:
    known = point.n is not None and point.value is not None
    return [point.period, people_words(point.n or 0)] if known else [point.period]


def _each_time(chart: RunChart) -> str:
    """How many people each point rests on, since a narrow picture has no room for every label; "" where unknown."""
    found = [point.n for point in chart.points if point.value is not None and point.n is not None]
    if not found:
        return ""
    low, high = min(found), max(found)
    same = _("{people} each time").format(people=people_words(low))
    return same if low == high else _("{people} to {high} each time").format(people=people_words(low), high=whole(high))


def _y(chart: RunChart, field: str) -> alt.Y:
    values = [value for point in chart.points for value in (point.value,) if value is not None]
    values += [value for value in (chart.lower, chart.upper) if value is not None]
    if chart.share is not None:
        values += [edge for limit in chart.share.points if limit is not None for edge in (limit.lower, limit.upper)]
    low, high = min(values), max(values)
    if chart.figure.unit == "%":
        low, high = max(low, 0.0), min(high, 1.0)
    pad = (high - low) * 0.1 or 0.05
    axis = alt.Axis(format=number_format(chart.figure), tickCount=5)
    scale = alt.Scale(domain=[low - pad, high + pad], nice=False, clamp=True)
    return alt.Y(f"{field}:Q", title=None, scale=scale, axis=axis)


def _limits(chart: RunChart) -> list[Any]:
    band = alt.Chart(data({"low": chart.lower, "high": chart.upper, "middle": chart.center}))
    return [
        band.mark_rect(color=BAND).encode(y=_y(chart, "low"), y2="high:Q"),
        band.mark_rule(color=MARK, strokeWidth=1.5).encode(y=_y(chart, "middle")),
    ]


def _share_limits(chart: RunChart, width: int) -> list[Any]:
    """The p chart: a short line above and below each point, nearer where more people are counted."""
    if chart.share is None:
        return []
    pairs = [(point, limit) for point, limit in zip(chart.points, chart.share.points, strict=True) if limit is not None]
    records = [{"period": point.period, "value": edge} for point, one in pairs for edge in (one.lower, one.upper)]
    ticks = alt.Chart(data(*records)).mark_tick(color=MUTED, thickness=2, width=18, orient="horizontal")
    layers: list[Any] = [ticks.encode(x=_x(chart, width), y=_y(chart, "value"))]
    beyond = [{"period": point.period, "value": point.value} for point, one in pairs if one.beyond]
    if beyond:
        marks = alt.Chart(data(*beyond)).mark_point(
            shape="triangle-up", size=330, filled=False, color=MARK, strokeWidth=2, opacity=1
        )
        layers.append(marks.encode(x=_x(chart, width), y=_y(chart, "value")))
    return layers


def _series(chart: RunChart, width: int) -> list[Any]:
    # One line per stretch without gap or break, so that no line crosses either.
    stretch, records = 0, []
    for point in chart.points:
        stretch += point.value is None or point.break_before
        if point.value is not None:
            records.append({"period": point.period, "value": point.value, "stretch": stretch, "signal": point.signal})
    base = alt.Chart(data(*records)).encode(x=_x(chart, width), y=_y(chart, "value"))
    layers: list[Any] = [
        base.mark_line(color=OWN, strokeWidth=2).encode(detail="stretch:N"),
        base.mark_point(shape="circle", size=48, filled=True, color=OWN, stroke=PAPER, opacity=1),
    ]
    signals = [record for record in records if record["signal"]]
    if signals:
        marks = alt.Chart(data(*signals)).encode(x=_x(chart, width), y=_y(chart, "value"))
        layers.append(marks.mark_point(shape="square", size=190, filled=False, color=MARK, strokeWidth=2, opacity=1))
    breaks = [{"period": point.period, "words": _("follow-up changed")} for point in chart.points if point.break_before]
    if breaks:
        rule = alt.Chart(data(*breaks)).encode(x=_x(chart, width))
        layers.append(rule.mark_rule(color=MUTED, strokeDash=[4, 3]))
        layers += _beside_lines(chart, breaks, width, color=MUTED, y=10)
    return layers


def _changes(chart: RunChart, changes: Sequence[tuple[str, str]], width: int) -> list[Any]:
    """An upright line with words where something was changed."""
    known = {point.period for point in chart.points}
    records = [{"period": period, "words": words} for period, words in changes if period in known]
    if not records:
        return []
    base = alt.Chart(data(*records)).encode(x=_x(chart, width))
    rule = base.mark_rule(color=INK, strokeWidth=1.5, strokeDash=[2, 2])
    return [rule, *_beside_lines(chart, records, width, color=INK, y=24)]


def _beside_lines(chart: RunChart, records: Sequence[dict[str, str]], width: int, *, color: str, y: int) -> list[Any]:
    """Words to the right of their lines; in the last third of the picture, where they would be cut, to the left."""
    place = {point.period: at for at, point in enumerate(chart.points)}
    right = [one for one in records if place[one["period"]] * 3 < len(place) * 2]
    left = [one for one in records if one not in right]
    layers: list[Any] = []
    sides: tuple[tuple[list[dict[str, str]], Literal["left", "right"], int], ...]
    sides = ((right, "left", 4), (left, "right", -4))
    for found, align, shift in sides:
        if found:
            base = alt.Chart(data(*found)).encode(x=_x(chart, width), y=alt.value(y), text="words:N")
            layers.append(base.mark_text(align=align, dx=shift, color=color, fontSize=12))
    return layers
