"""Connections that say nothing, or a byte now and then, are closed: a few hundred of them would keep everybody out."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD: Final = 20.0  # seconds for a request until its body begins
BODY: Final = 60.0  # seconds for the whole body; 5 MB by a slow mobile line take 40


class Impatient(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # whichever of two uvicorn has found
    """uvicorn's connection, with an end to waiting for the head of a request; the body's is in `bodies`."""

    patience = HEAD
    _waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A browser has come, and may say what it wants."""
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        """Some of a request has come."""
        super().data_received(data)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._stop()
        super().connection_lost(exc)

    def _look(self) -> None:
        """The clock runs from the first byte until the head is whole, and no byte sets it back."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._waits is None:
            self._waits = self.loop.call_later(self.patience, self._give_up)

    def _stop(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    def _give_up(self) -> None:
        self._waits = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
