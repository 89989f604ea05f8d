"""What the demonstration is known by, and the roles in which one can look around in it."""

from __future__ import annotations

from typing import Final

from benchwell.i18n import N_
from benchwell.register import Role

MARK: Final = "synthetic-demonstration"  # id of the workspace: nothing else is ever overwritten, or opened by a press
# Each with what there is to see; the sign-in name is that of the role.
ROLES: Final = (
    (Role.CLINICIAN, N_("today's people, one person's course, entering scores")),
    (Role.LEAD, N_("the service's figures, and the circle")),
    (Role.MANAGER, N_("the service, what is missing in its data, experiments")),
    (Role.ANALYST, N_("every clinic's figures, editions, downloads")),
    (Role.PAYER, N_("what a payer sees of a workspace for learning: nothing, and why")),
    (Role.PATIENT, N_("the own course, and what it may be used for")),
    (Role.ADMIN, N_("users, keys of programs, the log of who read what")),
)
