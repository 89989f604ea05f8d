"""Anywhere Clinic: what the pages of a service show once there is enough data. Everybody may look; nobody exists."""

from __future__ import annotations

from fastapi.responses import HTMLResponse

from benchwell.i18n import using
from benchwell.pipeline.live.sample import sample_measure, sample_service
from benchwell.web.access import ANYONE
from benchwell.web.guard import NothingThereError
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()


@routes.get("/sample", ANYONE)
def sample(visit: Here) -> HTMLResponse:
    """The sample's measures."""
    with using(visit.language):
        view = sample_service()
    return visit.page("service.html.j2", view=view, base="/sample", query="", is_sample=True)


@routes.get("/sample/{measure}", ANYONE)
def measure(visit: Here, measure: str) -> HTMLResponse:
    """One measure of the sample."""
    with using(visit.language):
        view = sample_measure(measure)
    if view is None:
        raise NothingThereError("The sample has no such measure.")
    return visit.page("measure.html.j2", view=view, base="/sample", query="", is_sample=True)
