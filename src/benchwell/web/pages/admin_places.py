"""Administration of places: organizations, their teams and their clinicians."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from benchwell.errors import AccessError
from benchwell.i18n import _
from benchwell.register.adding_places import add_organization, add_practitioner, add_team, name_place
from benchwell.register.audit import log
from benchwell.register.places import arrangement, places
from benchwell.web.pages.admin import ADMIN
from benchwell.web.pages.sign_in import Typed
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()
HERE = "/admin/places"


@routes.get(HERE, ADMIN)
def show(visit: Here) -> HTMLResponse:
    """What there is, and forms to add to it."""
    return _page(visit)


@routes.post("/admin/places/organizations", ADMIN)
def organization(visit: Here, name: Typed = "", key: Typed = "") -> Response:
    """Add an organization."""
    return _added(visit, "organizations", lambda connection: add_organization(connection, name, key))


@routes.post("/admin/places/teams", ADMIN)
def team(visit: Here, organization: Typed = "", name: Typed = "") -> Response:
    """Add a team."""
    return _added(visit, "teams", lambda connection: add_team(connection, organization, name))


@routes.post("/admin/places/clinicians", ADMIN)
def clinician(visit: Here, organization: Typed = "", team: Typed = "", name: Typed = "", key: Typed = "") -> Response:
    """Add a clinician."""
    return _added(
        visit,
        "clinicians",
        lambda connection: add_practitioner(connection, organization, name, team_id=team, key=key),
    )


@routes.post("/admin/places/names", ADMIN)
def rename(visit: Here, place: Typed = "", name: Typed = "") -> Response:
    """Give something another name; `place` is a kind and an id."""
    kind, _colon, place_id = place.partition(":")
    return _added(visit, "names", lambda connection: name_place(connection, kind, place_id, name))


def _added(visit: Visit, what: str, work: Callable[[Any], Any]) -> Response:
    def both(connection: Any) -> None:
        work(connection)
        log(connection, visit.now, visit.viewer, "write", f"{HERE}/{what}")

    try:
        visit.register.write(both)
    except AccessError as problem:
        return _page(visit, problem=problem)
    return RedirectResponse(HERE, status_code=303)


def _page(visit: Visit, *, problem: AccessError | None = None) -> HTMLResponse:
    with visit.register.read() as connection:
        known, arranged = places(connection), arrangement(connection)
    kinds = {
        "organization": (_("Organization"), known.organizations),
        "team": (_("Team"), known.teams),
        "practitioner": (_("Clinician"), known.practitioners),
    }
    named = [(f"{kind}:{place}", f"{word}: {name}") for kind, (word, found) in kinds.items() for place, name in found]
    given = {"places": known, "arranged": arranged, "named": named, "problem": problem}
    return visit.page("admin/places.html.j2", status=400 if problem else 200, **given)
