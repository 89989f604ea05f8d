"""The first administrator: a one-time link that the first start prints, and what is to be done after it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from benchwell.errors import AccessError
from benchwell.i18n import _
from benchwell.pipeline.live.service import LiveService
from benchwell.register import Role
from benchwell.register.accounts import add_account, add_grant, has_admin
from benchwell.register.first_steps import what_is_there
from benchwell.register.links import find_link, make_link, open_links, revoke_link, use_link

KIND = "admin"


@dataclass(frozen=True)
class Step:
    """One of the first steps of a new service.

    Attributes:
        title: What is to be done.
        how: How, in a sentence.
        path: Where; "" where it is done in a terminal.
        is_done: Whether it has been.
    """

    title: str
    how: str
    path: str
    is_done: bool


def first_steps(service: LiveService) -> tuple[Step, ...]:
    """What a new service needs, in order; nothing once all of it is there.

    Args:
        service: The running service.
    """
    with service.register.read() as connection:
        have = what_is_there(connection)
    steps = (
        Step(
            _("Add an organization and its clinicians"),
            _("A clinic, a practice, a department: whatever answers for the treatment."),
            "/admin/places",
            have.organizations and have.practitioners,
        ),
        Step(
            _("Add an account for everybody who works here"),
            _("Below: a name, then a role, then a link to set the password, which you hand over yourself."),
            "#add",
            have.others,
        ),
        Step(
            _("Bring scores in"),
            _("Clinicians type them, a record system sends them with a key, or files are read in: benchwell intake."),
            "/admin/programs",
            have.assessments,
        ),
        Step(
            _("Build the first edition"),
            _("In a terminal: benchwell build. From then on there are figures of the service to look at."),
            "",
            service.edition() is not None,
        ),
    )
    return () if all(one.is_done for one in steps) else steps


def first_admin_link(service: LiveService, address: str | None = None) -> str | None:
    """A link by which the first administrator makes an account; those of earlier starts stop working.

    Args:
        service: The running service.
        address: Where people reach it, such as `http://127.0.0.1:8000`; the settings' `base_url` goes first.

    Returns:
        The link; null once there is an administrator.
    """

    def make(connection: Any) -> str | None:
        if has_admin(connection):
            return None
        now = time.time()
        for old in open_links(connection, now, KIND):
            revoke_link(connection, old.id, kind=KIND)
        return make_link(connection, now, KIND)

    token = service.register.write(make)
    base = service.workspace.settings.service.base_url or (address or "").rstrip("/")
    return f"{base}/begin/{token}" if token else None


def is_first_admin_link(service: LiveService, now: float, token: str) -> bool:
    """Whether a link still makes an administrator."""
    with service.register.read() as connection:
        return find_link(connection, now, KIND, token) is not None and not has_admin(connection)


def accept_first_admin(service: LiveService, now: float, token: str, login: str, name: str, hashed: str) -> None:
    """Make the first administrator.

    Raises:
        AccessError: If the link does not work, or the name cannot be used.
    """

    def make(connection: Any) -> None:
        if has_admin(connection) or use_link(connection, now, KIND, token) is None:
            raise AccessError(_("This link does not work, or no longer."), hint=_("start the service again"))
        add_grant(connection, add_account(connection, now, login, name, hashed=hashed), Role.ADMIN)

    service.register.write(make)
