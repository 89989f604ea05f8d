"""Something about a person changed that is no new score: every page that shows the person loads itself anew.

Told are ids only, to the pages of this process and to the other processes of the same register, and only what was kept:
a mark, a contact, the end of a course, a record that was taken back, a prompt that somebody has seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from benchwell.pipeline.live.news import Item
from benchwell.register.courses import whose
from benchwell.register.notifying import tell_others
from benchwell.register.records import RegisterConnection

if TYPE_CHECKING:
    from benchwell.pipeline.live.service import LiveService

T = TypeVar("T")
UNATTENDED: Final = "unattended"  # the topic of safety answers of people whom nobody treats


def write_and_tell(service: LiveService, person_id: str, work: Callable[[RegisterConnection], T]) -> T:
    """Do a piece of work on a person's record; when it is kept, open pages hear of it.

    Args:
        service: The live service.
        person_id: Whose record.
        work: What to write.

    Returns:
        What the work returns.
    """

    def both(connection: RegisterConnection) -> tuple[T, frozenset[str]]:
        before = topics_of(connection, person_id)
        done = work(connection)
        return done, tell_changed(service, connection, person_id, before)

    done, topics = service.register.write(both)
    publish_changed(service, person_id, topics)
    return done


def tell_changed(
    service: LiveService, connection: RegisterConnection, person_id: str, more: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Tell other processes, if and when this transaction commits.

    Args:
        service: The live service.
        connection: Inside a transaction.
        person_id: Who changed.
        more: Topics that it concerned before.

    Returns:
        What `publish_changed` needs for the pages of this process.
    """
    topics = more | topics_of(connection, person_id)
    tell_others(connection, message(service, sorted(topics), "reload", person_id))
    return topics


def publish_changed(service: LiveService, person_id: str, topics: frozenset[str]) -> None:
    """Tell the pages of this process, after the commit."""
    for topic in topics:
        service.news.publish(Item(topic, "reload", person_id))


def topics_of(connection: RegisterConnection, person_id: str) -> frozenset[str]:
    """Every topic on which pages that show a person listen: the person, the courses, whoever treats or has treated."""
    courses, practitioners = whose(connection, person_id)
    found = {f"person:{person_id}", *(f"course:{one}" for one in courses)}
    found |= {f"practitioner:{one}" for one in practitioners}
    return frozenset(found if practitioners else {*found, UNATTENDED})


def message(
    service: LiveService, topics: list[str], kind: str, person_id: str, record: str = "", received_at: float = 0.0
) -> str:
    """What other processes are told: ids only."""
    return json.dumps([service.news.id, topics, kind, person_id, record, received_at])
