"""How long to wait before asking again: what the server says, or else longer each time."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from benchwell.errors import BulkExportError
from benchwell.intake.bulk.settings import BulkSettings, Clock

# Chance spreads clients that were refused together; it guards no secret.
_CHANCE = random.Random()  # noqa: S311
_JITTER = 0.25


class StoppedError(Exception):
    """The run was asked to end; never leaves this package."""


def asked_seconds(header: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for; it holds seconds or a date. None if it says nothing usable.

    >>> asked_seconds("120", now=0.0), asked_seconds("soon", now=0.0)
    (120.0, None)
    >>> asked_seconds("Thu, 01 Jan 1970 00:01:00 GMT", now=10.0)
    50.0
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


@dataclass
class Patience:
    """Waits of one run, up to its deadline."""

    settings: BulkSettings
    clock: Clock
    stop: threading.Event = field(default_factory=threading.Event)
    chance: random.Random = field(default_factory=lambda: _CHANCE)

    def seconds(self, attempt: int, headers: Mapping[str, str]) -> float:
        """The next wait after `attempt` looks (0 is the first): as asked, at least a tenth of a second."""
        asked = asked_seconds(headers.get("retry-after"), self.clock.now())
        if asked is not None:
            return min(max(asked, 0.1), self.settings.max_seconds_asked)
        longest = self.settings.longest_wait_seconds
        doubled = min(self.settings.first_wait_seconds * 2.0 ** min(attempt, 30), longest)
        return float(min(doubled * self.chance.uniform(1 - _JITTER, 1 + _JITTER), longest))

    def wait(self, seconds: float, until: float | None = None) -> None:
        """Let time pass.

        Raises:
            BulkExportError: If `until` (seconds since 1970) would be passed.
            StoppedError: If the run was asked to end.
        """
        if until is not None and self.clock.now() + seconds > until:
            raise BulkExportError(
                "The export was not ready within the time allowed.",
                hint="run the same command again: it goes on waiting for the same export",
            )
        self.clock.wait(seconds, self.stop)
        self.check()

    def check(self) -> None:
        """Raise StoppedError if the run was asked to end."""
        if self.stop.is_set():
            raise StoppedError
