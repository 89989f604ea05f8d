"""Dots with intervals on one axis: strata beside the common line, and the three answers to missing follow-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from benchwell.reports.canvas import MARK, OWN, PAPER, Chart, data, draw, number_format
from benchwell.signals.comparison import Comparison
from benchwell.signals.strata_view import StrataView
from benchwell.signals.words import Figure, direction, figure_of

STEP = 46
_ANSWERS = (
    ("observed", "only those followed up"),
    ("all_eligible", "missing count as not met"),
    ("estimated", "missing estimated from people like them"),
)


@dataclass(frozen=True)
class Dot:
    """One line of the picture."""

    label: str
    value: float
    low: float
    high: float


def strata_chart(view: StrataView, chart_id: str) -> Chart:
    """Draw the levels of a variable in their own order, with the common figure as a line."""
    figure = figure_of(view.measure)
    dots = [
        Dot(level.level, level.value, level.lower, level.upper)
        for level in view.levels
        if level.value is not None and level.lower is not None and level.upper is not None
    ]
    rows = [
        (
            level.level,
            figure.text(level.value) if level.value is not None else _why(level.status),
            figure.interval(level.lower, level.upper),
            "–" if level.n is None else f"{level.n:,}",
        )
        for level in view.levels
    ]
    rows.append(("all together", figure.text(view.common), "", ""))
    return Chart(
        id=chart_id,
        title=view.title,
        svg=_picture(dots, view.common, figure, chart_id, view.title, view.text),
        text=view.text,
        columns=("Group", view.measure.title, "95 % interval", "People"),
        rows=tuple(rows),
        caption=f"{view.measure.title} by {view.variable.replace('_', ' ')}",
        key="Dots with their 95 % intervals. Line: everyone together." if dots else "",
    )


def answers_chart(comparison: Comparison, chart_id: str) -> Chart:
    """Draw the three answers to missing follow-up; the benchmark belongs to the primary one and is named there."""
    figure, figures = figure_of(comparison.measure), comparison.figures
    dots, rows = [], []
    for name, label in _ANSWERS:
        found = getattr(figures, name)
        primary = " (the measure's own)" if figures.primary == name else ""
        rows.append((f"{label}{primary}", figure.text(found.value), figure.interval(found.lower, found.upper)))
        if found.value is not None and found.lower is not None and found.upper is not None:
            dots.append(Dot(label, found.value, found.lower, found.upper))
    if figures.bound_worst is not None and figures.bound_best is not None:
        low, high = sorted((figures.bound_worst, figures.bound_best))
        extent = f"{figure.number(low)} to {figure.text(high)}"
        rows.append(("if nobody or everybody of the missing had met it", extent, ""))
    title = _answers_title(comparison, dots)
    said = "; ".join(f"{dot.label} {figure.text(dot.value)} {figure.interval(dot.low, dot.high)}" for dot in dots)
    text = f"{title}. {comparison.measure.title}: {said or 'no figure'} ({direction(comparison.better)})."
    return Chart(
        id=chart_id,
        title=title,
        svg=_picture(dots, None, figure, chart_id, title, text),
        text=text,
        columns=("Counting", comparison.measure.title, "95 % interval"),
        rows=tuple(rows),
        caption="Three answers to missing follow-up, and the widest range they allow",
        key=f"{comparison.measure.title}, with 95 % intervals." if dots else "",
    )


def _answers_title(comparison: Comparison, dots: Sequence[Dot]) -> str:
    if len(dots) < 2:
        return "There is only one answer to missing follow-up here"
    # The picture shows the figures; whether the verdict holds was decided against the benchmark of each answer.
    if len({answer.state for answer in comparison.answers}) > 1:
        return "How the missing are counted changes what may be said"
    inside = max(dot.low for dot in dots) <= min(dot.high for dot in dots)
    return "The answers to missing follow-up lie close together" if inside else "How the missing are counted moves this"


def _why(status: str) -> str:
    return {"insufficient": "too few people", "suppressed": "suppressed", "no_activity": "no activity"}.get(status, "–")


def _picture(
    dots: Sequence[Dot],
    line: float | None,
    figure: Figure,
    chart_id: str,
    title: str,
    text: str,
) -> str:
    if not dots:
        return ""
    ends = [value for dot in dots for value in (dot.low, dot.high)] + ([line] if line is not None else [])
    pad = (max(ends) - min(ends)) * 0.06 or 0.02
    scale = alt.Scale(domain=[min(ends) - pad, max(ends) + pad], nice=False)
    # Each label stands above its own line: labels beside the axis are cut off in fonts wider than expected.
    rows = alt.Scale(domain=[dot.label for dot in dots], paddingOuter=0.2)

    def build(width: int) -> Any:
        axis = alt.Axis(format=number_format(figure), tickCount=max(3, width // 90))
        layers = _layers(dots, line, scale, axis, rows)
        return alt.layer(*layers).properties(width=width, height=STEP * len(dots))

    return draw(build, chart_id=chart_id, title=title, text=text)


def _layers(dots: Sequence[Dot], line: float | None, scale: alt.Scale, axis: alt.Axis, rows: alt.Scale) -> list[Any]:
    base = alt.Chart(data(*dots)).encode(y=alt.Y("label:N", scale=rows, title=None, axis=None))
    layers: list[Any] = [
        base.mark_rule(color=OWN, strokeWidth=2.5).encode(
            x=alt.X("low:Q", scale=scale, axis=axis, title=None), x2="high:Q"
        ),
        base.mark_point(shape="circle", size=110, filled=True, color=OWN, stroke=PAPER, opacity=1).encode(
            x=alt.X("value:Q", scale=scale)
        ),
        base.mark_text(align="left", dy=-15, fontSize=13).encode(x=alt.value(0), text="label:N"),
    ]
    if line is not None:
        rule = alt.Chart(data({"line": line})).mark_rule(color=MARK, strokeWidth=1.5)
        layers.insert(0, rule.encode(x=alt.X("line:Q", scale=scale)))
    return layers
