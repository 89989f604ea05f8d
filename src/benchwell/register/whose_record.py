"""Who may change a record that stands: whoever gave it, and nobody who merely knows its id."""

from __future__ import annotations

from sqlalchemy import Connection, select

from benchwell.register.schema import clients

_OF_THE_PERSON = ("link", "kiosk")


def may_change(connection: Connection, source: str, entered_by: str | None, by: str | None) -> bool:
    """Whether somebody may correct a record or take it back.

    A program may change what it sent itself or another program of its organization did (a key is replaced now and
    then), and what came with the data. What a person answered, or somebody typed, is changed by no program; nor is what
    a program of another organization sent, even of a person whom both reach.

    Args:
        connection: Any.
        source: Of the record: link, kiosk, clinician, api or lake.
        entered_by: The user or program that the record came from; null if that is not known.
        by: The user or program that wants to change it; null for the person's own link.
    """
    if entered_by == by:
        return True
    if entered_by is None:
        return source not in _OF_THE_PERSON
    found = connection.execute(
        select(clients.c.id, clients.c.organization_id).where(clients.c.id.in_([entered_by, by]))
    )
    where = {row.id: row.organization_id for row in found}
    return entered_by in where and by in where and where[entered_by] == where[by]
