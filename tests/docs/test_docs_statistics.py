"""The table of questions in statistics.md names functions that exist and worked examples that are tests."""

from __future__ import annotations

import importlib
import re

import pytest

import benchwell

TITLE = "## Which function answers which question"


@pytest.fixture(scope="module")
def table(repository) -> list[list[str]]:
    page = (repository.root / "docs" / "statistics.md").read_text(encoding="utf-8")
    section = page.split(TITLE)[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return [row for row in rows[2:] if row[1]]


def test_every_function_of_the_table_exists(table):
    names = [name for row in table for name in re.findall(r"`([\w.]+)", row[1])]
    assert len(names) > 40
    for name in names:
        module, _, function = name.partition(".")
        if hasattr(benchwell, module):
            found = getattr(benchwell, module)
            assert not function or callable(getattr(found, function)), name
        else:
            assert callable(getattr(importlib.import_module(f"benchwell.models.{module}"), function)), name


def test_every_section_of_fair_comparison_has_a_row(table):
    sections = {section for row in table for section in re.findall(r"M\d+\.\d+", row[2])}
    wanted = {f"M3.{number}" for number in range(2, 12)} | {"M4.2", "M4.3", "M4.6", "M4.7"}
    wanted |= {f"M5.{number}" for number in (1, 2, 3, 4, 5, 7)}
    assert wanted - sections == set()


def test_every_worked_example_of_the_table_is_one_that_a_test_names(table, repository):
    page = (repository.root / "docs" / "validity.md").read_text(encoding="utf-8")
    tested = set(re.findall(r"^\| ([EM]\d+\.\d+b?) \|", page, re.MULTILINE))
    named = {example for row in table for example in re.findall(r"E\d+\.\d+b?", row[3])}
    assert len(named) > 20
    assert named - tested == set()
