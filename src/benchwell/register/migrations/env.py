"""Alembic runs this file for each upgrade. The connection is the caller's, and so is its transaction."""

from typing import Any, Literal

from alembic import context
from sqlalchemy.sql.elements import False_

from benchwell.register.schema import METADATA


def _written(kind: str, item: Any, _: object) -> str | Literal[False]:
    """How a version states what differs between databases: "false" is 0 in SQLite and false in PostgreSQL."""
    if kind == "server_default" and isinstance(getattr(item, "arg", None), False_):
        return "sa.false()"
    return False


if __name__ == "env_py":  # the name that Alembic runs this file by; anybody else only looks at it
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        render_as_batch=True,  # SQLite changes a table by copying it, which Alembic calls a batch
        render_item=_written,
    )
    context.run_migrations()
