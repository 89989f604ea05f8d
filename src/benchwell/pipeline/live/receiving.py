"""A score comes in: it is scored, kept, compared with what was before, and told to whoever has the page open.

    Entry -> scores -> one commit (record, scores, safety prompts, log) -> Received -> news

What is acknowledged is durable: the future of `receive` is fulfilled after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TypeVar

from benchwell.pipeline.live.keeping import STREAM, Arrival, Arrived, keep_together
from benchwell.pipeline.live.news import Item
from benchwell.pipeline.live.received import Received
from benchwell.pipeline.live.scored import score_entry
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.signals import Question, signals_of
from benchwell.pipeline.live.telling import UNATTENDED, publish_changed, tell_changed
from benchwell.register.audit import log
from benchwell.register.receiving import take_back
from benchwell.register.records import Entry, NotReceivedError, Place, RegisterConnection
from benchwell.register.stored import Stored, find_stored
from benchwell.register.viewer import Viewer
from benchwell.registry import Instrument
from benchwell.signals.course_signal import CourseSignal

__all__ = [
    "STREAM", "Entry", "NotReceivedError", "Received", "read_received", "receive", "receive_all", "retract",
    "signal_of",
]  # fmt: skip
Before = TypeVar("Before")
After = TypeVar("After")


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
    return _then(receive_all(service, (entry,), now, viewer=viewer, route=route), lambda received: received[0])


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
    context = copy_context()
    arrivals = [Arrival(service, score_entry(service, entry), now, viewer, route, context) for entry in entries]
    if len(arrivals) == 1 and not taken_back:  # together with what others send now
        kept = _then(service.register.submit_joined(keep_together, arrivals[0]), _one)
    else:
        kept = service.register.submit(
            lambda connection: _all_or_none(service, connection, arrivals, _Gone(tuple(taken_back), now, viewer, route))
        )
    return _then(kept, lambda done: _publish(service, done))


@dataclass(frozen=True)
class _Kept:
    """What one commit kept, and the topics of pages that show something else since, by person."""

    received: tuple[Received, ...] = ()
    changed: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Gone:
    """Records that somebody takes back."""

    records: tuple[str, ...]
    now: float
    viewer: Viewer | None
    route: str


def _one(arrived: Arrived) -> _Kept:
    return _Kept((arrived.received,), {arrived.received.person_id: arrived.changed} if arrived.changed else {})


def _all_or_none(
    service: LiveService, connection: RegisterConnection, arrivals: Sequence[Arrival], gone: _Gone
) -> _Kept:
    received: list[Received] = []
    changed: dict[str, frozenset[str]] = {}
    for one in keep_together(connection, arrivals):
        if isinstance(one, NotReceivedError):
            raise one
        received.append(one.received)
        changed.update(_one(one).changed)
    return _Kept(tuple(received), {**_take_back(service, connection, gone), **changed})


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
    gone = _Gone((record,), now, viewer, route)
    kept = service.register.submit(lambda connection: _Kept((), _take_back(service, connection, gone)))

    def tell(done: _Kept) -> bool:
        _publish(service, done)
        return bool(done.changed)

    return _then(kept, tell)


def _take_back(service: LiveService, connection: RegisterConnection, gone: _Gone) -> dict[str, frozenset[str]]:
    """Whose records they were, with the topics of the pages that show them."""
    found: dict[str, frozenset[str]] = {}
    if gone.viewer is None:
        return found
    for record in gone.records:
        for person in take_back(connection, gone.viewer, record):
            log(connection, gone.now, gone.viewer, "retract", gone.route, person_id=person)
            found[person] = tell_changed(service, connection, person)
    return found


def read_received(service: LiveService, assessment_id: str) -> Received | None:
    """What a record that is kept says, as if it had just come in; null if it was taken back since."""
    with service.register.read() as connection:
        stored = find_stored(connection, [assessment_id]).get(assessment_id)
        return (
            None if stored is None else received_of_several(service, connection, {assessment_id: stored})[assessment_id]
        )


def received_of_several(
    service: LiveService, connection: RegisterConnection, several: Mapping[str, Stored]
) -> dict[str, Received]:
    """What records say, as they stand.

    Args:
        service: The running service.
        connection: To read with.
        several: The records by id.
    """
    questions = {id_: found for id_, one in several.items() if (found := _question(service, one)) is not None}
    signals = dict(zip(questions, signals_of(connection, list(questions.values())), strict=True))
    return {id_: _as_it_stands(id_, one, signals.get(id_)) for id_, one in several.items()}


def _question(service: LiveService, stored: Stored) -> Question | None:
    instrument = service.workspace.registry.instrument(stored.instrument)
    scale = stored.scores[0].scale if len(stored.scores) == 1 else instrument.primary.id
    known = {one.id for one in instrument.scales}
    return Question.now(service, stored.place, instrument, scale) if scale in known else None


def _as_it_stands(assessment_id: str, stored: Stored, signal: CourseSignal | None) -> Received:
    place = stored.place
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
    return signals_of(connection, [Question.now(service, place, instrument, scale)])[0]


def _publish(service: LiveService, done: _Kept) -> tuple[Received, ...]:
    """Tell the pages of this process."""
    for one in done.received:
        if not one.is_new:
            continue
        for topic in one.topics:
            service.news.publish(Item(topic, one.kind, one.person_id, one.assessment_id, one.received_at, one))
        if one.is_unattended:  # says nothing but "look": the page asks who may see it
            service.news.publish(Item(UNATTENDED, "reload"))
    for person, topics in done.changed.items():
        publish_changed(service, person, topics)
    return done.received


def _then(first: Future[Before], make: Callable[[Before], After]) -> Future[After]:
    """What is made of a result when it is there; whoever asked may have gone by then, which changes nothing."""
    made: Future[After] = Future()
    made.set_running_or_notify_cancel()

    def tell(done: Future[Before]) -> None:
        try:
            made.set_result(make(done.result()))
        except BaseException as problem:  # it belongs to whoever asked
            made.set_exception(problem)

    first.add_done_callback(tell)
    return made
