"""A real browser in front of the real service, for tests of pages. Nothing is faked between the two.

desk                a clinic that is served on a free port, and a browser window for each role
check_page(page)    what holds for every page: no barrier that axe finds, light on a desk and dark on a phone at least;
                    no error in the console, nothing that the content security policy refused, no request elsewhere,
                    nothing that scrolls sideways
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from benchwell.register import Role
from benchwell.web.choices import LOOK
from benchwell.web.guard import COOKIE
from live_house import House, live_house

ROOT = Path(__file__).parents[1]
ARTIFACTS = Path(os.environ.get("BENCHWELL_ARTIFACTS", ROOT / "build" / "artifacts"))
AXE = ROOT / "tests" / "vendor" / "axe" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES = {"desk": (1280, 900), "phone": (360, 740)}
# Each size and each look once; BENCHWELL_EVERY_LOOK=1 asks for all of them together, in twice the time.
EACH_ONCE = (("desk", "light"), ("phone", "dark"))
EVERY_LOOK = (*EACH_ONCE, ("desk", "dark"), ("phone", "light"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Chromium does nothing on its own: whatever leaves the machine was asked for by a page.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
]
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: chromium)")
_REFUSED = "addEventListener('securitypolicyviolation', (e) => console.error('refused: ' + e.violatedDirective));"


@dataclass
class Desk:
    """A clinic that is being served, and browser windows in front of it.

    Attributes:
        house: The clinic.
        address: Of the service, without a slash at the end.
        chromium: The browser.
    """

    house: House
    address: str
    chromium: Any
    _contexts: list[Any] = field(default_factory=list)

    def window(
        self, role: Role, *, size: str = "desk", language: str = "en", look: str | None = None, scripts: bool = True
    ) -> Any:
        """A new page in a fresh window, signed in; it remembers what went wrong in `page.troubles`.

        Args:
            role: In which role.
            size: desk | phone.
            language: Of the browser.
            look: light | dark as chosen on the page; none follows the device.
            scripts: Whether the browser runs scripts.
        """
        width, height = SIZES[size]
        context = self.chromium.new_context(
            viewport={"width": width, "height": height},
            locale=language,
            base_url=self.address,
            color_scheme="light",
            java_script_enabled=scripts,
        )
        self._contexts.append(context)
        cookies = [] if role is Role.PUBLIC else [(COOKIE, self.house.browser(role).cookies[COOKIE])]
        cookies += [(LOOK, look)] if look else []
        context.add_cookies([{"name": name, "value": value, "url": self.address} for name, value in cookies])
        context.add_init_script(_REFUSED)
        page = context.new_page()
        page.troubles = []
        _listen(page, urlsplit(self.address).netloc)
        return page

    def close_windows(self) -> None:
        """Close every window that is open."""
        while self._contexts:
            self._contexts.pop().close()


def _listen(page: Any, host: str) -> None:
    def said(message: Any) -> None:
        if message.type in ("error", "warning"):
            page.troubles.append(f"console: {message.text}")

    def asked(request: Any) -> None:
        place = urlsplit(request.url)
        if place.scheme in ("http", "https", "ws", "wss") and place.netloc != host:
            page.troubles.append(f"a request to another host: {place.netloc}")

    page.on("console", said)
    page.on("pageerror", lambda error: page.troubles.append(f"error: {error}"))
    page.on("request", asked)


def _quiet(app: Any) -> uvicorn.Config:
    return uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an application on a free port of this machine, in a thread. Yields its address."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started:
        if time.monotonic() > until or not thread.is_alive():
            raise RuntimeError("The service did not start.")
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium of this machine, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield chromium
        finally:
            chromium.close()


@pytest.fixture
def chromium() -> Iterator[Any]:
    """A browser for one test: while it is open, its own event loop runs here, and no other test could start one."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: chromium)")
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def served_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, str]]:
    """A clinic that is served, for the tests of one module."""
    with live_house(tmp_path_factory.mktemp("house")) as house, served(house.app) as address:
        yield house, address


@pytest.fixture
def desk(served_house: tuple[House, str], chromium: Any) -> Iterator[Desk]:
    """The clinic with a browser in front of it; windows are closed after each test."""
    made = Desk(*served_house, chromium)
    yield made
    made.close_windows()


def settle(page: Any) -> None:
    """Wait until a page has loaded and its charts are drawn."""
    page.wait_for_load_state("load")
    until(page, "document.fonts.status === 'loaded'")
    until(page, "[...document.querySelectorAll('figure.chart:has(script)')].every(one => one.querySelector('svg'))")


def until(page: Any, expression: str, seconds: float = 15) -> None:
    """Wait until an expression holds on the page; Playwright's own way needs `eval`, which our policy forbids."""
    last = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > last:
            raise AssertionError(f"This never held on {urlsplit(page.url).path}: {expression}")
        page.wait_for_timeout(25)


def check_page(page: Any, name: str) -> None:
    """Look at the page that is open in the ways in which people do; keep a picture of each.

    Args:
        page: A window of `Desk`, with the page open.
        name: For its pictures.
    """
    found: list[str] = []
    for size, look in EVERY_LOOK if os.environ.get("BENCHWELL_EVERY_LOOK") else EACH_ONCE:
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=look)
        settle(page)
        keep(page, f"{name}-{size}-{look}")
        found += [f"{size}, {look}: {one}" for one in look_over(page)]
    problems = page.troubles + found
    assert not problems, "\n".join(problems)


def look_over(page: Any) -> list[str]:
    """What axe finds on the page as it is now, and whether it scrolls sideways."""
    return _barriers(page) + _sideways(page)


def keep(page: Any, name: str) -> Path:
    """Keep a picture of the whole page among the artifacts."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTIFACTS / (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".png")
    page.screenshot(path=path, full_page=True, animations="disabled")
    return path


def _barriers(page: Any) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    result = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{one['id']}: {one['help']} at {', '.join(str(node['target'][0]) for node in one['nodes'][:4])}"
        for one in result["violations"]
    ]


def _sideways(page: Any) -> list[str]:
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return [f"scrolls sideways: {wide} in {room} pixels"] if wide > room else []
