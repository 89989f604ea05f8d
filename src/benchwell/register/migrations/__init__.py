"""Versions of the register's tables, and how one of an earlier version is brought up to date on opening.

    env        what Alembic runs; it works inside the transaction that it is given
    versions   one file per version, each stating which one it follows
    new        writes the next version from the difference between schema.py and the versions so far

A change of `schema.py` needs a version here; a test compares the two on both databases.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from benchwell.errors import RegisterError
from benchwell.register.schema import METADATA

FOLDER = Path(__file__).parent
_ONE_AT_A_TIME = threading.Lock()  # Alembic keeps the version that it runs in globals of its own


def config(connection: Connection | None = None, versions: Path | None = None) -> Config:
    """Alembic's settings, without a file.

    Args:
        connection: Inside the transaction to work in.
        versions: A folder of versions; null is the package's own.
    """
    made = Config()
    made.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    made.set_main_option("path_separator", "newline")
    made.set_main_option("version_locations", str(versions or FOLDER / "versions").replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


@lru_cache(maxsize=4)
def head(versions: Path | None = None) -> str:
    """The newest version that this Benchwell knows."""
    return str(ScriptDirectory.from_config(config(versions=versions)).get_current_head())


def version_of(connection: Connection) -> str | None:
    """The version of an open register; null for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection, versions: Path | None = None) -> bool:
    """Bring the tables to the newest version, inside the caller's transaction.

    Args:
        connection: Inside a transaction that no other opener shares.
        versions: As in `config`.

    Returns:
        Whether anything was to do.

    Raises:
        RegisterError: If the register was written by a newer Benchwell.
    """
    if version_of(connection) == head(versions):
        return False
    with _ONE_AT_A_TIME:
        try:
            command.upgrade(config(connection, versions), "head")
        except CommandError:
            raise RegisterError(
                "The register was written by a newer Benchwell than this one; nothing was changed.",
                hint="install that version or a later one, or restore the backup from before its first start",
            ) from None
    return True


def differences(connection: Connection) -> list[Any]:
    """What the tables of an open register lack or have beyond `schema.py`; empty if the versions are complete."""
    found: list[Any] = compare_metadata(
        MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": METADATA}), METADATA
    )
    return found
