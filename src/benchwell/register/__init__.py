"""The live SQL store: people in care, scores as they arrive, consents, users, what was read by whom.

    opening   a register by its URL: SQLite in a file, or PostgreSQL
    writer    what is acknowledged is durable: many small writes share one commit
    schema    every table

Only this room speaks SQL to it. It knows nothing of measures, models, editions or pages.
"""

from benchwell.register.opening import Register
from benchwell.register.viewer import Role, Viewer

__all__ = ["Register", "Role", "Viewer"]
