"""Names of organizations, teams and clinicians, as administrators see them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Table, select

from benchwell.register.schema import organizations, practitioners, teams


@dataclass(frozen=True)
class Places:
    """What a role can be given for: pairs of an id and a name, by name."""

    organizations: tuple[tuple[str, str], ...]
    teams: tuple[tuple[str, str], ...]
    practitioners: tuple[tuple[str, str], ...]

    @property
    def names(self) -> dict[str, str]:
        """Every name by its id."""
        return dict((*self.organizations, *self.teams, *self.practitioners))


def places(connection: Connection) -> Places:
    """Everything that has a name."""
    return Places(*(_named(connection, table) for table in (organizations, teams, practitioners)))


def _named(connection: Connection, table: Table) -> tuple[tuple[str, str], ...]:
    found = connection.execute(select(table.c.id, table.c.name))
    return tuple(sorted(((row.id, row.name or row.id) for row in found), key=lambda pair: (pair[1], pair[0])))
