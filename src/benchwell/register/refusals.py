"""What kind of refusal a database's error is; never its statement or its values."""

from __future__ import annotations

from sqlalchemy import exc
from sqlalchemy.exc import DBAPIError

from benchwell.errors import RegisterError
from benchwell.i18n import N_

_WORTH_ANOTHER_TRY = {"40001", "40P01", "55P03"}  # PostgreSQL: cannot serialize, deadlock, lock not available
_BUSY = 5  # SQLite: another process writes
# SQLite: no memory, may not be written, an error of the disk, full, cannot be opened.
_UNABLE = {_BUSY, 6, 7, 8, 10, 13, 14}
# PostgreSQL: connection, resources (also a full disk), an operator's doing, its system; and a replica is read only.
_AWAY_NOW = N_("The records cannot be reached just now.")
_AGAIN = N_("Try again in a moment. If it stays so, tell an administrator.")
_NOT_KEPT = N_("This was not kept. Try again in a moment. If it stays so, tell an administrator.")
_AWAY = ("08", "53", "57", "58", "25006")


class BusyRegisterError(RegisterError):
    """The register has no room or no time for a write just now: the same may well be kept a moment later."""


def why(problem: BaseException) -> str:
    """The kind of an error, as its class: enough to look it up.

    >>> why(ValueError("a value that nobody should see"))
    'ValueError'
    """
    return type(problem.orig).__name__ if isinstance(problem, DBAPIError) else type(problem).__name__


def is_passing(problem: BaseException) -> bool:
    """Whether the same writes may well succeed a moment later: others were in the way."""
    if not isinstance(problem, DBAPIError):
        return False
    code = getattr(problem.orig, "sqlstate", None)
    # The low byte is the kind; the rest says which lock.
    return code in _WORTH_ANOTHER_TRY or (getattr(problem.orig, "sqlite_errorcode", 0) & 0xFF) == _BUSY


def is_lost(problem: BaseException) -> bool:
    """Whether the connection itself is gone."""
    return isinstance(problem, DBAPIError) and problem.connection_invalidated


def is_unable(problem: BaseException) -> bool:
    """Whether the database cannot do it just now, whatever it is: it is away, full, or has no room for another."""
    if not isinstance(problem, DBAPIError):
        return isinstance(problem, exc.TimeoutError)  # all connections are in use
    if is_passing(problem) or is_lost(problem):
        return True
    driver = problem.orig
    if (code := getattr(driver, "sqlite_errorcode", None)) is not None:
        return (code & 0xFF) in _UNABLE
    state = getattr(driver, "sqlstate", None)
    # An error without a code is the driver's own: there was nobody to give one.
    return type(driver).__name__ == "OperationalError" if state is None else state.startswith(_AWAY)


def unable(*, is_write: bool = False) -> BusyRegisterError:
    """What somebody is told whose page cannot be made, or whose entry cannot be kept, just now.

    Its words are the catalogue's keys: the thread that writes does not know who asks in which language.
    """
    return BusyRegisterError(_AWAY_NOW, hint=_NOT_KEPT if is_write else _AGAIN)
