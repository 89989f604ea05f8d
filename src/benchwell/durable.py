"""Files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from benchwell.private_file import owner_only


@contextmanager
def whole_file(path: Path, *, is_private: bool = False) -> Iterator[BinaryIO]:
    """A file to write, beside the wanted one, which takes its place when everything is on disk.

    Args:
        path: The wanted file; one that is there stays as it is until then, and if the block raises.
        is_private: Readable by its owner alone.

    Raises:
        OSError: If it cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "scores.csv") as file:
    ...         _ = file.write(b"a,b")
    ...     [path.name for path in Path(folder).iterdir()]
    ['scores.csv']
    """
    draft = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        with open(draft, "xb", opener=owner_only if is_private else None) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        fsync_path(path.parent)
    finally:
        draft.unlink(missing_ok=True)


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
