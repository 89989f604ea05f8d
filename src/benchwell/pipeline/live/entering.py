"""A clinician enters a form: the answers, or a stated total; it is received like any other score."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from benchwell.errors import ScoringError
from benchwell.i18n import _
from benchwell.pipeline.live.courses import course_of
from benchwell.pipeline.live.forms import forgotten_items, forgotten_words, read_items, read_number
from benchwell.pipeline.live.receiving import Entry, Received, receive
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.waiting import in_time
from benchwell.register import Viewer
from benchwell.register.courses import courses_of
from benchwell.registry.instrument import Instrument


def enter_form(
    service: LiveService,
    viewer: Viewer,
    now: float,
    person_id: str,
    instrument: Instrument,
    posted: Mapping[str, str],
    date: dt.date,
) -> Received:
    """Take in what a clinician typed; what is returned is durable.

    Args:
        service: The live service.
        viewer: Who entered it.
        now: Seconds since 1970-01-01 UTC.
        person_id: Whose form; the door has checked that the viewer may see the person.
        instrument: Which form.
        posted: Fields `item-1` … or `total`.
        date: Day of the form.

    Raises:
        ScoringError: If nothing was typed, a question was forgotten, or an answer is none.
        NotReceivedError: If the register cannot take it as it is.
        BusyRegisterError: If it does not answer in time; the same form may be sent again, and is then kept once.
    """
    items = read_items(instrument, posted)
    total = read_number(posted.get("total", ""), _("The total"))
    answered = any(one is not None for one in items)
    if not answered and total is None:
        raise ScoringError(_("There is no answer and no total."), hint=_("answer at least one question"))
    forgotten = forgotten_items(instrument, posted) if items else ()
    is_form = len(forgotten) < len(items)
    if is_form and total is not None:
        raise ScoringError(_("There are answers and a total."), hint=_("enter the answers, or the total alone"))
    if is_form and forgotten:
        raise ScoringError(forgotten_words(forgotten, _("left out")))
    if total is not None and not instrument.primary.min <= total <= instrument.primary.max:
        raise ScoringError(
            _("The total is outside the range of this questionnaire."),
            hint=f"{instrument.primary.min:g} – {instrument.primary.max:g}",
        )
    with service.register.read() as connection:
        running = [one for one in courses_of(connection, person_id) if one.start_date is None or one.start_date <= date]
    course = course_of(running, viewer.practitioner_id)
    entry = Entry(
        person_id=person_id,
        course_id=course.id if course else None,
        instrument=instrument.id,
        date=date,
        items=items if answered else None,
        total=None if answered else total,
        informant="self",
        mode="clinician-entered",
        source="clinician",
        entered_by=viewer.user_id,
    )
    route = "/people/{person_id}/enter/{instrument}"
    return in_time(receive(service, entry, now, viewer=viewer, route=route))
