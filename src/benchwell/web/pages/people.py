"""Own people: the list, and a new record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from benchwell.errors import RegisterError
from benchwell.i18n import _
from benchwell.pipeline.live import clock
from benchwell.pipeline.live.caseload import SHOWN, people_page
from benchwell.pipeline.live.course_changes import begin_course, begin_person
from benchwell.register import Role
from benchwell.register.audit import log_many
from benchwell.register.refusals import BusyRegisterError
from benchwell.web.access import only, to_person
from benchwell.web.addresses import course_address
from benchwell.web.pages.entry import sentence_of
from benchwell.web.pages.today import LONGEST
from benchwell.web.posted import Posted, Sent
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()
CLINICIAN = only(Role.CLINICIAN)


@routes.get("/people", CLINICIAN)
def people(visit: Here, page: int = 0) -> HTMLResponse:
    """Own people by label, a page at a time."""
    return _page(visit, "", page)


@routes.post("/people", CLINICIAN)
def find(visit: Here, sent: Sent) -> HTMLResponse:
    """Those whose label holds some letters. Sent, not asked for: an address stays in histories, a label must not."""
    number = sent.get("page", "")[:6]
    return _page(visit, sent.get("q", "")[:LONGEST], int(number) if number.isascii() and number.isdigit() else 0)


@routes.get("/people/new", CLINICIAN)
def new_person(visit: Here) -> HTMLResponse:
    """The form for a new record."""
    return _form(visit, {})


@routes.post("/people/new", CLINICIAN)
def add(visit: Here, sent: Sent) -> Response:
    """Begin a record and its first course; what cannot be is asked again, and what was typed stays."""
    try:
        person = begin_person(
            visit.service,
            visit.viewer,
            visit.now,
            label=sent.get("label", ""),
            birth_year=_year(sent),
            condition=sent.get("condition") or None,
            therapy=sent.get("therapy") or None,
            start_date=sent.day("start_date", _("The first day"), default=clock.today()),
        )
    except RegisterError as problem:
        return _form(visit, sent, problem)
    return RedirectResponse(course_address(person), status_code=303)


@routes.post("/people/{person_id}/begin", to_person(Role.CLINICIAN, action="write"))
def begin(visit: Here, person_id: str, sent: Sent) -> Response:
    """Begin another course of somebody who is known."""
    begin_course(
        visit.service,
        visit.viewer,
        person_id,
        condition=sent.get("condition") or None,
        therapy=sent.get("therapy") or None,
        start_date=sent.day("start_date", _("The first day"), default=clock.today()),
    )
    return RedirectResponse(course_address(person_id), status_code=303)


def _form(visit: Here, sent: Mapping[str, str], problem: RegisterError | None = None) -> HTMLResponse:
    return visit.page(
        "people_new.html.j2",
        status=200 if problem is None else 503 if isinstance(problem, BusyRegisterError) else 400,
        today=clock.today(),
        sent=defaultdict(str, sent),
        error="" if problem is None else sentence_of(problem),
    )


def _page(visit: Here, words: str, page: int) -> HTMLResponse:
    page = max(0, min(page, 10_000))
    found, n_found = people_page(visit.service, visit.viewer, words=words, page=page)
    shown = [one.person_id for one in found]
    visit.register.write(lambda connection: log_many(connection, visit.now, visit.viewer, "read", "/people", shown))
    more = n_found > (page + 1) * SHOWN
    return visit.page("people.html.j2", found=found, n_found=n_found, words=words, number=page, more=more)


def _year(sent: Posted) -> int | None:
    text = sent.get("birth_year", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1900 <= int(text[:5]) <= clock.today().year:
        raise RegisterError(_("The year of birth is not a year."), hint=_("write four digits, or leave it empty"))
    return int(text)
