"""Data health: the phase-1 audit, with what to repair first."""

from __future__ import annotations

import datetime as dt

from fastapi.responses import HTMLResponse

from benchwell.i18n import _, using
from benchwell.pipeline.live.readiness import readiness
from benchwell.pipeline.live.use_policy import check_grouping
from benchwell.register import Role
from benchwell.web.access import only
from benchwell.web.guard import NothingThereError
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()


@routes.get("/readiness", only(Role.LEAD, Role.MANAGER, Role.ANALYST))
def page(visit: Here, organization: str = "", by: str = "organization") -> HTMLResponse:
    """What is there, what is missing, and what each repair would gain."""
    check_grouping(visit.service.workspace, by)
    today = dt.datetime.fromtimestamp(visit.now, dt.UTC).date()
    with using(visit.language):
        view = readiness(visit.service, visit.viewer, today, organization or None)
    if view is None:
        raise NothingThereError("There is nothing here for you.")
    titles = {one.id: _(one.title) for one in visit.service.workspace.registry.instruments.values()}
    return visit.page("readiness.html.j2", view=view, titles=titles)
