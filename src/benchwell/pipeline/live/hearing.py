"""News that other processes of the same register have: told to the pages that are open in this one.

What came in within a few hundredths of a second is read together, and put into the log as shown by the same commit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import NamedTuple

from benchwell.errors import BenchwellError
from benchwell.pipeline.live.news import Item
from benchwell.pipeline.live.receiving import STREAM, Received, received_of_several
from benchwell.pipeline.live.service import LiveService
from benchwell.register.audit import Line, log_about
from benchwell.register.hearing import Hearing
from benchwell.register.records import RegisterConnection
from benchwell.register.stored import find_stored


class _Message(NamedTuple):
    """What `telling.message` says: ids, and when it came in; without a record, that something else changed."""

    by: str
    topics: list[str]
    kind: str
    person_id: str
    assessment_id: str
    received_at: float


def hear_others(service: LiveService) -> Hearing:
    """Begin to hear other processes; with SQLite there are none. Close what is returned at the end."""

    def heard(messages: Sequence[str]) -> None:
        told = [_Message(*json.loads(message)) for message in messages]
        # This process has told its own pages already, and what no page listens to need not be read.
        told = [one for one in told if one.by != service.news.id and service.news.viewers(*one.topics)]
        for one in told:
            if not one.assessment_id:  # something else changed: pages ask for it themselves
                _publish(service, one)
        records = [one for one in told if one.assessment_id]
        if records:
            _retell(service, records)

    return Hearing(service.register, heard, lambda: service.news.publish_all(Item("", "reload")))


def _retell(service: LiveService, told: Sequence[_Message]) -> None:
    def work(connection: RegisterConnection) -> dict[str, Received]:
        return _read(service, connection, told, time.time())

    def tell(done: Future[dict[str, Received]]) -> None:
        # Where reading failed, each page reads what it can, and says that it must be loaded anew where it cannot.
        found = {} if done.cancelled() or done.exception() is not None else done.result()
        for one in told:
            _publish(service, one, found.get(one.assessment_id))

    try:
        service.register.submit(work).add_done_callback(tell)
    except BenchwellError:  # the line is full: pages are told later than others, but told
        service.news.publish_all(Item("", "reload"))


def _publish(service: LiveService, one: _Message, record: Received | None = None) -> None:
    for topic in one.topics:
        about = (one.kind, one.person_id, one.assessment_id or None, one.received_at, record)
        service.news.publish(Item(topic, *about))


def _read(
    service: LiveService, connection: RegisterConnection, told: Sequence[_Message], now: float
) -> dict[str, Received]:
    """Each record as it stands, with whose pages the log says that it was shown on."""
    stored = find_stored(connection, {one.assessment_id for one in told})
    watching = {one.assessment_id: service.news.viewers(*one.topics) for one in told if one.assessment_id in stored}
    lines = [
        (Line(viewer, "read", STREAM), stored[id_].place.person_id) for id_ in watching for viewer in watching[id_]
    ]
    log_about(connection, now, lines)
    records = received_of_several(service, connection, stored)
    return {id_: replace(records[id_], noted=viewers) for id_, viewers in watching.items()}
