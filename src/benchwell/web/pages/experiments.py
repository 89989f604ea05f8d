"""Improvement experiments: written down, looked at, decided on."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form
from fastapi.responses import RedirectResponse, Response

from benchwell.i18n import _
from benchwell.pipeline.live import clock
from benchwell.pipeline.live.experiments import (
    STATE_WORDS,
    begin_experiment,
    experiment_rows,
    experiment_view,
    group_of,
    measure_choices,
    move_experiment,
    note_on,
)
from benchwell.web.pages.circle import REFLECTS, Long, Short, choose_first, query_of, the_group
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()
Words = Annotated[str, Form(max_length=2000)]


@routes.get("/experiments", REFLECTS)
def experiments(visit: Here, organization: str = "", measure: str = "") -> Response:
    """All of them, and a form for a new one; a measure may be chosen already."""
    group = group_of(visit.service, visit.viewer, organization or None)
    if group is None:
        return choose_first()
    return visit.page(
        "experiments.html.j2",
        group=group,
        rows=experiment_rows(visit.service, group),
        measures=measure_choices(visit.service),
        measure=measure,
        query=query_of(visit, group),
        today=clock.today().isoformat(),
    )


@routes.post("/experiments", REFLECTS)
def new(
    visit: Here, aim: Words = "", change: Words = "", measure: Short = "", started: Short = "", organization: Short = ""
) -> RedirectResponse:
    """Write one down."""
    group = the_group(visit, organization)
    made = begin_experiment(
        visit.service, group, visit.viewer, visit.now, measure=measure, aim=aim, change=change, started=started
    )
    return RedirectResponse(f"/experiments/{made}{query_of(visit, group)}", status_code=303)


@routes.get("/experiments/{experiment_id}", REFLECTS)
def one(visit: Here, experiment_id: str, organization: str = "") -> Response:
    """One, with its run chart before and after."""
    group = group_of(visit.service, visit.viewer, organization or None)
    if group is None:
        return choose_first()
    view = experiment_view(visit.service, group, experiment_id)
    states = tuple((code, _(words)) for code, words in STATE_WORDS.items())
    return visit.page("experiment.html.j2", view=view, states=states, query=query_of(visit, group))


@routes.post("/experiments/{experiment_id}/state", REFLECTS)
def move(visit: Here, experiment_id: str, state: Short = "", organization: Short = "") -> RedirectResponse:
    """Say where it stands."""
    group = the_group(visit, organization)
    move_experiment(visit.service, group, experiment_id, clock.today(), state)
    return RedirectResponse(f"/experiments/{experiment_id}{query_of(visit, group)}", status_code=303)


@routes.post("/experiments/{experiment_id}/notes", REFLECTS)
def note(visit: Here, experiment_id: str, text: Long = "", organization: Short = "") -> RedirectResponse:
    """Add a note."""
    group = the_group(visit, organization)
    note_on(visit.service, group, experiment_id, visit.now, text)
    return RedirectResponse(f"/experiments/{experiment_id}{query_of(visit, group)}", status_code=303)
