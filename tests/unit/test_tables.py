"""The schemas: every table has a key, conforming orders, casts and fills, and nothing extra gets through."""

from __future__ import annotations

import pyarrow as pa
import pytest

from benchwell.tables import CANONICAL, DERIVED, TABLES

# An undated characteristic, a rejection of a whole row or file, a rate of a source without breakdowns.
MAY_BE_UNKNOWN = {
    ("characteristics", "date"),
    ("published_rates", "group_type"),
    ("rejections", "column"),
    ("rejections", "file"),
    ("rejections", "row"),
}
ALL = pytest.mark.parametrize("name", sorted(TABLES))


def test_canonical_and_derived_share_no_name():
    assert set(CANONICAL) & set(DERIVED) == set()
    assert set(CANONICAL) | set(DERIVED) == set(TABLES)


@ALL
def test_a_table_is_filed_under_its_own_plural_name(name):
    assert TABLES[name].name == name
    assert name.endswith("s")


@ALL
def test_keys_are_required_columns_and_only_keys_are(name):
    table = TABLES[name]
    assert set(table.key) <= set(table.columns)
    required = {column for column in table.key if (name, column) not in MAY_BE_UNKNOWN}
    assert {field.name for field in table.schema if not field.nullable} == required
    assert len(table.columns) == len(set(table.columns))


@ALL
def test_an_empty_table_conforms_to_itself(name):
    table = TABLES[name]
    assert table.conform(table.empty()).schema == table.schema


@pytest.mark.parametrize("name", sorted(set(CANONICAL)))
def test_every_canonical_record_can_be_traced_to_its_source(name):
    schema = CANONICAL[name].schema
    assert schema.field("source_hash").type == pa.string()
    assert schema.field("source_row").type == pa.int64()


@ALL
def test_ids_are_text_and_dates_are_dates(name):
    for field in TABLES[name].schema:
        if field.name.endswith("_id"):
            assert field.type == pa.string(), field.name
        if field.name == "date" or field.name.endswith("_date"):
            assert field.type == pa.date32(), field.name


def test_conform_orders_casts_and_fills_with_null():
    given = pa.table({"patient_id": ["a"], "episode_id": ["e"], "start_date": pa.array([0], pa.int32())})
    table = TABLES["episodes"].conform(given)
    assert table.column_names == TABLES["episodes"].columns
    assert table["start_date"].type == pa.date32()
    assert table["therapy"].to_pylist() == [None]


def test_conform_names_the_column_it_does_not_know():
    with pytest.raises(ValueError, match=r"table patients has no column \['shoe_size'\]"):
        TABLES["patients"].conform(pa.table({"patient_id": ["a"], "shoe_size": [42]}))
