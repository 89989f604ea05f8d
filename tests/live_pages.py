"""Things of a `live_house` that addresses name: each is made when it is first asked for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, select

from benchwell.register import schema as s
from benchwell.register.consents import decide
from benchwell.register.my_data import ask_deletion
from live_house import OWN, House

_NOW = 1_790_000_000.0


def a_decision(house: House) -> str:
    """A decision of the person, by its receipt."""
    return _once(
        house,
        s.consents,
        lambda c: decide(c, _NOW, OWN, "learning", "granted", text_version="a text", decided_by="person"),
    )


def a_deletion(house: House) -> str:
    """A request of the person to delete, by its receipt."""
    return _once(house, s.deletion_requests, lambda c: ask_deletion(c, _NOW, OWN))


def _once(house: House, table: Table, make: Any) -> str:
    with house.service.register.read() as connection:
        found = connection.execute(select(table.c.id).limit(1)).scalar()
    if found is None:
        house.service.register.write(make)
        return _once(house, table, make)
    return str(found)
