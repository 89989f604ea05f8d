"""`GET /stream`: what happens, sent to pages that are open (server-sent events, for EventSource and htmx alike).

    event: score | safety   data: a fragment of HTML, rendered once however many pages hear of it
    event: reload           something was missed, or taken back: load the page again

A stream ends with its session, or when the server stops; the browser then comes back by itself and is asked to sign in.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import Final

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from benchwell.errors import AccessError
from benchwell.i18n import using
from benchwell.pipeline.live.caseload import name_of
from benchwell.pipeline.live.hearing import hear_others
from benchwell.pipeline.live.news import Item, Listener
from benchwell.pipeline.live.receiving import Received, read_received
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.stream import note_shown, reaches, topics_for
from benchwell.register import Role
from benchwell.web.access import only
from benchwell.web.guard import visit_for
from benchwell.web.limits import TooManyError
from benchwell.web.routing import Routes
from benchwell.web.templating import render
from benchwell.web.visit import Here, Visit

routes = Routes()
BEAT: Final = 15.0  # seconds: proxies close what is silent for a minute
_RELOAD: Final = b"event: reload\ndata:\n\n"
_RETRY: Final = 2000  # milliseconds after which a browser comes back
_PERSON: Final = "person:"
MOST: Final = 100  # open pages of one session; more are no person's
_RENDERED: Final = 256  # fragments that are kept for the other pages that show them


@routes.get("/stream", only(Role.CLINICIAN, Role.PATIENT))
async def stream(visit: Here, topic: str = "") -> Response:
    """News for an open page: of the person whom `topic` names as `person:<id>`, or of everybody whom the viewer treats.

    Whatever else `topic` says is not heard: what a page is told follows from who is signed in.
    """
    person = topic.removeprefix(_PERSON) if topic.startswith(_PERSON) else None
    topics = await run_in_threadpool(topics_for, visit.service, visit.viewer, person, visit.now)
    if not topics:
        return Response(status_code=204)  # tells a browser not to come back
    if opened_by(visit)[_who(visit)] >= MOST:
        raise TooManyError(BEAT)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(visit, topics), media_type="text/event-stream", headers=headers)


async def _events(visit: Visit, topics: tuple[str, ...]) -> AsyncIterator[bytes]:
    service = visit.service
    listener = service.news.open(*topics, viewer=visit.viewer)
    opened, who = opened_by(visit), _who(visit)
    opened[who] += 1
    fragments = fragments_of(visit.request.app)
    checked = time.monotonic()
    try:
        yield b"retry: %d\n: open\n\n" % _RETRY
        while True:
            items = await _next(listener, BEAT)
            if any(item.kind == "end" for item in items):
                return
            # A page with much news must not stay open longer than one with none.
            if not items or time.monotonic() - checked > BEAT:
                if not await run_in_threadpool(_may_stay, visit, topics):
                    return
                checked = time.monotonic()
            if not items:
                yield b": still here\n\n"
                continue
            people = [item.person_id for item in items if item.person_id and not _is_noted(item, visit)]
            if people:  # the line in the log is durable before anything is shown
                await asyncio.wrap_future(note_shown(service, visit.viewer, people, time.time()))
            yield b"".join([await _told(fragments, visit, item) for item in items])
    finally:
        service.news.close(listener)
        opened[who] -= 1
        if not opened[who]:
            del opened[who]


async def _told(fragments: Fragments, visit: Visit, item: Item) -> bytes:
    """A piece of news in the words of whoever reads it: what clinicians read is not for the person it is about."""
    if visit.viewer.role is Role.PATIENT:
        return _RELOAD
    return await fragments.event(visit.service, item, visit.language)


def opened_by(visit: Visit) -> Counter[str]:
    """How many streams each session has open in this process; only its event loop looks at it."""
    found: Counter[str] | None = getattr(visit.request.app.state, "streams", None)
    if found is None:
        found = visit.request.app.state.streams = Counter()
    return found


def _who(visit: Visit) -> str:
    return visit.session.token if visit.session else visit.address


def _is_noted(item: Item, visit: Visit) -> bool:
    """Whether nothing is shown of a person, or the log says it already: it was kept in the same commit as the score."""
    return item.assessment_id is None or (item.received is not None and visit.viewer in item.received.noted)


async def _next(listener: Listener, patience: float) -> list[Item]:
    """All news that wait, at least one; none if there are none for a while."""
    try:
        items = [await asyncio.wait_for(listener.queue.get(), patience)]
    except TimeoutError:
        return []
    while not listener.queue.empty():
        items.append(listener.queue.get_nowait())
    return items


def _may_stay(visit: Visit, topics: tuple[str, ...]) -> bool:
    try:
        now = visit_for(visit.request)
    except AccessError:
        return False
    return now.viewer == visit.viewer and reaches(visit.service, visit.viewer, topics)


class Fragments:
    """Events as bytes: made once for each record and language, and shared by all pages of a process."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[object, ...], asyncio.Future[bytes]] = OrderedDict()
        self.rendered = 0

    async def event(self, service: LiveService, item: Item, language: str) -> bytes:
        """One piece of news as an event."""
        if item.assessment_id is None:
            return _RELOAD
        key = (item.assessment_id, item.kind, item.received_at, language)
        found = self._made.get(key)
        if found is None or found.get_loop() is not asyncio.get_running_loop():
            found = self._made[key] = asyncio.ensure_future(self._make(service, item, language))
            while len(self._made) > _RENDERED:
                self._made.popitem(last=False)
        return await asyncio.shield(found)

    async def _make(self, service: LiveService, item: Item, language: str) -> bytes:
        received = item.received
        if received is None:
            received = await run_in_threadpool(read_received, service, item.assessment_id or "")
        self.rendered += 1
        return _RELOAD if received is None else _event(received, item.kind, language)


def _event(received: Received, kind: str, language: str) -> bytes:
    with using(language):
        label = name_of(received.label, received.person_id)
        html = render(f"fragments/{kind}.html.j2", received=received, label=label)
    lines = "".join(f"data: {line}\n" for line in html.splitlines() if line.strip())
    return f"event: {kind}\nid: {received.assessment_id}\n{lines}\n".encode()


def fragments_of(app: FastAPI) -> Fragments:
    """The fragments of this process."""
    found: Fragments | None = getattr(app.state, "fragments", None)
    if found is None:
        found = app.state.fragments = Fragments()
    return found


@asynccontextmanager
async def streaming(app: FastAPI) -> AsyncIterator[None]:
    """The life of a server, as far as streams go: it hears other processes, and its end ends every stream at once."""
    service: LiveService = app.state.service
    loop = asyncio.get_running_loop()
    hearing = hear_others(service)
    restore = _before_signals(lambda: loop.call_soon_threadsafe(service.news.publish_all, Item("", "end")))
    try:
        yield
    finally:
        restore()
        await run_in_threadpool(hearing.close)


def _before_signals(act: Callable[[], object]) -> Callable[[], None]:
    """Do something when the process is told to stop, before whatever else is done then: servers wait for streams."""
    known: dict[int, object] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.getsignal(number)
        if not callable(before):
            continue

        def first(
            signum: int, frame: FrameType | None, after: Callable[[int, FrameType | None], object] = before
        ) -> None:
            act()
            after(signum, frame)

        try:
            signal.signal(number, first)
        except ValueError:  # not the main thread: a test's server, which nobody signals
            break
        known[number] = before

    def restore() -> None:
        for number, before in known.items():
            signal.signal(number, before)  # type: ignore[arg-type]  # what was there

    return restore
