"""Who is looking: a role, and what it reaches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is here. One person may have several; one is in use at a time."""

    PATIENT = "patient"
    CLINICIAN = "clinician"
    LEAD = "lead"
    MANAGER = "manager"
    ANALYST = "analyst"
    PAYER = "payer"
    ADMIN = "admin"
    PUBLIC = "public"
    CLIENT = "client"  # a program with a key, such as an EHR


@dataclass(frozen=True)
class Viewer:
    """Who asks, in the role in use.

    Attributes:
        role: The role in use.
        user_id: The account; null for people who came by a link, and for the public.
        name: What to call them on the page.
        organization_id: Whose service a lead, manager, clinician or payer sees; null: none, or all for an analyst.
        team_id: Whose team a lead sees.
        practitioner_id: Whose people a clinician sees.
        person_id: Whose record a patient sees.
        contract: Which contract a payer sees.
        client_id: Which program it is.
        scopes: What that program may do.
    """

    role: Role
    user_id: str | None = None
    name: str = ""
    organization_id: str | None = None
    team_id: str | None = None
    practitioner_id: str | None = None
    person_id: str | None = None
    contract: str | None = None
    client_id: str | None = None
    scopes: frozenset[str] = frozenset()


PUBLIC = Viewer(Role.PUBLIC)
