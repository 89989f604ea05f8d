"""Connections that dawdle are closed; those that wait for news are not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

import benchwell.web.bodies
from benchwell.register import Role
from benchwell.web.patience import Impatient
from live_house import House, live_house


class Hasty(Impatient):
    patience = 0.3


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


@contextmanager
def served(app: Any) -> Iterator[int]:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, http=Hasty, log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            thread.join(0.01)
        try:
            yield int(door.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(10)


def until_closed(line: socket.socket, words: bytes = b"") -> bytes:
    """What a server says until it hangs up, while a byte is sent now and then."""
    line.settimeout(0.1)
    said, until = b"", time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if words:
                line.sendall(words)
            part = line.recv(65536)
            if not part:
                return said
            said += part
        except TimeoutError:
            continue
        except OSError:
            return said
    raise AssertionError(f"still open: {said!r}")


@pytest.mark.parametrize(
    ("begin", "then"),
    [(b"", b""), (b"GET / HTTP/1.1\r\nHost: a\r\n", b"x-a: b\r\n"), (b"GE", b"")],
    ids=["nothing", "a header without end", "half a word"],
)
def test_a_request_that_never_begins_is_hung_up_on(house: House, begin: bytes, then: bytes) -> None:
    with served(house.app) as port, socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(begin)
        assert b" 200 " not in until_closed(line, then)


def test_a_second_request_on_the_same_connection_is_awaited_no_longer(house: House) -> None:
    with served(house.app) as port, socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"GET /sign-in HTTP/1.1\r\nHost: a\r\n\r\n")
        line.settimeout(10)
        assert b" 200 " in line.recv(65536)
        line.sendall(b"GET /sign-in HTTP/1.1\r\n")
        until_closed(line)


def test_a_body_that_does_not_come_is_answered(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchwell.web.bodies, "BODY", 0.3)
    head = b"POST /sign-in HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    with served(house.app) as port, socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(head + b"Content-Length: 5000\r\n\r\nlogin=")
        said = until_closed(line, b"a")
    assert b" 408 " in said
    assert b"This took too long to arrive." in said


def test_a_page_that_waits_for_news_may_wait(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchwell.web.bodies, "BODY", 0.3)
    cookie = "; ".join(f"{name}={value}" for name, value in house.browser(Role.CLINICIAN).cookies.items())
    asked = f"GET /stream HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n\r\n".encode()
    with served(house.app) as port, socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(asked)
        said, until = b"", time.monotonic() + 0.9
        while (left := until - time.monotonic()) > 0:
            line.settimeout(left)
            try:
                part = line.recv(65536)
            except TimeoutError:
                break
            assert part, "it was hung up on"
            said += part
        assert b": open" in said
