"""What a clinician adds to a course beside scores: marks, contacts, its end."""

from __future__ import annotations

from fastapi.responses import RedirectResponse, Response

from benchwell.i18n import _
from benchwell.pipeline.live import clock
from benchwell.pipeline.live.course_changes import close_course, note_contact, note_mark, say_attended
from benchwell.pipeline.live.courses import CONTACT_WORDS, END_WORDS, MARK_WORDS
from benchwell.register import Role
from benchwell.web.access import to_person
from benchwell.web.addresses import course_address
from benchwell.web.posted import Sent
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()
WRITES = to_person(Role.CLINICIAN, action="write")
_ATTENDED = {"planned": None, "yes": True, "no": False}


@routes.post("/people/{person_id}/marks", WRITES)
def mark(visit: Here, person_id: str, sent: Sent) -> Response:
    """Mark that a medicine began, the therapy changed, or something happened."""
    note_mark(
        visit.service,
        visit.viewer,
        person_id,
        kind=sent.one_of("kind", MARK_WORDS, _("What happened")),
        date=sent.day("date", _("The day")),
        note=sent.get("note") or None,
    )
    return RedirectResponse(course_address(person_id), status_code=303)


@routes.post("/people/{person_id}/contacts", WRITES)
def contact(visit: Here, person_id: str, sent: Sent) -> Response:
    """Keep a contact, planned or not."""
    words = {"planned": "", "yes": "", "no": ""}
    note_contact(
        visit.service,
        visit.viewer,
        person_id,
        kind=sent.one_of("kind", CONTACT_WORDS, _("The kind of contact")),
        date=sent.day("date", _("The day")),
        time=sent.get("time") or None,
        attended=_ATTENDED[sent.one_of("attended", words, _("Whether it took place"))],
    )
    return RedirectResponse(course_address(person_id), status_code=303)


@routes.post("/people/{person_id}/attended", WRITES)
def attended(visit: Here, person_id: str, sent: Sent) -> Response:
    """Say whether a planned contact took place."""
    answer = sent.one_of("attended", {"yes": "", "no": ""}, _("Whether it took place"))
    say_attended(visit.service, person_id, sent.get("contact", ""), answer == "yes")
    return RedirectResponse(course_address(person_id), status_code=303)


@routes.post("/people/{person_id}/end", WRITES)
def end(visit: Here, person_id: str, sent: Sent) -> Response:
    """End a course, with its reason."""
    close_course(
        visit.service,
        visit.viewer,
        person_id,
        sent.get("course", ""),
        date=sent.day("date", _("The last day"), default=clock.today()),
        reason=sent.one_of("reason", END_WORDS, _("The reason")),
    )
    return RedirectResponse(course_address(person_id), status_code=303)
