"""Pauses after failed sign-ins, by login: they grow, they hold for all workers, and they end by themselves."""

from __future__ import annotations

import unicodedata
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from benchwell.register.schema import lockouts
from benchwell.register.tokens import hash_of

FREE = 5  # failures before the first pause
FIRST, LONGEST = 30.0, 900.0  # seconds
FORGOTTEN = 86400.0  # seconds without a failure


def plain_login(login: str) -> str:
    """A login as it is stored and compared: without case, or spaces around it.

    >>> plain_login("  Kim.Lee ")
    'kim.lee'
    """
    return unicodedata.normalize("NFKC", login).strip().casefold()


def pause(failures: int) -> float:
    """Seconds to wait after a number of failures in a row.

    >>> [pause(n) for n in (4, 5, 6, 7, 20)]
    [0.0, 30.0, 60.0, 120.0, 900.0]
    """
    return 0.0 if failures < FREE else min(LONGEST, FIRST * 2 ** min(failures - FREE, 10))


def begin_attempt(connection: Connection, now: float, login: str) -> float:
    """Count an attempt before its password is looked at, so that many at once count each.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        login: As typed; whether anybody has it makes no difference.

    Returns:
        Seconds to wait before the next attempt; 0 means that this one may go on.
    """
    key = hash_of(plain_login(login))
    _begin_to_count(connection, key, now)
    row = connection.execute(select(lockouts).where(lockouts.c.login == key).with_for_update()).one()
    if row.locked_until > now:
        return float(row.locked_until - now)
    failures = 1 if row.failed_at < now - FORGOTTEN else row.failures + 1
    counted: dict[str, Any] = {"failures": failures, "failed_at": now, "locked_until": now + pause(failures)}
    connection.execute(update(lockouts).where(lockouts.c.login == key).values(**counted))
    return 0.0


def _begin_to_count(connection: Connection, key: str, now: float) -> None:
    """A row to lock: where there is none yet, attempts at the same moment would each be the first."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    nothing = {"failures": 0, "failed_at": now, "locked_until": 0.0}
    connection.execute(dialect.insert(lockouts).values(login=key, **nothing).on_conflict_do_nothing())


def forgive(connection: Connection, login: str) -> None:
    """Forget the failures of a login, after it was signed in with or an administrator says so."""
    connection.execute(delete(lockouts).where(lockouts.c.login == hash_of(plain_login(login))))
