"""Signed-in browsers: a token in a cookie, its hash here, and the role in use."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from benchwell.register.schema import grants, sessions, users
from benchwell.register.tokens import hash_of, new_token
from benchwell.register.viewer import Role, Viewer

HOUR = 3600.0
LASTS = 12 * HOUR  # of an account: a working day
LINK_LASTS = 1 * HOUR  # of a person who came by a link
IDLE = 2 * HOUR
TOUCHED = 60.0  # seconds: a session in use is noted at most this often


@dataclass(frozen=True)
class OpenSession:
    """A session as it stands.

    Attributes:
        viewer: Who it is, in the role in use.
        csrf: What forms of this session must carry.
        token: Hash of the session's token.
        language: The account's language, if it chose one.
        link: Hash of the link that opened it; null for accounts.
        seen_at: When it was last noted as used, as seconds.
    """

    viewer: Viewer
    csrf: str
    token: str
    language: str | None = None
    link: str | None = None
    seen_at: float = 0.0


def open_session(
    connection: Connection,
    now: float,
    *,
    user_id: str | None = None,
    grant_id: str | None = None,
    person_id: str | None = None,
    link: str | None = None,
    lasts: float | None = None,
) -> str:
    """Open a session for an account in one of its roles, or for a person who came by a link.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        user_id: The account.
        grant_id: Its role in use.
        person_id: Who came by a link.
        link: Hash of that link.
        lasts: Seconds until it ends, however much it is used; null is what is usual.

    Returns:
        The token for the cookie; it is not kept.
    """
    token = new_token()
    if lasts is None:
        lasts = LASTS if user_id else LINK_LASTS
    connection.execute(
        insert(sessions).values(
            token=hash_of(token),
            user_id=user_id,
            grant_id=grant_id,
            person_id=person_id,
            link=link,
            csrf=new_token(),
            created_at=now,
            seen_at=now,
            expires_at=now + lasts,
        )
    )
    return token


def find_session(connection: Connection, token: str, now: float, *, idle: float = IDLE) -> OpenSession | None:
    """The session of a token; null if there is none, it has expired, its account was disabled or its role taken away.

    Args:
        connection: Any.
        token: What the browser holds.
        now: Seconds since 1970-01-01 UTC.
        idle: Seconds without use after which it has ended.
    """
    row = connection.execute(
        select(sessions, users.c.name, users.c.language, users.c.disabled)
        .outerjoin(users, users.c.id == sessions.c.user_id)
        .where(sessions.c.token == hash_of(token))
    ).one_or_none()
    if row is None or row.expires_at <= now or row.seen_at <= now - idle or row.disabled:
        return None
    if row.user_id is None:
        viewer = Viewer(Role.PATIENT, person_id=row.person_id)
    else:
        grant = connection.execute(
            select(grants).where(grants.c.id == row.grant_id, grants.c.user_id == row.user_id)
        ).one_or_none()
        if grant is None:
            return None
        viewer = Viewer(
            Role(grant.role),
            user_id=row.user_id,
            name=row.name,
            organization_id=grant.organization_id,
            team_id=grant.team_id,
            practitioner_id=grant.practitioner_id,
            person_id=grant.person_id,
            contract=grant.contract,
        )
    return OpenSession(viewer, row.csrf, row.token, row.language, row.link, row.seen_at)


def touch(connection: Connection, token_hash: str, now: float) -> None:
    """Note that a session was used."""
    connection.execute(update(sessions).where(sessions.c.token == token_hash).values(seen_at=now))


def close_session(connection: Connection, token_hash: str) -> None:
    """Sign out."""
    connection.execute(delete(sessions).where(sessions.c.token == token_hash))


def close_sessions_of(connection: Connection, user_id: str) -> None:
    """Sign an account out everywhere."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))


def clear_ended(connection: Connection, now: float) -> None:
    """Forget sessions whose time is over."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
