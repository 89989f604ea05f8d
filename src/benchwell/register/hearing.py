"""What other processes of one PostgreSQL register tell: a connection that does nothing but listen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import psycopg
from psycopg import sql

from benchwell.register.notifying import NOTIFY
from benchwell.register.opening import Register

_GATHER = 0.04  # seconds in which more is heard, to be told together; a page may show it that much later
_TURN = 0.2  # seconds between two looks at whether to stop
_PAUSE = 1.0  # seconds before a lost connection is tried again


class Hearing:
    """A thread that hears what `tell_others` tells, for as long as it is open.

    Args:
        register: A PostgreSQL register; with any other there is nobody to hear.
        heard: Gets messages, one or several at a time, in the thread.
        lost: Called when the connection is back after a loss: something may have been missed.
    """

    def __init__(self, register: Register, heard: Callable[[Sequence[str]], None], lost: Callable[[], None]) -> None:
        self._register = register
        self._heard, self._lost = heard, lost
        self._stop = threading.Event()
        self.ready = threading.Event()
        self._thread: threading.Thread | None = None
        if register.kind == "postgresql":
            self._thread = threading.Thread(target=self._run, name="register-hearing", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        is_first = True
        while not self._stop.is_set():
            try:
                with self._connect() as connection:
                    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(NOTIFY)))
                    self.ready.set()
                    if not is_first:
                        self._lost()
                    is_first = False
                    self._listen(connection)
            except psycopg.Error:  # the server is away: nothing is lost but news, and these are told as a whole
                self._stop.wait(_PAUSE)

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        dialect = self._register.engine.dialect
        words, named = dialect.create_connect_args(self._register.url)
        return psycopg.connect(*words, **{**named, "autocommit": True})

    def _listen(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        while not self._stop.is_set():
            messages = [notice.payload for notice in connection.notifies(timeout=_TURN, stop_after=1)]
            if messages:
                self._stop.wait(_GATHER)
                messages += [notice.payload for notice in connection.notifies(timeout=0)]
                self._heard(messages)
