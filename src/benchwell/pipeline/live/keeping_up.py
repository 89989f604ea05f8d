"""What an intake brings into the lake while the service runs is shown soon after, in every process of the service."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from benchwell.errors import BenchwellError
from benchwell.pipeline.live.from_lake import bring_from_lake
from benchwell.pipeline.live.news import Item
from benchwell.pipeline.live.service import LiveService
from benchwell.register.copying import SNAPSHOT, fact

EVERY = 60.0  # seconds between two looks
_log = logging.getLogger("benchwell.live")


class _EndedError(Exception):
    """The service ends in the middle of a look, which may take minutes in a large lake."""


class KeepingUp:
    """A thread that looks for news in the lake now and then.

    Args:
        look: What to do each time; it does nothing where there is nothing new. It gets a function to call between
            two steps, which ends it where the service ends.
        every: Seconds between two looks.
    """

    def __init__(self, look: Callable[[Callable[[], None]], object], every: float | None = None) -> None:
        self._look = look
        self._every = EVERY if every is None else every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeping-up", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the step that is under way."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            try:
                self._look(self._go_on)
            except _EndedError:
                return
            except BenchwellError as problem:  # the next look may find the lake in order again
                _log.warning("The lake could not be looked at: %s", problem.message)
            except Exception as problem:  # as a database that is away; its words may hold values
                _log.warning("The lake could not be looked at (%s).", type(problem).__name__)

    def _go_on(self) -> None:
        if self._ended.is_set():
            raise _EndedError


def keep_up(service: LiveService) -> KeepingUp:
    """What looks after a service: it copies a changed lake, and tells open pages to load themselves again.

    Each process of one register looks for itself. One of them copies; all see that it was done.

    Args:
        service: The running service; `start` and `stop` of what is returned belong to whoever runs it.
    """
    seen = _copied(service)

    def look(go_on: Callable[[], None]) -> None:
        nonlocal seen
        bring_from_lake(service, progress=lambda _table, _rows: go_on(), patience=0)
        copied = _copied(service)
        if copied != seen:
            seen = copied
            service.news.publish_all(Item("", "reload"))

    return KeepingUp(look)


def _copied(service: LiveService) -> str | None:
    """Which lake the register shows."""
    with service.register.read() as connection:
        return fact(connection, SNAPSHOT)
