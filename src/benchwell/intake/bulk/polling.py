"""Wait for an export: look, wait as long as the server asks or longer each time, look again; or call it off."""

from __future__ import annotations

import httpx

from benchwell.errors import BulkExportError
from benchwell.intake.bulk.connection import JSON, Connection, Reply
from benchwell.intake.bulk.listener import BulkListener
from benchwell.intake.bulk.outcome import TRANSIENT, issue_codes, refusal
from benchwell.intake.bulk.waiting import Patience, StoppedError

_BUSY = frozenset({429, 502, 503, 504})
_LONGEST_PROGRESS = 100  # as the standard says


_OURS = frozenset({401, 403})  # says something about this client, nothing about the export


class ExportLostError(Exception):
    """The server gave this export up, or no longer knows it; never leaves this package.

    Attributes:
        told: The error for people.
        gone: Whether it is only no longer there, so that asking anew may help.
    """

    def __init__(self, told: BulkExportError, *, gone: bool) -> None:
        self.told = told
        self.gone = gone
        super().__init__(told.message)


def wait_for_manifest(
    connection: Connection, url: str, patience: Patience, listener: BulkListener, *, anonymous: bool = False
) -> Reply:
    """Poll until the export, or a further page of its manifest, is ready.

    Returns:
        The answer with the manifest.

    Raises:
        BulkExportError: If it is not ready in time, or nobody answers.
        ExportLostError: If the export failed, or the server does not know it (any more).
    """
    settings, clock = patience.settings, patience.clock
    until = None if settings.deadline_seconds is None else clock.now() + settings.deadline_seconds
    looks = failures = 0
    while True:
        reply = _look(connection, url, anonymous)
        if reply is not None and reply.status == 200:
            return reply
        working = reply is not None and reply.status == 202
        failures = 0 if working else failures + 1
        if not working and (failures >= settings.attempts or not _may_pass(reply)):
            raise _failed(reply)
        seconds = patience.seconds(looks if working else failures - 1, reply.headers if reply else {})
        looks += working
        listener.waiting(progress_of(reply), seconds)
        patience.wait(seconds, until)


def _look(connection: Connection, url: str, anonymous: bool) -> Reply | None:
    try:
        return connection.ask("GET", url, {"Accept": JSON}, anonymous=anonymous)
    except httpx.TransportError:
        return None


def call_off(connection: Connection, url: str) -> bool:
    """Tell the server that it may forget the export. Whether it agreed: nothing depends on it."""
    try:
        return connection.ask("DELETE", url, {"Accept": JSON}).status in (200, 202, 204)
    except (httpx.TransportError, BulkExportError, StoppedError):
        return False


def progress_of(reply: Reply | None) -> str | None:
    """What the server says of its progress, as one short printable line."""
    text = (reply.headers.get("x-progress") or "") if reply is not None else ""
    clean = "".join(letter for letter in text if letter.isprintable()).strip()
    return clean[:_LONGEST_PROGRESS] or None


def _may_pass(reply: Reply | None) -> bool:
    if reply is None or reply.status in _BUSY:
        return True
    return bool(TRANSIENT & set(issue_codes(reply.body)))


def _failed(reply: Reply | None) -> BulkExportError | ExportLostError:
    if reply is None:
        return BulkExportError(
            "The server cannot be reached while it prepares the export.",
            hint="run the same command again: it goes on waiting for the same export",
        )
    gone = reply.status in (404, 410)
    told = refusal("The export is not there any more" if gone else "The export failed", reply.status, reply.body)
    return told if reply.status in _BUSY | _OURS or _may_pass(reply) else ExportLostError(told, gone=gone)
