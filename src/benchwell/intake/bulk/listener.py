"""How an export tells its door what it is doing, without knowing any terminal."""

from __future__ import annotations

from typing import Protocol

from benchwell.intake.bulk.result import BulkFile


class BulkListener(Protocol):
    """Hears of an export. Calls about files may come from several threads at once."""

    def started(self, resumed: bool) -> None:
        """The server works on the export; `resumed` if an earlier run had begun it."""
        ...

    def waiting(self, progress: str | None, seconds: float) -> None:
        """The server is not ready; its own words on progress, and how long until the next look."""
        ...

    def planned(self, files: int) -> None:
        """The manifest is there: so many files belong to the export."""
        ...

    def received(self, name: str, size: int) -> None:
        """So many bytes of a file are here, as transferred."""
        ...

    def finished(self, file: BulkFile) -> None:
        """A file is complete."""
        ...


class Silence:
    """Hears and says nothing."""

    def started(self, resumed: bool) -> None:
        """Nothing."""

    def waiting(self, progress: str | None, seconds: float) -> None:
        """Nothing."""

    def planned(self, files: int) -> None:
        """Nothing."""

    def received(self, name: str, size: int) -> None:
        """Nothing."""

    def finished(self, file: BulkFile) -> None:
        """Nothing."""
