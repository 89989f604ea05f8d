"""Very many people sign in at once: they wait for one another, and nobody else waits for them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from benchwell.register import passwords
from live_house import House, live_house
from live_server import live_server

MANY = 44  # more than the threads that serve pages


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


def test_pages_come_while_every_password_waits(house: House) -> None:
    """Forty names that nobody has, typed at once, had held every thread."""
    held = [passwords._AT_ONCE.acquire(timeout=10) for _ in range(2)]
    assert all(held)
    try:
        with live_server(house.app) as address, httpx.Client(base_url=address, timeout=30) as browser:
            mark = re.search(r'name="csrf" value="([^"]+)"', browser.get("/sign-in").text)
            assert mark is not None
            cookies = dict(browser.cookies)

            def enter(number: int) -> int:
                data = {"csrf": mark[1], "login": f"nobody-{number}", "password": "not the password"}  # type: ignore[index]
                return httpx.post(f"{address}/sign-in", data=data, cookies=cookies, timeout=60).status_code

            with ThreadPoolExecutor(MANY) as pool:
                tries = [pool.submit(enter, number) for number in range(MANY)]
                while not _is_full(house):
                    assert not any(one.done() for one in tries)
                    time.sleep(0.01)
                for _ in range(3):
                    assert browser.get("/sign-in").status_code == 200
                assert not any(one.done() for one in tries)
                for _ in held:
                    passwords._AT_ONCE.release()
                held = []
                assert {one.result() for one in tries} == {401}
    finally:
        for _ in held:
            passwords._AT_ONCE.release()


def _is_full(house: House) -> bool:
    turns = getattr(house.app.state, "sign_in_turns", None)
    return turns is not None and bool(turns.locked())
