"""What an open page may hear of, and the line in the log for everything that is shown on it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from benchwell.pipeline.live.receiving import STREAM
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.telling import UNATTENDED
from benchwell.register.audit import log
from benchwell.register.records import RegisterConnection
from benchwell.register.scope import reaches_person
from benchwell.register.viewer import Role, Viewer

_PERSON = "person:"


def topics_for(service: LiveService, viewer: Viewer, person_id: str | None, now: float) -> tuple[str, ...]:
    """What a page hears of: one person within reach, or everybody whom the viewer treats.

    Args:
        service: The running service.
        viewer: Whose page.
        person_id: The person whom the page is about; null: it is about all of the viewer's people.
        now: Seconds since 1970-01-01 UTC, for the log.

    Returns:
        Topics of news; empty if there is nothing for this viewer.
    """
    if person_id is None and viewer.role is Role.PATIENT:
        person_id = viewer.person_id
    if person_id is None:
        own = viewer.practitioner_id if viewer.role is Role.CLINICIAN else None
        topics: tuple[str, ...] = (f"practitioner:{own}", UNATTENDED) if own else ()
    else:
        with service.register.read() as connection:
            topics = (f"{_PERSON}{person_id}",) if reaches_person(connection, viewer, person_id) else ()
    if topics:
        service.register.write(lambda connection: log(connection, now, viewer, "read", STREAM, person_id=person_id))
    return topics


def note_shown(service: LiveService, viewer: Viewer, people: Sequence[str], now: float) -> Future[None]:
    """Put into the log that news of some people were shown; fulfilled when that is durable.

    Args:
        service: The running service.
        viewer: Who sees them.
        people: Whose news.
        now: Seconds since 1970-01-01 UTC.
    """

    def work(connection: RegisterConnection) -> None:
        for person in people:
            log(connection, now, viewer, "read", STREAM, person_id=person)

    return service.register.submit(work)


def reaches(service: LiveService, viewer: Viewer, topics: Sequence[str]) -> bool:
    """Whether the viewer may go on hearing of some topics: somebody else may treat the person by now."""
    people = [topic.removeprefix(_PERSON) for topic in topics if topic.startswith(_PERSON)]
    with service.register.read() as connection:
        return all(reaches_person(connection, viewer, person) for person in people)
