"""The one door before every handler: who asks, whether they may, and the line in the log."""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable

from fastapi import Request

from benchwell.errors import AccessError
from benchwell.i18n import LANGUAGES
from benchwell.pipeline.live.service import LiveService
from benchwell.register.audit import log
from benchwell.register.scope import reaches_person
from benchwell.register.sessions import OpenSession, find_session
from benchwell.register.viewer import PUBLIC
from benchwell.web.access import Access, Reach
from benchwell.web.visit import Visit

COOKIE = "benchwell_session"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class SignInNeededError(AccessError):
    """Nobody is signed in, and this page is not for the public."""


class NothingThereError(AccessError):
    """No such thing for whoever asks; whether it exists for others is not said."""


def guard(access: Access) -> Callable[[Request], Awaitable[None]]:
    """The check for one route."""

    async def check(request: Request) -> None:
        visit = visit_for(request)
        if visit.viewer.role not in access.roles:
            raise (
                SignInNeededError("Sign in first.")
                if visit.viewer == PUBLIC
                else AccessError("This is not for your role here.")
            )
        if request.method not in SAFE and not access.is_open:
            await _check_form_mark(request, visit)
        if access.reach in (Reach.PERSON, Reach.SELF):
            _reach_person(request, visit, access)
        request.state.visit = visit

    return check


def visit_for(request: Request) -> Visit:
    """Who asks, from the cookie."""
    service: LiveService = request.app.state.service
    session: OpenSession | None = None
    token = request.cookies.get(COOKIE)
    if token:
        with service.register.read() as connection:
            session = find_session(connection, token, time.time())
    viewer = session.viewer if session else PUBLIC
    return Visit(request, service, viewer, session, _language(request, session))


def _language(request: Request, session: OpenSession | None) -> str:
    wanted = [request.cookies.get("benchwell_language"), session.language if session else None]
    wanted += [part.split(";")[0].strip()[:2] for part in request.headers.get("accept-language", "").split(",")]
    return next((one for one in wanted if one in LANGUAGES), "en")


async def _check_form_mark(request: Request, visit: Visit) -> None:
    given = request.headers.get("x-csrf-token") or str((await request.form()).get("csrf", ""))
    if not visit.csrf or not hmac.compare_digest(given.encode(), visit.csrf.encode()):
        raise AccessError("This form is no longer valid.", hint="go back, load the page again and send it once more")


def _reach_person(request: Request, visit: Visit, access: Access) -> None:
    person = request.path_params.get("person_id") if access.reach is Reach.PERSON else visit.viewer.person_id
    with visit.register.read() as connection:
        if person is None or not reaches_person(connection, visit.viewer, person):
            raise NothingThereError("There is nothing here for you.")
    route = request.scope["route"].path
    visit.register.write(
        lambda connection: log(connection, time.time(), visit.viewer, access.action, route, person_id=person)
    )
