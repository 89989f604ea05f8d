"""A DuckDB that reads the files it was given and nothing else: a source may be anybody's work.

A database file can hold views that read other files of this machine, or that ask other machines. Nothing of that works
here: no other file, no request, no extension that is loaded later, and no setting that could be turned back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from benchwell.errors import SourceError

MEMORY = "1GB"
OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
"""DuckDB settings without which an unknown function makes it fetch an extension from the network."""


@contextmanager
def sealed(files: Iterable[Path] = (), database: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB for one reading. What it spills lies in a private folder that goes with it.

    Args:
        files: What it may read.
        database: A database file to attach, read only, as `cdm`.

    Raises:
        SourceError: If DuckDB cannot open the database file.

    >>> with sealed() as db:
    ...     db.sql("SELECT 1").fetchall()
    [(1,)]
    """
    with tempfile.TemporaryDirectory(prefix="benchwell-", ignore_cleanup_errors=True) as spill:
        db = duckdb.connect(":memory:", config={"memory_limit": MEMORY, "temp_directory": spill} | OFFLINE)
        try:
            db.execute("SET enable_progress_bar = false")
            db.execute("SET allowed_paths = ?", [[str(file) for file in files]])
            if database is not None:
                _attach(db, database)
            db.execute("SET enable_external_access = false")
            db.execute("SET lock_configuration = true")
            yield db
        finally:
            db.close()


def _attach(db: duckdb.DuckDBPyConnection, path: Path) -> None:
    try:
        db.execute(f"ATTACH {literal(str(path))} AS cdm (READ_ONLY, TYPE duckdb)")
    except duckdb.Error:
        raise SourceError(
            f"{path.name} cannot be opened as a DuckDB database.",
            hint="close it in other programs; write it again with a current version of DuckDB",
        ) from None


def literal(text: str) -> str:
    """A text as an SQL literal.

    >>> literal("o'clock")
    "'o''clock'"
    """
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """The name of a table, schema or column as it may stand in SQL, whatever is in it.

    >>> quoted('a"; DROP TABLE b')
    '"a""; DROP TABLE b"'
    """
    return '"' + name.replace('"', '""') + '"'
