"""One program at a time on the way between register and lake, among all that share the register.

Two at once would undo each other: what one has just taken to the lake, the other, which looks at the lake of a moment
before, would hold for gone.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy.exc import SQLAlchemyError

from benchwell.errors import RegisterError
from benchwell.private_file import owner_only
from benchwell.register.opening import Register
from benchwell.register.refusals import why

_KEY = 5_217_303_110_442_002  # of PostgreSQL's lock; any number does that nobody else uses
_BETWEEN = 0.1  # seconds between two tries


@contextmanager
def alone(register: Register, patience: float) -> Iterator[bool]:
    """Be the only one, or learn that somebody else is; the system takes the turn back if a process dies.

    Args:
        register: What is shared.
        patience: Seconds to wait for whoever is at it; 0 asks once.

    Returns:
        Whether the turn is ours, for as long as the block lasts.

    Raises:
        RegisterError: If the register cannot be asked.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder, Register.in_file(Path(folder) / "register.db") as register:
    ...     with alone(register, 0) as first, alone(register, 0) as second:
    ...         first, second
    (True, False)
    """
    attempt = _in_database if register.kind == "postgresql" else _beside_the_file
    until = time.monotonic() + patience
    while True:
        with attempt(register) as is_ours:
            if is_ours or time.monotonic() >= until:
                yield is_ours
                return
        time.sleep(_BETWEEN)


@contextmanager
def _in_database(register: Register) -> Iterator[bool]:
    try:
        connection = register.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    except SQLAlchemyError as problem:
        raise _unreachable(problem) from None
    with closing(connection):
        try:
            is_ours = bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_KEY})").scalar_one())
        except SQLAlchemyError as problem:
            raise _unreachable(problem) from None
        try:
            yield is_ours
        finally:
            if is_ours:
                # A connection that goes back to the pool with the lock would keep it; one that is lost has lost it.
                connection.invalidate()


@contextmanager
def _beside_the_file(register: Register) -> Iterator[bool]:
    descriptor = owner_only(f"{register.url.database}.alone", os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def _unreachable(problem: SQLAlchemyError) -> RegisterError:
    return RegisterError(
        f"The register cannot be reached ({why(problem)}).", hint="check that the database is running, then try again"
    )
