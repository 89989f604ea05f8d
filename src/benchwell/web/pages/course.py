"""One person's course: the page, the same in big type, and the page to hand over."""

from __future__ import annotations

from fastapi.responses import HTMLResponse

from benchwell.i18n import _
from benchwell.pipeline.live import clock
from benchwell.pipeline.live.courses import CONTACT_WORDS, END_WORDS, MARK_WORDS, course_view, words_of
from benchwell.pipeline.live.forms import may_be_sent
from benchwell.pipeline.live.safety import actions, safety_words
from benchwell.register import Role
from benchwell.registry.instrument import Instrument
from benchwell.web.access import to_person
from benchwell.web.guard import NothingThereError
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()


@routes.get("/people/{person_id}", to_person(Role.CLINICIAN))
def course(visit: Here, person_id: str, course: str | None = None) -> HTMLResponse:
    """Scores with what they say, marks, contacts, and forms to add to them."""
    view = course_view(visit.service, visit.viewer, person_id, clock.today(), course_id=course)
    known = visit.service.workspace.registry.instruments
    used = [part.line.instrument for part in view.parts]
    others = sorted((one for one in known.values() if one not in used), key=lambda one: _called(one).casefold())
    return visit.page(
        "course.html.j2",
        view=view,
        actions=actions(),
        mark_kinds=words_of(MARK_WORDS),
        end_kinds=words_of(END_WORDS),
        contact_kinds=words_of(CONTACT_WORDS),
        instruments=[(one.id, _called(one)) for one in (*used, *others)],
        sendable=[(one.id, _called(one)) for one in (*used, *others) if may_be_sent(one)],
    )


@routes.get("/people/{person_id}/show", to_person(Role.CLINICIAN))
def show(visit: Here, person_id: str, instrument: str | None = None) -> HTMLResponse:
    """One line in big type, to look at together across the desk: no name, no note, no prompt."""
    view = course_view(visit.service, visit.viewer, person_id, clock.today())
    parts = [part for part in view.parts if instrument in (None, part.line.instrument.id)]
    if instrument is not None and not parts:
        raise NothingThereError("There is nothing here for you.")
    return visit.page("course_show.html.j2", view=view, part=parts[0] if parts else None)


@routes.get("/people/{person_id}/handout", to_person(Role.CLINICIAN, action="export"))
def handout(visit: Here, person_id: str) -> HTMLResponse:
    """The course on paper, for the person."""
    view = course_view(visit.service, visit.viewer, person_id, clock.today())
    return visit.page("handout.html.j2", view=view, safety=safety_words(visit.service.workspace.settings))


def _called(instrument: Instrument) -> str:
    """What people call it, then its title, where that does not say it already."""
    title = _(instrument.title)
    return title if instrument.short in title else f"{instrument.short}: {title}"
