"""Write the next version: `python -m benchwell.register.migrations.new "Add a column for …"`, then read what it wrote.

It compares `schema.py` with a register made by all versions so far. Alembic sees tables, columns, indexes and
constraints; what it does not see (triggers, a renamed column, data to carry over) is for a person to add.
"""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from benchwell.register.migrations import FOLDER, config, upgrade


def write_version(message: str, versions: Path = FOLDER / "versions") -> Path:
    """Write the next version to a folder of versions.

    Args:
        message: What changes, as a sentence without its period.
        versions: The folder.

    Returns:
        The new file.
    """
    number = f"{len(list(versions.glob('[0-9]*.py'))) + 1:04d}"
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        if number != "0001":
            upgrade(connection, versions)
        command.revision(config(connection, versions), message, autogenerate=True, rev_id=number)
    engine.dispose()
    return next(versions.glob(f"{number}_*.py"))


if __name__ == "__main__":
    sys.stdout.write(f"{write_version(' '.join(sys.argv[1:]))}\n")
