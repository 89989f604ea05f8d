"""What a folder knows of its export: one line per event, so that a killed run is taken up where it stopped.

No token, key or signed statement ever stands in it. Addresses of files can hold keys of their own (signed addresses):
the journal is readable by its owner alone, and when the export is complete its addresses are dropped.
"""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from typing import Literal, Self

import msgspec

from benchwell.durable import whole_file
from benchwell.errors import BulkExportError
from benchwell.intake.bulk.manifest import Plan
from benchwell.intake.bulk.result import BulkFile

FILE_NAME = ".bulk-export.journal"


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """The server works on an export. `request` is what is asked, `asked` the same with `since`; both as SHA-256."""

    request: str
    asked: str
    status_url: str | None


class Validator(msgspec.Struct, frozen=True, tag="validator"):
    """The server's mark of the version of a file that is partly here."""

    name: str
    etag: str | None


class Done(msgspec.Struct, frozen=True, tag="done"):
    """A file is complete."""

    file: BulkFile


class Over(msgspec.Struct, frozen=True, tag="over"):
    """The export has ended."""

    how: Literal["complete", "stopped", "lost"]
    transaction_time: str | None = None


Event = Begun | Plan | Validator | Done | Over
_DECODER = msgspec.json.Decoder(Event)


class Journal:
    """The journal of one folder, held by one run at a time. Threads may share it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Read what is there."""
        self._path = path
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self.begun: Begun | None = None
        self.plan: Plan | None = None
        self.validators: dict[str, str] = {}
        self.done: dict[str, BulkFile] = {}
        self.over: Over | None = None
        for event in _events(path):
            self._learn(event)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a folder's journal for writing, and drop a line that a killed run left half written.

        Raises:
            BulkExportError: If another run is at work in the folder, or it cannot be written.
        """
        path = folder / FILE_NAME
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as problem:
            raise BulkExportError(f"{folder} cannot be written: {problem.strerror}.", hint="check the folder") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = path.read_bytes()
            os.truncate(path, content.rfind(b"\n") + 1)
            return cls(path, descriptor)
        except BlockingIOError:
            os.close(descriptor)
            raise BulkExportError(f"Another run is fetching into {folder}.", hint="wait until it ends") from None
        except BaseException:
            os.close(descriptor)
            raise

    def __enter__(self) -> Self:
        """The journal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let other runs have the folder."""
        os.close(self._descriptor)

    def write(self, event: Event) -> None:
        """Keep an event; when this returns, it is on disk."""
        with self._lock:
            self._learn(event)
            os.write(self._descriptor, msgspec.json.encode(event) + b"\n")
            os.fsync(self._descriptor)

    def complete(self, transaction_time: str) -> None:
        """Note that the export is complete, and forget every address."""
        assert self.begun is not None  # noqa: S101, nothing is complete that was not begun
        self.over = Over("complete", transaction_time)
        kept = [Begun(self.begun.request, self.begun.asked, None), self.over]
        replace_file(self._path, b"".join(msgspec.json.encode(event) + b"\n" for event in kept))

    def _learn(self, event: Event) -> None:
        if isinstance(event, Begun):
            self.begun, self.plan, self.over = event, None, None
            self.validators, self.done = {}, {}
        elif isinstance(event, Plan):
            self.plan = event
        elif isinstance(event, Validator):
            if event.etag is None:
                self.validators.pop(event.name, None)
            else:
                self.validators[event.name] = event.etag
        elif isinstance(event, Done):
            self.done[event.file.name] = event.file
        else:
            self.over = event


def completed(folder: Path) -> tuple[str, str] | None:
    """(Request, transaction time) of the complete export in a folder; None if there is none."""
    begun: Begun | None = None
    over: Over | None = None
    path = folder / FILE_NAME
    for event in _events(path) if path.exists() else ():
        if isinstance(event, Begun):
            begun, over = event, None
        elif isinstance(event, Over):
            over = event
    if begun is None or over is None or over.how != "complete" or over.transaction_time is None:
        return None
    return begun.request, over.transaction_time


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, even after a power cut; readable by its owner alone."""
    with whole_file(path, is_private=True) as file:
        file.write(content)


def _events(path: Path) -> list[Event]:
    lines = path.read_bytes().split(b"\n")[:-1]  # after the last line end stands nothing, or a torn line
    try:
        return [_DECODER.decode(line) for line in lines]
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BulkExportError(
            f"{path} was changed or damaged.", hint="empty the folder, or use another one, and fetch again"
        ) from None
