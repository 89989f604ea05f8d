"""Files that are not complete yet: written beside their name, unpacked, measured, and named at the end."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from benchwell.durable import fsync_path
from benchwell.errors import BulkExportError
from benchwell.intake.bulk.manifest import PlannedFile
from benchwell.intake.bulk.result import BulkFile
from benchwell.intake.bulk.room import Room

_GZIP = b"\x1f\x8b"  # NDJSON never begins like this
_CHUNK = 2**20


class TornError(Exception):
    """Packed bytes that cannot be unpacked to their end; never leaves this package."""


@contextmanager
def open_part(part: Path, *, keep: bool) -> Iterator[BinaryIO]:
    """Write on at the end of what is there, or from the start; on disk when the block ends, however it ends."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if keep else os.O_TRUNC)
    with os.fdopen(os.open(part, flags, 0o600), "wb", buffering=_CHUNK) as file:
        try:
            yield file
        finally:
            file.flush()
            os.fsync(file.fileno())


def unpack(part: Path, item: PlannedFile, room: Room) -> BulkFile:
    """Unpack a complete transfer in place, if it is packed, and measure it.

    Raises:
        TornError: If it cannot be unpacked to its end.
        BulkExportError: If there is no room for it, or it is no NDJSON.
    """
    with part.open("rb") as file:
        packed = file.read(2) == _GZIP
    if packed:
        plain = part.with_name(part.name + ".plain")
        try:
            _gunzip(part, plain, item, room)
            plain.replace(part)
        finally:
            plain.unlink(missing_ok=True)
    return _measured(part, item)


def finish_part(part: Path, target: Path) -> None:
    """Give a complete file its name; after a power cut it is there whole or not at all."""
    fsync_path(part)
    part.replace(target)
    fsync_path(target.parent)


def _gunzip(part: Path, plain: Path, item: PlannedFile, room: Room) -> None:
    size = 0
    try:
        with gzip.open(part, "rb") as source, open_part(plain, keep=False) as target:
            while piece := source.read(_CHUNK):
                size += target.write(piece)
                room.hold(item.name, size)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise TornError from None


def _measured(part: Path, item: PlannedFile) -> BulkFile:
    """Piece by piece, not line by line: a file without line ends would fill the memory."""
    digest, lines, size, filled = hashlib.sha256(), 0, 0, False
    with part.open("rb") as file:
        while piece := file.read(_CHUNK):
            if not size and piece.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b""):
                raise BulkExportError(
                    f"{item.name} is no NDJSON.", hint="the server may have sent a page to log in: ask who runs it"
                )
            *ended, begun = piece.split(b"\n")
            for line in ended:
                lines += filled or _says_something(line)
                filled = False
            filled = filled or _says_something(begun)
            size += len(piece)
            digest.update(piece)
    return BulkFile(item.name, item.kind, item.type, lines + filled, size, digest.hexdigest(), item.count)


def _says_something(line: bytes) -> bool:
    return bool(line) and not line.isspace()
