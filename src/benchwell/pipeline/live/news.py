"""News of new scores, from whoever writes them to the pages that are open (in one process)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass

_HELD = 100  # news that a slow page may be behind; then it is told to load itself again


@dataclass(frozen=True)
class Item:
    """One piece of news.

    Attributes:
        topic: Whom it concerns: `practitioner:<id>`, `person:<id>`, `organization:<id>`.
        kind: score | safety | reload.
        person_id: About whom.
        assessment_id: Which record.
    """

    topic: str
    kind: str
    person_id: str | None = None
    assessment_id: str | None = None


class News:
    """Topics, and the pages that listen to them. All calls come from the event loop's own thread."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[asyncio.Queue[Item]]] = defaultdict(set)

    def publish(self, item: Item) -> None:
        """Tell every page that listens to the topic."""
        for queue in self._listeners.get(item.topic, ()):
            if queue.full():  # nobody reads: what is lost is told as one "load yourself again"
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(Item(item.topic, "reload"))
            else:
                queue.put_nowait(item)

    async def listen(self, *topics: str) -> AsyncIterator[Item]:
        """What happens on some topics from now on."""
        queue: asyncio.Queue[Item] = asyncio.Queue(_HELD)
        for topic in topics:
            self._listeners[topic].add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            for topic in topics:
                self._listeners[topic].discard(queue)
                if not self._listeners[topic]:
                    del self._listeners[topic]
