"""One person's course as a picture: dots and lines, named bands, expected range, marks, reliable change (UX, "Charts").

The specification is Vega-Lite in the page's own colours (`var(--own)`), written as a dictionary: it is made while a
clinician waits, and a page draws it in the browser.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchwell.i18n import _, current, day, ngettext, number
from benchwell.registry.instrument import Instrument, Scale
from benchwell.terms import Better, ScoreStatus

HEIGHT = 300
_NEAR = 4  # days from a score to the day of the range that it is set beside
_LONGEST_GAP = 56  # days between two scores up to which a line joins them; a longer gap stays a gap


@dataclass(frozen=True)
class CourseDot:
    """One score of the picture.

    Attributes:
        date: Its day.
        value: Points; null where the form gave no score.
        status: One of `terms.ScoreStatus`.
    """

    date: dt.date
    value: float | None
    status: str


@dataclass(frozen=True)
class CourseRange:
    """Where the score of people with a similar start was expected on a day.

    Attributes:
        date: The day.
        mean: Points.
        lower: Lower end of the central range.
        upper: Upper end.
        seen: The same range as it was seen, without a model, with how many people; null where too few were.
    """

    date: dt.date
    mean: float
    lower: float
    upper: float
    seen: tuple[float, float, int] | None = None


@dataclass(frozen=True)
class CourseMark:
    """Something that happened.

    Attributes:
        date: Its day.
        words: What it was.
    """

    date: dt.date
    words: str


@dataclass(frozen=True)
class CoursePicture:
    """A picture with the words and the table that say the same; fields as the page's chart part takes them."""

    id: str
    spec: dict[str, Any] | None
    title: str
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str
    key: str
    note: str


def course_picture(
    instrument: Instrument,
    scale: Scale,
    dots: Sequence[CourseDot],
    *,
    title: str,
    expected: Sequence[CourseRange] = (),
    marks: Sequence[CourseMark] = (),
    reliable: float | None = None,
) -> CoursePicture:
    """Draw a course.

    Args:
        instrument: Whose scores.
        scale: Which of its scales.
        dots: Scores by day, also those without a value.
        title: The finding.
        expected: The expected range; empty where it is off.
        marks: What happened, by day.
        reliable: Smallest change that is more than error of measurement, points.
    """
    shown = [dot for dot in dots if dot.value is not None and dot.status != ScoreStatus.INVALID]
    columns, rows = _table(instrument, scale, dots, expected, marks)
    return CoursePicture(
        id=f"course-{instrument.id}",
        spec=_spec(instrument, scale, shown, expected, marks, reliable) if shown else None,
        title=title,
        text=_alt_text(instrument, scale, shown, expected),
        columns=columns,
        rows=rows,
        caption=_("Scores of {name} by day").format(name=_(instrument.title)),
        key=_key(instrument, scale, expected, reliable, marks) if shown else "",
        note=_left_out(dots),
    )


def stretches(dots: Sequence[CourseDot]) -> list[int]:
    """Which dots a line joins: the same number for dots without a long gap between them.

    >>> days = [dt.date(2026, 1, 1), dt.date(2026, 1, 8), dt.date(2026, 6, 1)]
    >>> stretches([CourseDot(day, 9, "complete") for day in days])
    [0, 0, 1]
    """
    found, stretch = [], 0
    for place, dot in enumerate(dots):
        stretch += place > 0 and (dot.date - dots[place - 1].date).days > _LONGEST_GAP
        found.append(stretch)
    return found


def _spec(
    instrument: Instrument,
    scale: Scale,
    dots: Sequence[CourseDot],
    expected: Sequence[CourseRange],
    marks: Sequence[CourseMark],
    reliable: float | None,
) -> dict[str, Any]:
    first, last = _days(dots, expected, marks)
    shading, names = _bands(instrument, scale, first, last)
    layers = [
        *shading,
        *_ribbon(expected),
        *names,
        *_marks(marks, first, last, scale),
        *_bracket(scale, dots, reliable, last),
        *_line(scale, dots),
    ]
    x = {
        "field": "date",
        "type": "temporal",
        "title": None,
        "axis": {"format": "%-d. %b" if current() == "de" else "%-d %b", "tickCount": 6, "grid": False},
    }
    y: dict[str, Any] = {"type": "quantitative", "title": None, "axis": {"tickCount": 5, "grid": False}}
    for layer in layers:
        encoding = layer["encoding"]
        encoding["x"] = x | encoding["x"]
        if "y" in encoding:
            encoding["y"] = y | encoding["y"]
    # All layers share the axes; two that state the same limits would be taken for a conflict.
    line = layers[-3]["encoding"]
    line["x"] = line["x"] | {"scale": {"domain": [_at(first), _at(last)]}}
    line["y"] = line["y"] | {"scale": {"domain": [scale.min, scale.max], "nice": False}}
    return {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "height": HEIGHT, "layer": layers}


def _days(
    dots: Sequence[CourseDot], expected: Sequence[CourseRange], marks: Sequence[CourseMark]
) -> tuple[dt.date, dt.date]:
    days = (
        [one.date for one in dots]
        + [one.date for one in marks]
        + [row.date for row in expected if row.date >= dots[0].date]
    )
    first, last = min(days), max(days)
    pad = max(dt.timedelta(days=3), (last - first) / 20)
    # A day at an end of the calendar is a slip, but no reason to show nothing. The newest score's number needs room.
    return first - min(pad, first - dt.date.min), last + min(2 * pad, dt.date.max - last)


def _iso(day: dt.date) -> str:
    return f"{day.isoformat()}T00:00:00"  # a bare day would be read as UTC, and drawn a day early west of it


def _at(day: dt.date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "date": day.day}


def _bands(
    instrument: Instrument, scale: Scale, first: dt.date, last: dt.date
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Every other band shaded, and the names of all: they go on top of the ribbon, at the end where it is widest."""
    bands = instrument.bands_of(scale)
    rows = [
        {
            "low": band.min,
            "high": bands[place + 1].min if place + 1 < len(bands) else scale.max,
            "middle": (band.min + (bands[place + 1].min if place + 1 < len(bands) else scale.max)) / 2,
            "name": _(band.label),
            "shaded": place % 2 == 0,
            "date": _iso(first),
            "until": _iso(last),
        }
        for place, band in enumerate(bands)
    ]
    if not rows:
        return [], []
    shading = {
        "data": {"values": [row for row in rows if row["shaded"]]},
        "mark": {"type": "rect", "color": "var(--band)", "opacity": 0.55},
        "encoding": {"x": {}, "x2": {"field": "until"}, "y": {"field": "low"}, "y2": {"field": "high"}},
    }
    names = {
        "data": {"values": rows},
        "mark": {"type": "text", "align": "right", "dx": -4, "fontSize": 12, "color": "var(--muted)"},
        "encoding": {"x": {"field": "until"}, "y": {"field": "middle"}, "text": {"field": "name"}},
    }
    return [shading], [names]


def _ribbon(expected: Sequence[CourseRange]) -> list[dict[str, Any]]:
    if not expected:
        return []
    values = {"values": [vars(row) | {"date": _iso(row.date)} for row in expected]}
    area = {
        "data": values,
        "mark": {"type": "area", "color": "var(--expect)", "opacity": 0.75},
        "encoding": {"x": {}, "y": {"field": "lower"}, "y2": {"field": "upper"}},
    }
    middle = {
        "data": values,
        "mark": {"type": "line", "color": "var(--peer)", "strokeDash": [5, 4], "strokeWidth": 1.5},
        "encoding": {"x": {}, "y": {"field": "mean"}},
    }
    return [area, middle]


def _marks(marks: Sequence[CourseMark], first: dt.date, last: dt.date, scale: Scale) -> list[dict[str, Any]]:
    if not marks:
        return []
    middle = first + (last - first) / 2
    rows = [{"date": _iso(one.date), "words": one.words, "top": scale.max} for one in marks]
    rules = {
        "data": {"values": rows},
        "mark": {"type": "rule", "color": "var(--mark)", "strokeDash": [4, 3]},
        "encoding": {"x": {}},
    }
    layers: list[dict[str, Any]] = [rules]
    for align, dx in (("left", 4), ("right", -4)):
        values = [row for row, one in zip(rows, marks, strict=True) if (one.date <= middle) == (align == "left")]
        mark = {"type": "text", "align": align, "dx": dx, "dy": 8, "color": "var(--mark)", "fontSize": 12}
        encoding = {"x": {}, "y": {"field": "top"}, "text": {"field": "words"}}
        layers += [{"data": {"values": values}, "mark": mark, "encoding": encoding}] if values else []
    return layers


def _bracket(scale: Scale, dots: Sequence[CourseDot], reliable: float | None, last: dt.date) -> list[dict[str, Any]]:
    """From the first score as far as a change must go to be more than error of measurement, in both directions."""
    if reliable is None:
        return []
    start = dots[0].value or 0.0
    low, high = max(scale.min, start - reliable), min(scale.max, start + reliable)
    shared = {"date": _iso(dots[0].date), "until": _iso(last)}
    edges = [shared | {"at": edge} for edge in (start - reliable, start + reliable) if scale.min <= edge <= scale.max]
    upright = {
        "data": {"values": [shared | {"low": low, "high": high}]},
        "mark": {"type": "rule", "color": "var(--muted)", "strokeWidth": 2},
        "encoding": {"x": {}, "y": {"field": "low"}, "y2": {"field": "high"}},
    }
    ends = {
        "data": {"values": edges},
        "mark": {"type": "rule", "color": "var(--muted)", "strokeDash": [2, 3]},
        "encoding": {"x": {}, "x2": {"field": "until"}, "y": {"field": "at"}},
    }
    return [upright, ends] if edges else [upright]


def _line(scale: Scale, dots: Sequence[CourseDot]) -> list[dict[str, Any]]:
    rows = [
        {
            "date": _iso(dot.date),
            "value": dot.value,
            "stretch": stretch,
            "full": dot.status != ScoreStatus.PRORATED,
        }
        for dot, stretch in zip(dots, stretches(dots), strict=True)
    ]
    line = {
        "data": {"values": rows},
        "mark": {"type": "line", "color": "var(--own)", "strokeWidth": 2},
        "encoding": {"x": {}, "y": {"field": "value"}, "detail": {"field": "stretch", "type": "nominal"}},
    }
    fill = {"condition": {"test": "datum.full", "value": "var(--own)"}, "value": "var(--card)"}
    point = {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1, "stroke": "var(--own)", "strokeWidth": 2},
        "encoding": {"x": {}, "y": {"field": "value"}, "fill": fill},
    }
    newest = {
        "data": {"values": rows[-1:]},
        "mark": {"type": "text", "fontSize": 15, "fontWeight": "bold", "color": "var(--ink)", **_beside(scale, dots)},
        "encoding": {"x": {}, "y": {"field": "value"}, "text": {"field": "value", "type": "quantitative"}},
    }
    return [line, point, newest]


def _beside(scale: Scale, dots: Sequence[CourseDot]) -> dict[str, Any]:
    """Where the newest score's number stands: on the side from which the line does not come."""
    newest, before = dots[-1].value or 0.0, dots[-2].value or 0.0 if len(dots) > 1 else 0.0
    room = (scale.max - scale.min) / 8
    below = newest < before or newest > scale.max - room
    if below and newest < scale.min + room:  # the axis is there
        return {"align": "left", "baseline": "middle", "dx": 10}
    return {"dy": 18 if below else -15}


def _table(
    instrument: Instrument,
    scale: Scale,
    dots: Sequence[CourseDot],
    expected: Sequence[CourseRange],
    marks: Sequence[CourseMark],
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    columns = (_("Day"), _("Score"), _("Band"), _("Expected range"), _("Seen among similar people"), _("What to know"))
    rows = [(dot.date, 0, _row(instrument, scale, dot, expected)) for dot in dots]
    rows += [(one.date, 1, (day(one.date), "", "", "", "", one.words)) for one in marks]
    found = [row for _day, _kind, row in sorted(rows, key=lambda one: one[:2])]
    # A column that nothing stands in is not shown.
    kept = [place for place in range(len(columns)) if place not in (3, 4) or any(row[place] for row in found)]
    return tuple(columns[place] for place in kept), tuple(tuple(row[place] for place in kept) for row in found)


def _row(instrument: Instrument, scale: Scale, dot: CourseDot, expected: Sequence[CourseRange]) -> tuple[str, ...]:
    if dot.value is None or dot.status == ScoreStatus.INVALID:
        return day(dot.date), _("no score"), "", "", "", status_words(dot.status)
    nearest = min(expected, key=lambda row: abs((row.date - dot.date).days), default=None)
    if nearest is not None and abs((nearest.date - dot.date).days) > _NEAR:
        nearest = None
    return (
        day(dot.date),
        _figure(dot.value),
        band_name(instrument, scale, dot.value),
        "" if nearest is None else _range(nearest.lower, nearest.upper),
        "" if nearest is None or nearest.seen is None else _seen(*nearest.seen),
        status_words(dot.status),
    )


def _range(low: float, high: float) -> str:
    return _("{low} to {high}").format(low=_figure(low), high=_figure(high))


def _seen(low: float, high: float, n: int) -> str:
    return f"{_range(low, high)} (n {number(n)})"


def band_name(instrument: Instrument, scale: Scale, value: float) -> str:
    """Name of the severity band of a score; "" where the scale has none."""
    found = [band.label for band in instrument.bands_of(scale) if value >= band.min]
    return _(found[-1]) if found else ""


def status_words(status: str) -> str:
    """What to know of a form; "" for a complete one."""
    if status == ScoreStatus.PRORATED:
        return _("some questions were left out; the score is projected from the others")
    if status == ScoreStatus.INVALID:
        return _("too many questions were left out, or the answers do not fit")
    return _("only the total was entered") if status == ScoreStatus.TOTAL_ONLY else ""


def _figure(value: float) -> str:
    return number(value, 0 if value == int(value) else 1)


def _alt_text(instrument: Instrument, scale: Scale, dots: Sequence[CourseDot], expected: Sequence[CourseRange]) -> str:
    if not dots:
        return _("There is no score of {name} yet.").format(name=_(instrument.title))
    better = instrument.better_of(scale)
    direction = _("Lower is better.") if better is Better.LOWER else _("Higher is better.")
    first, last = ((_figure(dot.value or 0), day(dot.date)) for dot in (dots[0], dots[-1]))
    if len(dots) == 1:
        told = _("{name}: {value} on {day}.").format(name=_(instrument.title), value=first[0], day=first[1])
    else:
        told = _("{n} scores of {name}, from {value} on {day} to {last} on {last_day}.").format(
            n=len(dots), name=_(instrument.title), value=first[0], day=first[1], last=last[0], last_day=last[1]
        )
    ribbon = _("A ribbon shows where most people with a similar start were.") if expected else ""
    return " ".join(part for part in (told, direction, ribbon) if part)


def _key(
    instrument: Instrument,
    scale: Scale,
    expected: Sequence[CourseRange],
    reliable: float | None,
    marks: Sequence[CourseMark],
) -> str:
    better = instrument.better_of(scale)
    parts = [
        _("Lower is better.") if better is Better.LOWER else _("Higher is better."),
        _("Dots: scores; an open dot is projected from the questions that were answered."),
        _("Ribbon: where 8 of 10 people with a similar start were expected.") if expected else "",
        _("Upright line and dotted lines: a change that reaches them is more than error of measurement.")
        if reliable is not None
        else "",
        _("Dashed: something changed.") if marks else "",
    ]
    return " ".join(part for part in parts if part)


def _left_out(dots: Sequence[CourseDot]) -> str:
    n = sum(dot.value is None or dot.status == ScoreStatus.INVALID for dot in dots)
    if not n:
        return ""
    return ngettext(
        "{n} form gave no score and is not drawn; the table names it.",
        "{n} forms gave no score and are not drawn; the table names them.",
        n,
    ).format(n=n)
