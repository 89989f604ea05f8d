"""A file without a header: its first row is somebody's row, and no message repeats it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchwell.errors import BenchwellError
from benchwell.intake import IntakeResult

MAPPING = """
tables:
  assessments:
    - patient_id: patient
      date: date
      instrument: {constant: phq-9}
      total: score
"""
SOURCES = {
    "nothing to guess from": ("anna-s,2024-01-05,14\nben-m,2024-02-05,11\n", None),
    "a mapping of other columns": ("anna-s,2024-01-05,14\nben-m,2024-02-05,11\n", MAPPING),
    "the same value twice": ("anna-s,anna-s,14\nben-m,x,11\n", None),
    "a date with points": ("anna-s,5.1.2024,severe\nben-m,5.2.2024,mild\n", None),
}


@pytest.mark.parametrize(("content", "mapping"), SOURCES.values(), ids=SOURCES.keys())
def test_no_value_of_a_first_row_is_repeated(
    take_in: Callable[..., IntakeResult], content: str, mapping: str | None
) -> None:
    with pytest.raises(BenchwellError) as caught:
        take_in(content, mapping)
    said = f"{caught.value.message} {caught.value.hint}"
    assert "scores.csv" in said
    assert not [value for value in content.splitlines()[0].split(",") if value in said.replace("-9", "")]


def test_names_of_columns_are_still_told(take_in: Callable[..., IntakeResult]) -> None:
    with pytest.raises(BenchwellError) as caught:
        take_in("who,when,how\nanna-s,2024-01-05,14\n", MAPPING)
    assert caught.value.hint is not None
    assert "who, when, how" in caught.value.hint
