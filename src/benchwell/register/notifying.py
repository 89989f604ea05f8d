"""Tell the other processes of a PostgreSQL register; with SQLite there are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ARRAY, Connection, Text, bindparam, func, select

NOTIFY: Final = "benchwell_news"
_TELL = select(func.pg_notify(NOTIFY, func.unnest(bindparam("messages", type_=ARRAY(Text)))))


def tell_others(connection: Connection, message: str) -> None:
    """Tell the other processes of a PostgreSQL register, when and if this transaction commits; elsewhere nothing.

    Args:
        connection: Inside a transaction.
        message: Ids only.
    """
    tell_others_several(connection, [message])


def tell_others_several(connection: Connection, messages: Sequence[str]) -> None:
    """The same with several messages, in one statement.

    Args:
        connection: Inside a transaction.
        messages: Ids only.
    """
    if messages and connection.dialect.name == "postgresql":
        connection.execute(_TELL, {"messages": list(messages)})
