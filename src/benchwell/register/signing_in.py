"""Signing in with a name and a password: the same answer and the same work, whatever of it was wrong."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from benchwell.register import Register
from benchwell.register.accounts import grants_of
from benchwell.register.audit import log
from benchwell.register.lockout import begin_attempt, forgive, plain_login
from benchwell.register.passwords import HASHER, is_dated, is_right
from benchwell.register.schema import users
from benchwell.register.second_factor import use_code
from benchwell.register.sessions import clear_ended, open_session
from benchwell.register.viewer import PUBLIC, Role, Viewer

ROUTE = "/sign-in"


@dataclass(frozen=True)
class SignIn:
    """How an attempt ended.

    Attributes:
        token: For the cookie; null if nobody was let in.
        wait: Seconds until the next attempt is looked at; 0 is now.
        roles: How many roles the account has; with several, one is chosen next.
        is_known: The name and password were right. With no token, the account has no role yet.
    """

    token: str | None = None
    wait: float = 0.0
    roles: int = 0
    is_known: bool = False


def sign_in(
    register: Register, now: float, login: str, password: str, code: str = "", *, lasts: float | None = None
) -> SignIn:
    """Try a name, a password and, for accounts that ask for it, a code.

    Args:
        register: The live store.
        now: Seconds since 1970-01-01 UTC.
        login: As typed.
        password: As typed.
        code: Six digits from a phone; empty for accounts without.
        lasts: Seconds that the session lasts; null is what is usual.
    """
    if wait := register.write(lambda connection: begin_attempt(connection, now, login)):
        return SignIn(wait=wait)
    with register.read() as connection:
        user = connection.execute(select(users).where(users.c.login == plain_login(login))).one_or_none()
    is_good = is_right(user.password if user else None, password) and user is not None and not user.disabled
    fresh = HASHER.hash(password) if is_good and user is not None and is_dated(user.password) else None

    def finish(connection: Connection) -> SignIn:
        if not is_good or user is None or (user.totp and not use_code(connection, user.id, user.totp, code, now)):
            log(connection, now, PUBLIC, "sign_in_failed", ROUTE)
            return SignIn()
        forgive(connection, login)
        if fresh is not None:
            connection.execute(update(users).where(users.c.id == user.id).values(password=fresh))
        return admit(connection, now, user.id, lasts=lasts)

    return register.write(finish)


def knows_password(register: Register, now: float, user_id: str, password: str) -> bool:
    """Whether somebody who is signed in also knows the password; wrong answers count as failed sign-ins.

    Args:
        register: The live store.
        now: Seconds since 1970-01-01 UTC.
        user_id: Who.
        password: As typed.
    """
    with register.read() as connection:
        user = connection.execute(select(users).where(users.c.id == user_id)).one_or_none()
    login = user.login if user else None
    if login is None or register.write(lambda connection: begin_attempt(connection, now, login)):
        return False
    if not is_right(user.password if user else None, password):
        return False
    register.write(lambda connection: forgive(connection, login))
    return True


def admit(
    connection: Connection, now: float, user_id: str, *, route: str = ROUTE, lasts: float | None = None
) -> SignIn:
    """Open a session for somebody who has proved who they are, in the first of their roles.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        user_id: Who.
        route: By which way, for the log.
        lasts: Seconds that the session lasts; null is what is usual.
    """
    clear_ended(connection, now)
    held = grants_of(connection, user_id)
    if not held:
        log(connection, now, Viewer(Role.PUBLIC, user_id=user_id), "sign_in", route, detail="no_role")
        return SignIn(is_known=True)
    log(connection, now, Viewer(held[0].role, user_id=user_id), "sign_in", route)
    token = open_session(connection, now, user_id=user_id, grant_id=held[0].id, lasts=lasts)
    return SignIn(token, roles=len(held), is_known=True)


def switch_role(
    connection: Connection, now: float, user_id: str, grant_id: str, *, lasts: float | None = None
) -> str | None:
    """A session in another of one's roles; null if it is none of them. The caller closes the session before.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        user_id: Who.
        grant_id: The role to use.
        lasts: Seconds that the session lasts; null is what is usual.
    """
    chosen = next((grant for grant in grants_of(connection, user_id) if grant.id == grant_id), None)
    if chosen is None:
        return None
    log(connection, now, Viewer(chosen.role, user_id=user_id), "switch_role", "/roles")
    return open_session(connection, now, user_id=user_id, grant_id=grant_id, lasts=lasts)
