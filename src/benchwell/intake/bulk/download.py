"""Fetch one file of an export: streamed to disk, taken up after a break, checked, then named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import httpx

from benchwell.errors import BulkExportError
from benchwell.intake.bulk.connection import NDJSON, Connection
from benchwell.intake.bulk.journal import Done, Journal, Validator
from benchwell.intake.bulk.listener import BulkListener
from benchwell.intake.bulk.manifest import Plan, PlannedFile
from benchwell.intake.bulk.outcome import refusal
from benchwell.intake.bulk.polling import ExportLostError
from benchwell.intake.bulk.result import BulkFile, counts_agree
from benchwell.intake.bulk.room import Room
from benchwell.intake.bulk.unfinished import TornError, finish_part, open_part, unpack
from benchwell.intake.bulk.waiting import Patience

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)", re.ASCII)


class _AgainError(Exception):
    """This attempt gave nothing or not all; the next may."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self.headers = headers or {}
        super().__init__()


class Downloader:
    """Fetches the files of one plan into one folder. Threads may share it."""

    def __init__(
        self,
        connection: Connection,
        folder: Path,
        plan: Plan,
        journal: Journal,
        patience: Patience,
        listener: BulkListener,
    ) -> None:
        """Nothing is sent yet."""
        self._connection = connection
        self._folder = folder
        self._plan = plan
        self._journal = journal
        self._patience = patience
        self._listener = listener
        self._room = Room(patience.settings, {name: file.size for name, file in journal.done.items()})

    def fetch(self, item: PlannedFile) -> BulkFile:
        """Fetch a file, or find that it is here.

        Raises:
            BulkExportError: If it does not come, or is not what the manifest says.
            ExportLostError: If the server no longer has it.
            StoppedError: If the run was asked to end; what came is kept.
        """
        known = self._journal.done.get(item.name)
        target = self._folder / item.name
        if known is not None and target.is_file() and target.stat().st_size == known.size:
            return known
        try:
            file = self._checked(item)
            finish_part(self._part(item), target)
        except OSError as problem:
            raise BulkExportError(
                f"{target} cannot be written: {problem.strerror}.", hint="check the disk, then run this again"
            ) from None
        self._journal.write(Done(file))
        self._listener.finished(file)
        return file

    def _checked(self, item: PlannedFile) -> BulkFile:
        """The file complete beside its final name; fetched a second time if its lines are not as many as stated."""
        accepts = self._patience.settings.accept_differing_counts
        for last in (False, True):
            file = self._complete(item)
            if counts_agree(file, self._plan.organized_by) or (last and accepts):
                return file
            self._part(item).unlink()
        raise BulkExportError(
            f"{item.name} has {file.lines} lines, the manifest says {file.count}.",
            hint="run this again; if the server always counts wrongly, accept differing counts",
        )

    def _complete(self, item: PlannedFile) -> BulkFile:
        part = self._part(item)
        failures = best = 0
        while True:
            self._patience.check()
            try:
                self._attempt(item, part)
                return unpack(part, item, self._room)
            except TornError:
                part.unlink(missing_ok=True)
                headers: Mapping[str, str] = {}
            except _AgainError as again:
                headers = again.headers
            except httpx.TransportError:
                headers = {}
            size = part.stat().st_size if part.exists() else 0
            failures = 1 if size > best else failures + 1  # only what never came before is progress
            best = max(best, size)
            if failures >= self._patience.settings.attempts:
                raise BulkExportError(
                    f"{item.name} did not arrive: the connection broke or the server was busy {failures} times.",
                    hint="run the same command again: it goes on where this stopped",
                )
            self._patience.wait(self._patience.seconds(failures - 1, headers))

    def _attempt(self, item: PlannedFile, part: Path) -> None:
        begun = part.stat().st_size if part.exists() else 0
        etag = self._journal.validators.get(item.name)
        headers = {"Accept": NDJSON}
        if begun and etag:
            headers |= {"Range": f"bytes={begun}-", "If-Range": etag}
        with self._connection.open("GET", item.url, headers, anonymous=not item.needs_token, roaming=True) as response:
            self._check_status(item, part, response, begun)
            self._write(item, part, response, begun if response.status_code == 206 else 0)

    def _check_status(self, item: PlannedFile, part: Path, response: httpx.Response, begun: int) -> None:
        status = response.status_code
        if status in _BUSY:
            raise _AgainError(response.headers)
        if status == 206:
            found = _RANGE.fullmatch(response.headers.get("content-range", ""))
            same = response.headers.get("etag") in (None, self._journal.validators.get(item.name))
            if not begun or found is None or int(found[1]) != begun or not same:
                self._forget(item, part)
        elif status == 416:
            self._forget(item, part)
        elif status != 200:
            raise self._refused(item, status)
        if response.headers.get("content-encoding", "identity").lower() not in ("identity", "gzip", "x-gzip"):
            raise BulkExportError(
                f"{item.name} is packed in a way that was not asked for.", hint="ask who runs the server"
            )

    def _forget(self, item: PlannedFile, part: Path) -> None:
        part.unlink(missing_ok=True)
        self._journal.write(Validator(item.name, None))
        raise _AgainError

    def _refused(self, item: PlannedFile, status: int) -> BulkExportError | ExportLostError:
        past = self._plan.expires is not None and self._patience.clock.now() > self._plan.expires
        if status in (404, 410) or past:
            why = "its time on the server is over" if past else "the server no longer has it"
            return ExportLostError(
                BulkExportError(
                    f"{item.name} cannot be fetched: {why} ({status}).",
                    hint="run the same command again: it asks for a new export",
                ),
                gone=True,
            )
        hint = None if item.needs_token else "the manifest says that files need no token; ask who runs the server"
        return refusal(f"{item.name} cannot be fetched", status, hint=hint if status in (401, 403) else None)

    def _write(self, item: PlannedFile, part: Path, response: httpx.Response, begun: int) -> None:
        if not begun:
            etag = response.headers.get("etag", "")
            strong = etag if etag.startswith('"') else None  # a weak one does not promise the same bytes
            self._journal.write(Validator(item.name, strong))
        size = begun
        with open_part(part, keep=bool(begun)) as file:
            for piece in response.iter_raw():  # as transferred: a range counts packed bytes
                size += file.write(piece)
                self._room.hold(item.name, size)
                self._listener.received(item.name, size)
                self._patience.check()

    def _part(self, item: PlannedFile) -> Path:
        return self._folder / f"{item.name}.part"
