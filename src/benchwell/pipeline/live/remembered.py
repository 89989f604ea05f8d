"""What was computed once is kept: an edition never changes, so neither does anything that follows from it alone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from benchwell.i18n import current

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Values by key, the least recently used forgotten first.

    Several threads that ask for the same new value wait for one of them to compute it; those that ask for another do
    not wait for either.

    Args:
        limit: How many values are kept.
        spoken: Whether values hold texts, which are kept once for each language.

    >>> squares = Remembered[int](limit=2)
    >>> squares.get(3, lambda: 9), squares.get(3, lambda: 0)
    (9, 9)
    """

    def __init__(self, limit: int, *, spoken: bool = False) -> None:
        self._limit, self._spoken = limit, spoken
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._underway: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key, made if it is not there. What `make` raises is raised here, and nothing is kept.

        Args:
            key: What the value follows from.
            make: Computes it.
        """
        key = (key, current()) if self._spoken else key
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            underway = self._underway.setdefault(key, Lock())
        with underway:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            try:
                made = make()
            except BaseException:
                with self._lock:
                    self._underway.pop(key, None)
                raise
            with self._lock:  # both at once: whoever asks in between would compute it again
                self._underway.pop(key, None)
                self._values[key] = made
                while len(self._values) > self._limit:
                    self._values.popitem(last=False)
        return made
