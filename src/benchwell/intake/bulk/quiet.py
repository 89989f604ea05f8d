"""Keep addresses and headers out of other people's logs: both can hold keys and ids of people.

httpx logs every address at INFO, httpcore every answer's headers at DEBUG. Records made while this package asks are
dropped; those of other users of httpx in the same program are not touched.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))
_asking = threading.local()


class _Quiet(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002, a filter's signature
        return not getattr(_asking, "depth", 0)


_FILTER = _Quiet()


@contextmanager
def quietly() -> Iterator[None]:
    """While the block runs in this thread, httpx and httpcore log nothing of it."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)  # adding it again changes nothing
    _asking.depth = getattr(_asking, "depth", 0) + 1
    try:
        yield
    finally:
        _asking.depth -= 1
