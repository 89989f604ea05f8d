"""No word that leaves in a CSV is computed by a spreadsheet, and every number is still the number it was."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from benchwell.publish.spreadsheet import csv_lines, never_computed, words_of_table

BEGINS = ("=", "+", "-", "@", "|", "%")
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"))
FORMULAS = st.builds("{}{}{}".format, st.sampled_from(["", " ", "\t"]), st.sampled_from(BEGINS), WORDS)


def is_number(text: str) -> bool:
    try:
        return text.isascii() and "_" not in text and text == text.strip() and float(text) is not None
    except ValueError:
        return False


@given(st.one_of(WORDS, FORMULAS))
def test_a_word_begins_like_a_formula_only_if_it_is_a_number(text: str) -> None:
    cell = never_computed(text)
    assert cell in (text, f"'{text}")
    assert not cell.strip().startswith(BEGINS) or is_number(cell) or cell.strip()[1:2].isdigit()
    assert never_computed(cell) == cell


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_stay_numbers_as_such_and_as_words(number: float) -> None:
    assert never_computed(number) is number
    assert never_computed(str(number)) == str(number)
    (row,) = csv.reader(io.StringIO(csv_lines([(number, str(number))])))
    assert [float(cell) for cell in row] == [number, number]


@given(st.lists(st.one_of(st.none(), WORDS, FORMULAS)))
def test_a_table_and_its_cells_are_treated_alike(texts: list[str | None]) -> None:
    table = pa.table({"id": pa.array(texts, pa.string()), "n": pa.array(range(len(texts)), pa.int64())})
    shown = words_of_table(table)
    assert shown.schema == table.schema
    assert shown["id"].to_pylist() == [never_computed(text) for text in texts]
    assert shown["n"].equals(table["n"])


def test_what_only_begins_with_a_number_is_a_formula() -> None:
    assert [never_computed(text) for text in ("-2+3", "-1e5*A1", "+1 000", "-0.5")] == [
        "'-2+3",
        "'-1e5*A1",
        "'+1 000",
        "-0.5",
    ]
