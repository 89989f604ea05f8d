"""Intervals on one axis: every line keeps its place, its yardstick and its light at both widths."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from benchwell.reports.canvas import Chart
from benchwell.reports.chart_run import run_picture
from benchwell.reports.interval_rows import SAID, STEP, Interval, interval_picture
from benchwell.signals.run_chart import RunPoint, chart_points
from benchwell.signals.words import Figure
from benchwell.terms import Better, Light

PERCENT = Figure("%", 100)
LINES = [
    Interval("As counted", 0.4, 0.3, 0.5, beside=0.55, state=Light.BELOW, said="▼ clearly below"),
    Interval("Adjusted for whom one treats", 0.5, 0.4, 0.6, beside=0.54, state=Light.UNKNOWN, said="○ cannot tell yet"),
]

POINTS = [RunPoint("2025-Q1", 0.4), RunPoint("2025-Q2", 0.5), RunPoint("2025-Q3", 0.45)]


def picture(lines, common=None):
    build = interval_picture(lines, common, PERCENT)
    return Chart("one", "What was found", build, "The same in words", (), (), "").svg


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


def test_a_page_in_a_browser_gets_the_same_picture_in_colours_that_follow_the_page():
    chart = Chart("one", "What was found", interval_picture(LINES, None, PERCENT), "The same in words", (), (), "")
    wide, narrow = chart.specification(), chart.specification(290)
    assert (wide["width"], narrow["width"]) == (560, 290)
    colours = set(re.findall(r'"(var\(--[a-z]+\)|#[0-9a-f]{6})"', json.dumps(wide)))
    assert {"var(--own)", "var(--below)", "var(--unknown)"} <= colours
    assert not [one for one in colours if one.startswith("#")]


def test_data_that_were_packed_as_text_are_unpacked_for_a_browser():
    chart = run_picture(chart_points(POINTS, title_of="Response", figure=PERCENT, better=Better.HIGHER), "run")
    found = chart.specification()
    assert all(isinstance(values, list) for values in found["datasets"].values())
    drawn = found["datasets"][found["layer"][-1]["data"]["name"]]
    assert [row["value"] for row in drawn] == [0.4, 0.5, 0.45]


def test_the_people_behind_each_point_stand_below_it():
    points = [RunPoint("2025-Q1", 0.4, n=34), RunPoint("2025-Q2", 0.5, n=1_021), RunPoint("2025-Q3", None, n=4)]
    chart = picture_of(points)
    assert chart.up.replace("\u00a0", " ") == "Response, n = 34 to 1,021 each time"
    drawn = chart.svg.replace("\u00a0", " ").replace("&#160;", " ").replace("&nbsp;", " ")
    assert all(words in drawn for words in (">n = 34<", ">n = 1,021<"))
    assert "n = 4<" not in drawn  # a gap has no figure that would rest on them
    assert "n = " not in picture_of(POINTS).svg


def picture_of(points):
    return run_picture(chart_points(points, title_of="Response", figure=PERCENT, better=Better.HIGHER), "run")


def test_where_there_is_nothing_to_draw_there_is_no_specification():
    assert Chart("one", "Nothing", None, "Nothing", (), (), "").specification() is None


def test_a_line_through_all_rows_stops_at_each_label():
    lines = [replace(one, state=None, said="") for one in LINES]
    found = interval_picture(lines, 0.45, PERCENT, own=0.4)(560)
    labels = [one["top"] for one in found["data"]["values"]]
    through = [layer["data"]["values"] for layer in found["layer"] if "from" in str(layer.get("encoding", {}).get("y"))]
    rules = [values for values in through if "at" in values[0]]
    assert len(rules) == 2
    for values in rules:
        for label in labels:
            assert not any(one["from"] < label <= one["to"] for one in values)
