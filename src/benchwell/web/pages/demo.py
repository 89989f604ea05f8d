"""Into the demonstration with one press per role, without a password: nobody in it exists."""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from benchwell.i18n import _
from benchwell.pipeline.live.demo_roles import ROLES
from benchwell.register.accounts import accounts
from benchwell.register.signing_in import SignIn, admit
from benchwell.web.access import ANYONE
from benchwell.web.at_the_demo import is_at_the_demo
from benchwell.web.guard import NothingThereError
from benchwell.web.pages.sign_in import Typed, session_lasts, welcome
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()
ROUTE = "/demo/enter"
_OFFERED = frozenset(role.value for role, _sees in ROLES)


@routes.post(ROUTE, ANYONE)
def enter(visit: Here, role: Typed = "") -> Response:
    """A session in one of the demonstration's roles."""
    if not is_at_the_demo(visit):
        raise NothingThereError(_("There is nothing at this address."))

    def let_in(connection: Any) -> SignIn:
        user = next((one for one in accounts(connection) if one.login == role), None)
        if user is None or user.disabled or role not in _OFFERED:
            raise NothingThereError(_("There is no such role in the demonstration."))
        return admit(connection, visit.now, user.id, route=ROUTE, lasts=session_lasts(visit))

    return welcome(visit, visit.register.write(let_in))
