"""Requests to delete: who decides reads what it means, and carries it out or says why not."""

from __future__ import annotations

import datetime as dt
from typing import Any

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from benchwell.errors import AccessError, BenchwellError
from benchwell.i18n import N_, _, day
from benchwell.pipeline.live.erasing import carry_out, list_requests
from benchwell.register.audit import log
from benchwell.register.erasing import refuse_request
from benchwell.web.pages.admin import ADMIN
from benchwell.web.pages.sign_in import Typed
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()
REASONS = {
    "law": N_("A law says that it must be kept for now."),
    "not_the_person": N_("It was not the person who asked."),
    "withdrawn": N_("The person no longer asks for it."),
}


@routes.get("/admin/deletions", ADMIN)
def deletions(visit: Here) -> HTMLResponse:
    """Requests that wait, and those that were answered."""
    return _page(visit)


@routes.post("/admin/deletions/{number}/done", ADMIN)
def delete(visit: Here, number: str) -> Response:
    """Erase whoever asked: in the register, the lake and the private rows of editions."""
    by = visit.viewer.user_id or ""
    try:
        carry_out(visit.service, number, visit.now, decided_by=by)
    except BenchwellError as problem:
        return _page(visit, problem=problem)
    visit.register.write(
        lambda connection: log(connection, visit.now, visit.viewer, "erase", "/admin/deletions/{number}/done")
    )
    return RedirectResponse("/admin/deletions", status_code=303)


@routes.post("/admin/deletions/{number}/refused", ADMIN)
def refuse(visit: Here, number: str, reason: Typed = "") -> Response:
    """Say no, and why."""
    if reason not in REASONS:
        return _page(visit, problem=AccessError(_("Choose a reason.")))
    by = visit.viewer.user_id or ""

    def refused(connection: Any) -> None:
        refuse_request(connection, visit.now, number, decided_by=by, reason=reason)
        log(connection, visit.now, visit.viewer, "write", "/admin/deletions/{number}/refused", detail=reason)

    try:
        visit.register.write(refused)
    except BenchwellError as problem:
        return _page(visit, problem=problem)
    return RedirectResponse("/admin/deletions", status_code=303)


def _page(visit: Visit, *, problem: BenchwellError | None = None) -> HTMLResponse:
    found = list_requests(visit.service, None)
    waiting = [one for one in found if one.state == "asked"]
    answered = [one for one in found if one.state != "asked"]
    words = {code: _(reason) for code, reason in REASONS.items()}
    shown: dict[str, Any] = {"waiting": waiting, "answered": answered, "words": words, "choices": list(words.items())}
    return visit.page("admin/deletions.html.j2", status=400 if problem else 200, problem=problem, day_of=_day, **shown)


def _day(seconds: float) -> str:
    return day(dt.datetime.fromtimestamp(seconds).date())
