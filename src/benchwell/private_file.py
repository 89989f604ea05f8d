"""Files about people: readable by their owner alone, until somebody decides otherwise."""

from __future__ import annotations

import os


def owner_only(path: str, flags: int) -> int:
    """The `opener` of such a file: `open(path, "wb", opener=owner_only)`. One that is there keeps its own rights.

    Returns:
        A file descriptor.
    """
    return os.open(path, flags, 0o600)
