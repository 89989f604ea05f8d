"""The log of who read or changed what of whom: rows are added, never changed."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from benchwell.register.schema import audit
from benchwell.register.viewer import Viewer


def log(
    connection: Connection,
    now: float,
    viewer: Viewer,
    action: str,
    route: str,
    *,
    person_id: str | None = None,
    detail: str | None = None,
) -> None:
    """Add one line.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        viewer: Who.
        action: read, write, export, sign_in, refuse …
        route: The pattern of the address, without ids.
        person_id: About whom.
        detail: A code, never words or values of a person.
    """
    connection.execute(
        insert(audit).values(
            at=now,
            user_id=viewer.user_id,
            client_id=viewer.client_id,
            role=viewer.role.value,
            action=action,
            route=route,
            person_id=person_id,
            detail=detail,
        )
    )
