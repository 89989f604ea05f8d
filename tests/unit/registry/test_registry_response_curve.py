"""Declared expected courses: what is shipped, and what contradicts itself."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from benchwell.errors import UnknownDeclarationError
from benchwell.registry import CurveDeclaration, Registry
from benchwell.reports.method import method_html, method_markdown
from benchwell.settings import Settings

REGISTRY = Registry.load()
ONE = REGISTRY.response_curve("phq9-course-weeks")


def test_phq9_and_gad7_are_shipped_and_switched_off():
    assert {one.instrument for one in REGISTRY.response_curves.values()} == {"phq-9", "gad-7"}
    assert Settings(id="somewhere").expected_course is False


@pytest.mark.parametrize("name", sorted(REGISTRY.response_curves))
def test_each_answers_to_its_instrument(name):
    one = REGISTRY.response_curve(name)
    assert REGISTRY.instrument(one.instrument).caseness is not None
    assert one.status == "draft"
    assert one.facts


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end": {"from_occasion": 16}}, "before the horizon"),
        ({"early": {"by": 6.5, "share": 0.2}}, "before the end"),
        ({"boundary": 0.4}, "greater than 0.5"),
        ({"gates": {"coverage": [0.9, 0.8]}}, "lower end first"),
        ({"clock": "months"}, "weeks"),
    ],
)
def test_contradictions_are_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        CurveDeclaration.model_validate(ONE.model_dump() | changes)


def test_an_unknown_one_is_named():
    with pytest.raises(UnknownDeclarationError):
        REGISTRY.response_curve("nothing")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "those who started in the clinical range"),
        ({"start": "everybody"}, "| everybody |"),
        ({"start": 12.0}, "those who started at 12 or worse"),
        ({"scale": "total", "clock": "sessions", "early": None}, "log(session)"),
    ],
)
def test_the_model_card_says_of_whom_and_what_it_cannot_tell(changes, words):
    page = method_markdown(CurveDeclaration.model_validate(ONE.model_dump() | changes), target=lambda link: link.id)
    assert words in page
    assert "Late responders exist" in page
    assert "A person can opt out" in page
    assert ("little change early" in page) is (changes.get("early", 1) is not None)


def test_the_page_calls_it_what_people_call_it():
    assert "Expected course <code>phq9-course-weeks</code>" in method_html(ONE, target=lambda _: None)
