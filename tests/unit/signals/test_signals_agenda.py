"""The agenda of a circle: which rule chooses what, in which order, and that it computes nothing of its own."""

from __future__ import annotations

import pytest

from benchwell.pipeline.live.sample import sample_edition
from benchwell.reports.network import measures_of
from benchwell.signals import compare
from benchwell.signals.agenda import WHY, agenda
from benchwell.signals.reading import ReadOnce, rows
from benchwell.signals.sentence import sentence
from benchwell.signals.strata_view import strata_views
from benchwell.terms import Light

EDITION = ReadOnce.of(sample_edition())
MEASURES = measures_of(EDITION)[:3]
PLACES = sorted({row["organization_id"] for row in rows(EDITION, "organization_results", period="all", stratum="all")})


@pytest.fixture(scope="module")
def agendas():
    return {place: agenda(EDITION, place, MEASURES) for place in PLACES[:8]}


def test_there_are_three_with_a_reason_and_questions(agendas):
    for topics in agendas.values():
        assert [topic.kind for topic in topics] == ["strength", "puzzle", "equity"]
        assert all(topic.why == WHY[topic.rule] for topic in topics)
        assert all(question.endswith("?") for topic in topics for question in topic.questions)


def test_it_says_what_the_comparison_says(agendas):
    for place, topics in agendas.items():
        for topic in topics[:2]:
            if topic.measure is not None:
                said = sentence(compare(EDITION, place, topic.measure))
                assert said.people in topic.finding
                if topic.rule in ("above", "below", "stands_out_above", "stands_out_below"):
                    # The title stands above it, and a circle has questions where a page has advice.
                    figure = f"{said.figure} {said.interval}, {said.direction}."
                    assert topic.finding == f"{figure} {said.people} {said.benchmark} {said.verdict}"


def test_a_colour_is_talked_about_before_anything_softer(agendas):
    for place, topics in agendas.items():
        lights = {measure.id: compare(EDITION, place, measure).light for measure in MEASURES}
        if Light.BELOW in lights.values():
            assert topics[1].rule in ("stands_out_below", "below")
            assert lights[topics[1].measure] is Light.BELOW
        else:
            assert topics[1].rule not in ("stands_out_below", "below")
        if Light.ABOVE in lights.values():
            assert topics[0].rule in ("stands_out_above", "above")
            assert lights[topics[0].measure] is Light.ABOVE


def test_the_equity_view_is_of_people_and_leaves_out_their_own_common_figure(agendas):
    seen = set()
    for place, topics in agendas.items():
        topic = topics[2]
        seen.add(topic.rule)
        assert topic.variable not in ("severity_band", "therapy", "baseline")
        if topic.rule != "group_apart":
            continue
        view = next(one for one in strata_views(EDITION, place, topic.measure) if one.variable == topic.variable)
        assert any(
            level.lower is not None and level.upper is not None and not level.lower <= view.common <= level.upper
            for level in view.levels
        )
    assert "group_apart" in seen


def test_the_same_edition_gives_the_same(agendas):
    place = PLACES[0]
    assert agenda(EDITION, place, MEASURES) == agendas[place]


def test_variables_can_be_left_out(agendas):
    topics = agenda(EDITION, PLACES[0], MEASURES, skip=lambda _variable: True)
    assert topics[2].rule == "no_groups"
    assert topics[:2] == agendas[PLACES[0]][:2]


def test_without_measures_the_questions_are_still_there():
    topics = agenda(EDITION, PLACES[0], [])
    assert [topic.rule for topic in topics] == ["no_strength", "no_puzzle", "no_groups"]
    assert all(topic.measure is None and topic.finding == "" and topic.questions for topic in topics)


def test_no_clinician_is_read_and_no_word_blames(agendas):
    for topics in agendas.values():
        said = " ".join(" ".join((topic.title, topic.finding, topic.why, *topic.questions)) for topic in topics)
        assert not [word for word in ("best", "worst", "failing", "outlier", "league", "!") if word in said.split()]
