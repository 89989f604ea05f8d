"""Records that arrive are kept, compared with what was before, logged and told: those that wait together, together.

    places -> kept -> lines in the log -> what the course knew before -> news for other processes

Each step asks the register once for all records of a round, so that the busier it is, the less each record costs. What
is out of the ordinary (a correction, a repetition, several courses on one day) takes the same steps by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass

from benchwell.pipeline.live.received import Received, topics_about
from benchwell.pipeline.live.scored import Scored
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.signals import Question, signals_of
from benchwell.pipeline.live.telling import UNATTENDED, message, tell_changed
from benchwell.register.audit import Line, log_about
from benchwell.register.notifying import tell_others_several
from benchwell.register.receiving import ToKeep, keep, keep_several
from benchwell.register.records import Entry, Kept, NotReceivedError, Place, RegisterConnection
from benchwell.register.viewer import Role, Viewer
from benchwell.register.whose_course import add_unknown_person, place_of, places_of
from benchwell.signals.course_signal import CourseSignal

MAY_ADD_PEOPLE = "people.write"
STREAM = "/stream"  # what the log calls pages that are open


@dataclass(frozen=True, eq=False)
class Arrival:
    """A record on its way in.

    Attributes:
        service: The running service.
        scored: The record, and what it says on its own.
        now: Seconds since 1970-01-01 UTC.
        viewer: Must reach the person, and stands in the log; null: the caller has made sure.
        route: What the log calls the way it came.
        context: In which a refusal is put into words: that of whoever sent it.
    """

    service: LiveService
    scored: Scored
    now: float
    viewer: Viewer | None
    route: str
    context: Context

    @property
    def entry(self) -> Entry:
        """The record."""
        return self.scored.entry


@dataclass(frozen=True)
class Arrived:
    """What became of it.

    Attributes:
        received: The record, and what it says.
        changed: Topics of pages that must load themselves anew, since it replaced what they show.
    """

    received: Received
    changed: frozenset[str] = frozenset()


def keep_together(connection: RegisterConnection, arrivals: Sequence[Arrival]) -> list[Arrived | NotReceivedError]:
    """Keep records that arrived at about the same time, as if one after another.

    Args:
        connection: Inside a transaction.
        arrivals: In the order in which they came.

    Returns:
        For each what became of it, or why nothing of it was kept.
    """
    return [one for round_ in _rounds(arrivals) for one in _keep_round(connection, round_)]


def _rounds(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """Neighbours, each about another person: a second record of a person must find the first one kept."""
    round_: list[Arrival] = []
    people: set[str] = set()
    ids: set[str | None] = set()
    for one in arrivals:
        if one.entry.person_id in people or one.entry.assessment_id in ids:
            yield round_
            round_, people, ids = [], set(), set()
        round_.append(one)
        people.add(one.entry.person_id)
        ids |= {one.entry.assessment_id} - {None}
    if round_:
        yield round_


def _keep_round(connection: RegisterConnection, arrivals: Sequence[Arrival]) -> list[Arrived | NotReceivedError]:
    places = _places(connection, arrivals)
    outcomes: list[Kept | NotReceivedError] = _keep(connection, arrivals, places)
    kept = [
        (arrival, place, outcome)
        for arrival, place, outcome in zip(arrivals, places, outcomes, strict=True)
        if isinstance(place, Place) and isinstance(outcome, Kept)
    ]
    told = iter(_tell(connection, kept))
    return [outcome if isinstance(outcome, NotReceivedError) else next(told) for outcome in outcomes]


def _places(connection: RegisterConnection, arrivals: Sequence[Arrival]) -> list[Place | NotReceivedError]:
    found: dict[int, Place | None] = {}
    if len(arrivals) > 1:
        by_viewer: defaultdict[Viewer | None, list[int]] = defaultdict(list)
        for number, one in enumerate(arrivals):
            by_viewer[one.viewer].append(number)
        for viewer, numbers in by_viewer.items():
            entries = [arrivals[number].entry for number in numbers]
            found |= dict(zip(numbers, places_of(connection, entries, viewer), strict=True))
    return [found.get(number) or _place_of(connection, one) for number, one in enumerate(arrivals)]


def _place_of(connection: RegisterConnection, one: Arrival) -> Place | NotReceivedError:
    is_added = False
    if one.viewer is not None and MAY_ADD_PEOPLE in one.viewer.scopes:
        is_added = add_unknown_person(connection, one.entry, one.viewer)
    try:
        return one.context.run(place_of, connection, one.entry, one.viewer)
    except NotReceivedError as problem:
        if is_added:
            raise  # something was written: it must be undone
        return problem


def _keep(
    connection: RegisterConnection, arrivals: Sequence[Arrival], places: Sequence[Place | NotReceivedError]
) -> list[Kept | NotReceivedError]:
    several = {
        number: ToKeep(one.entry, place, one.scored.scores, one.scored.safety, one.now)
        for number, (one, place) in enumerate(zip(arrivals, places, strict=True))
        if isinstance(place, Place)
    }
    kept: dict[int, Kept | None] = {}
    if len(several) > 1:
        kept = dict(zip(several, keep_several(connection, list(several.values())), strict=True))
    return [
        place
        if isinstance(place, NotReceivedError)
        else kept.get(number) or _keep_one(connection, arrivals[number], several[number])
        for number, place in enumerate(places)
    ]


def _keep_one(connection: RegisterConnection, arrival: Arrival, one: ToKeep) -> Kept | NotReceivedError:
    try:
        return arrival.context.run(keep, connection, one)
    except NotReceivedError as problem:
        return problem


def _tell(connection: RegisterConnection, kept: Sequence[tuple[Arrival, Place, Kept]]) -> list[Arrived]:
    """Log, compare, and tell other processes."""
    signals = _signals(connection, kept)
    done = [_received(*one, signal) for one, signal in zip(kept, signals, strict=True)]
    lines = [
        (line, received.person_id)
        for (arrival, _, _), received in zip(kept, done, strict=True)
        for line in _lines(arrival, received)
    ]
    if lines:
        log_about(connection, max(arrival.now for arrival, _, _ in kept), lines)
    tell_others_several(
        connection,
        [
            said
            for (arrival, _, _), received in zip(kept, done, strict=True)
            if received.is_new
            for said in _messages(arrival.service, received)
        ],
    )
    return [
        # Of another day it may have belonged to another course, with other pages open.
        Arrived(received, tell_changed(arrival.service, connection, received.person_id))
        if received.is_correction
        else Arrived(received)
        for (arrival, _, _), received in zip(kept, done, strict=True)
    ]


def _received(arrival: Arrival, place: Place, kept: Kept, signal: CourseSignal) -> Received:
    entry = arrival.entry
    topics = topics_about(entry.person_id, place.course_id, place.practitioner_id)
    return Received(
        kept.assessment_id,
        kept.is_new,
        arrival.scored.scores,
        signal,
        kept.prompts,
        kept.is_correction,
        entry.person_id,
        place.course_id,
        place.practitioner_id,
        arrival.scored.instrument.id,
        entry.date,
        arrival.now,
        place.label,
        # Pages that are open hear of it as soon as it is kept; one commit for both is half of two.
        arrival.service.news.viewers(*topics) if kept.is_new else frozenset(),
    )


def _lines(arrival: Arrival, received: Received) -> list[Line]:
    who = arrival.viewer or _whoever(arrival.entry)
    return [Line(who, "write", arrival.route), *(Line(viewer, "read", STREAM) for viewer in received.noted)]


def _whoever(entry: Entry) -> Viewer:
    if entry.source in ("link", "kiosk"):
        return Viewer(Role.PATIENT, person_id=entry.person_id)
    return Viewer(Role.CLINICIAN, user_id=entry.entered_by)


def _messages(service: LiveService, received: Received) -> Iterator[str]:
    """What other processes are told: ids only."""
    about = (received.kind, received.person_id, received.assessment_id, received.received_at)
    yield message(service, list(received.topics), *about)
    if received.is_unattended:
        yield message(service, [UNATTENDED], "reload", received.person_id)


def _signals(connection: RegisterConnection, kept: Sequence[tuple[Arrival, Place, Kept]]) -> list[CourseSignal]:
    scored = [(arrival.scored, place) for arrival, place, _ in kept]
    return signals_of(connection, [Question(place, s.instrument, s.scale, s.curve, s.off) for s, place in scored])
