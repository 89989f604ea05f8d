"""Insert a row unless it is there: one statement on either database, put together once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, exists, select
from sqlalchemy.dialects import postgresql, sqlite


def put(connection: Connection, table: Table, row: dict[str, Any], *, unless: str | None = None) -> bool:
    """Insert a row unless its key is there, or another id that it may have; whether they were not."""
    added = _added(connection.dialect.name, table, tuple(row), unless is not None)
    given = row if unless is None else row | {"unless": unless}
    return connection.execute(added, given).first() is not None


def put_several(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Insert rows unless their key is there.

    Args:
        connection: Inside a transaction.
        table: One whose key is `id`.
        rows: Of the same columns.

    Returns:
        Ids of those that were not there.
    """
    if not rows:
        return set()
    return set(connection.execute(_several(connection.dialect.name, table), rows).scalars())


@lru_cache(maxsize=4)
def _several(dialect: str, table: Table) -> Any:
    made = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return made.on_conflict_do_nothing().returning(table.c.id)


@lru_cache(maxsize=16)
def _added(dialect: str, table: Table, columns: tuple[str, ...], is_guarded: bool) -> Any:
    made = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    values = {name: bindparam(name, type_=table.c[name].type) for name in columns}
    if is_guarded:
        there = table.alias()
        known = exists().where(there.c.id == bindparam("unless", type_=table.c.id.type))
        added = made.from_select(list(values), select(*values.values()).where(~known), include_defaults=False)
    else:
        added = made.values(values)
    return added.on_conflict_do_nothing().returning(table.c.id)
