"""The mapping page is complete, and its examples are valid mappings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchwell.intake import Mapping, parse_mapping
from benchwell.intake.mapping import Block, Cell

PAGE = (Path(__file__).parents[3] / "docs" / "mapping.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_examples_are_valid(text: str) -> None:
    assert parse_mapping(text, "docs/mapping.md").used_columns()


def test_every_key_is_explained() -> None:
    keys = set(Mapping.model_fields) | set(Block.model_fields) | set(Cell.model_fields)
    own = {"version", "guess", "unused", "fields"}  # written by Benchwell, not by people
    assert {key for key in keys - own if not re.search(rf"\b{key}\b", PAGE)} == set()
