"""Ask the server to begin an export; it answers where to look for it."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx

from benchwell.errors import BulkExportError
from benchwell.intake.bulk.connection import FHIR_JSON, Connection, Reply
from benchwell.intake.bulk.origins import joined, written
from benchwell.intake.bulk.outcome import refusal
from benchwell.intake.bulk.request import BulkRequest
from benchwell.intake.bulk.waiting import Patience


def kick_off(connection: Connection, request: BulkRequest, since: str | None, patience: Patience) -> str:
    """Begin an export.

    Repeated only where the server surely began nothing: it said so (429, 503), or no connection came about.

    Returns:
        The address to poll.

    Raises:
        BulkExportError: If the server does not begin it.
    """
    headers = {"Accept": FHIR_JSON, "Prefer": "respond-async"}
    url, body = request.kickoff_url, None
    if request.by_post:
        headers["Content-Type"] = FHIR_JSON
        body = request.body(since)
    elif query := request.query(since):
        url = f"{url}?{urlencode(query)}"
    reply: Reply | None = None
    for attempt in range(patience.settings.attempts):
        try:
            reply = connection.ask("POST" if body is not None else "GET", url, headers, body=body)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            reply = None
        except httpx.TransportError:
            raise _unreachable(connection, "did not answer") from None
        if reply is not None and reply.status not in (429, 503):
            return _status_url(connection, request, reply)
        if attempt + 1 < patience.settings.attempts:
            patience.wait(patience.seconds(attempt, reply.headers if reply else {}))
    if reply is None:
        raise _unreachable(connection, "cannot be reached")
    raise refusal("The export was not started", reply.status, reply.body)


def _status_url(connection: Connection, request: BulkRequest, reply: Reply) -> str:
    if reply.status != 202:
        raise refusal("The export was not started", reply.status, reply.body)
    location = reply.headers.get("content-location") or ""
    if not location:
        raise BulkExportError(
            "The server began an export but does not say where (no Content-Location).", hint="ask who runs the server"
        )
    url = joined(request.kickoff_url, location)
    connection.origins.check(url)
    return url


def _unreachable(connection: Connection, what: str) -> BulkExportError:
    return BulkExportError(
        f"{written(connection.origins.base)} {what}.", hint="check the address and the network, then run this again"
    )
