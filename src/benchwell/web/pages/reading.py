"""How to read what is shown, and the method page of every declaration: for everybody, the public too."""

from __future__ import annotations

from fastapi.responses import HTMLResponse

from benchwell.pipeline.live.edition_browser import method_pages, one_method
from benchwell.web.access import ANYONE
from benchwell.web.guard import NothingThereError
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()


@routes.get("/reading", ANYONE)
def reading(visit: Here) -> HTMLResponse:
    """What lights, brackets, funnels and grey mean."""
    return visit.page("reading.html.j2")


@routes.get("/methods", ANYONE)
def methods(visit: Here) -> HTMLResponse:
    """Every method page of the edition in force; before the first edition, of what is declared here."""
    return visit.page("methods.html.j2", pages=method_pages(visit.service))


@routes.get("/methods/{kind}/{declaration}", ANYONE)
def method(visit: Here, kind: str, declaration: str, edition: str = "") -> HTMLResponse:
    """One method page, from the declarations as the edition froze them."""
    found = one_method(visit.service, kind, declaration, edition or None)
    if found is None:
        raise NothingThereError("There is no such method page.")
    return visit.page("method.html.j2", page=found)
