"""What an episode rule may say, and what is refused by name."""

from __future__ import annotations

import pytest
import yaml

from benchwell.errors import DeclarationError, UnknownDeclarationError
from benchwell.registry import EpisodeRule, Registry
from benchwell.registry.registry import parse
from benchwell.reports import method_markdown

RULE = {"id": "mine", "revision": 1, "title": "Mine", "why": "For tests.", "author": "tests", "gap_days": 30}


def declared(**changes) -> EpisodeRule:
    return parse(yaml.safe_dump(RULE | changes), EpisodeRule, "episode_rules/mine.yaml")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gap_days": -1}, "gap_days"),
        ({"gap_days": None}, "gap_days"),
        ({"clean_days": -1}, "clean_days"),
        ({"by": ["region"]}, "by.0"),
        ({"by": ["organization", "organization"]}, "once"),
        ({"ends": "never"}, "ends"),
        ({"opens": {"attended": False}}, "opens.attended"),
        ({"opens": {"kinds": ["treatment"], "not_kinds": ["triage"]}}, "not both"),
        ({"opens": {"diagnosis": {"codes": []}}}, "opens.diagnosis.codes"),
        ({"opens": {"diagnosis": {"codes": ["F32"]}}}, "system|code"),
        ({"opens": {"diagnosis": {"codes": ["icd-10|"]}}}, "system|code"),
        ({"opens": {"diagnosis": {"codes": ["icd-10|F32"], "required": False}}}, "give it a `label`"),
        ({"opens": {"diagnosis": {"codes": ["icd-10|F32"], "active_within_days": -1}}}, "active_within_days"),
        ({"length": 3}, "length"),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(changes, said):
    with pytest.raises(DeclarationError) as caught:
        declared(**changes)
    assert said in str(caught.value)


def test_icd_codes_stand_for_what_begins_with_them_and_others_for_themselves():
    diagnosis = declared(opens={"diagnosis": {"codes": ["icd-10-gm|F32", "snomed|5", "http://x|y|1"]}}).opens.diagnosis
    assert diagnosis is not None
    assert diagnosis.prefixes == ("icd-10-gm|F32",)
    assert diagnosis.exact == ("snomed|5", "http://x|y|1")


def test_a_better_reason_moves_no_number_and_another_gap_does():
    first = declared(facts={"gap_days": {"status": "unchecked", "note": "a month"}})
    again = declared(facts={"gap_days": {"status": "unchecked", "note": "four weeks and two days"}})
    other = declared(gap_days=31)
    assert first.numbers_hash == again.numbers_hash != other.numbers_hash
    assert first.text_hash != again.text_hash


def test_an_unknown_rule_is_named_with_those_there_are():
    with pytest.raises(UnknownDeclarationError, match="contacts-12-days"):
        Registry.load().episode_rule("contacts-12-days")


def test_its_page_says_in_words_what_it_does():
    diagnosis = {"codes": ["icd-10-cm|F32", "snomed|5"], "label": "depression"}
    page = method_markdown(
        declared(
            opens={"diagnosis": diagnosis, "kinds": ["treatment"]},
            by=["organization"],
            clean_days=100,
            ends="gap",
            examples=[{"contacts": [0, 9], "diagnoses": [[1, None]], "expect": []}],
        )
    )
    for said in (
        "The first attended contact on a day with a diagnosis of depression opens a course.",
        "more than 30 days after the one before it opens a new course, but never less than 100 days after the first",
        "Contacts at another clinic belong to another course.",
        "it ended when these days had passed",
        "| kinds of contact | only treatment |",
        "| every code that begins with | `icd-10-cm\\|F32` |",
        "| exactly | `snomed\\|5` |",
        "contacts on days 0, 9, diagnosis (from day, to day) (1, missing): courses (first day, last contact) none",
    ):
        assert said in page, said
