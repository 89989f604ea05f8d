"""The generator of pages: cells, tables, notes from comments, worked examples found in tests."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


@pytest.fixture
def docgen(monkeypatch, repository):
    monkeypatch.syspath_prepend(str(repository.root / "scripts"))
    return lambda name: importlib.import_module(f"docgen.{name}")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        ("", ""),
        (10.0, "10"),
        (0.5, "0.5"),
        (True, "yes"),
        ("a|b\nc", "a\\|b c"),
        ((1, None), "1, missing"),
        ([[0, 18], [70, 8]], "(0, 18), (70, 8)"),
        ({"a": 1, "b": [2, 3]}, "a: 1; b: 2, 3"),
    ],
)
def test_a_cell_is_one_line_that_people_can_read(docgen, value, shown):
    assert docgen("markdown").cell(value) == shown


def test_a_table_without_rows_is_no_table_and_a_section_without_content_no_section(docgen):
    markdown = docgen("markdown")
    assert markdown.table(["a"], []) == []
    assert markdown.section("Title", markdown.table(["a"], [])) == []
    assert markdown.page("# One", ["a", ""], "") == "# One\n\na\n"


def test_notes_come_from_the_comments_in_the_schemas(docgen):
    notes = docgen("schemas").notes()
    assert notes["consents", "decision"] == "granted | declined | withdrawn"
    assert "`day` is days since 1970-01-01" in notes["scores", ""]
    assert ("consents", "purpose") not in notes


@pytest.mark.parametrize(
    ("example", "text", "named"),
    [
        ("E3.9", "def test_e3_9(): ...", True),
        ("E3.9", "def test_e3_9b(): ...", False),
        ("E3.9b", "def test_e3_9b(): ...", True),
        ("E2.1", "# E2.10", False),
        ("E2.1", "def test_e2_10(): ...", False),
        ("E2.10", "# see E2.10.", True),
        ("E4.2", '"""E4.2b"""', False),
        ("M1.3", "def test_m1_3_recovery(): ...", True),
    ],
)
def test_a_worked_example_is_not_mistaken_for_another(docgen, example, text, named):
    assert docgen("validity")._names(example, text) is named


def test_this_file_is_not_taken_for_a_check_of_a_method(docgen):
    here = f"tests/docs/{Path(__file__).name}"
    assert not [name for names in docgen("validity").found().values() for name in names if name.startswith(here)]
