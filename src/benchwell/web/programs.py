"""Which program has which key: remembered for a moment, since a program may ask hundreds of times a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from benchwell.register import Register
from benchwell.register.clients import find_client, times_changed
from benchwell.register.tokens import hash_of
from benchwell.register.viewer import Viewer

HELD: Final = 1.0  # seconds: so long a key that was shut out by another process may still open
_REMEMBERED: Final = 256  # programs; a service has a handful


class _Known(NamedTuple):
    viewer: Viewer
    until: float
    change: int


class Programs:
    """The programs that have asked within the last second, by the hash of their key.

    A program that is shut out in this process is forgotten at once, in others after `HELD`. Keys that nobody has are
    not remembered.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}

    def known(self, key: str) -> Viewer | None:
        """Who has a key, if that is known without asking the register."""
        found = self._known.get(hash_of(key))
        if found is None or found.change != times_changed() or self._clock() > found.until:
            return None
        return found.viewer

    def find(self, register: Register, key: str) -> Viewer | None:
        """Who has a key; null if nobody."""
        if (viewer := self.known(key)) is not None:
            return viewer
        change, until = times_changed(), self._clock() + HELD  # before looking: a change meanwhile must be seen
        with register.read() as connection:
            viewer = find_client(connection, key)
        with self._lock:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            if viewer is not None:
                self._known[hash_of(key)] = _Known(viewer, until, change)
        return viewer
