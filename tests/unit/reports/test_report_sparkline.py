"""The small line of quarters: gaps stay gaps, and it says what it shows."""

from __future__ import annotations

from benchwell.reports.sparkline import HEIGHT, PAD, WIDTH, sparkline
from benchwell.signals.run_chart import RunPoint, chart_points
from benchwell.signals.words import Figure
from benchwell.terms import Better

SHARE = Figure("%", 100)


def line(*values, completion=None):
    points = [
        RunPoint(f"2025-Q{n}", value, completion=None if completion is None else completion[n - 1])
        for n, value in enumerate(values, start=1)
    ]
    return sparkline(chart_points(points, title_of="Response", figure=SHARE, better=Better.HIGHER))


def test_higher_is_higher_and_time_runs_to_the_right():
    found = line(0.2, 0.4, 0.6)
    assert found.lines == ("5,31 80,18 155,5",)
    assert found.dots == ((5, 31), (80, 18), (155, 5))
    assert (WIDTH - PAD, HEIGHT - PAD) == (155, 31)
    assert found.center == 18


def test_no_line_crosses_a_gap_and_a_lone_quarter_is_a_dot():
    found = line(0.2, 0.3, None, 0.4)
    assert len(found.lines) == 1
    assert len(found.dots) == 3


def test_no_line_crosses_a_break_in_follow_up():
    assert len(line(0.2, 0.3, 0.4, 0.3, completion=(0.9, 0.9, 0.4, 0.4)).lines) == 2


def test_below_two_quarters_there_is_no_line():
    assert line(0.2, None, None) is None


def test_it_says_the_latest_figure_and_the_whole_in_words():
    found = line(0.2, 0.4, None)
    assert found.last == "2025-Q2: 40 %"
    counted = [RunPoint("2025-Q1", 0.2, n=30), RunPoint("2025-Q2", 0.4, n=41)]
    said = sparkline(chart_points(counted, title_of="Response", figure=SHARE, better=Better.HIGHER))
    assert said.last == "2025-Q2: 40 % (n\u00a0=\u00a041)"
    assert found.text.startswith("Response over 3 periods")


def test_quarters_that_are_all_alike_lie_in_the_middle():
    assert {y for _, y in line(0.4, 0.4, 0.4).dots} == {HEIGHT / 2}
