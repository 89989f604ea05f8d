"""Addresses that open one thing for whoever holds them, for a while and a number of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from benchwell.register.schema import links
from benchwell.register.tokens import hash_of, new_token

DAY = 86400.0
LASTS: Final = {"admin": 7 * DAY, "invitation": 7 * DAY, "form": 14 * DAY, "kiosk": 365 * DAY, "my_data": 14 * DAY}
MANY = 1_000_000_000  # uses of a link that is meant to stay


@dataclass(frozen=True)
class Link:
    """A link as it stands.

    Attributes:
        id: Hash of its token; it opens nothing.
        kind: admin, invitation, form, kiosk, my_data.
        person_id: Whose it is, for form and my_data.
        course_id: Which course a form belongs to.
        organization_id: Where a kiosk stands.
        user_id: Whose account an invitation opens.
        instruments: What a form or kiosk asks.
        uses_left: How often it still works.
        created_at: When it was made, as seconds.
        expires_at: When it stops working, as seconds.
    """

    id: str
    kind: str
    person_id: str | None
    course_id: str | None
    organization_id: str | None
    user_id: str | None
    instruments: tuple[str, ...]
    uses_left: int
    created_at: float
    expires_at: float


def make_link(
    connection: Connection,
    now: float,
    kind: str,
    *,
    uses: int = 1,
    lasts: float | None = None,
    created_by: str | None = None,
    instruments: Sequence[str] = (),
    **about: str | None,
) -> str:
    """Make a link.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        kind: A key of `LASTS`.
        uses: How often it works.
        lasts: Seconds; null is what is usual for its kind.
        created_by: The account that made it.
        instruments: What it asks.
        about: Any of `person_id`, `course_id`, `organization_id`, `user_id`.

    Returns:
        The token for its address; it is not kept.
    """
    token = new_token()
    row = {"token": hash_of(token), "kind": kind, "uses_left": uses, "created_by": created_by, "created_at": now}
    expires = now + (LASTS[kind] if lasts is None else lasts)
    connection.execute(insert(links).values(**row, expires_at=expires, instruments=list(instruments), **about))
    return token


def find_link(connection: Connection, now: float, kind: str, token: str) -> Link | None:
    """The link of a token if it still works; looking at it does not use it."""
    found = connection.execute(select(links).where(_works(now, kind), links.c.token == hash_of(token))).one_or_none()
    return _link(found) if found else None


def use_link(connection: Connection, now: float, kind: str, token: str) -> Link | None:
    """Use a link once; of two that come at the same time with the last use, one gets null."""
    used = (
        update(links)
        .where(_works(now, kind), links.c.token == hash_of(token))
        .values(uses_left=links.c.uses_left - 1)
        .returning(links)
    )
    found = connection.execute(used).one_or_none()
    return _link(found) if found else None


def used_link(connection: Connection, now: float, kinds: Sequence[str], token: str) -> Link | None:
    """A link that has been used up and has not expired; it opens nothing."""
    asked = select(links).where(
        links.c.kind.in_(kinds), links.c.token == hash_of(token), links.c.uses_left <= 0, links.c.expires_at > now
    )
    found = connection.execute(asked).one_or_none()
    return _link(found) if found else None


def open_links(connection: Connection, now: float, kind: str) -> tuple[Link, ...]:
    """The links of a kind that still work, the newest first."""
    found = connection.execute(select(links).where(_works(now, kind)).order_by(links.c.created_at.desc()))
    return tuple(map(_link, found))


def revoke_link(connection: Connection, link_id: str, *, kind: str) -> None:
    """Make a link useless."""
    connection.execute(delete(links).where(links.c.token == link_id, links.c.kind == kind))


def revoke_links_of(connection: Connection, user_id: str) -> None:
    """Make useless whatever was sent to an account before."""
    connection.execute(delete(links).where(links.c.user_id == user_id))


def _works(now: float, kind: str) -> ColumnElement[bool]:
    return (links.c.kind == kind) & (links.c.uses_left > 0) & (links.c.expires_at > now)


def _link(row: Row[Any]) -> Link:
    return Link(
        row.token,
        row.kind,
        row.person_id,
        row.course_id,
        row.organization_id,
        row.user_id,
        tuple(row.instruments or ()),
        row.uses_left,
        row.created_at,
        row.expires_at,
    )
