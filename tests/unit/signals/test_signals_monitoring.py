"""Charts over time in words, refusals with what is missing, and limits of shares by their own number of people."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from benchwell.reports.chart_monitoring import monitored, monitoring_charts
from benchwell.reports.chart_run import run_picture
from benchwell.signals import RunPoint, chart_points, run_chart
from benchwell.signals.monitoring_view import monitoring_view
from benchwell.signals.share_limits import share_limits
from benchwell.signals.words import FORBIDDEN, Figure
from benchwell.tables import DERIVED
from benchwell.terms import Better
from signals_edition import MEASURE, MemoryEdition, a_measure, edition

ID = MEASURE["id"]
RATE = Figure("%", 100)


def month(label: str, **changes: Any) -> dict[str, Any]:
    return {
        "measure": ID,
        "adjustment": "unadjusted",
        "organization_id": "north",
        "month": label,
        "n": 10,
        "adverse": 5,
        "expected": 4.0,
        "vlad": -1.0,
        "cusum_worse": 0.5,
        "cusum_worse_peak": 0.8,
        "cusum_better": 0.0,
        "cusum_better_peak": 0.2,
        "limit_worse": 2.5,
        "limit_better": 2.4,
        "arl_worse": 512.0,
        "arl_better": 530.0,
        "signal": None,
    } | changes


def monitored_edition(*months: dict[str, Any], **measure: Any) -> MemoryEdition:
    made = edition(measure=a_measure(**measure))
    table = pa.Table.from_pylist(list(months), schema=DERIVED["monitoring_months"].schema)
    return replace(made, tables=dict(made.tables) | {"monitoring_months": table})


def texts(view: Any) -> str:
    charts = monitoring_charts(view, "x")
    parts = [view.title, view.note, view.limits_text, view.reason, view.text, *(one.text for one in view.signals)]
    for chart in charts:
        parts += [chart.title, chart.text, chart.key, chart.up, chart.note, chart.caption]
    return " ".join(parts).lower()


def test_no_crossing_is_said_and_the_false_alarm_is_in_people_and_years() -> None:
    view = monitoring_view(monitored_edition(month("2026-01"), month("2026-02", vlad=-2.0)), "north", ID)
    assert view is not None
    assert view.title == "Outcomes as expected: no limit was crossed"
    assert "once in about 550 people on each side, which is about 5 years here" in view.limits_text
    assert "with nothing adjusted for" in view.text
    assert view.signals == ()


def test_a_crossing_names_month_and_side_and_what_to_look_at() -> None:
    months = [
        month("2026-01"),
        month("2026-02", cusum_worse_peak=2.6, signal="worse"),
        month("2026-03", cusum_better_peak=2.4, signal="better"),
    ]
    view = monitoring_view(monitored_edition(*months), "north", ID)
    assert view is not None
    assert view.title == "Less favorable than expected in 2026-02; more favorable than expected in 2026-03"
    assert [one.side for one in view.signals] == ["worse", "better"]
    assert "More people without this outcome" in view.signals[0].text
    assert "Fewer people without this outcome" in view.signals[1].text
    assert "Look first at follow-up" in view.note
    part = monitored(view, "place")
    assert part is not None
    assert part.open
    assert [len(chart.rows) for chart in part.charts] == [3, 4]
    assert all(chart.svg.count("<svg") == 2 for chart in part.charts)


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize("denominator", ["observed", "all_eligible"])
def test_words_are_never_those_of_control(better: str, denominator: str) -> None:
    made = monitored_edition(
        month("2026-01", signal="worse", cusum_worse_peak=3.0), better=better, primary_denominator=denominator
    )
    view = monitoring_view(made, "north", ID)
    assert view is not None
    words = texts(view).replace("−", "-")
    assert not [word for word in FORBIDDEN if word in words.replace(" worse", "")]
    assert ("with this outcome" if better == "lower" else "without this outcome") in words
    assert ("follow-up alone can move this" in words) == (denominator == "all_eligible")


def test_a_month_without_people_changes_nothing() -> None:
    view = monitoring_view(monitored_edition(month("2025-11"), month("2026-02", vlad=-3.0)), "north", ID)
    assert view is not None
    assert [one.month for one in view.months] == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert [one.n for one in view.months] == [10, 0, 0, 10]
    assert [one.vlad for one in view.months] == [-1.0, -1.0, -1.0, -3.0]
    assert [one.worse for one in view.months] == [0.8, 0.5, 0.5, 0.8]


def test_unadjusted_stands_beside_adjusted() -> None:
    months = [month("2026-01", vlad=-1.5), month("2026-01", adjustment="clinical", vlad=-0.5)]
    made = monitored_edition(*months, month("2026-02", vlad=-2.0), month("2026-02", adjustment="clinical"))
    view = monitoring_view(made, "north", ID)
    assert view is not None
    assert view.adjustment == "clinical"
    assert [one.vlad_unadjusted for one in view.months] == [-1.5, -2.0]
    assert "Added up, unadjusted" in monitoring_charts(view, "x")[0].columns
    plain = monitoring_view(made, "north", ID, adjustment="unadjusted")
    assert plain is not None
    assert [one.vlad_unadjusted for one in plain.months] == [None, None]


def test_too_few_people_are_refused_with_how_many_are_missing() -> None:
    made = monitored_edition(month("2026-01"))
    view = monitoring_view(made, "tiny", ID)
    assert view is not None
    assert view.status == "insufficient"
    assert view.n_needed == 45  # five followed up of fifty
    assert "45 more people are enough in any case" in view.reason
    assert monitoring_charts(view, "x") == ()
    part = monitored(view, "x")
    assert part is not None
    assert part.refusal == view.reason
    assert not part.open


def test_a_view_that_an_organization_lacks_is_refused_not_replaced() -> None:
    made = monitored_edition(month("2026-01"), month("2026-01", organization_id="south", adjustment="clinical"))
    shown = monitoring_view(made, "north", ID)
    assert shown is not None
    assert (shown.status, shown.adjustment) == ("ok", "unadjusted")
    asked = monitoring_view(made, "north", ID, adjustment="clinical")
    assert asked is not None
    assert (asked.status, asked.n_needed) == ("insufficient", None)
    assert "enough in any case" not in asked.reason


def test_a_change_in_follow_up_is_said_beside_the_chart() -> None:
    counts = {"2025-Q1": (40, 38, 18), "2025-Q2": (50, 25, 12)}
    made = edition(quarters=quarters(counts))
    table = pa.Table.from_pylist([month("2026-01")], schema=DERIVED["monitoring_months"].schema)
    view = monitoring_view(replace(made, tables=dict(made.tables) | {"monitoring_months": table}), "north", ID)
    assert view is not None
    assert view.breaks == ("2025-Q2",)
    assert "Follow-up changed for people who started in 2025-Q2" in view.note


def test_nothing_is_said_where_nobody_can_be_monitored() -> None:
    assert monitoring_view(edition(), "north", ID) is None
    mean = a_measure(endpoint={"kind": "change"})
    assert monitoring_view(edition(measure=mean), "north", ID) is None
    assert monitored(None, "x") is None


def test_plain_data_is_json() -> None:
    made = monitored_edition(month("2026-01", signal="worse", cusum_worse_peak=2.7), month("2026-03"))
    view = monitoring_view(made, "north", ID)
    assert view is not None
    found = json.loads(json.dumps(view.to_dict(), allow_nan=False))
    assert (found["measure"], found["limit_worse"], found["arl_worse"], found["years"]) == (ID, 2.5, 512.0, 5.0)
    assert [one["month"] for one in found["months"]] == ["2026-01", "2026-02", "2026-03"]
    assert found["signals"][0]["side"] == "worse"


def test_share_limits_are_those_of_the_worked_example() -> None:
    """METHODS E5.3: no narrowing below chance, and the hint to look at rounding or copied data."""
    counts = [(12, 30), (15, 40), (9, 25), (20, 50), (14, 35)]
    found = share_limits([x / n for x, n in counts], [float(n) for _, n in counts], list("abcde"), 12, RATE)
    assert found is not None
    assert found.center == pytest.approx(0.388889, rel=1e-4)
    assert found.sigma_z == pytest.approx(0.2006, rel=1e-3)
    assert not found.widened
    first, fourth = found.points[0], found.points[3]
    assert first is not None
    assert fourth is not None
    assert (first.lower, first.upper) == pytest.approx((0.1219, 0.6559), abs=5e-5)
    assert (fourth.lower, fourth.upper) == pytest.approx((0.1821, 0.5957), abs=5e-5)
    assert "check for rounded or copied data" in found.text


def test_share_limits_are_widened_where_points_differ_by_more_than_chance() -> None:
    people = [1000.0] * 6
    found = share_limits([0.40, 0.50, 0.42, 0.52, 0.41, 0.50], people, list("abcdef"), 12, RATE)
    assert found is not None
    assert found.sigma_z > 1
    assert found.widened
    assert "widened" in found.text
    assert not any(point is not None and point.beyond for point in found.points)


def test_share_limits_stay_frozen_for_later_points_and_gaps_stay_gaps() -> None:
    values = [0.4, 0.42, None, 0.39, 0.41, 0.9]
    counted = [50.0, 60.0, None, 55.0, 40.0, 60.0]
    found = share_limits(values, counted, list("abcdef"), 5, RATE)
    assert found is not None
    assert found.points[2] is None
    assert [point is not None and point.beyond for point in found.points] == [False] * 5 + [True]
    assert found.center == pytest.approx((20 + 25.2 + 21.45 + 16.4) / 205)
    assert "beyond them in f" in found.text


def test_no_share_limits_without_two_shares_or_any_spread() -> None:
    assert share_limits([0.4, None], [10.0, None], ["a", "b"], 12, RATE) is None
    assert share_limits([0.0, 0.0], [10.0, 10.0], ["a", "b"], 12, RATE) is None
    assert share_limits([0.4, 0.5], [None, None], ["a", "b"], 12, RATE) is None


def quarters(counts: dict[str, tuple[int, int, int]]) -> dict[str, dict[str, tuple[int, int, int]]]:
    return {label: {"north": count} for label, count in counts.items()}


def test_the_run_chart_of_a_share_has_limits_by_people_and_keeps_breaks() -> None:
    counts = {"2024-Q1": (40, 36, 18), "2024-Q2": (50, 44, 20), "2024-Q3": (60, 52, 27), "2024-Q4": (300, 150, 70)}
    found = run_chart(edition(quarters=quarters(counts)), "north", ID)
    assert found.share is not None
    assert [point.counted for point in found.points] == [36, 44, 52, 150]
    limits = [point for point in found.share.points if point is not None]
    widths = [point.upper - point.lower for point in limits]
    assert widths == sorted(widths, reverse=True)
    assert [point.break_before for point in found.points] == [False, False, False, True]
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["share_limits"]["center"] == pytest.approx(135 / 282)
    assert not any(point["share_limits"]["beyond"] for point in plain["points"])


def test_a_share_beyond_its_limits_is_drawn_with_another_shape_and_told() -> None:
    values = [0.40, 0.44, 0.38, 0.42, 0.41, 0.39, 0.43, 0.40, 0.42, 0.38, 0.41, 0.43, 0.75]
    labels = [f"20{22 + place // 4}-Q{place % 4 + 1}" for place in range(13)]
    points = [RunPoint(label, value, counted=40.0) for label, value in zip(labels, values, strict=True)]
    found = chart_points(points, title_of="Response", figure=RATE, better=Better.HIGHER)
    assert "beyond them in 2025-Q1" in found.text
    picture = run_picture(found, "x")
    assert "Limits for so many" in picture.columns
    assert "beyond the limits for so many people" in picture.rows[-1][-1]
    assert "△" in picture.key
    assert found.share is not None
    assert found.share.text in picture.note


def test_other_series_have_no_limits_by_people() -> None:
    points = [RunPoint("2024-Q1", 3.0), RunPoint("2024-Q2", 4.0), RunPoint("2024-Q3", 3.5)]
    found = chart_points(points, title_of="Change", figure=Figure("points"), better=Better.HIGHER)
    assert found.share is None
    assert found.to_dict()["share_limits"] is None
    assert "Limits for so many" not in run_picture(found, "x").columns
