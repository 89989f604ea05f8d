"""Run chart, distribution and strata: gaps, breaks, anonymity, the common line."""

from __future__ import annotations

import pytest

from benchwell.reports.chart_intervals import strata_chart
from benchwell.signals import (
    RunPoint,
    chart_points,
    distribution,
    funnel_view,
    individual_chart,
    run_chart,
    strata_views,
)
from benchwell.signals.words import Figure
from benchwell.terms import Better
from signals_edition import CLINICS, MEASURE, a_measure, edition

ID = MEASURE["id"]
RATE = Figure("%", 100)


def chart(points):
    return chart_points(points, title_of="Response", figure=RATE, better=Better.HIGHER)


def test_a_missing_quarter_is_a_gap_in_its_place():
    found = chart([RunPoint("2024-Q1", 0.4), RunPoint("2024-Q2", 0.5), RunPoint("2024-Q4", 0.5)])
    assert [point.period for point in found.points] == ["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4"]
    assert found.points[2].value is None
    assert found.points[2].signal == ""


def test_a_missing_month_is_a_gap_across_the_year():
    found = chart([RunPoint("2024-11", 0.4), RunPoint("2025-02", 0.5)])
    assert [point.period for point in found.points] == ["2024-11", "2024-12", "2025-01", "2025-02"]


def test_periods_of_another_kind_stay_as_they_are():
    labels = ["2024-Q1", "2024-02", "first"]
    assert [point.period for point in chart([RunPoint(label, 0.4) for label in labels]).points] == labels


def test_a_change_in_follow_up_breaks_the_series_even_across_a_gap():
    found = chart(
        [
            RunPoint("2024-Q1", 0.4, completion=0.5),
            RunPoint("2024-Q2", 0.5, completion=0.7),
            RunPoint("2024-Q4", 0.5, completion=0.95),
        ]
    )
    assert [point.break_before for point in found.points] == [False, False, False, True]


def test_two_points_apart_give_no_limits():
    found = chart([RunPoint("2024-Q1", 0.4), RunPoint("2024-Q3", 0.5)])
    assert (found.center, found.lower, found.upper) == (None, None, None)
    assert found.title == "Too few periods to see a trend"


def test_the_finding_names_side_and_span():
    flat = [0.4, 0.42, 0.38, 0.41, 0.39, 0.4, 0.42, 0.38, 0.41, 0.39, 0.4, 0.41]
    later = [0.6, 0.61, 0.4, 0.2]
    labels = [f"{2024 + place // 12}-{place % 12 + 1:02d}" for place in range(16)]
    found = chart([RunPoint(label, value) for label, value in zip(labels, flat + later, strict=True)])
    assert found.title == "Higher than usual in 2025-01 to 2025-02; lower than usual in 2025-04"
    rising = chart(
        [RunPoint(label, value) for label, value in zip(labels, [*flat, 0.4, 0.41, 0.42, 0.43], strict=True)]
    )
    assert rising.title == "No change beyond the usual ups and downs"
    climbing = chart([RunPoint(label, 0.40 + place / 100) for place, label in enumerate(labels[:8])])
    assert climbing.title == "Higher than usual or rising in 2024-01 to 2024-08; lower than usual in 2024-01 to 2024-02"


def test_single_courses_are_charted_in_their_order_with_gaps_for_those_not_followed():
    gains = [6.0, 5.0, None, 7.0, 6.0, 5.0, 6.0, 7.0, 5.0, 6.0, 7.0, 6.0, 5.0, 18.0]
    found = individual_chart(gains, title_of="Points gained", figure=Figure("points", decimals=1))
    assert [point.period for point in found.points] == [str(place) for place in range(1, 15)]
    assert found.points[2].value is None
    assert found.known == 13
    assert found.title == "Higher than usual in 14 (courses in the order in which they started)"
    assert "13 courses" not in found.text
    assert "over 14 courses" in found.text
    assert individual_chart([5.0], title_of="x", figure=RATE).title == "Too few courses to see a trend"


def test_an_edition_series_leaves_out_the_whole_and_rolling_windows():
    quarters = {"2024-Q1": {"north": (40, 30, 12)}, "2024-Q2": {"north": (5, 4, 1)}, "2024-Q3": {"north": (40, 30, 9)}}
    made = edition(quarters=quarters | {"2024-Q1..2024-Q4": {"north": (85, 64, 22)}})
    found = run_chart(made, "north", ID)
    assert [(point.period, point.value) for point in found.points] == [
        ("2024-Q1", pytest.approx(0.4)),
        ("2024-Q2", None),
        ("2024-Q3", pytest.approx(0.3)),
    ]


def test_ten_peers_are_dots_without_names_in_the_order_of_their_figures():
    view = distribution(edition(), ID, "north", name="North")
    assert view.n == 11
    assert list(view.values) == sorted(view.values)
    assert view.own == pytest.approx(0.62)
    assert view.hidden == {"insufficient": 1}


def test_fewer_than_ten_peers_show_only_their_middle_and_fewer_than_five_nothing():
    some = distribution(edition({name: CLINICS[name] for name in list(CLINICS)[:7]}), ID, "north")
    assert (some.values, some.quartiles) == ((), None)
    assert some.middle is not None
    assert some.title == "The middle one of 6 other clinics has 47 %"
    few = distribution(edition({name: CLINICS[name] for name in list(CLINICS)[:4]}), ID, "north")
    assert (few.values, few.quartiles, few.middle) == ((), None, None)
    assert few.title.startswith("Too few clinics")


def test_there_is_no_funnel_without_three_clinics_or_without_any_success():
    assert funnel_view(edition({"a": (40, 40, 20), "b": (50, 50, 20)}), ID) is None
    assert funnel_view(edition(dict.fromkeys("abcd", (40, 40, 0)), records=[]), ID) is None


def test_a_level_stands_beside_the_common_figure():
    levels = {"mild": {"north": (60, 50, 45)}, "severe": {"north": (60, 50, 31)}, "unknown": {"north": (3, 2, 1)}}
    (view,) = strata_views(edition(strata={"severity": levels}), "north", ID)
    assert view.common == pytest.approx(0.62)
    assert [(level.level, level.status) for level in view.levels] == [
        ("mild", "ok"),
        ("severe", "ok"),
        ("unknown", "insufficient"),
    ]
    assert view.levels[2].value is None
    assert view.title == "By severity: mild differs from the common figure"
    assert "mild, n = 50: 90 % (79–96); severe, n = 50: 62 %" in view.text.replace("\u00a0", " ")
    assert view.text.endswith(" Too few people for a figure: severity unknown.")
    drawn = strata_chart(view, "s")
    labels = [one["label"].replace("\u00a0", " ") for one in drawn.specification()["data"]["values"]]
    assert labels == ["Mild, n = 50", "Severe, n = 50"]
    assert drawn.key.endswith("Too few people for a figure: severity unknown.")


@pytest.mark.parametrize(("primary", "people"), [("all_eligible", 40), ("observed", 30)])
def test_people_beside_a_figure_are_those_it_is_a_figure_of(primary, people):
    quarters = {"2024-Q1": {"north": (40, 30, 12)}, "2024-Q2": {"north": (40, 30, 9)}}
    levels = {"mild": {"north": (40, 30, 20)}}
    made = edition(measure=a_measure(primary_denominator=primary), quarters=quarters, strata={"severity": levels})
    (view,) = strata_views(made, "north", ID)
    found = run_chart(made, "north", ID)
    assert [point.n for point in found.points] == [people, people]
    assert [level.n for level in view.levels] == [people]
    assert found.points[0].value == pytest.approx(12 / people)
    assert found.to_dict()["points"][0]["n"] == people
