"""One in-memory DuckDB for grouping and hashing; each use has its own cursor, so nothing is shared but the engine."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import duckdb

from benchwell.intake.sealed import MEMORY, OFFLINE


@lru_cache(maxsize=1)
def _database() -> duckdb.DuckDBPyConnection:
    # Without a folder of its own, DuckDB spills into the working directory, where anybody may read it.
    spill = tempfile.mkdtemp(prefix="benchwell-")
    atexit.register(shutil.rmtree, spill, ignore_errors=True)
    database = duckdb.connect(":memory:", config={"memory_limit": MEMORY, "temp_directory": spill} | OFFLINE)
    database.execute("SET enable_progress_bar = false")
    return database


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor of its own: registered frames and temporary tables end with it.

    >>> with connection() as db:
    ...     db.sql("SELECT 1").fetchall()
    [(1,)]
    """
    cursor = _database().cursor()
    try:
        cursor.execute("SET enable_progress_bar = false")
        yield cursor
    finally:
        cursor.close()
