"""What kind of refusal a database's error is; never its statement or its values."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from benchwell.errors import RegisterError

_WORTH_ANOTHER_TRY = {"40001", "40P01", "55P03"}  # PostgreSQL: cannot serialize, deadlock, lock not available
_BUSY = 5  # SQLite: another process writes


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
