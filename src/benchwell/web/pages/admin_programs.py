"""Administration of programs with keys, and of devices that stand in a waiting room."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form
from fastapi.responses import HTMLResponse, RedirectResponse

from benchwell.errors import AccessError
from benchwell.i18n import _
from benchwell.register.audit import log
from benchwell.register.clients import SCOPES, add_client, all_clients, note_change, set_client_disabled
from benchwell.register.links import MANY, make_link, open_links, revoke_link
from benchwell.register.places import places
from benchwell.web.pages.admin import ADMIN, absolute
from benchwell.web.pages.sign_in import Typed
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()


@routes.get("/admin/programs", ADMIN)
def programs(visit: Here) -> HTMLResponse:
    """Every program with a key."""
    return _programs(visit)


@routes.post("/admin/programs", ADMIN)
def add_program(
    visit: Here,
    name: Typed = "",
    organization: Typed = "",
    scopes: Annotated[list[str], Form()] = [],  # noqa: B006  FastAPI copies it
) -> HTMLResponse:
    """Let a program in; its key is shown once."""

    def add(connection: Any) -> str:
        client_id, key = add_client(connection, visit.now, name, scopes, organization or None)
        log(connection, visit.now, visit.viewer, "write", "/admin/programs", detail=client_id)
        return key

    try:
        return _programs(visit, key=visit.register.write(add), name=name)
    except AccessError as problem:
        return _programs(visit, problem=problem, name=name)


@routes.post("/admin/programs/{client_id}/disable", ADMIN)
def disable_program(visit: Here, client_id: str) -> RedirectResponse:
    """Shut a program out."""
    return _shut(visit, client_id, disabled=True)


@routes.post("/admin/programs/{client_id}/enable", ADMIN)
def enable_program(visit: Here, client_id: str) -> RedirectResponse:
    """Let a program in again."""
    return _shut(visit, client_id, disabled=False)


@routes.get("/admin/kiosks", ADMIN)
def kiosks(visit: Here) -> HTMLResponse:
    """Every device that people answer questionnaires on."""
    return _kiosks(visit)


@routes.post("/admin/kiosks", ADMIN)
def add_kiosk(visit: Here, organization: Typed = "") -> HTMLResponse:
    """Make an address for a device; it is shown once."""
    with visit.register.read() as connection:
        known = dict(places(connection).organizations)
    if organization not in known:
        return _kiosks(visit, problem=AccessError(_("Choose where the device stands.")))
    by = visit.viewer.user_id

    def add(connection: Any) -> str:
        log(connection, visit.now, visit.viewer, "write", "/admin/kiosks")
        return make_link(connection, visit.now, "kiosk", uses=MANY, created_by=by, organization_id=organization)

    return _kiosks(visit, link=absolute(visit, f"/kiosk/{visit.register.write(add)}"))


@routes.post("/admin/kiosks/{link_id}/remove", ADMIN)
def remove_kiosk(visit: Here, link_id: str) -> RedirectResponse:
    """Make a device's address useless."""

    def remove(connection: Any) -> None:
        revoke_link(connection, link_id, kind="kiosk")
        log(connection, visit.now, visit.viewer, "write", "/admin/kiosks/{link_id}/remove")

    visit.register.write(remove)
    return RedirectResponse("/admin/kiosks", status_code=303)


def _shut(visit: Visit, client_id: str, *, disabled: bool) -> RedirectResponse:
    route = f"/admin/programs/{{client_id}}/{'disable' if disabled else 'enable'}"

    def shut(connection: Any) -> None:
        set_client_disabled(connection, client_id, disabled)
        log(connection, visit.now, visit.viewer, "write", route, detail=client_id[:128])

    visit.register.write(shut)
    note_change()
    return RedirectResponse("/admin/programs", status_code=303)


def _programs(visit: Visit, *, key: str = "", name: str = "", problem: AccessError | None = None) -> HTMLResponse:
    with visit.register.read() as connection:
        found, known = all_clients(connection), places(connection)
    given = {"programs": found, "places": known, "scopes": SCOPES, "key": key, "name": name, "problem": problem}
    return visit.page("admin/programs.html.j2", status=400 if problem else 200, **given)


def _kiosks(visit: Visit, *, link: str = "", problem: AccessError | None = None) -> HTMLResponse:
    with visit.register.read() as connection:
        found, known = open_links(connection, visit.now, "kiosk"), places(connection)
    given = {"kiosks": found, "places": known, "link": link, "problem": problem}
    return visit.page("admin/kiosks.html.j2", status=400 if problem else 200, **given)
