"""The one door before every handler: who asks, whether they may, and the line in the log."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from benchwell.errors import AccessError
from benchwell.i18n import LANGUAGES, _, speak
from benchwell.pipeline.live.service import LiveService
from benchwell.register.audit import log, log_refusal
from benchwell.register.scope import reaches_person
from benchwell.register.sessions import TOUCHED, OpenSession, find_session, touch
from benchwell.register.viewer import PUBLIC, Role, Viewer
from benchwell.web.access import Access, Reach
from benchwell.web.cookies import COOKIE, read
from benchwell.web.limits import FORMS, PROGRAM, WRONG_KEYS, address_of, limits_of
from benchwell.web.programs import Programs
from benchwell.web.visit import Visit

__all__ = ["COOKIE", "NothingThereError", "SignInNeededError", "guard", "visit_for"]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_SAME = frozenset({"same-origin", "none"})  # Sec-Fetch-Site of one's own page, and of an address that was typed


class SignInNeededError(AccessError):
    """Nobody is signed in, and this page is not for the public."""


class WrongKeyError(SignInNeededError):
    """A program came with a key that nobody has."""


class NothingThereError(AccessError):
    """No such thing for whoever asks; whether it exists for others is not said."""


def guard(access: Access) -> Callable[[Request], Awaitable[None]]:
    """The check for one route."""

    async def check(request: Request) -> None:
        visit = _known(request)
        if visit is None:
            visit = await run_in_threadpool(visit_for, request)
        request.state.visit = visit
        speak(visit.language)
        _limit(visit)
        try:
            await _let_in(request, visit, access)
        except AccessError:
            await _note_refusal(request, visit)
            raise
        await _note_use(visit)

    return check


def visit_for(request: Request) -> Visit:
    """Who asks: a program by its key, or else a browser by its cookie.

    Raises:
        WrongKeyError: If there is a key, and it is none of ours.
    """
    service: LiveService = request.app.state.service
    settings = service.workspace.settings.service
    address = address_of(request, settings)
    if "authorization" in request.headers:
        viewer, session = _program(request, service, address), None
    else:
        session = _session(request, service, idle=settings.idle_minutes * 60)
        viewer = session.viewer if session else PUBLIC
    return Visit(request, service, viewer, session, language_of(request, session), address)


def _known(request: Request) -> Visit | None:
    """Who asks, if that can be said without the register, and so without another thread: a program that asks often."""
    programs: Programs = request.app.state.programs
    key = _key(request)
    viewer = programs.known(key) if key else None
    if viewer is None:
        return None
    service: LiveService = request.app.state.service
    address = address_of(request, service.workspace.settings.service)
    return Visit(request, service, viewer, None, language_of(request, None), address)


def _key(request: Request) -> str:
    """What a program shows; "" if it is no key."""
    kind, _space, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


def _program(request: Request, service: LiveService, address: str) -> Viewer:
    programs: Programs = request.app.state.programs
    key = _key(request)
    viewer = programs.find(service.register, key) if key else None
    if viewer is None:
        limits_of(request).take("wrong_key", address, WRONG_KEYS)
        raise WrongKeyError(_("This key is not known here."), hint=_("ask an administrator for a key"))
    return viewer


def _session(request: Request, service: LiveService, *, idle: float) -> OpenSession | None:
    token = read(request, COOKIE)
    if not token:
        return None
    with service.register.read() as connection:
        return find_session(connection, token, time.time(), idle=idle)


def language_of(request: Request, session: OpenSession | None) -> str:
    """What to speak: as was chosen here, or on the account, or as the browser asks."""
    wanted = [request.cookies.get("benchwell_language"), session.language if session else None]
    wanted += [part.split(";")[0].strip()[:2] for part in request.headers.get("accept-language", "").split(",")]
    return next((one for one in wanted if one in LANGUAGES), "en")


def _limit(visit: Visit) -> None:
    limits = limits_of(visit.request)
    if visit.viewer.client_id is not None:
        limits.take("program", visit.viewer.client_id, PROGRAM)
    elif visit.request.method not in SAFE:
        limits.take("form", visit.session.token if visit.session else visit.address, FORMS)


async def _let_in(request: Request, visit: Visit, access: Access) -> None:
    if visit.viewer.role not in access.roles:
        if visit.viewer == PUBLIC:
            raise SignInNeededError(_("Sign in first."))
        raise AccessError(_("This is not for your role here."))
    if access.scope is not None and visit.viewer.role is Role.CLIENT and access.scope not in visit.viewer.scopes:
        raise AccessError(_("This key may not do this."), hint=_("ask an administrator for a key that may"))
    if request.method not in SAFE:
        await _check_text(request)
    if request.method not in SAFE and visit.viewer.role is not Role.CLIENT:
        _check_origin(request, visit)
        if not access.is_open:
            await _check_form_mark(request, visit)
    if access.reach in (Reach.PERSON, Reach.SELF):
        await _reach_person(request, visit, access)


async def _check_text(request: Request) -> None:
    """No text in a register holds the character zero, and PostgreSQL refuses to be asked for it."""
    if not request.headers.get("content-type", "").startswith(_FORMS):
        return
    if any(isinstance(value, str) and "\x00" in value for _name, value in (await request.form()).multi_items()):
        raise HTTPException(400)


def _check_origin(request: Request, visit: Visit) -> None:
    """A form that changes something comes from a page of ours, as far as the browser says where it comes from."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin", "null")  # null is also what browsers say of pages that send no referrer
    own = visit.service.workspace.settings.service.base_url
    same = origin == own if own else origin.partition("://")[2] == request.headers.get("host")
    if (site is not None and site not in _SAME) or not (same or origin == "null"):
        raise AccessError(_("This form comes from another site."), hint=_("load the page here and send it again"))


async def _check_form_mark(request: Request, visit: Visit) -> None:
    given = request.headers.get("x-csrf-token") or str((await request.form()).get("csrf", ""))
    if not visit.csrf or not hmac.compare_digest(given.encode(), visit.csrf.encode()):
        raise AccessError(
            _("This form is no longer valid."), hint=_("go back, load the page again and send it once more")
        )


async def _reach_person(request: Request, visit: Visit, access: Access) -> None:
    person = request.path_params.get("person_id") if access.reach is Reach.PERSON else visit.viewer.person_id
    if person is None or not await run_in_threadpool(_reaches, visit, person):
        raise NothingThereError(_("There is nothing here for you."))
    now, action, route = time.time(), access.action, _pattern(request)
    line = visit.register.submit(lambda connection: log(connection, now, visit.viewer, action, route, person_id=person))
    await asyncio.wrap_future(line)  # durable before anything is shown


def _reaches(visit: Visit, person: str) -> bool:
    with visit.register.read() as connection:
        return reaches_person(connection, visit.viewer, person)


async def _note_refusal(request: Request, visit: Visit) -> None:
    if visit.viewer == PUBLIC:
        return
    now, route, person = time.time(), _pattern(request), request.path_params.get("person_id")
    line = visit.register.submit(lambda connection: log_refusal(connection, now, visit.viewer, route, person))
    await asyncio.wrap_future(line)


async def _note_use(visit: Visit) -> None:
    session, now = visit.session, time.time()
    if session is not None and now - session.seen_at > TOUCHED:
        await asyncio.wrap_future(visit.register.submit(lambda connection: touch(connection, session.token, now)))


def _pattern(request: Request) -> str:
    path: str = request.scope["route"].path
    return path
