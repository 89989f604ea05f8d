"""Posts by the clock, whatever the server does, and pages that listen: bare sockets, so that they cost next to nothing.

A post's time counts from the moment it was due, not from when a connection was free for it: a server that stalls cannot
make its own waiting time disappear.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Watched:
    """What was seen, by number of the post; seconds.

    Attributes:
        due: When it was due.
        acknowledged: When 200 or 201 was read.
        shown: When its page had it.
        refused: Statuses of other answers, and lost connections as 0.
    """

    due: dict[int, float] = field(default_factory=dict)
    acknowledged: dict[int, float] = field(default_factory=dict)
    shown: dict[int, float] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)

    def acknowledging(self) -> list[float]:
        """From due to acknowledged, sorted."""
        return sorted(at - self.due[number] for number, at in self.acknowledged.items())

    def showing(self) -> list[float]:
        """From due to on the page, sorted."""
        return sorted(at - self.due[number] for number, at in self.shown.items() if number in self.due)


class Load:
    """Connections to one server.

    Args:
        port: Of the server on this machine.
        key: Of the program that posts.
    """

    def __init__(self, port: int, key: str) -> None:
        self._port, self._key = port, key
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.watched = Watched()
        self.is_over = False
        self.pages_open = 0  # that have said so

    async def posts(self, bodies: Sequence[bytes], first: int, rate: float) -> None:
        """Post at a rate, and wait for the answers.

        Args:
            bodies: One a post.
            first: Number of the first one.
            rate: Posts a second.
        """
        start = time.perf_counter() + 0.05
        tasks = set()
        for place, body in enumerate(bodies):
            due = start + place / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            if self.is_over:
                break
            self.watched.due[first + place] = due
            task = asyncio.create_task(self._post(first + place, body))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        if tasks:
            await asyncio.wait(tasks, timeout=20)

    async def listen(self, session: str, cookie: str) -> None:
        """An open page of one clinician."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = f"GET /stream HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nCookie: {cookie}={session}\r\n\r\n"
        writer.write(head.encode())
        status = await reader.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"a page was refused: {status.decode().strip()}")
        try:
            while line := await reader.readline():
                self.pages_open += line == b": open\n"
                if line.startswith(b"id: QuestionnaireResponse/load-"):
                    self.watched.shown.setdefault(int(line.rpartition(b"-")[2]), time.perf_counter())
        finally:
            writer.close()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One that is free and still open, as a client keeps them; servers close what is silent for some seconds."""
        while self._free:
            reader, writer = self._free.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)

    async def _post(self, number: int, body: bytes) -> None:
        try:
            reader, writer = await self._connection()
            head = (
                f"POST /fhir/QuestionnaireResponse HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
                f"Authorization: Bearer {self._key}\r\nContent-Type: application/fhir+json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            status = int(lines[0].split()[1])
            length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:"))
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            self.watched.refused.append(0)
            return
        if status in (200, 201):
            self.watched.acknowledged[number] = time.perf_counter()
        else:
            self.watched.refused.append(status)
        self._free.append((reader, writer))
