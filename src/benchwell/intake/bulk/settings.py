"""How patient and how careful a bulk export is, and the clock it waits by."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Time, as the export sees it. Tests give one that does not wait."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        ...

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Let time pass, less if `stop` is set meanwhile."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Let time pass, less if `stop` is set meanwhile."""
        stop.wait(seconds)


@dataclass(frozen=True, slots=True)
class BulkSettings:
    """Settings of one run.

    Attributes:
        connect_seconds: Longest wait for a connection.
        read_seconds: Longest silence of the server while it answers.
        deadline_seconds: Longest wait for the export to be ready; None waits as long as the server works.
        first_wait_seconds: First wait between two looks; it doubles, with a random part, where the server says nothing.
        longest_wait_seconds: Where doubling ends.
        attempts: How often in a row something may fail before it counts as failed.
        parallel: Files fetched at once.
        allowed_origins: Other origins (https://host or https://host:port) that may see the access token.
        ca_file: Certificates of an authority of one's own, PEM.
        max_bytes: Largest export that is taken, unpacked, all files together; None takes any.
        max_file_bytes: Largest file that is taken; None takes any.
        max_seconds_asked: Longest wait that a server may ask for at once.
        accept_differing_counts: Take files whose lines are not as many as the manifest says, and only tell.
        keep_when_stopped: Leave the export on the server when the user stops the run, to be taken up later.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 60.0
    deadline_seconds: float | None = None
    first_wait_seconds: float = 2.0
    longest_wait_seconds: float = 120.0
    attempts: int = 6
    parallel: int = 3
    allowed_origins: tuple[str, ...] = ()
    ca_file: Path | None = None
    max_bytes: int | None = 100 * 10**9
    max_file_bytes: int | None = None
    max_seconds_asked: float = 3600.0
    accept_differing_counts: bool = False
    keep_when_stopped: bool = False
