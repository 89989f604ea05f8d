"""The service's own log: what was asked by its pattern, how it ended, how long it took. Never of whom, nor values.

An address holds ids, a query may hold anything, an error's words may quote a value. So a line has the method, the
route's pattern, the status and the time; and an unexpected error has its kind and the places in the code it passed.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOGGER = logging.getLogger("benchwell.web")
_PACKAGE = Path(__file__).parents[1]
_FRAMES = 8  # of an error: the last ones


class RequestLog:
    """One line for each request, when its answer begins to leave."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and LOGGER.isEnabledFor(logging.INFO):
                taken = (time.perf_counter() - begun) * 1000
                LOGGER.info("%s %s %d %.0f ms", method_of(scope), pattern_of(scope), message["status"], taken)
            await send(message)

        await self.app(scope, receive, noting)


def pattern_of(scope: Scope) -> str:
    """The route's pattern; "-" where no route of ours was found.

    >>> pattern_of({"path": "/people/p1"})
    '-'
    """
    pattern: str = getattr(scope.get("route"), "path", "-")
    return pattern


def method_of(scope: Scope) -> str:
    """The method, if it is one that exists: it, too, is whatever was typed.

    >>> method_of({"method": "GET"}), method_of({"method": "JOHN"})
    ('GET', 'other')
    """
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    return scope["method"] if scope["method"] in known else "other"


def places_of(error: BaseException) -> str:
    """The kinds of an error and its causes, and the last places in the code that it passed; no words, no values.

    >>> try:
    ...     raise ValueError("a secret")
    ... except ValueError as problem:
    ...     places_of(problem).startswith("ValueError at ")
    True
    """
    return " < ".join(_one(problem) for problem in _causes(error))


def _one(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = ", ".join(f"{_short(frame.filename)}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places or '-'}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(5):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _short(name: str) -> str:
    path = Path(name)
    return str(path.relative_to(_PACKAGE)) if path.is_relative_to(_PACKAGE) else path.name
