"""Programs that ask with a key, such as an EHR: what each may do, and for which organization."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select, update

from benchwell.errors import AccessError
from benchwell.i18n import N_, _
from benchwell.register.schema import clients
from benchwell.register.tokens import hash_of, new_id, new_token
from benchwell.register.viewer import Role, Viewer

SCOPES: Final = {
    "scores.write": N_("send scores"),
    "scores.read": N_("read scores"),
    "people.write": N_("add people who are not here yet"),
    "editions.read": N_("read editions and measures"),
}


class _Changes:
    times = 0


def times_changed() -> int:
    """How often this process has shut a program out or let it in again: what was known of one before is old."""
    return _Changes.times


def note_change() -> None:
    """Say that a program was shut out or let in, once more when that is durable: who asked just before saw the old."""
    _Changes.times += 1


@dataclass(frozen=True)
class Client:
    """A program with a key; the key itself is not kept."""

    id: str
    name: str
    scopes: tuple[str, ...]
    organization_id: str | None
    disabled: bool
    created_at: float


def add_client(
    connection: Connection, now: float, name: str, scopes: Collection[str], organization_id: str | None = None
) -> tuple[str, str]:
    """Let a program in.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        name: What to call it.
        scopes: Keys of `SCOPES`.
        organization_id: Whose records it reaches; null is any organization of the workspace.

    Returns:
        Its id, and its key, which is shown once.

    Raises:
        AccessError: If it has no name, or a scope is not known.
    """
    name = " ".join(name.split())
    if not name or len(name) > 128 or not scopes or not set(scopes) <= SCOPES.keys():
        raise AccessError(_("A program needs a name and at least one thing that it may do."))
    client_id, key = new_id(), new_token()
    row = {"id": client_id, "name": name, "secret": hash_of(key), "scopes": sorted(scopes), "created_at": now}
    connection.execute(insert(clients).values(**row, organization_id=organization_id))
    return client_id, key


def find_client(connection: Connection, key: str) -> Viewer | None:
    """Which program has a key; null if none, or it was shut out."""
    asked = select(clients).where(clients.c.secret == hash_of(key), ~clients.c.disabled)
    row = connection.execute(asked).one_or_none()
    if row is None:
        return None
    reach = {"organization_id": row.organization_id, "scopes": frozenset(row.scopes)}
    return Viewer(Role.CLIENT, client_id=row.id, name=row.name, **reach)


def all_clients(connection: Connection) -> tuple[Client, ...]:
    """Every program, by name."""
    found = connection.execute(select(clients).order_by(clients.c.name, clients.c.id))
    return tuple(
        Client(row.id, row.name, tuple(row.scopes), row.organization_id, bool(row.disabled), row.created_at)
        for row in found
    )


def set_client_disabled(connection: Connection, client_id: str, disabled: bool) -> None:
    """Shut a program out, or let it in again; whoever writes it calls `note_change` after the commit."""
    note_change()
    connection.execute(update(clients).where(clients.c.id == client_id).values(disabled=disabled))
