"""How much an export may take on this disk: a server that never ends must not fill it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from benchwell.errors import BulkExportError
from benchwell.intake.bulk.settings import BulkSettings


class Room:
    """Bytes that the files of one export take, held against the limits. Threads may share it.

    >>> room = Room(BulkSettings(max_bytes=10))
    >>> room.hold("Patient.000.ndjson", 6)
    >>> room.hold("Patient.000.ndjson", 9)  # the same file, grown
    >>> room.hold("Patient.001.ndjson", 2)
    Traceback (most recent call last):
    benchwell.errors.BulkExportError: The export is larger than 10 bytes.
    <BLANKLINE>
    Hint: if it should be, allow more: --max-gb, or `max_bytes` of the settings; the next run goes on
    """

    def __init__(self, settings: BulkSettings, sizes: Mapping[str, int] | None = None) -> None:
        """What is there already counts.

        Args:
            settings: The limits.
            sizes: Bytes by name of the files that an earlier run left complete.
        """
        self._settings = settings
        self._sizes = dict(sizes or {})
        self._sum = sum(self._sizes.values())
        self._lock = threading.Lock()

    def hold(self, name: str, size: int) -> None:
        """Say how large a file is now.

        Raises:
            BulkExportError: If it, or the export with it, is larger than it may be.
        """
        most, whole = self._settings.max_file_bytes, self._settings.max_bytes
        if most is not None and size > most:
            raise BulkExportError(f"{name} is larger than {most:,} bytes.", hint="allow larger files: `max_file_bytes`")
        with self._lock:
            self._sum += size - self._sizes.get(name, 0)
            self._sizes[name] = size
            full = whole is not None and self._sum > whole
        if full:
            raise BulkExportError(
                f"The export is larger than {whole:,} bytes.",
                hint="if it should be, allow more: --max-gb, or `max_bytes` of the settings; the next run goes on",
            )
