"""What may be asked at all: bodies of a size, addresses of a kind; and HEAD as GET without a body."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from benchwell.web.patience import BODY

MEGABYTE = 1024 * 1024
PAGE_LIMIT, PROGRAM_LIMIT = 5 * MEGABYTE, 20 * MEGABYTE
_PROGRAMS = ("/fhir", "/api/")
LONGEST_ADDRESS = 4096  # bytes, with its query

Refuse = Callable[[Scope, Receive, Send, int], Awaitable[None]]


class PlainRequests:
    """Turns away what no handler should have to think of.

    Args:
        app: The rest of the application.
        refuse: Answers with a status.
    """

    def __init__(self, app: ASGIApp, refuse: Refuse) -> None:
        self.app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif status := _problem(scope):
            await self._refuse(scope, receive, send, status)
        elif scope["method"] == "HEAD":
            await self._head(scope, receive, send)
        else:
            await self.app(scope, _bounded(receive, _limit(scope)), send)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as to GET, and keep the body back; a stream ends at once, as if its reader had gone."""
        is_begun = False

        async def begin(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                await send(message)
                is_begun = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        async def listen() -> Message:
            return {"type": "http.disconnect"} if is_begun else await receive()

        scope["method"] = "GET"
        await self.app(scope, listen, begin)


def _problem(scope: Scope) -> int:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string", b"")
    if len(raw) + len(query) > LONGEST_ADDRESS:
        return 414
    # No text in a register holds this character, and PostgreSQL refuses to be asked for it.
    if "\x00" in scope["path"] or b"%00" in query:
        return 400
    headers = dict(scope["headers"])
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return 415  # nothing is unpacked here: a few bytes may hold gigabytes
    length = headers.get(b"content-length", b"0")
    return 413 if not length.isdigit() or int(length) > _limit(scope) else 0


def _limit(scope: Scope) -> int:
    return PROGRAM_LIMIT if scope["path"].startswith(_PROGRAMS) else PAGE_LIMIT


def _bounded(receive: Receive, limit: int) -> Receive:
    """A body that does not say how long it is must not be longer either, nor come a byte now and then without end."""
    total, is_whole = 0, False
    until = asyncio.get_running_loop().time() + BODY

    async def bounded() -> Message:
        nonlocal total, is_whole
        if is_whole:  # from now on a handler waits for its reader to go, which may take hours
            return await receive()
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408) from None
        total += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if total > limit:
            raise HTTPException(413)
        return message

    return bounded
