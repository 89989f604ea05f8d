"""One command as a whole process: wall time, processor time, peak memory, and what it printed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limits:
    """What one process may take: wall time, and address space, 10^9 bytes."""

    seconds: float = 120.0
    gb: float = 16.0


@dataclass(frozen=True)
class Measured:
    """What a process took.

    Attributes:
        seconds: Wall time from start to end.
        cpu: Processor time of all its threads, seconds.
        peak_gb: Largest resident memory, 10^9 bytes.
        told: What it printed last, as JSON; None if it did not end well.
        why: Why it has no result; empty if it has one.
    """

    seconds: float
    cpu: float
    peak_gb: float
    told: dict[str, Any] | None
    why: str = ""


def measured(command: Sequence[str], limits: Limits) -> Measured:
    """Run a command to its end or its limit.

    The caller must be small itself: Linux counts the memory of the process that starts a program as that program's.
    """
    confined = ["/bin/sh", "-c", 'ulimit -v "$0" && exec "$@"', str(int(limits.gb * 1e9 / 1024)), *command]
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as complained:
        begin = time.perf_counter()
        # wait4 tells the memory of this very child, which subprocess cannot; so the child is waited for by hand.
        process = subprocess.Popen(confined, stdout=printed, stderr=complained, start_new_session=True)
        late = threading.Timer(limits.seconds, _end, (process.pid,))
        late.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # whoever interrupts the bench means the fit too, which is in a session of its own
            _end(process.pid)
            raise
        finally:
            late.cancel()
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        complained.seek(0)
        told, why = outcome_of(process.returncode, printed.read(), complained.read(), seconds, limits)
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9, told, why)


def _end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def outcome_of(
    code: int, printed: bytes, complained: bytes, seconds: float, limits: Limits
) -> tuple[dict[str, Any] | None, str]:
    r"""The result of a process, or why there is none.

    >>> outcome_of(-9, b"", b"", 120.1, Limits())
    (None, '> 120 s')
    >>> outcome_of(1, b"", b"Traceback ...\nMemoryError: no room\n", 2.0, Limits())
    (None, 'failed: MemoryError: no room')
    """
    if code == -signal.SIGKILL and seconds >= limits.seconds:
        return None, f"> {limits.seconds:.0f} s"
    lines = [line for line in complained.decode(errors="replace").splitlines() if line.strip()]
    if code:
        return None, f"failed: {lines[-1].strip()[:80] if lines else f'exit code {code}'}"
    told = last_json(printed.decode(errors="replace"))
    return (told, "") if told is not None else (None, "failed: it printed no result")


def last_json(printed: str) -> dict[str, Any] | None:
    r"""The JSON object in the last line that holds one; libraries print lines of their own.

    >>> last_json('[Info] 2 threads\n{"n": 3}\n')
    {'n': 3}
    """
    for line in reversed(printed.splitlines()):
        if line.startswith("{"):
            try:
                value = json.loads(line)
            except ValueError:
                continue
            return value if isinstance(value, dict) else None
    return None
