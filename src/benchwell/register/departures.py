"""Sign-ins that were sent to an identity provider: each may come back once, soon, and in the same browser."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert

from benchwell.register.schema import departures
from benchwell.register.tokens import hash_of, new_token

LASTS = 600.0  # seconds that somebody may take at the provider


@dataclass(frozen=True)
class Departure:
    """What is needed to tell one's own return from anybody else's.

    Attributes:
        state: Goes to the provider and comes back by the address.
        browser: Stays in the browser's cookie.
        nonce: Comes back inside the signed token.
        verifier: Proves to the provider that the one who asks for the token is the one who sent the browser (PKCE).
    """

    state: str
    browser: str
    nonce: str
    verifier: str


def depart(connection: Connection, now: float, *, invitation: str | None = None) -> Departure:
    """Note that a browser is being sent away.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        invitation: Token of the invitation that is to be joined to; only its hash is kept.
    """
    made = Departure(new_token(), new_token(), new_token(), new_token())
    connection.execute(delete(departures).where(departures.c.expires_at <= now))
    connection.execute(
        insert(departures).values(
            state=hash_of(made.state),
            browser=hash_of(made.browser),
            nonce=made.nonce,
            verifier=made.verifier,
            link=hash_of(invitation) if invitation else None,
            expires_at=now + LASTS,
        )
    )
    return made


def arrive(
    connection: Connection, now: float, state: str, browser: str, *, invitation: str | None = None
) -> Departure | None:
    """The departure that a browser comes back from; null if it is none, too late, or another browser's.

    It is used up by this, whether or not it fits: a state that was seen by others is worth nothing.
    """
    used = delete(departures).where(departures.c.state == hash_of(state)).returning(departures)
    row = connection.execute(used).one_or_none()
    if row is None or row.expires_at <= now or row.browser != hash_of(browser):
        return None
    if row.link != (hash_of(invitation) if invitation else None):
        return None
    return Departure(state, browser, row.nonce, row.verifier)
