"""News that other processes of the same register have: told to the pages that are open in this one."""

from __future__ import annotations

import json

from benchwell.pipeline.live.news import Item
from benchwell.pipeline.live.service import LiveService
from benchwell.register.hearing import Hearing


def hear_others(service: LiveService) -> Hearing:
    """Begin to hear other processes; with SQLite there are none. Close what is returned at the end."""

    def heard(message: str) -> None:
        by, topics, kind, person, assessment, received_at = json.loads(message)
        if by != service.news.id:  # this process has told its own pages already
            for topic in topics:
                service.news.publish(Item(topic, kind, person, assessment, received_at))

    return Hearing(service.register, heard, lambda: service.news.publish_all(Item("", "reload")))
