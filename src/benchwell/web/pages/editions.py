"""Editions: what there is, what changed, whether it still recomputes, and its public tables."""

from __future__ import annotations

from urllib.parse import quote

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from benchwell.i18n import using
from benchwell.pipeline.live.edition_browser import edition_list, edition_page
from benchwell.pipeline.live.edition_tables import FORMATS, table_file
from benchwell.pipeline.live.editions import edition_of
from benchwell.pipeline.live.verify_runs import last_run, start
from benchwell.register import Role
from benchwell.register.audit import log
from benchwell.web.access import only
from benchwell.web.guard import NothingThereError
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()
SEES = only(Role.LEAD, Role.MANAGER, Role.ANALYST)
# Public tables hold every organization by its id: for those who may see the network.
TAKES = only(Role.ANALYST)


@routes.get("/editions", SEES)
def editions(visit: Here) -> HTMLResponse:
    """The list, the latest first."""
    with using(visit.language):
        found = edition_list(visit.service)
    return visit.page("editions.html.j2", editions=found)


@routes.get("/editions/{edition}", SEES)
def edition(visit: Here, edition: str) -> HTMLResponse:
    """One edition, opened."""
    with using(visit.language):
        found = edition_page(visit.service, edition)
    if found is None:
        raise NothingThereError("There is no such edition.")
    run = last_run(visit.service.workspace, found.line.id, visit.now)
    may = visit.viewer.role in TAKES.roles
    return visit.page("edition.html.j2", page=found, run=run, may_take=may, formats=tuple(FORMATS))


@routes.get("/editions/{edition}/models/{measure}", SEES)
def model_card(visit: Here, edition: str, measure: str) -> HTMLResponse:
    """How the models behind a measure's adjusted figures were made and checked."""
    with using(visit.language):
        page = edition_page(visit.service, edition)
    found = None if page is None else next((one for one in page.measures if one.id == measure), None)
    if page is None or found is None or found.card is None:
        raise NothingThereError("There is no such model card.")
    return visit.page("model_card.html.j2", line=page.line, measure=found)


@routes.post("/editions/{edition}/verify", only(Role.ANALYST))
def verify(visit: Here, edition: str) -> RedirectResponse:
    """Begin to recompute the edition; its page says how that stands."""
    known = _known(visit, edition)
    start(visit.service, known, visit.now)
    return RedirectResponse(f"/editions/{quote(known)}#verify", status_code=303)


@routes.get("/editions/{edition}/verify", only(Role.ANALYST))
def verify_state(visit: Here, edition: str) -> HTMLResponse:
    """How the verification stands, as a part of the page."""
    known = _known(visit, edition)
    run = last_run(visit.service.workspace, known, visit.now)
    return visit.page("edition_verify.html.j2", edition=known, run=run, may_take=True)


def _known(visit: Visit, edition: str) -> str:
    found = edition_of(visit.service.workspace, edition)
    if found is None:
        raise NothingThereError("There is no such edition.")
    return found.id


@routes.get("/editions/{edition}/tables/{table}.{form}", TAKES)
def table(visit: Here, edition: str, table: str, form: str) -> Response:
    """A table as a file."""
    found = table_file(visit.service, edition, table, form)
    if found is None:
        raise NothingThereError("There is no such table.")
    route = visit.request.scope["route"].path
    visit.register.write(lambda connection: log(connection, visit.now, visit.viewer, "export", route))
    name = quote(f"{edition}-{table}.{form}")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(found, media_type=FORMATS[form], headers=headers)
