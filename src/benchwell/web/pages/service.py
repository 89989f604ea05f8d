"""Our service: at most six measures, each of which opens to everything behind it."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

from fastapi.responses import HTMLResponse, Response

from benchwell.i18n import using
from benchwell.pipeline.live.measure_view import MeasureView, measure_view
from benchwell.pipeline.live.service_view import service_view, whose
from benchwell.pipeline.live.use_policy import check_grouping
from benchwell.register import Role
from benchwell.register.audit import log
from benchwell.web.access import only
from benchwell.web.guard import NothingThereError
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()
SEES = only(Role.LEAD, Role.MANAGER, Role.ANALYST)


@routes.get("/service", SEES)
def service(visit: Here, organization: str = "", by: str = "organization") -> HTMLResponse:
    """Own figures beside the benchmark; an analyst chooses whose."""
    check_grouping(visit.service.workspace, by)
    with using(visit.language):
        view = service_view(visit.service, visit.viewer, organization or None)
    if view is None:
        raise NothingThereError("There is nothing here for you.")
    return visit.page("service.html.j2", view=view, base="/service", query=_query(visit, organization), is_sample=False)


@routes.get("/service/{measure}", SEES)
def measure(visit: Here, measure: str, organization: str = "", by: str = "organization") -> HTMLResponse:
    """One measure with trend, others, fair comparison, missing follow-up, groups, definition and downloads."""
    view = _measure(visit, measure, organization, by)
    return visit.page("measure.html.j2", view=view, base="/service", query=_query(visit, organization), is_sample=False)


@routes.get("/service/{measure}/figures.json", SEES)
def figures_json(visit: Here, measure: str, organization: str = "", by: str = "organization") -> Response:
    """What the page shows, as JSON."""
    view = _measure(visit, measure, organization, by)
    text = json.dumps(view.to_dict(), ensure_ascii=False, indent=1)
    return _download(visit, view, text, "application/json", "json")


@routes.get("/service/{measure}/figures.csv", SEES)
def figures_csv(visit: Here, measure: str, organization: str = "", by: str = "organization") -> Response:
    """What the page shows, as CSV."""
    view = _measure(visit, measure, organization, by)
    # A spreadsheet reads UTF-8 only where the file says so.
    return _download(visit, view, f"\ufeff{view.to_csv()}", "text/csv; charset=utf-8", "csv")


def _measure(visit: Visit, measure: str, organization: str, by: str) -> MeasureView:
    check_grouping(visit.service.workspace, by)
    edition = visit.service.edition()
    found = None if edition is None else whose(visit.viewer, edition, organization or None)
    with using(visit.language):
        view = None if edition is None or found is None else measure_view(edition, found.organization, measure)
    if view is None:
        raise NothingThereError("There is no such figure here for you.")
    return view


def _query(visit: Visit, organization: str) -> str:
    """What links carry on: the organization that an analyst chose."""
    chosen = organization if visit.viewer.role is Role.ANALYST else ""
    return f"?{urlencode({'organization': chosen})}" if chosen else ""


def _download(visit: Visit, view: MeasureView, text: str, kind: str, ending: str) -> Response:
    route = visit.request.scope["route"].path
    visit.register.write(lambda connection: log(connection, visit.now, visit.viewer, "export", route))
    name = quote(f"{view.measure}-{view.edition}.{ending}")
    return Response(text, media_type=kind, headers={"content-disposition": f"attachment; filename*=UTF-8''{name}"})
