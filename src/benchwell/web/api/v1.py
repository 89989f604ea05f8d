"""The plain interface for programs: scores in, one person's course and the figures of editions out."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi.responses import JSONResponse, Response

from benchwell.i18n import _, using
from benchwell.pipeline.live.for_programs import editions, person_course, results
from benchwell.pipeline.live.receiving import Entry, NotReceivedError, Received, receive
from benchwell.register import Role
from benchwell.register.caseload import ScoreRow
from benchwell.register.own_ids import namespace_of
from benchwell.signals.course_signal import CourseSignal
from benchwell.web.access import STAFF, Access, Reach, only
from benchwell.web.api import models as m
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes(tags=("v1",))
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": text, "model": m.Problem}
    for status, text in {
        400: "Not understood.",
        401: "No key.",
        403: "This key may not do this.",
        404: "Nothing here for whoever asks.",
        413: "Too large.",
        414: "This address is too long.",
        422: "Something is missing, or not written as expected.",
        429: "Too many requests.",
        503: "Not kept: the register is busy; send it again.",
    }.items()
}
_TAKEN: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "There already, word for word.", "model": m.ScoreOut},
    409: {"description": "A record of this id exists and is another one.", "model": m.Problem},
}


@routes.post(
    "/api/v1/scores",
    only(Role.CLIENT, Role.CLINICIAN, scope="scores.write"),
    response_model=m.ScoreOut,
    status_code=201,
    responses=_PROBLEMS | _TAKEN,
)
async def post_score(visit: Here, form: m.ScoreIn) -> Response:
    """Take a filled-in form or a stated total in; it is durable when this answers."""
    entry = Entry(
        form.person,
        form.course,
        form.instrument,
        form.date,
        time=form.time,
        items=None if form.items is None else tuple(form.items),
        total=form.total,
        scale=form.scale,
        unit=form.unit,
        source="api",
        entered_by=visit.viewer.client_id or visit.viewer.user_id,
        assessment_id=form.id,
        namespace=namespace_of(visit.viewer),
    )
    try:
        future = receive(visit.service, entry, visit.now, viewer=visit.viewer, route="/api/v1/scores")
        received = await asyncio.wrap_future(future)
    except NotReceivedError as problem:
        status = 409 if problem.reason == "conflict" else 422
        return JSONResponse({"error": problem.message, "hint": problem.hint}, status_code=status)
    with using(visit.language):
        made = _received(received)
    return JSONResponse(made.model_dump(mode="json"), status_code=201 if received.is_new else 200)


@routes.get(
    "/api/v1/people/{person_id}/course",
    Access(frozenset({Role.CLIENT, Role.CLINICIAN}), Reach.PERSON, "read", "scores.read"),
    response_model=m.PersonOut,
    responses=_PROBLEMS,
)
def get_course(visit: Here, person_id: str) -> m.PersonOut:
    """One person's courses, scores, and what the newest ones say."""
    with using(visit.language):
        found = person_course(visit.service, visit.viewer, person_id)
        return m.PersonOut(
            person=found.person_id,
            courses=[
                m.CourseOut(
                    id=one.id, start=one.start_date, end=one.end_date, condition=one.condition, therapy=one.therapy
                )
                for one in found.courses
            ],
            scores=[_past(one) for one in found.scores],
            signals=[_signal(one) for one in found.signals],
        )


@routes.get(
    "/api/v1/editions",
    Access(STAFF | {Role.CLIENT}, Reach.ROLE, "read", "editions.read"),
    response_model=m.EditionsOut,
    responses=_PROBLEMS,
)
def get_editions(visit: Here) -> m.EditionsOut:
    """Every edition of the workspace."""
    return m.EditionsOut(editions=[m.EditionOut(id=one.id, as_of=one.as_of) for one in editions(visit.service)])


@routes.get(
    "/api/v1/editions/{edition_id}/results",
    Access(STAFF | {Role.CLIENT}, Reach.ROLE, "read", "editions.read"),
    response_model=m.ResultsOut,
    responses=_PROBLEMS,
)
def get_results(visit: Here, edition_id: str) -> Response | m.ResultsOut:
    """Figures of one edition: of the own organization, or of all for whoever is of none."""
    if edition_id not in {one.id for one in editions(visit.service)}:
        return JSONResponse({"error": _("There is no edition of this id."), "hint": None}, status_code=404)
    rows = results(visit.service, visit.viewer, edition_id)
    return m.ResultsOut(edition=edition_id, results=[m.ResultOut(**row) for row in rows])


def _received(received: Received) -> m.ScoreOut:
    return m.ScoreOut(
        id=received.assessment_id,
        is_new=received.is_new,
        is_correction=received.is_correction,
        scores=[
            m.ScaleOut(scale=one.scale, value=one.value, status=one.status, band=one.band, reason=one.reason)
            for one in received.scores
        ],
        signal=None if received.signal is None else _signal(received.signal),
        safety=[m.PromptOut(item=one.item, state=one.state) for one in received.prompts],
    )


def _signal(signal: CourseSignal) -> m.SignalOut:
    expected = signal.expected
    return m.SignalOut(
        instrument=signal.instrument,
        scale=signal.scale,
        better=signal.better.value,
        state=signal.state,
        change=signal.change,
        change_class=None if signal.change_class is None else signal.change_class.value,
        band=signal.band,
        expected_lower=None if expected is None else expected.lower,
        expected_upper=None if expected is None else expected.upper,
        sentence=signal.sentence,
        next_steps=list(signal.next_steps),
    )


def _past(row: ScoreRow) -> m.PastScoreOut:
    return m.PastScoreOut(
        assessment=row.assessment_id,
        course=row.course_id,
        instrument=row.instrument,
        scale=row.scale,
        date=row.date,
        value=row.value,
        status=row.status,
        band=row.band,
        reason=row.reason,
    )
