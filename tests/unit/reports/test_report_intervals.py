"""Intervals on one axis: every line keeps its place, its yardstick and its light at both widths."""

from __future__ import annotations

import re

from benchwell.reports.interval_rows import SAID, STEP, Interval, interval_picture
from benchwell.signals.words import Figure
from benchwell.terms import Light

PERCENT = Figure("%", 100)
LINES = [
    Interval("As counted", 0.4, 0.3, 0.5, beside=0.55, state=Light.BELOW, said="▼ clearly below"),
    Interval("Adjusted for whom one treats", 0.5, 0.4, 0.6, beside=0.54, state=Light.UNKNOWN, said="○ cannot tell yet"),
]


def picture(lines, common=None):
    return interval_picture(lines, common, PERCENT, chart_id="one", title="What was found", text="The same in words")


def heights(svg: str) -> list[float]:
    return [float(height) for height in re.findall(r'<svg [^>]*height="([\d.]+)"', svg)]


def test_nothing_is_drawn_of_nothing():
    assert picture([]) == ""


def test_labels_and_lights_are_words_in_the_picture():
    svg = picture(LINES)
    for line in LINES:
        assert svg.count(f">{line.label}<") == svg.count(f">{line.said}<") == 2, "wide and narrow"
    assert "var(--below)" in svg
    assert "var(--unknown)" in svg


def test_a_phone_gives_each_light_a_line_of_its_own():
    wide, narrow = heights(picture(LINES))
    assert narrow - wide == SAID * len(LINES)
    plain = heights(picture([Interval("one", 0.4, 0.3, 0.5)]))
    assert plain[0] == plain[1]
    assert plain[0] >= STEP


def test_the_common_figure_is_one_line_and_own_yardsticks_are_strokes():
    def strokes(svg: str) -> int:
        return svg.count('stroke="var(--mark)"')

    assert strokes(picture(LINES)) == 2 * len(LINES)
    assert strokes(picture([Interval("one", 0.4, 0.3, 0.5)], common=0.45)) == 2
    assert strokes(picture([Interval("one", 0.4, 0.3, 0.5)])) == 0


def test_figures_that_are_all_alike_still_have_an_axis():
    svg = picture([Interval("one", 0.5, 0.5, 0.5)], common=0.5)
    assert "NaN" not in svg
    assert "50%" in svg
