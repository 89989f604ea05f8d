"""Open a register by its URL: SQLite in a file by default, PostgreSQL for several workers and hosts."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from benchwell.errors import RegisterError
from benchwell.private_file import owner_only
from benchwell.register.migrations import upgrade
from benchwell.register.refusals import BusyRegisterError, is_unable, unable, why
from benchwell.register.writer import Item, Together, Writer

T = TypeVar("T")
# SQLite has one writer at a time; more would only wait for one another.
_WRITERS = {"sqlite": 1, "postgresql": 3}
_GATHER = 0.008  # seconds that a busy line waits for others: two that come together cost little more than one
_UPGRADING = 5_217_303_110_442_001  # the key of the lock under which one of several workers upgrades; any number does
_TRIES, _BETWEEN = 100, 0.02  # for the switch to a write-ahead log, which does not wait for others by itself


class Register:
    """An open register. Reads go through `read()`, writes through `write()` or `submit()`.

    A register of an earlier version is brought up to date on opening; one of a newer version is refused. Several
    processes may open one register at once.

    Args:
        url: `sqlite:///…` or `postgresql://…`. A password may also come from `PGPASSWORD` or `~/.pgpass`.
        room: How many writes may wait in line; more are refused as busy.

    Raises:
        RegisterError: If the URL is of another kind, the database cannot be opened, or it is of a newer version.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Register.in_file(Path(folder) / "register.db") as register:
    ...     register.write(lambda connection: 1 + 1)
    2
    """

    def __init__(self, url: str, *, room: int = 4096) -> None:
        self.url = _known(url)
        try:
            _make_private(self.url)
            self.engine = _engine(self.url)
            try:
                _upgrade(self.engine)
            except BaseException:
                self.engine.dispose()
                raise
        except (SQLAlchemyError, OSError) as problem:
            raise RegisterError(
                f"The register cannot be opened ({why(problem)}).",
                hint="check the address, and that the database is running and may be written",
            ) from None
        writing = self.engine.execution_options(writes=True)
        gather = _GATHER if self.kind == "sqlite" else 0.0
        self._writer = Writer(writing, threads=_WRITERS[self.kind], room=room, gather=gather)
        # What is done together has a line of its own, where the database lets it: two would share it out between them.
        self._joined = self._writer if self.kind == "sqlite" else Writer(writing, room=room, gather=_GATHER)

    @classmethod
    def in_file(cls, path: Path) -> Self:
        """The register in an SQLite file, which is made if it is not there, for its owner's eyes only."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(URL.create("sqlite", database=str(path.resolve())).render_as_string(hide_password=False))

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.url.get_backend_name()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read with; what it sees is one moment of the register. Nothing written with it is kept.

        Raises:
            BusyRegisterError: If the database cannot be reached, or stops answering meanwhile.
        """
        try:
            with self.engine.connect() as connection:
                if self.kind == "postgresql":  # its usual transactions see a new moment with each statement
                    one_moment = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
                    connection = connection.execution_options(**one_moment)
                yield connection
        except SQLAlchemyError as problem:
            if is_unable(problem):
                raise unable() from None
            raise

    def check(self) -> None:
        """Ask the database for nothing, to see that it answers.

        Raises:
            BusyRegisterError: If it does not; it may a moment later.
        """
        try:
            with self.read() as connection:
                connection.exec_driver_sql("SELECT 1")
        except SQLAlchemyError as problem:
            raise BusyRegisterError(
                f"The register does not answer ({why(problem)}).", hint="check that the database is running"
            ) from None

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Do some writing soon; the result is there when it is durable.

        Args:
            work: Gets a connection inside a transaction; whatever it raises undoes its own writes only. It may be
                called a second time, after what it wrote was undone, so it must write nowhere else. It does not end
                the transaction.

        Raises:
            RegisterError: If the register is closed, or too many writes wait already.
        """
        context = copy_context()  # it speaks the language of whoever asks, though another thread does it
        return self._writer.submit(lambda connection: context.run(lambda: work(connection)))

    def submit_joined(self, work: Together[Item, T], item: Item) -> Future[T]:
        """Do some writing soon, together with others that ask for the same work; else like `submit`.

        Args:
            work: Gets a connection and several items, and gives a result for each, or the exception that says why not;
                of an item with an exception it has written nothing. If it raises, it is called for each item alone. It
                speaks no reader's language: an item that needs one brings its context along.
            item: What this one is about.

        Raises:
            RegisterError: As in `submit`.
        """
        return self._joined.submit_joined(work, item)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do some writing, and wait until it is durable. Arguments and errors as in `submit`.

        Raises:
            RegisterError: Also if the database refused.
        """
        if self._writer.is_own_thread() or self._joined.is_own_thread():
            raise RegisterError("A write was asked for inside of another one, which would wait for itself.")
        return self.submit(work).result()

    def compact(self) -> None:
        """Rewrite what deleted rows leave behind in the database's files, so that it cannot be read there.

        SQLite's file and log are rewritten; PostgreSQL frees the space, and reuses it (backups and archived logs are
        with whoever keeps them).

        Raises:
            RegisterError: If the database refuses, for instance because somebody else is writing for long.
        """
        try:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                if self.kind == "postgresql":
                    connection.exec_driver_sql("VACUUM")
                    return
                for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    _driver(connection).execute(statement)
        except (SQLAlchemyError, sqlite3.Error) as problem:
            raise RegisterError(
                f"What was deleted from the register may still be in its files ({why(problem)}).",
                hint="stop other programs that use it, then compact it again",
            ) from None

    def close(self) -> None:
        """Finish what is waiting, and let go of the database."""
        self._joined.close()
        self._writer.close()
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Register({self.kind!r})"


def _known(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise RegisterError(
            "The register's address is not a database URL.", hint="write postgresql://user@host/name"
        ) from None
    if parsed.get_backend_name() not in _WRITERS:
        raise RegisterError(
            f"A register cannot be kept in {parsed.get_backend_name()}.", hint="use sqlite:///… or postgresql://…"
        )
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.database in (None, "", ":memory:"):
        raise RegisterError("The register's address names no file.", hint="write sqlite:///folder/register.db")
    return parsed


def _make_private(url: URL) -> None:
    """Make the file before SQLite does, so that nobody else may read it, nor its log, which takes the same rights."""
    if url.get_backend_name() == "sqlite":
        os.close(owner_only(str(url.database), os.O_CREAT | os.O_RDWR))


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        # The driver's own idea of when a transaction begins differs between Python versions: we begin it ourselves.
        settings = {"isolation_level": None, "timeout": 20}
        engine = create_engine(url, connect_args=settings, pool_size=16, max_overflow=32)
        event.listen(engine, "connect", _durable)
        event.listen(engine, "begin", _begin)
        return engine
    # Nobody waits for another's lock without end: it is told, and may try again.
    waits: dict[str, Any] = {} if "options" in url.query else {"options": "-c lock_timeout=20s"}
    if "connect_timeout" not in url.query:
        waits["connect_timeout"] = 10  # seconds; a host that is gone says nothing, for minutes
    return create_engine(url, pool_size=8, max_overflow=8, pool_pre_ping=True, connect_args=waits)


def _durable(connection: Any, _: object) -> None:
    # What SQLite acknowledges survives a loss of power, readers do not wait for the writer, and what is deleted is
    # overwritten.
    for pragma in ("busy_timeout=20000", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    for left in reversed(range(_TRIES)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if not left:
                raise
            time.sleep(_BETWEEN)


def _begin(connection: Connection) -> None:
    # A writer takes its place at once: one that began as a reader could be refused in the middle.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _upgrade(engine: Engine) -> None:
    """Bring the tables up to date; of several workers that start at once, one does it and the others wait."""
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.execution_options(writes=True).connect() as connection:
        if is_sqlite:
            # SQLite changes a table by dropping and refilling it, which its references must survive. Only outside of a
            # transaction can that be said.
            _driver(connection).execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                if not is_sqlite:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADING})")
                if upgrade(connection) and is_sqlite:
                    _check_references(connection)
        finally:
            if is_sqlite:
                _driver(connection).execute("PRAGMA foreign_keys=ON")


def _check_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise RegisterError(
            f"The register cannot be upgraded: {len(broken)} of its rows refer to rows that are gone.",
            hint="nothing was changed; restore a backup from before they were lost",
        )


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection
