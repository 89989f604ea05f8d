"""What a new register has already, for whoever sets it up."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, Table, select

from benchwell.register.schema import assessments, grants, organizations, practitioners
from benchwell.register.viewer import Role


class There(NamedTuple):
    """Whether there is at least one of each; `others` are accounts with another role than administrator."""

    organizations: bool
    practitioners: bool
    others: bool
    assessments: bool


def what_is_there(connection: Connection) -> There:
    """Whether anything has been set up, told by one row of each."""

    def is_any(table: Table) -> bool:
        return connection.execute(select(table.c.id).limit(1)).first() is not None

    others = select(grants.c.id).where(grants.c.role != Role.ADMIN.value).limit(1)
    return There(
        is_any(organizations),
        is_any(practitioners),
        connection.execute(others).first() is not None,
        is_any(assessments),
    )
