"""One writer at a time. Readers take no lock: the versions they read never change."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchwell.errors import LakeError


@contextmanager
def write_lock(path: Path) -> Iterator[None]:
    """Hold the lake's only write permit; the system takes it back if this process dies.

    Raises:
        LakeError: If another process, or another thread of this one, is writing.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise LakeError(
            f"The lake at {path.parent} cannot be written: {problem.strerror}.",
            hint="check who owns the folder and whether the disk is mounted read-only",
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LakeError(
                f"Another intake is writing to the lake at {path.parent}.",
                hint="wait until it ends, then run this again; a killed one leaves no lock behind",
            ) from None
        yield
    finally:
        os.close(descriptor)
