"""One person's course as a picture: what is drawn, what is left out, and that the words say the same."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import vl_convert as vlc

from benchwell.i18n import using
from benchwell.registry import Registry
from benchwell.reports.chart_course import CourseDot, CourseMark, CoursePicture, CourseRange, course_picture, stretches

REGISTRY = Registry.load()
DAY = dt.date(2026, 1, 5)


def dots(*values: float | None, every: int = 7, status: str = "complete") -> list[CourseDot]:
    return [
        CourseDot(DAY + dt.timedelta(place * every), value, status if value is not None else "invalid")
        for place, value in enumerate(values)
    ]


def draw(*values: float | None, instrument: str = "phq-9", **more: Any) -> CoursePicture:
    one = REGISTRY.instrument(instrument)
    return course_picture(one, one.primary, dots(*values), title="a finding", **more)


def marks_of(picture: CoursePicture) -> list[str]:
    assert picture.spec is not None
    return [layer["mark"]["type"] for layer in picture.spec["layer"]]


@pytest.mark.parametrize("instrument", sorted(REGISTRY.instruments))
def test_every_instrument_draws(instrument: str) -> None:
    scale = REGISTRY.instrument(instrument).primary
    picture = draw(scale.min, scale.max, scale.min, instrument=instrument, reliable=3.0)
    assert vlc.vegalite_to_svg(picture.spec).startswith("<svg")


def test_dots_are_drawn_and_not_only_lines() -> None:
    assert {"point", "line"} <= set(marks_of(draw(18, 14)))


def test_without_a_score_only_words_are_given() -> None:
    picture = draw(None)
    assert picture.spec is None
    assert picture.text == "There is no score of Patient Health Questionnaire-9 yet."
    assert picture.rows[0][1] == "no score"


def test_a_form_without_a_score_is_a_gap_and_is_said() -> None:
    picture = draw(18, None, 14)
    assert picture.note == "1 form gave no score and is not drawn; the table names it."
    assert len(picture.rows) == 3


def test_no_line_crosses_a_long_gap() -> None:
    near, far = CourseDot(DAY, 9, "complete"), CourseDot(DAY + dt.timedelta(57), 9, "complete")
    assert stretches([near, CourseDot(DAY + dt.timedelta(56), 9, "complete")]) == [0, 0]
    assert stretches([near, far]) == [0, 1]


def test_bands_have_their_names_and_marks_their_words() -> None:
    picture = draw(18, 14, marks=[CourseMark(DAY + dt.timedelta(3), "Medication started")])
    drawn = json.dumps(picture.spec)
    for name in ("minimal", "mild", "moderate", "moderately severe", "severe", "Medication started"):
        assert f'"{name}"' in drawn
    assert [row[-1] for row in picture.rows] == ["", "Medication started", ""]


def test_the_expected_range_is_a_ribbon_and_a_column() -> None:
    expected = [CourseRange(DAY + dt.timedelta(7 * week), 16 - week, 12 - week, 20 - week) for week in range(4)]
    picture = draw(18, 14, expected=expected)
    assert marks_of(picture).count("area") == 1
    assert [row[3] for row in picture.rows] == ["12 to 20", "11 to 19"]
    assert "A ribbon shows" in picture.text
    assert "area" not in marks_of(draw(18, 14))


def test_the_bracket_of_reliable_change_stays_within_the_scale() -> None:
    picture = draw(2, 3, reliable=6.0)
    assert picture.spec is not None
    (upright,) = [
        layer["data"]["values"][0]
        for layer in picture.spec["layer"]
        if "low" in layer["data"]["values"][0] and layer["mark"]["type"] == "rule"
    ]
    assert (upright["low"], upright["high"]) == (0, 8)


def test_days_are_days_of_the_place_and_not_of_greenwich() -> None:
    picture = draw(18, 14)
    assert picture.spec is not None
    days = [row["date"] for row in picture.spec["layer"][-1]["data"]["values"]]
    assert days == ["2026-01-12T00:00:00"]


def test_the_direction_is_always_said() -> None:
    assert "Lower is better." in draw(18, 14).key
    assert "Higher is better." in draw(40, 60, instrument="who-5").text


def test_one_score_goes_from_nowhere_to_nowhere() -> None:
    assert draw(18).text == "Patient Health Questionnaire-9: 18 on 5 Jan 2026. Lower is better."
    said = "2 scores of Patient Health Questionnaire-9, from 18 on 5 Jan 2026 to 14 on 12 Jan 2026. Lower is better."
    assert draw(18, 14).text == said


def test_the_newest_number_stands_where_the_line_does_not_come_from() -> None:
    def place(*values: float) -> tuple[str | None, int | None]:
        picture = draw(*values)
        assert picture.spec is not None
        mark = picture.spec["layer"][-1]["mark"]
        return mark.get("align"), mark.get("dy")

    assert [place(14, 18), place(18, 14), place(18, 1)] == [(None, -15), (None, 18), ("left", None)]


def test_a_projected_score_is_open_and_said() -> None:
    one = REGISTRY.instrument("phq-9")
    picture = course_picture(one, one.primary, dots(18, status="prorated"), title="")
    assert picture.spec is not None
    assert picture.spec["layer"][-2]["data"]["values"][0]["full"] is False
    assert "projected" in picture.rows[0][-1]


def test_days_and_numbers_follow_the_language() -> None:
    with using("de"):
        assert draw(18.5, 14).rows[0][:2] == ("5. Jan. 2026", "18,5")
