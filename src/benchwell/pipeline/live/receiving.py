"""A score comes in: it is scored, kept, compared with what was before, and told to whoever has the page open.

    Entry -> scores -> one commit (record, scores, safety prompts, log) -> Received -> news

What is acknowledged is durable: the future of `receive` is fulfilled after the commit.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from benchwell.i18n import _
from benchwell.pipeline.live.news import Item
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.telling import UNATTENDED, message, publish_changed, tell_changed
from benchwell.register.audit import Line, log, log_lines
from benchwell.register.notifying import tell_others
from benchwell.register.past_scores import past_scores
from benchwell.register.prompts import RAISED, UNANSWERED, SafetyPrompt
from benchwell.register.receiving import keep, take_back
from benchwell.register.records import Entry, NotReceivedError, Place, RegisterConnection, ScoreOf, is_text
from benchwell.register.stored import Stored, find_stored
from benchwell.register.viewer import Role, Viewer
from benchwell.register.whose_course import add_unknown_person, place_of
from benchwell.registry import Instrument
from benchwell.registry.instrument import SafetyItem
from benchwell.scoring import safety_findings, score_form
from benchwell.signals.course_signal import CourseSignal, Off, Point, course_signal
from benchwell.signals.response_curve import ResponseCurve, response_curve

__all__ = ["Entry", "NotReceivedError", "Received", "read_received", "receive", "receive_all", "retract", "signal_of"]

MAY_ADD_PEOPLE = "people.write"
STREAM = "/stream"  # what the log calls pages that are open
_LONGEST_UNIT = 32
_EARLIEST = dt.date(1900, 1, 1)  # nobody in treatment was born before


@dataclass(frozen=True)
class Received:
    """What became of a record, and what it says.

    Attributes:
        assessment_id: Its id.
        is_new: False: it was there already, word for word, and nothing was changed.
        scores: One a scale.
        signal: What the newest score of the course says; null where the form is on none of the instrument's scales.
        prompts: Safety questions that somebody must look at now.
        is_correction: It replaced an earlier version.
        person_id: Whose.
        course_id: Of which course, if one ran.
        practitioner_id: Who treats.
        instrument: Id of the instrument.
        date: Day of the form.
        received_at: Seconds since 1970-01-01 UTC.
        label: What the clinician calls the person's record; "" if nothing was given.
        noted: To whose open pages it may be told at once: the log says so since the commit that keeps the record.
    """

    assessment_id: str
    is_new: bool
    scores: tuple[ScoreOf, ...]
    signal: CourseSignal | None
    prompts: tuple[SafetyPrompt, ...]
    is_correction: bool = False
    person_id: str = ""
    course_id: str | None = None
    practitioner_id: str | None = None
    instrument: str = ""
    date: dt.date | None = None
    received_at: float = 0.0
    label: str = ""
    noted: frozenset[Viewer] = frozenset()

    @property
    def topics(self) -> tuple[str, ...]:
        """Whom it concerns, as news calls them."""
        return _topics(self.person_id, self.course_id, self.practitioner_id)


def receive(
    service: LiveService, entry: Entry, now: float, *, viewer: Viewer | None = None, route: str = "receive"
) -> Future[Received]:
    """Take a filled-in form or a stated score in.

    Args:
        service: The running service.
        entry: The record.
        now: Seconds since 1970-01-01 UTC.
        viewer: Must reach the person, and stands in the log; null: the caller has made sure (a link, a kiosk).
        route: What the log calls the way it came.

    Returns:
        Fulfilled when it is durable, with what it says; or with `NotReceivedError`, and then nothing was kept.

    Raises:
        NotReceivedError: If it cannot be a record at all: an unknown instrument or scale, a day to come, no score.
    """
    one: Future[Received] = Future()

    def tell(done: Future[tuple[Received, ...]]) -> None:
        problem = done.exception()
        one.set_result(done.result()[0]) if problem is None else one.set_exception(problem)

    receive_all(service, (entry,), now, viewer=viewer, route=route).add_done_callback(tell)
    return one


def receive_all(
    service: LiveService,
    entries: Sequence[Entry],
    now: float,
    *,
    viewer: Viewer | None = None,
    route: str = "receive",
    taken_back: Sequence[str] = (),
) -> Future[tuple[Received, ...]]:
    """Take several in, all of them or none; otherwise like `receive`.

    Args:
        service: The running service.
        entries: The records.
        now: Seconds since 1970-01-01 UTC.
        viewer: As in `receive`; needed where something is taken back.
        route: What the log calls the way it came.
        taken_back: Ids of records that were entered in error: gone with the same commit.
    """
    scored = [_score(service, entry) for entry in entries]
    whose: dict[str, frozenset[str]] = {}

    def work(connection: RegisterConnection) -> tuple[Received, ...]:
        kept = tuple(_keep(service, connection, one, now, viewer, route) for one in scored)
        whose.clear()  # work may be done a second time
        if viewer is not None:
            for record in taken_back:
                whose.update(_take_back(service, connection, record, now, viewer, route))
        for one in kept:
            if one.is_correction:  # of another day it may have belonged to another course, with other pages open
                whose[one.person_id] = tell_changed(service, connection, one.person_id)
        return kept

    future = service.register.submit(work)
    future.add_done_callback(lambda done: _publish(service, done))
    future.add_done_callback(lambda done: _publish_gone(service, done, whose))
    return future


@dataclass(frozen=True)
class _Scored:
    """A record and what it says on its own: known before the register is asked."""

    entry: Entry
    instrument: Instrument
    scores: tuple[ScoreOf, ...]
    safety: tuple[tuple[int, str], ...]
    scale: str
    curve: ResponseCurve | None
    off: Off


def _score(service: LiveService, entry: Entry) -> _Scored:
    instrument = _check(service, entry)
    entry = replace(
        entry,
        items=_numbers(entry.items),
        total=_number(entry.total),
        language=_code(entry.language, 16),
        mode=_code(entry.mode, 64),
        informant=_code(entry.informant, 64),
    )
    rows = score_form(instrument, entry.items, entry.total, scale=entry.scale, unit=entry.unit)
    found = tuple(ScoreOf(row.scale, row.value, row.status, row.band, row.reason) for row in rows)
    answered = entry.items is not None and any(one is not None for one in entry.items)
    safety = _safety(instrument, entry.items or ()) if answered else ()
    scale = instrument.scale(entry.scale if not answered else None).id
    return _Scored(entry, instrument, found, safety, scale, *_curve(service, instrument, scale))


def _safety(instrument: Instrument, items: Sequence[float | None]) -> tuple[tuple[int, str], ...]:
    """Safety questions to raise; of a form that is none of the instrument's, too: somebody filled it in."""
    form = instrument.items
    if form is not None and len(items) == form.count:
        found = safety_findings(instrument, items)
        return tuple((one.item, RAISED if is_raised else UNANSWERED) for one, is_raised in found)
    # More or fewer answers than there are items: which is which is not sure, so a person must look.
    return tuple((one.item, RAISED if _reaches(items, one) else UNANSWERED) for one in instrument.safety_items)


def _reaches(items: Sequence[float | None], safety: SafetyItem) -> bool:
    given = items[safety.item - 1] if safety.item <= len(items) else None
    return given is not None and given >= safety.at_least


def _keep(
    service: LiveService, connection: RegisterConnection, one: _Scored, now: float, viewer: Viewer | None, route: str
) -> Received:
    entry = one.entry
    if viewer is not None and MAY_ADD_PEOPLE in viewer.scopes:
        add_unknown_person(connection, entry, viewer)
    place = place_of(connection, entry, viewer)
    kept = keep(connection, entry, place, one.scores, one.safety, now)
    topics = _topics(entry.person_id, place.course_id, place.practitioner_id)
    # Pages that are open hear of it as soon as it is kept; one commit for both is half of two.
    watching = service.news.viewers(*topics) if kept.is_new else frozenset()
    written = Line(viewer or _whoever(entry), "write", route)
    log_lines(connection, now, [written, *(Line(one, "read", STREAM) for one in watching)], entry.person_id)
    received = Received(
        kept.assessment_id,
        kept.is_new,
        one.scores,
        _signal(connection, place, one.instrument, one.scale, one.curve, one.off),
        kept.prompts,
        kept.is_correction,
        entry.person_id,
        place.course_id,
        place.practitioner_id,
        one.instrument.id,
        entry.date,
        now,
        place.label,
        watching,
    )
    if kept.is_new:
        tell_others(connection, _message(service, received))
        if _is_unattended(received):
            tell_others(connection, message(service, [UNATTENDED], "reload", entry.person_id))
    return received


def retract(service: LiveService, record: str, now: float, viewer: Viewer, route: str) -> Future[bool]:
    """Take a record back that was entered in error.

    Args:
        service: The running service.
        record: Its id; every instrument that stood in it goes with it.
        now: Seconds since 1970-01-01 UTC.
        viewer: Must reach the person.
        route: What the log calls the way it came.

    Returns:
        Fulfilled when it is durable: false if there was no such record.
    """

    def work(connection: RegisterConnection) -> dict[str, frozenset[str]]:
        return _take_back(service, connection, record, now, viewer, route)

    told: Future[bool] = Future()

    def tell(done: Future[dict[str, frozenset[str]]]) -> None:
        if (problem := done.exception()) is not None:
            told.set_exception(problem)
            return
        _publish_gone(service, done, done.result())
        told.set_result(bool(done.result()))

    service.register.submit(work).add_done_callback(tell)
    return told


def _take_back(
    service: LiveService, connection: RegisterConnection, record: str, now: float, viewer: Viewer, route: str
) -> dict[str, frozenset[str]]:
    """Whose record it was, with the topics of the pages that show them."""
    whose = take_back(connection, viewer, record)
    for person in whose:
        log(connection, now, viewer, "retract", route, person_id=person)
    return {person: tell_changed(service, connection, person) for person in whose}


def _publish_gone(service: LiveService, done: Future[Any], people: Mapping[str, frozenset[str]]) -> None:
    if done.cancelled() or done.exception() is not None:
        return
    for person, topics in people.items():
        publish_changed(service, person, topics)


def read_received(service: LiveService, assessment_id: str) -> Received | None:
    """What a record that is kept says, as if it had just come in; null if it was taken back since."""
    with service.register.read() as connection:
        stored = find_stored(connection, [assessment_id]).get(assessment_id)
        return None if stored is None else received_of(service, connection, assessment_id, stored)


def received_of(service: LiveService, connection: RegisterConnection, assessment_id: str, stored: Stored) -> Received:
    """What a record says, as it stands.

    Args:
        service: The running service.
        connection: To read with.
        assessment_id: Its id.
        stored: The record.
    """
    place, instrument = stored.place, service.workspace.registry.instrument(stored.instrument)
    one_scale = stored.scores[0].scale if len(stored.scores) == 1 else instrument.primary.id
    signal = None
    if one_scale in {scale.id for scale in instrument.scales}:
        signal = signal_of(service, connection, place, instrument, one_scale)
    return Received(
        assessment_id,
        True,
        stored.scores,
        signal,
        stored.prompts,
        False,
        place.person_id,
        place.course_id,
        place.practitioner_id,
        stored.instrument,
        stored.date,
        label=place.label,
    )


def signal_of(
    service: LiveService, connection: RegisterConnection, place: Place, instrument: Instrument, scale: str
) -> CourseSignal:
    """What the scores of a course say now, on one scale.

    Args:
        service: The running service.
        connection: To read with.
        place: The course.
        instrument: Whose scores.
        scale: Id of the scale.
    """
    return _signal(connection, place, instrument, scale, *_curve(service, instrument, scale))


def _check(service: LiveService, entry: Entry) -> Instrument:
    texts = (entry.person_id, entry.course_id, entry.assessment_id, entry.contact_id, entry.entered_by)
    if not all(map(is_text, texts)) or len(entry.unit or "") > _LONGEST_UNIT or not is_text(entry.unit):
        raise NotReceivedError("not_text", _("An id here is too long, or holds signs that no id has."))
    instrument = service.workspace.registry.instruments.get(entry.instrument)
    if instrument is None:
        raise NotReceivedError("unknown_instrument", _("This instrument is not declared here."))
    if entry.scale is not None and entry.scale not in {scale.id for scale in instrument.scales}:
        raise NotReceivedError("unknown_scale", _("This instrument has no such scale."))
    # A day of the place where people are treated may have begun already where this program does not run.
    if entry.date > dt.date.today() + dt.timedelta(days=1):
        raise NotReceivedError("after_snapshot", _("The day of this form has not come yet."))
    if entry.date < _EARLIEST:  # a slip that would stretch every picture of the course over two thousand years
        raise NotReceivedError("too_long_ago", _("The day is too long ago."))
    if _number(entry.total) is None and not any(one is not None for one in _numbers(entry.items) or ()):
        raise NotReceivedError("no_score", _("There is no answer and no total in it."))
    return instrument


def _numbers(items: tuple[float | None, ...] | None) -> tuple[float | None, ...] | None:
    return None if not items else tuple(_number(one) for one in items)


def _code(text: str | None, longest: int) -> str | None:
    """A code that is none is not known."""
    return text if text and len(text) <= longest and is_text(text) else None


def _number(value: float | None) -> float | None:
    """A number that JSON can hold; what is none is missing."""
    return None if value is None or not math.isfinite(value) else float(value)


def _whoever(entry: Entry) -> Viewer:
    if entry.source in ("link", "kiosk"):
        return Viewer(Role.PATIENT, person_id=entry.person_id)
    return Viewer(Role.CLINICIAN, user_id=entry.entered_by)


def _curve(service: LiveService, instrument: Instrument, scale: str) -> tuple[ResponseCurve | None, Off]:
    """The curve to speak of; without one, why there is none."""
    if not service.workspace.settings.expected_course:
        return None, "setting"
    edition = service.edition()
    return (None if edition is None else response_curve(edition, instrument, scale)), "no_curve"


def _signal(
    connection: RegisterConnection,
    place: Place,
    instrument: Instrument,
    scale: str,
    curve: ResponseCurve | None,
    off: Off,
) -> CourseSignal:
    if place.expected is False:
        curve, off = None, "opted_out"
    by_session = curve is not None and curve.clock == "sessions"
    past = past_scores(connection, place, instrument.id, scale, with_occasions=by_session)
    points = [Point(one.date, one.occasion, one.value, one.status) for one in past]
    return course_signal(points, instrument, scale=scale, curve=curve, off=off)


def _topics(person_id: str, course_id: str | None, practitioner_id: str | None) -> tuple[str, ...]:
    named = (("practitioner", practitioner_id), ("person", person_id), ("course", course_id))
    return tuple(f"{kind}:{id_}" for kind, id_ in named if id_)


def _publish(service: LiveService, done: Future[tuple[Received, ...]]) -> None:
    if done.cancelled() or done.exception() is not None:
        return
    for one in done.result():
        if one.is_new:
            for topic in one.topics:
                news = Item(topic, _kind(one), one.person_id, one.assessment_id, one.received_at, one)
                service.news.publish(news)
            if _is_unattended(one):  # says nothing but "look": the page asks who may see it
                service.news.publish(Item(UNATTENDED, "reload"))


def _is_unattended(received: Received) -> bool:
    """Whether it holds a safety answer of somebody whom nobody treats."""
    return bool(received.prompts) and received.practitioner_id is None


def _kind(received: Received) -> str:
    return "safety" if received.prompts else "score"


def _message(service: LiveService, received: Received) -> str:
    """What other processes are told: ids only."""
    about = (_kind(received), received.person_id, received.assessment_id, received.received_at)
    return message(service, list(received.topics), *about)
