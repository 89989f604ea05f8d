"""A table's digest sees values and nothing else."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from benchwell.benchmarks.digest import table_digest

BASE = {
    "text": ["a", "bc", None],
    "number": [1.5, None, 0.0],
    "count": [1, 2, None],
    "flag": [True, None, False],
    "date": [dt.date(2026, 1, 1), None, dt.date(2026, 1, 2)],
}


def test_chunks_slices_and_wide_strings_do_not_matter():
    table = pa.table(BASE)
    wide = table.set_column(0, "text", table["text"].cast(pa.large_string()))
    padded = pa.concat_tables([table.slice(1, 1), table, table.slice(0, 1)]).slice(1, 3)
    for same in (pa.concat_tables([table.slice(0, 1), table.slice(1)]), wide, padded):
        assert table_digest(same) == table_digest(table)


@pytest.mark.parametrize(
    "change",
    [
        {"text": ["ab", "c", None]},  # the same letters, cut elsewhere
        {"text": ["a", "bc", ""]},
        {"number": [1.5, 0.0, 0.0]},  # zero is not unknown
        {"number": [1.5, None, 5e-324]},
        {"count": [1, 2, 0]},
        {"flag": [True, False, False]},
        {"date": [dt.date(2026, 1, 1), None, dt.date(2026, 1, 3)]},
    ],
)
def test_any_changed_value_moves_it(change):
    assert table_digest(pa.table(BASE | change)) != table_digest(pa.table(BASE))


def test_names_and_order_of_rows_move_it():
    table = pa.table(BASE)
    assert table_digest(table.rename_columns(["words", *list(BASE)[1:]])) != table_digest(table)
    assert table_digest(table.take([1, 0, 2])) != table_digest(table)
    assert table_digest(table.slice(0, 0)) != table_digest(table)


def test_a_column_that_has_no_fixed_bytes_is_refused():
    with pytest.raises(TypeError, match="items"):
        table_digest(pa.table({"items": [[1.0]]}))
