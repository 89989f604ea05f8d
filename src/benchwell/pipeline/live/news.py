"""News of new scores, from whoever writes them to the pages that are open in this process."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchwell.register.tokens import new_id
from benchwell.register.viewer import Viewer

if TYPE_CHECKING:
    from benchwell.pipeline.live.receiving import Received

_HELD = 100  # news that a slow page may be behind; then it is told to load itself again


@dataclass(frozen=True)
class Item:
    """One piece of news.

    Attributes:
        topic: Whom it concerns: `practitioner:<id>`, `person:<id>`, `course:<id>`.
        kind: score | safety (a score that somebody must look at) | reload | end.
        person_id: About whom.
        assessment_id: Which record.
        received_at: When that version of it came in, seconds since 1970-01-01 UTC.
        received: What the record says, where it came in to this process; others read it from the register.
    """

    topic: str
    kind: str
    person_id: str | None = None
    assessment_id: str | None = None
    received_at: float = 0.0
    received: Received | None = field(default=None, repr=False, compare=False)


@dataclass(eq=False)
class Listener:
    """A page that is open: what it listens to, whose it is, and what it has not been sent yet."""

    loop: asyncio.AbstractEventLoop
    topics: frozenset[str]
    viewer: Viewer | None = None
    queue: asyncio.Queue[Item] = field(default_factory=lambda: asyncio.Queue(_HELD))

    def take(self, item: Item) -> None:
        """In the listener's own thread."""
        if self.queue.full():  # nobody reads: what is lost is told as one "load yourself again"
            while not self.queue.empty():
                self.queue.get_nowait()
            item = Item(item.topic, "end" if item.kind == "end" else "reload")
        self.queue.put_nowait(item)


class News:
    """Topics, and the pages that listen to them. It may be told of something from any thread.

    Attributes:
        id: Names this process among those that share a register.
    """

    def __init__(self) -> None:
        self.id = new_id()
        self._guard = threading.Lock()
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)

    def publish(self, item: Item) -> None:
        """Tell every page that listens to the topic; it returns at once."""
        with self._guard:
            found = tuple(self._listeners.get(item.topic, ()))
        self._tell(found, item)

    def publish_all(self, item: Item) -> None:
        """Tell every page, whatever it listens to."""
        with self._guard:
            found = {one for several in self._listeners.values() for one in several}
        self._tell(tuple(found), item)

    async def listen(self, *topics: str) -> AsyncIterator[Item]:
        """What happens on some topics from now on."""
        listener = self.open(*topics)
        try:
            while True:
                yield await listener.queue.get()
        finally:
            self.close(listener)

    def viewers(self, *topics: str) -> frozenset[Viewer]:
        """Who has a page open that listens to one of the topics."""
        with self._guard:
            found = [one.viewer for topic in topics for one in self._listeners.get(topic, ())]
        return frozenset(viewer for viewer in found if viewer is not None)

    def open(self, *topics: str, viewer: Viewer | None = None) -> Listener:
        """Begin to listen in the running event loop; `close` ends it.

        Args:
            topics: To what.
            viewer: Whose page it is: what comes in is then put into the log as shown to this viewer before it is told.
        """
        listener = Listener(asyncio.get_running_loop(), frozenset(topics), viewer)
        with self._guard:
            for topic in listener.topics:
                self._listeners[topic].add(listener)
        return listener

    def close(self, listener: Listener) -> None:
        """Stop listening."""
        with self._guard:
            for topic in listener.topics:
                self._listeners[topic].discard(listener)
                if not self._listeners[topic]:
                    del self._listeners[topic]

    def _tell(self, listeners: tuple[Listener, ...], item: Item) -> None:
        for listener in listeners:
            try:
                listener.loop.call_soon_threadsafe(listener.take, item)
            except RuntimeError:  # its loop has ended: so has its page
                self.close(listener)
