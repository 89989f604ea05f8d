"""Who may use a route: roles, and what of the record they reach."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from benchwell.register import Role

ACCESS = "__access__"  # where a handler carries its own


class Reach(StrEnum):
    """What a route is about."""

    ANYONE = "anyone"  # nothing of anybody
    ROLE = "role"  # whatever the handler filters by the viewer
    PERSON = "person"  # one person, named by `{person_id}`: checked against the viewer, and logged
    SELF = "self"  # the viewer's own record; logged


@dataclass(frozen=True)
class Access:
    """Who may use a route.

    Attributes:
        roles: Which roles.
        reach: What it is about.
        action: What the log calls it, for `PERSON` and `SELF`.
        scope: For programs: which of their scopes is needed.
        is_open: No session and no CSRF mark is asked for, since the request itself carries what opens it.
    """

    roles: frozenset[Role]
    reach: Reach = Reach.ROLE
    action: str = "read"
    scope: str | None = None
    is_open: bool = False


EVERYBODY = frozenset(Role)
STAFF = frozenset({Role.CLINICIAN, Role.LEAD, Role.MANAGER, Role.ANALYST})  # people who see a service's figures
ANYONE = Access(EVERYBODY, Reach.ANYONE)


def only(*roles: Role, reach: Reach = Reach.ROLE, action: str = "read", scope: str | None = None) -> Access:
    """Access for some roles.

    >>> only(Role.ADMIN).roles
    frozenset({<Role.ADMIN: 'admin'>})
    """
    return Access(frozenset(roles), reach, action, scope)


def to_person(*roles: Role, action: str = "read") -> Access:
    """Access to one person's record, for roles that treat people."""
    return Access(frozenset(roles), Reach.PERSON, action)
