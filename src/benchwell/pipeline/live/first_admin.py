"""The first administrator: a one-time link that the first start prints, for whoever reads the terminal."""

from __future__ import annotations

import time
from typing import Any

from benchwell.errors import AccessError
from benchwell.i18n import _
from benchwell.pipeline.live.service import LiveService
from benchwell.register import Role
from benchwell.register.accounts import add_account, add_grant, has_admin
from benchwell.register.links import find_link, make_link, open_links, revoke_link, use_link

KIND = "admin"


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
