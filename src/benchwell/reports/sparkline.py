"""Quarters as a line the height of a word: drawn without a script, so that it is there before anything else."""

from __future__ import annotations

from dataclasses import dataclass

from benchwell.signals.run_chart import RunChart, RunPoint
from benchwell.signals.words import people_words

WIDTH, HEIGHT, PAD = 160, 36, 5


@dataclass(frozen=True)
class Sparkline:
    """A small line, in pixels of a picture of `WIDTH` by `HEIGHT`.

    Attributes:
        lines: Each stretch without a gap or break, as the points of an SVG polyline.
        dots: Middle of each period that has a figure.
        center: Height of the frozen centre line; None without one.
        last: The latest figure in words, with the people behind it.
        text: Alternative text.
    """

    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    center: float | None
    last: str
    text: str


def sparkline(chart: RunChart) -> Sparkline | None:
    """The periods of a run chart as a small line; None below two figures.

    A gap stays a gap, and no line crosses a break. The height is cut to the figures themselves, so that it shows
    movement and never size: the figure beside it says that.

    Args:
        chart: The run chart.
    """
    known = [point.value for point in chart.points if point.value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    if chart.center is not None:
        low, high = min(low, chart.center), max(high, chart.center)
    step = (WIDTH - 2 * PAD) / max(1, len(chart.points) - 1)

    def height(value: float) -> float:
        share = 0.5 if high - low < 1e-9 else (value - low) / (high - low)
        return round(HEIGHT - PAD - share * (HEIGHT - 2 * PAD), 1)

    stretches: list[list[tuple[float, float]]] = [[]]
    for place, point in enumerate(chart.points):
        if point.value is None or point.break_before:
            stretches.append([])
        if point.value is not None:
            stretches[-1].append((round(PAD + place * step, 1), height(point.value)))
    return Sparkline(
        lines=tuple(" ".join(f"{x:g},{y:g}" for x, y in one) for one in stretches if len(one) > 1),
        dots=tuple(dot for one in stretches for dot in one),
        center=None if chart.center is None else height(chart.center),
        last=next(_last(chart, point) for point in reversed(chart.points) if point.value is not None),
        text=chart.text,
    )


def _last(chart: RunChart, point: RunPoint) -> str:
    """The latest figure with the people that it rests on."""
    said = f"{point.period}: {chart.figure.text(point.value)}"
    return said if point.n is None else f"{said} ({people_words(point.n)})"
