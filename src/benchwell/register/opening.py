"""Open a register by its URL: SQLite in a file by default, PostgreSQL for several workers and hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from benchwell.errors import RegisterError
from benchwell.register.schema import METADATA
from benchwell.register.writer import Writer

T = TypeVar("T")
_WRITERS = {"sqlite": 1, "postgresql": 4}  # SQLite has one writer at a time; more would only wait for one another


class Register:
    """An open register. Reads go through `read()`, writes through `write()` or `submit()`.

    Args:
        url: `sqlite:///…` or `postgresql://…`.

    Raises:
        RegisterError: If the URL is of another kind, or the database cannot be opened.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Register.in_file(Path(folder) / "register.db") as register:
    ...     register.write(lambda connection: 1 + 1)
    2
    """

    def __init__(self, url: str) -> None:
        self.url = _known(url)
        self.engine = _engine(self.url)
        try:
            METADATA.create_all(self.engine)
        except SQLAlchemyError as problem:
            self.engine.dispose()
            raise RegisterError(
                f"The register cannot be opened ({type(problem).__name__}).",
                hint="check the address, and that the database is running and may be written",
            ) from None
        self._writer = Writer(self.engine.execution_options(writes=True), threads=_WRITERS[self.kind])

    @classmethod
    def in_file(cls, path: Path) -> Self:
        """The register in an SQLite file, which is made if it is not there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite:///{path.resolve()}")

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.url.get_backend_name()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read with; what it sees is one moment of the register."""
        with self.engine.connect() as connection:
            yield connection

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Do some writing soon; the result is there when it is durable.

        Args:
            work: Gets a connection inside a transaction; whatever it raises undoes its own writes only.
        """
        return self._writer.submit(work)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do some writing, and wait until it is durable."""
        return self.submit(work).result()

    def close(self) -> None:
        """Finish what is waiting, and let go of the database."""
        self._writer.close()
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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
    return parsed.set(drivername="postgresql+psycopg") if parsed.get_backend_name() == "postgresql" else parsed


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        # The driver's own idea of when a transaction begins differs between Python versions: we begin it ourselves.
        engine = create_engine(url, connect_args={"isolation_level": None, "timeout": 20})
        event.listen(engine, "connect", _durable)
        event.listen(engine, "begin", _begin)
        return engine
    return create_engine(url, pool_size=8, max_overflow=8, pool_pre_ping=True)


def _durable(connection: Any, _: object) -> None:
    # What SQLite acknowledges survives a loss of power, and readers do not wait for the writer.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=20000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A writer takes its place at once: one that began as a reader could be refused in the middle.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def why(problem: SQLAlchemyError) -> str:
    """What kind of refusal it was; never the statement or its values."""
    return type(problem.orig).__name__ if isinstance(problem, DBAPIError) else type(problem).__name__
