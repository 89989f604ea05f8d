"""Make files survive a power cut: delta-rs does not fsync, so we do."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def fsync_path(path: Path) -> None:
    """Force one file, or the names in one folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_files(paths: Iterable[Path], folder: Path) -> None:
    """Force files to disk, then the folder that names them: a name without its bytes is worse than neither."""
    for path in paths:
        fsync_path(path)
    fsync_path(folder)
