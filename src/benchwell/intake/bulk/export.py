"""A bulk export from beginning to end: ask, wait, fetch, and leave a folder that intake reads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from benchwell.errors import BulkExportError
from benchwell.intake.bulk.connection import Connection
from benchwell.intake.bulk.credentials import BackendCredentials
from benchwell.intake.bulk.download import Downloader
from benchwell.intake.bulk.journal import Begun, Journal, Over, completed, replace_file
from benchwell.intake.bulk.kickoff import kick_off
from benchwell.intake.bulk.listener import BulkListener, Silence
from benchwell.intake.bulk.manifest import Plan, gather, local_manifest
from benchwell.intake.bulk.polling import ExportLostError, call_off, wait_for_manifest
from benchwell.intake.bulk.request import LAST, BulkRequest
from benchwell.intake.bulk.result import BulkExport, BulkFile
from benchwell.intake.bulk.settings import BulkSettings, Clock, SystemClock
from benchwell.intake.bulk.tokens import TokenSource
from benchwell.intake.bulk.waiting import Patience

MANIFEST = "manifest.json"


def export_bulk(
    request: BulkRequest,
    folder: Path,
    credentials: BackendCredentials | None = None,
    *,
    settings: BulkSettings | None = None,
    listener: BulkListener | None = None,
    clock: Clock | None = None,
) -> BulkExport:
    """Fetch a bulk export into a folder; a run that was killed is taken up without asking anew.

    With `since=LAST` the first run fetches everything into `folder`, and each later one what changed since into
    `folder/update-001`, `update-002`, …

    Args:
        request: What to ask for.
        folder: An empty folder, one that does not exist yet, or one with an unfinished export of the same request.
        credentials: Who we are; None asks without a token.
        settings: How patient and how careful.
        listener: Hears of progress.
        clock: Time; for tests.

    Returns:
        The files, with a manifest.json beside them that names them.

    Raises:
        BulkExportError: If the export cannot be had as a whole. What has arrived is kept, and running it again goes on.
        KeyboardInterrupt: If the user stops it; the server is told, unless the settings say to keep it.
    """
    target, since = _place(request, folder)
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise BulkExportError(f"{target} cannot be made: {problem.strerror}.", hint="name another folder") from None
    settings = settings or BulkSettings()
    patience = Patience(settings, clock or SystemClock(), threading.Event())
    with Connection(request.base_url, settings) as connection, Journal.open(target) as journal:
        if credentials is not None:
            connection.bearer = TokenSource(connection, credentials, request.base_url, request.types, patience)
        return _Run(request, since, target, connection, journal, patience, listener or Silence()).export()


def _place(request: BulkRequest, folder: Path) -> tuple[Path, str | None]:
    """The folder of this run and its `_since`."""
    last = completed(folder) if request.since == LAST else None
    if last is None:
        return folder, None if request.since == LAST else request.since
    if last[0] != request.fingerprint(None):
        raise BulkExportError(
            f"{folder} holds an export of another request.",
            hint="changes can only be added to the same request: what is asked for newly would lack its past",
        )
    number = 1
    while (newer := completed(folder / f"update-{number:03d}")) is not None:
        last, number = newer, number + 1
    return folder / f"update-{number:03d}", last[1]


class _Run:
    """One run of one export."""

    def __init__(
        self,
        request: BulkRequest,
        since: str | None,
        folder: Path,
        connection: Connection,
        journal: Journal,
        patience: Patience,
        listener: BulkListener,
    ) -> None:
        self._request = request
        self._since = since
        self._folder = folder
        self._connection = connection
        self._journal = journal
        self._patience = patience
        self._listener = listener
        self._marks = request.fingerprint(None), request.fingerprint(since)

    def export(self) -> BulkExport:
        """All of it."""
        resumed = self._may_resume()
        try:
            try:
                return self._finish(resumed)
            except ExportLostError as lost:
                self._journal.write(Over("lost"))
                if not (resumed and lost.gone):
                    raise lost.told from None
            self._patience.stop.clear()
            return self._finish(resumed=False)  # the one begun by an earlier run was gone: ask anew, once
        except ExportLostError as lost:
            self._journal.write(Over("lost"))
            raise lost.told from None
        except KeyboardInterrupt:
            self._stopped()
            raise

    def _may_resume(self) -> bool:
        begun, over = self._journal.begun, self._journal.over
        if begun is None:
            if (self._folder / MANIFEST).exists() or any(self._folder.glob("*.ndjson")):
                raise BulkExportError(f"{self._folder} holds other files.", hint="name an empty folder")
            return False
        if over is not None and over.how == "complete":
            raise BulkExportError(
                f"{self._folder} holds a complete export of {over.transaction_time}.",
                hint="name another folder, or ask for what changed since the last one",
            )
        if over is None and begun.asked != self._marks[1]:
            raise BulkExportError(
                f"{self._folder} holds an unfinished export of another request.",
                hint="finish that one by its own command, or name another folder",
            )
        return over is None

    def _finish(self, resumed: bool) -> BulkExport:
        if not resumed:
            self._begin()
        self._listener.started(resumed)
        plan = self._journal.plan or self._await()
        self._listener.planned(len(plan.files))
        self._write_manifest(plan, [])  # so that intake finds files missing, rather than part of an export whole
        files = self._fetch(plan)
        status_url = self._status_url()
        self._write_manifest(plan, files)
        self._journal.complete(plan.transaction_time)
        call_off(self._connection, status_url)  # the server may delete its copy of health data now
        return _result(self._folder, plan, files)

    def _begin(self) -> None:
        self._remove_files()
        url = kick_off(self._connection, self._request, self._since, self._patience)
        self._journal.write(Begun(*self._marks, url))

    def _await(self) -> Plan:
        first = wait_for_manifest(self._connection, self._status_url(), self._patience, self._listener)
        plan = gather(self._connection, first, self._patience, self._listener)
        self._journal.write(plan)
        return plan

    def _fetch(self, plan: Plan) -> list[BulkFile]:
        downloader = Downloader(self._connection, self._folder, plan, self._journal, self._patience, self._listener)
        with ThreadPoolExecutor(max(1, self._patience.settings.parallel)) as pool:
            futures = [pool.submit(downloader.fetch, item) for item in plan.files]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                self._patience.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [future.result() for future in futures]

    def _write_manifest(self, plan: Plan, files: list[BulkFile]) -> None:
        named = {file.name: file for file in files}
        replace_file(self._folder / MANIFEST, local_manifest(plan, named, self._request.kickoff_url))

    def _stopped(self) -> None:
        """The user stopped it: the server need not go on, and need not keep what it made."""
        if self._patience.settings.keep_when_stopped or self._journal.begun is None or self._journal.over is not None:
            return
        call_off(self._connection, self._status_url())
        self._journal.write(Over("stopped"))

    def _status_url(self) -> str:
        url = self._journal.begun.status_url if self._journal.begun else None
        assert url is not None  # noqa: S101, dropped only when complete
        return url

    def _remove_files(self) -> None:
        """What an export that was stopped or lost left here."""
        (self._folder / MANIFEST).unlink(missing_ok=True)
        for item in self._journal.plan.files if self._journal.plan else ():
            for name in (item.name, f"{item.name}.part", f"{item.name}.part.plain"):
                (self._folder / name).unlink(missing_ok=True)


def _result(folder: Path, plan: Plan, files: list[BulkFile]) -> BulkExport:
    output, deleted, error = (
        tuple(file for file in files if file.kind == kind) for kind in ("output", "deleted", "error")
    )
    return BulkExport(folder, folder / MANIFEST, output, deleted, error, plan.transaction_time, plan.organized_by)
