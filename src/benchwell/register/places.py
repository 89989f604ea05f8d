"""Names of organizations, teams and clinicians, as administrators see them."""

from __future__ import annotations

from collections import Counter
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


@dataclass(frozen=True)
class OrganizationLine:
    """One organization, as it is arranged.

    Attributes:
        id: Its key.
        name: What people call it.
        teams: Names of its teams.
        clinicians: How many clinicians it has.
    """

    id: str
    name: str
    teams: tuple[str, ...]
    clinicians: int


def arrangement(connection: Connection) -> tuple[OrganizationLine, ...]:
    """Every organization by name, with its teams and the number of its clinicians."""
    in_teams = connection.execute(select(teams.c.organization_id, teams.c.name).order_by(teams.c.name)).all()
    counted = Counter(connection.execute(select(practitioners.c.organization_id)).scalars())
    return tuple(
        OrganizationLine(
            place, name, tuple(row.name for row in in_teams if row.organization_id == place), counted[place]
        )
        for place, name in _named(connection, organizations)
    )


def _named(connection: Connection, table: Table) -> tuple[tuple[str, str], ...]:
    found = connection.execute(select(table.c.id, table.c.name))
    return tuple(sorted(((row.id, row.name or row.id) for row in found), key=lambda pair: (pair[1], pair[0])))
