"""What a person sees while a bulk export is fetched."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchwell.terminal import say, stderr_console

if TYPE_CHECKING:
    from benchwell.intake.bulk import BulkExport, BulkFile


class Fetching:
    """Progress of an export on stderr: waiting for the server, then files. Quiet where nobody looks."""

    def __init__(self) -> None:
        console = stderr_console()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._wait = self._progress.add_task("asking the server", total=None)
        self._files: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, resumed: bool) -> None:
        """The server works on the export."""
        text = "an earlier run goes on" if resumed else "the server prepares the export"
        self._progress.update(self._wait, description=text)

    def waiting(self, progress: str | None, seconds: float) -> None:  # noqa: ARG002
        """The server is not ready. Its own words are not repeated: nobody knows what is in them."""
        self._progress.update(self._wait, description=f"the server prepares the export; next look in {seconds:.0f} s")

    def planned(self, files: int) -> None:
        """So many files belong to the export."""
        self._progress.update(self._wait, description=f"{files} files", total=1, completed=1)

    def received(self, name: str, size: int) -> None:
        """So many bytes of a file are here."""
        if name not in self._files:
            self._files[name] = self._progress.add_task(name, total=None)
        self._progress.update(self._files[name], completed=size)

    def finished(self, file: BulkFile) -> None:
        """A file is complete."""
        if file.name in self._files:
            self._progress.update(self._files[file.name], completed=file.size, total=file.size)


def show_fetched(export: BulkExport, folder: str) -> None:
    """What came, what did not, and what to do next."""
    lines = sum(file.lines for file in export.files)
    say(f"{len(export.files)} files with {lines:,} resources, as of {export.transaction_time}: {export.folder}")
    if export.deleted:
        say(f"{sum(file.lines for file in export.deleted):,} deletions since the last export: intake takes them back.")
    if export.errors:
        say(f"The server could not give everything: {sum(file.lines for file in export.errors):,} notes of its own.")
    if export.differing:
        say(f"{len(export.differing)} files hold another number of lines than the server said.")
    say(f"Next: benchwell intake {export.folder} -w WORKSPACE")
    say(f"Later, only what changed: benchwell fetch URL {folder} --since last")
