"""Organizations, teams and clinicians that an administrator adds or names, where no file has brought them."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import Connection, Table, insert, select, update

from benchwell.errors import AccessError
from benchwell.i18n import _
from benchwell.register.schema import organizations, practitioners, teams
from benchwell.register.tokens import new_id

LONGEST_NAME: Final = 128
_TABLES: Final[dict[str, Table]] = {"organization": organizations, "team": teams, "practitioner": practitioners}
_KEY = re.compile(r"[\w.-]{1,64}", re.ASCII)


def add_organization(connection: Connection, name: str, key: str = "") -> str:
    """Add an organization.

    Args:
        connection: Inside a transaction.
        name: What people call it.
        key: Its id in the files that will be read in; "" makes one.

    Returns:
        Its id.

    Raises:
        AccessError: If there is no name, or the key cannot be used or is taken.
    """
    return _add(connection, organizations, name, key, origin="live")


def add_team(connection: Connection, organization_id: str, name: str) -> str:
    """Add a team to an organization; returns its id. Errors as in `add_organization`."""
    _check_there(connection, organizations, organization_id)
    return _add(connection, teams, name, "", organization_id=organization_id)


def add_practitioner(
    connection: Connection, organization_id: str, name: str, *, team_id: str = "", key: str = ""
) -> str:
    """Add a clinician to an organization, and to one of its teams; returns the id. Errors as in `add_organization`."""
    _check_there(connection, organizations, organization_id)
    if team_id and _organization_of(connection, team_id) != organization_id:
        raise AccessError(_("This team belongs to another organization."), hint=_("choose a team of the same one"))
    where = {"organization_id": organization_id, "team_id": team_id or None, "origin": "live"}
    return _add(connection, practitioners, name, key, **where)


def name_place(connection: Connection, kind: str, place_id: str, name: str) -> None:
    """Give an organization, a team or a clinician another name.

    Args:
        connection: Inside a transaction.
        kind: organization | team | practitioner.
        place_id: Which.
        name: What people call it. The name of a clinician never leaves the register.

    Raises:
        AccessError: If there is none of that kind and id, or no name.
    """
    table = _TABLES.get(kind)
    if table is None:
        raise AccessError(_("Choose what gets the name."))
    _check_there(connection, table, place_id)
    connection.execute(update(table).where(table.c.id == place_id).values(name=_named(name)))


def _add(connection: Connection, table: Table, name: str, key: str, **more: Any) -> str:
    called, chosen = _named(name), key.strip()
    if chosen and not _KEY.fullmatch(chosen):
        raise AccessError(
            _("This key cannot be used."), hint=_("up to 64 letters, digits, dots, hyphens and underscores")
        )
    if chosen and _is_there(connection, table, chosen):
        raise AccessError(_("This key is taken."), hint=_("look in the list: it may be there already"))
    made = chosen or new_id()
    connection.execute(insert(table).values(id=made, name=called, **more))
    return made


def _named(name: str) -> str:
    called = " ".join(name.split())
    if not called or len(called) > LONGEST_NAME:
        raise AccessError(_("A name is needed, of at most {n} characters.").format(n=LONGEST_NAME))
    return called


def _check_there(connection: Connection, table: Table, place_id: str) -> None:
    if not _is_there(connection, table, place_id):
        raise AccessError(_("Choose one that is in the list."))


def _is_there(connection: Connection, table: Table, place_id: str) -> bool:
    return connection.execute(select(table.c.id).where(table.c.id == place_id)).first() is not None


def _organization_of(connection: Connection, team_id: str) -> str | None:
    return connection.execute(select(teams.c.organization_id).where(teams.c.id == team_id)).scalar_one_or_none()
