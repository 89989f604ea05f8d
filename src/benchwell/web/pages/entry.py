"""Enter a form: all items on one screen, a digit answers and goes on; without a script the same with radio buttons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from benchwell.errors import BenchwellError
from benchwell.i18n import _
from benchwell.pipeline.live import clock
from benchwell.pipeline.live.courses import course_name
from benchwell.pipeline.live.entering import enter_form
from benchwell.pipeline.live.forms import forgotten_items, form_for
from benchwell.register import Role
from benchwell.register.refusals import BusyRegisterError
from benchwell.registry.instrument import Instrument
from benchwell.web.access import to_person
from benchwell.web.addresses import course_address
from benchwell.web.guard import NothingThereError
from benchwell.web.posted import Sent
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()


@routes.get("/people/{person_id}/enter", to_person(Role.CLINICIAN))
def choose(visit: Here, person_id: str, instrument: str = "") -> RedirectResponse:
    """From the list of questionnaires to the form of one."""
    return RedirectResponse(course_address(person_id, f"enter/{_find(visit, instrument).id}"), status_code=303)


@routes.get("/people/{person_id}/enter/{instrument}", to_person(Role.CLINICIAN))
def form(visit: Here, person_id: str, instrument: str) -> HTMLResponse:
    """The form to enter."""
    return _page(visit, person_id, _find(visit, instrument), {})


@routes.post("/people/{person_id}/enter/{instrument}", to_person(Role.CLINICIAN, action="write"))
def enter(visit: Here, person_id: str, instrument: str, sent: Sent) -> Response:
    """Take it in, then to the course with the new score first; what cannot be taken in is asked again.

    Whatever the reason is, the answers stay on the page.
    """
    found = _find(visit, instrument)
    try:
        day = sent.day("date", _("The day"), default=clock.today())
        enter_form(visit.service, visit.viewer, visit.now, person_id, found, sent, day)
    except BenchwellError as problem:
        status = 503 if isinstance(problem, BusyRegisterError) else 400
        return _page(visit, person_id, found, sent, error=sentence_of(problem), status=status)
    return RedirectResponse(course_address(person_id), status_code=303)


def _page(
    visit: Here,
    person_id: str,
    instrument: Instrument,
    sent: Mapping[str, str],
    *,
    error: str = "",
    status: int = 200,
) -> HTMLResponse:
    return visit.page(
        "entry.html.j2",
        status=status,
        form=form_for(instrument),
        person_id=person_id,
        name=course_name(visit.service, person_id),
        today=clock.today(),
        sent=defaultdict(str, sent),
        error=error,
        forgotten=forgotten_items(instrument, sent) if error and any(name.startswith("item-") for name in sent) else (),
    )


def sentence_of(problem: BenchwellError) -> str:
    """What went wrong and what one can do, to stand above a form."""
    if not problem.hint:
        return problem.message
    return f"{problem.message} {problem.hint[:1].upper()}{problem.hint[1:].rstrip('.')}."


def _find(visit: Here, instrument: str) -> Instrument:
    found = visit.service.workspace.registry.instruments.get(instrument)
    if found is None:
        raise NothingThereError(_("There is no such questionnaire here."))
    return found
