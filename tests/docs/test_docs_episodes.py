"""The page on episodes keeps its word: the worked example is computed, the picture is true, the declared rule loads."""

from __future__ import annotations

import re

import pytest

from benchwell.registry import EpisodeRule, Registry
from benchwell.registry.registry import parse
from unit.outcomes.episode_cases import contact, derive, spans

DEFAULT = Registry.load().episode_rule("contacts-120-days")


@pytest.fixture
def page(repository):
    return repository.root / "docs" / "episodes.md"


def table(text: str, name: str) -> list[dict[str, str]]:
    lines = text.split(f"<!-- worked example: {name} -->")[1].strip().split("\n\n")[0].splitlines()
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_worked_example_is_what_the_default_rule_makes(page):
    text = page.read_text(encoding="utf-8")
    visits, expected = table(text, "visits"), table(text, "courses")
    assert (len(visits), len(expected)) == (9, 4)
    contacts = [
        contact(int(row["day"]), row["person"], encounter_id=row["visit"], organization_id=row["clinic"])
        | {"attended": row["attended"] == "yes"}
        for row in visits
    ]
    courses, belongs, _ = derive(DEFAULT, encounters=contacts, last_day=1000)
    found = [
        {
            "person": course["patient_id"],
            "clinic": course["organization_id"],
            "first day": str(course["start_day"]),
            "end": str(course["end_day"]),
            "visits": " ".join(visit for visit, name in belongs.items() if name == course["episode_id"]),
        }
        for course in courses
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert belongs["v8"] is None


def test_the_picture_is_true(page):
    days = [
        int(day) for day in re.findall(r"\d+", page.read_text(encoding="utf-8").split("days      ")[1].split("\n")[0])
    ]
    assert days == [0, 14, 100, 335, 456, 470]
    courses, _, _ = derive(DEFAULT, encounters=[contact(day) for day in days])
    assert spans(courses) == [[0, 335], [456, 470]]
    early = derive(DEFAULT, encounters=[contact(day) for day in (*days[:4], 455)])[0]
    assert spans(early) == [[0, 455]]


def test_the_numbers_of_the_page_are_those_of_the_rule(page):
    text = page.read_text(encoding="utf-8")
    assert f"**more than {DEFAULT.gap_days} days**" in text
    assert f"**{DEFAULT.clean_days} days**" in text
    for name in Registry.load().episode_rules:
        assert f"(methods/episode_rules/{name}.md)" in text


def test_the_declared_rule_of_the_page_loads(page, repository):
    (block,) = repository.blocks(page, "yaml episode_rule")
    declared = parse(block, EpisodeRule, page.name)
    assert (declared.gap_days, declared.by, declared.status) == (42, ("organization",), "draft")
