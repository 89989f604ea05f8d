"""The circle: what a team talks about, on the page and on paper."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from benchwell.i18n import _
from benchwell.pipeline.live import clock
from benchwell.pipeline.live.circle import circle_document, circle_page, hold_circle
from benchwell.pipeline.live.experiments import Group, group_of, parsed_day
from benchwell.pipeline.live.service_view import service_view
from benchwell.register import Role
from benchwell.web.access import only
from benchwell.web.guard import NothingThereError
from benchwell.web.papers import pdf_answer
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()
REFLECTS = only(Role.LEAD, Role.MANAGER, Role.ANALYST)
Long = Annotated[str, Form(max_length=20_000)]
Short = Annotated[str, Form(max_length=128)]


def the_group(visit: Visit, chosen: str) -> Group:
    """Whose circle it is.

    Raises:
        NothingThereError: If an analyst has not chosen, or somebody belongs to no organization.
    """
    found = group_of(visit.service, visit.viewer, chosen or None)
    if found is None:
        raise NothingThereError(_("There is no such organization here."), hint=_("choose one on the page “Circle”"))
    return found


@routes.get("/circle", REFLECTS)
def circle(visit: Here, organization: str = "") -> HTMLResponse:
    """The agenda, experiments and minutes; an analyst chooses an organization first."""
    group = group_of(visit.service, visit.viewer, organization or None)
    if group is None:
        view = service_view(visit.service, visit.viewer)
        return visit.page("circle_choice.html.j2", choices=view.choices if view else ())
    page = circle_page(visit.service, group, _today())
    return visit.page("circle.html.j2", circle=page, query=query_of(visit, group), today=_today().isoformat())


@routes.get("/circle/paper", REFLECTS)
def paper(visit: Here, organization: str = "") -> Response:
    """The same as a PDF to hand around."""
    group = group_of(visit.service, visit.viewer, organization or None)
    if group is None:
        return choose_first()
    return pdf_answer(lambda: circle_document(visit.service, group, _today()), "circle")


@routes.post("/circle/minutes", REFLECTS)
def keep_minutes(visit: Here, minutes: Long = "", held: Short = "", organization: Short = "") -> RedirectResponse:
    """Keep what was said, with the agenda as it was."""
    group = the_group(visit, organization)
    hold_circle(visit.service, group, visit.now, held_on=parsed_day(held), minutes=minutes)
    return RedirectResponse(f"/circle{query_of(visit, group)}", status_code=303)


def choose_first() -> RedirectResponse:
    """To the page where an analyst chooses an organization."""
    return RedirectResponse("/circle", status_code=303)


def query_of(visit: Visit, group: Group) -> str:
    """What addresses of this group carry: nothing for those who have only one."""
    return f"?{urlencode({'organization': group.organization})}" if visit.viewer.role is Role.ANALYST else ""


def _today() -> dt.date:
    return clock.today()
