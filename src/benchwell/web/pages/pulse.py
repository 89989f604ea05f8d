"""The weekly question for staff: anonymous, optional, and off unless the workspace switches it on."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form
from fastapi.responses import HTMLResponse

from benchwell.i18n import _
from benchwell.pipeline.live import clock
from benchwell.pipeline.live.pulse import give_pulse, pulse_form
from benchwell.register import Role
from benchwell.web.access import only
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()
WORKS_HERE = only(Role.CLINICIAN, Role.LEAD, Role.MANAGER)


@routes.get("/pulse", WORKS_HERE)
def ask(visit: Here) -> HTMLResponse:
    """This week's question, or that none is asked here."""
    is_asked = visit.service.workspace.settings.pulse
    form = pulse_form(visit.service, visit.viewer, clock.today()) if is_asked else None
    return visit.page("pulse.html.j2", form=form)


@routes.post("/pulse", WORKS_HERE)
def give(visit: Here, answer: Annotated[str, Form(max_length=8)] = "") -> HTMLResponse:
    """Keep the answer; nothing of whose it is."""
    today = clock.today()
    kept = give_pulse(visit.service, visit.viewer, today, answer)
    visit.notices.append(
        _("Your answer is kept, without your name.") if kept else _("You have answered already this week.")
    )
    return visit.page("pulse.html.j2", form=pulse_form(visit.service, visit.viewer, today))
