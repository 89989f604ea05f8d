"""Rows of one part, as mappers left them, to canonical tables: the newest version of each, and what they say together.

Nothing depends on the order in which resources stand, but between two versions of one resource that carry neither time
nor version: there the later row counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.complete import DEFAULT_ORGANIZATION, DEFAULT_ORGANIZATION_ID
from benchwell.intake.fhir.merge_sql import CANONICAL_SQL, newest_sql, older_sql
from benchwell.intake.fhir.record_rows import RAW
from benchwell.intake.fhir.rows import Finding
from benchwell.intake.sql import connection
from benchwell.tables import CANONICAL

Tables = dict[str, pa.Table]

# Where canonical tables name people, organizations and clinicians.
_NAMED = {
    "patients": ("patient_id",),
    "organizations": ("organization_id", "part_of"),
    "practitioners": ("practitioner_id",),
}


def merge(raw: Mapping[str, pa.Table], *, default_organization: bool | None = None) -> tuple[Tables, list[Finding]]:
    """Make canonical tables of one part.

    The newest version of a resource counts (`meta.lastUpdated`, `meta.versionId`, then the later row). An encounter
    gets its organization from its provider, else its place, the role of its clinician, or its course; a course gets
    what it is for from its diagnoses and when it was asked for from its referrals. All of this is looked up within the
    part. Whoever is named by some record has a row, with nothing but a key if nothing else is known.

    Args:
        raw: Tables of `record_rows.RAW` by name; missing and empty ones are fine, others are left alone.
        default_organization: Put courses and contacts that name no organization into the CSV intake's default one.
            Null: only if none of them, in this part, names any.

    Returns:
        Canonical tables that have rows, each sorted by its key, without `source_hash`; and findings.
    """
    if not any(name in raw and raw[name].num_rows for name in RAW):
        return {}, []  # a part of nothing but scores, as most parts of a large export are
    with connection() as db:
        findings = []
        for name, schema in RAW.items():
            rows = raw[name] if name in raw else schema.empty_table()
            db.register(f"all_{name}", rows.select(schema.names))
            db.execute(f'CREATE TEMP TABLE "{name}" AS {newest_sql(name)}')
            findings += _older(db, name)
        made = {name: _canonical(db, name, query) for name, query in CANONICAL_SQL.items()}
        for name in RAW:
            db.execute(f'DROP TABLE "{name}"')
            db.unregister(f"all_{name}")
    tables = {name: table for name, table in made.items() if table.num_rows}
    lone = not _names_organization(tables) if default_organization is None else default_organization
    whole = with_named(_in_default(tables) if lone else tables)
    return whole, sorted(findings, key=lambda one: (one.row, one.column))


def with_named(tables: Mapping[str, pa.Table]) -> Tables:
    """Add a row with a key only for each person, organization and clinician that some record names.

    Such a row says nothing about whether the record was taken back, so it revives none.

    Args:
        tables: Canonical tables, of any source.

    >>> visits = CANONICAL["encounters"].conform(pa.table({"encounter_id": ["e"], "patient_id": ["p"]}))
    >>> with_named({"encounters": visits})["patients"]["patient_id"].to_pylist()
    ['p']
    """
    grown = dict(tables)
    for name, columns in _NAMED.items():
        key = CANONICAL[name].key[0]
        known = grown[name][key].combine_chunks() if name in grown else pa.array([], pa.string())
        named = [
            _standing(table)[column].combine_chunks()
            for table in grown.values()
            for column in columns
            if column in table.column_names
        ]
        if not named:
            continue
        every = pc.unique(pa.chunked_array(named, pa.string()))
        new = every.filter(pc.and_(pc.is_valid(every), pc.invert(pc.is_in(every, value_set=known))))
        if len(new):
            grown[name] = _sorted(name, [*([grown[name]] if name in grown else []), pa.table({key: new})])
    return grown


def _standing(table: pa.Table) -> pa.Table:
    if "retracted" not in table.column_names:
        return table
    return table.filter(_stands(table))


def _names_organization(tables: Tables) -> bool:
    members = [_standing(tables[name]) for name in ("episodes", "encounters") if name in tables]
    return any(table["organization_id"].null_count < table.num_rows for table in members)


def _in_default(tables: Tables) -> Tables:
    """Courses and contacts that name no organization, in the one organization of a source that names none."""
    grown, filled = dict(tables), False
    for name in ("episodes", "encounters"):
        if name in grown:
            table = grown[name]
            place = table.column_names.index("organization_id")
            belongs = pc.and_(pc.is_null(table["organization_id"]), _stands(table))
            filled = filled or bool(pc.any(belongs).as_py())
            column = pc.if_else(belongs, DEFAULT_ORGANIZATION_ID, table["organization_id"])
            grown[name] = table.set_column(place, table.schema.field(place), column)
    if filled:
        own = {"organization_id": [DEFAULT_ORGANIZATION_ID], "name": [DEFAULT_ORGANIZATION], "kind": ["practice"]}
        before = [grown["organizations"]] if "organizations" in grown else []
        grown["organizations"] = _sorted("organizations", [*before, pa.table(own)])
    return grown


def _stands(table: pa.Table) -> pa.ChunkedArray:
    return pc.invert(pc.fill_null(table["retracted"], False))


def _sorted(name: str, parts: Iterable[pa.Table]) -> pa.Table:
    table = CANONICAL[name]
    whole = pa.concat_tables([table.conform(part) for part in parts])
    return whole.sort_by([(column, "ascending") for column in table.key])


def _canonical(db: duckdb.DuckDBPyConnection, name: str, query: str) -> pa.Table:
    return _sorted(name, [db.sql(query).to_arrow_table()])


def _older(db: duckdb.DuckDBPyConnection, name: str) -> list[Finding]:
    """Versions that say something else than the one that counts."""
    found = db.sql(older_sql(name)).fetchall()
    return [Finding(row, f"{name}.id", "older_version", "flagged") for (row,) in found]
