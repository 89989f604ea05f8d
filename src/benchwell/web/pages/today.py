"""A clinician's first page: who comes, who may need attention; and what was done about a safety answer."""

from __future__ import annotations

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from benchwell.pipeline.live import clock
from benchwell.pipeline.live.caseload import caseload
from benchwell.pipeline.live.safety import actions, say_seen
from benchwell.register import Role
from benchwell.register.audit import log_many
from benchwell.register.scope import reaches_person
from benchwell.web.access import only, to_person
from benchwell.web.addresses import course_address
from benchwell.web.pages.preferences import within
from benchwell.web.posted import Sent
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()
CLINICIAN = only(Role.CLINICIAN)
LONGEST = 100  # letters that somebody searches for


@routes.get("/today", CLINICIAN)
def today(visit: Here) -> HTMLResponse:
    """Who comes today, who may need attention and why. Everybody whom it names is in the log."""
    return _page(visit, "")


@routes.post("/today", CLINICIAN)
def find(visit: Here, sent: Sent) -> HTMLResponse:
    """The same with whom a search found. It is sent, not asked for: an address stays in histories, a label must not."""
    return _page(visit, sent.get("q", "")[:LONGEST])


@routes.post("/people/{person_id}/safety", to_person(Role.CLINICIAN, action="write"))
def safety_seen(visit: Here, person_id: str, sent: Sent) -> Response:
    """Say what was done about a safety answer; the prompt then goes."""
    # Said twice, the first one counts; either way the page is shown as it now stands.
    say_seen(visit.service, visit.viewer, visit.now, person_id, sent.get("prompt", ""), sent.get("action", ""))
    back = within(sent.get("back", "")) if sent.get("back") else course_address(person_id)
    with visit.register.read() as connection:
        stays = reaches_person(connection, visit.viewer, person_id)
    # Whoever looked because nobody else was there has no further business with the record.
    return RedirectResponse(back if stays else "/today", status_code=303)


def _page(visit: Here, words: str) -> HTMLResponse:
    load = caseload(visit.service, visit.viewer, clock.today(), words=words)
    visit.register.write(lambda connection: log_many(connection, visit.now, visit.viewer, "read", "/today", load.shown))
    return visit.page("today.html.j2", load=load, words=words, actions=actions())
