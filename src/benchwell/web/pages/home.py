"""Where a role begins, and whether the service is alive."""

from __future__ import annotations

from fastapi.responses import PlainTextResponse, RedirectResponse

from benchwell.register import Role
from benchwell.web.access import ANYONE
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()
BEGINNINGS = {
    Role.PATIENT: "/my",
    Role.CLINICIAN: "/today",
    Role.LEAD: "/service",
    Role.MANAGER: "/service",
    Role.ANALYST: "/service",
    Role.PAYER: "/contract",
    Role.ADMIN: "/admin",
    Role.PUBLIC: "/sign-in",
}


@routes.get("/", ANYONE)
def home(visit: Here) -> RedirectResponse:
    """To the page where this role begins; programs have none."""
    return RedirectResponse(BEGINNINGS.get(visit.viewer.role, "/alive"), status_code=303)


@routes.get("/alive", ANYONE)
def alive(visit: Here) -> PlainTextResponse:
    """For whoever watches the service: the register answers."""
    visit.register.check()
    return PlainTextResponse("alive\n")
