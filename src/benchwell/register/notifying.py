"""Tell the other processes of a PostgreSQL register; with SQLite there are none."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, select

NOTIFY: Final = "benchwell_news"


def tell_others(connection: Connection, message: str) -> None:
    """Tell the other processes of a PostgreSQL register, when and if this transaction commits; elsewhere nothing.

    Args:
        connection: Inside a transaction.
        message: Ids only.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(NOTIFY, message)))
