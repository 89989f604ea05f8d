"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "${up_revision}"
down_revision = ${'"' + down_revision + '"' if down_revision else "None"}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From ${down_revision or "an empty database"} to ${up_revision}."""
    ${upgrades if upgrades else "pass"}
