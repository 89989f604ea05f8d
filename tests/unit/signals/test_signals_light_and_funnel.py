"""The light and the funnel may differ: exactly then one sentence says why, where both are seen."""

from dataclasses import replace

import pytest

from benchwell.reports.chart_funnel import funnel_chart
from benchwell.reports.organization import organization_card
from benchwell.signals import compare, funnel_view
from benchwell.signals.funnel_view import BETWEEN, BEYOND, INSIDE
from benchwell.signals.light_and_funnel import why_they_differ
from benchwell.signals.words import FORBIDDEN
from benchwell.terms import Light
from signals_edition import MEASURE, edition

ID = MEASURE["id"]
PEERS = {f"peer-{n}": (400, 390, 150 + 8 * n) for n in range(1, 15)}


def both(met: int):
    made = edition({**PEERS, "own": (400, 390, met)})
    return made, compare(made, "own", ID), funnel_view(made, ID, "own")


def test_the_sentence_is_there_exactly_when_they_differ_and_only_there():
    seen = set()
    for met in range(110, 320, 8):
        made, comparison, view = both(met)
        coloured, outside = comparison.light in (Light.ABOVE, Light.BELOW), view.own.place != INSIDE
        said = why_they_differ(comparison, view)
        assert bool(said) == (coloured != outside), met
        seen.add((coloured, outside))
        (drawn,) = [
            one for one in organization_card(made, "own", comparison.measure, "own").charts if "funnel" in one.id
        ]
        assert drawn.note.startswith(said)
        if not said:
            assert "light" not in drawn.note
    assert len(seen) > 2


@pytest.mark.parametrize(
    ("light", "place", "z", "words"),
    [
        (Light.BELOW, INSIDE, -1.5, "The light shows a difference and the funnel does not"),
        (Light.ABOVE, INSIDE, 1.5, "at least 90 % probable"),
        (Light.UNKNOWN, BETWEEN, -2.2, "The funnel shows a difference and the light stays grey"),
        (Light.CLOSE, BEYOND, 3.5, "large enough to matter"),
        (Light.ABOVE, BEYOND, -3.5, "point to different sides"),
        (Light.BELOW, BEYOND, -3.5, ""),
        (Light.CLOSE, INSIDE, 0.1, ""),
        (Light.UNKNOWN, INSIDE, 0.1, ""),
    ],
)
def test_each_way_in_which_they_can_differ_has_its_words(light, place, z, words):
    _made, comparison, view = both(210)
    view = replace(view, own=replace(view.own, place=place, z=z))
    said = why_they_differ(replace(comparison, light=light, deciding="probability"), view)
    assert words in said if words else said == ""
    assert not [word for word in FORBIDDEN if word in said.lower().split()]
    assert funnel_chart(view, "f", beside=said).note.startswith(said)


def test_where_no_clinic_is_labelled_there_is_no_light_beside_it():
    _made, comparison, view = both(210)
    assert why_they_differ(comparison, replace(view, own=None)) == ""
