"""Worked examples of METHODS section 5, through the views that people see."""

from __future__ import annotations

import pytest

from benchwell.models.light import light
from benchwell.signals import RunPoint, chart_points, face, funnel_view
from benchwell.signals.words import Figure
from benchwell.terms import Better, Light
from signals_edition import MEASURE, edition

MET = [52, 30, 61, 18, 70, 25, 40, 9]
N = [100, 80, 120, 60, 130, 40, 100, 30]
Z_ADDITIVE = [0.6280, -0.9254, 0.5142, -1.6641, 0.8582, 1.4837, -0.6805, -1.4017]


@pytest.fixture
def example_5_1():
    return edition({f"c{i}": (n, n, x) for i, (x, n) in enumerate(zip(MET, N, strict=True))})


def test_e5_1_the_funnel_shows_the_overdispersed_distances(example_5_1):
    for place, z in enumerate(Z_ADDITIVE):
        view = funnel_view(example_5_1, MEASURE["id"], f"c{place}")
        assert view is not None
        assert view.own is not None
        assert view.own.z == pytest.approx(z, abs=5e-5)
        assert view.target == pytest.approx(0.462121, abs=1e-6)
        assert view.phi == pytest.approx(2.566650, abs=1e-6)


def test_e5_1_two_that_differ_by_chance_limits_do_not_differ_from_the_usual_spread(example_5_1):
    view = funnel_view(example_5_1, MEASURE["id"])
    assert view is not None
    assert view.overdispersed
    assert view.n_beyond == 0
    assert view.title == "No clinic differs from the others by more than chance and the usual spread"


def test_below_ten_peers_no_dot_is_shown(example_5_1):
    view = funnel_view(example_5_1, MEASURE["id"], "c0")
    assert view is not None
    assert view.peers == ()
    assert view.own is not None


@pytest.mark.parametrize(
    ("theta", "sd", "word"),
    [
        (0.605, 0.031, "clearly above"),
        (0.51, 0.047, "cannot tell yet"),
        (0.38, 0.030, "clearly below"),
        (0.40, 0.060, "cannot tell yet"),
    ],
)
def test_e5_5_the_light_in_words(theta, sd, word):
    assert face(light(theta, sd, 0.47, 0.010, 0.03).state, Better.HIGHER).word == word


def test_e5_2_a_run_chart_freezes_twelve_points_and_names_the_rule():
    series = [42, 45, 41, 44, 47, 43, 40, 46, 44, 42, 45, 43, 55]
    points = [RunPoint(f"{2024 + i // 12}-{i % 12 + 1:02d}", float(value)) for i, value in enumerate(series)]
    chart = chart_points(points, title_of="Wait", figure=Figure("days"), better=Better.LOWER)
    assert chart.center == pytest.approx(43.5)
    assert chart.lower == pytest.approx(35.0364, abs=1e-4)
    assert chart.upper == pytest.approx(51.9636, abs=1e-4)
    assert chart.firm
    assert [point.period for point in chart.points if point.signal] == ["2025-01"]
    assert chart.points[-1].signal == "beyond a limit"
    assert chart.title == "Higher than usual in 2025-01"


def test_e5_2_seven_on_one_side_are_a_shift():
    series = [42, 45, 41, 44, 47, 43, 40, 46, 44, 42, 45, 43, 46, 47, 45, 48, 46, 47, 49]
    points = [RunPoint(f"p{i:02d}", float(value)) for i, value in enumerate(series)]
    chart = chart_points(points, title_of="Wait", figure=Figure("days"), better=Better.LOWER)
    assert [bool(point.signal) for point in chart.points] == [False] * 12 + [True] * 7


def test_every_state_has_its_own_shape_and_word():
    for better in Better:
        faces = [face(state, better) for state in Light]
        assert len({one.symbol for one in faces}) == len({one.word for one in faces}) == 4
