"""Rows for a terminal hold the same figures as the pages."""

from __future__ import annotations

from benchwell.reports import comparison_lines, comparison_table
from benchwell.signals import compare
from signals_edition import MEASURE, edition


def test_a_row_holds_people_figure_interval_benchmark_and_light():
    made = edition()
    table = comparison_table([compare(made, name, MEASURE["id"]) for name in ("north", "tiny")], caption="Two")
    assert table.rows == (
        ("Response at 12 weeks", "240", "200", "62 %", "(55–68)", "49 %", "▲ clearly above"),
        ("Response at 12 weeks", "6", "5", "–", "", "50 %", "○ cannot tell yet (too few people)"),
    )
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_lines_end_with_something_to_do():
    lines = comparison_lines(compare(edition(), "lake", MEASURE["id"]))
    assert lines[0].startswith("Response at 12 weeks: 42 %")
    assert lines[3].startswith("○ We cannot tell yet")
    assert lines[-1].startswith("Worth doing now:")
