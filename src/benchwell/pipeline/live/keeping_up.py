"""What an intake brings into the lake while the service runs is shown soon after."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from benchwell.errors import BenchwellError

_EVERY = 60.0  # seconds
_log = logging.getLogger("benchwell.live")


class KeepingUp:
    """A thread that looks for news in the lake now and then.

    Args:
        look: What to do each time; it does nothing where there is nothing new.
        every: Seconds between two looks.
    """

    def __init__(self, look: Callable[[], object], every: float = _EVERY) -> None:
        self._look = look
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeping-up", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the look that is under way."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            try:
                self._look()
            except BenchwellError as problem:  # the next look may find the lake in order again
                _log.warning("The lake could not be looked at: %s", problem.message)
