"""How an error becomes an answer: a page for people, JSON for programs, and nothing of its inside for anybody."""

from __future__ import annotations

import secrets
from html import escape

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from benchwell.errors import AccessError, BenchwellError, ServiceError
from benchwell.i18n import _, speak
from benchwell.register.refusals import BusyRegisterError
from benchwell.register.viewer import PUBLIC
from benchwell.web.api.outcomes import problem
from benchwell.web.assets import asset
from benchwell.web.guard import NothingThereError, SignInNeededError, language_of, visit_for
from benchwell.web.limits import TooManyError
from benchwell.web.logs import LOGGER, method_of, pattern_of, places_of
from benchwell.web.visit import Visit

_PROGRAMS = ("/api/", "/fhir")
_SOON = "2"  # seconds until it is worth asking again


def add_failures(app: FastAPI) -> None:
    """Answer every error that a handler lets through."""
    app.add_exception_handler(BenchwellError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _not_understood)


class LastResort:
    """Answers an error that nobody foresaw with a number; the log has the number and the place."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_begun = False

        async def noting(message: Message) -> None:
            nonlocal is_begun
            is_begun = is_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:  # whatever it is: its words may quote a value, so nobody above may print it
            number = secrets.token_hex(4)
            LOGGER.error("%s %s failed, number %s: %s", method_of(scope), pattern_of(scope), number, places_of(error))
            if not is_begun:
                await _numbered(Request(scope), number)(scope, receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send, status: int) -> None:
    """Answer with a status, before any handler."""
    answer = await _http(Request(scope), HTTPException(status))
    await answer(scope, receive, send)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, BenchwellError)  # noqa: S101  registered for these only
    status = _status(error)
    headers = {"retry-after": _wait(error)} if status in (429, 503) else {}
    if status == 401 and not for_program(request):
        return RedirectResponse("/sign-in", status_code=303)
    message, hint = error.message, error.hint
    if isinstance(error, BusyRegisterError):  # said where nobody knew who asks
        if not hasattr(request.state, "visit"):
            speak(language_of(request, None))
        message, hint = _(message), hint and _(hint)
    return await run_in_threadpool(_answer, request, status, message, hint, headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for these only
    speak(language_of(request, None))
    said = {
        400: _("This was not understood."),
        401: _("Sign in first."),
        403: _("This is not for your role here."),
        404: _("There is nothing at this address."),
        405: _("This cannot be done at this address."),
        408: _("This took too long to arrive. Send it again."),
        413: _("This is too large."),
        414: _("This address is too long."),
        415: _("This is packed or encoded in a way that is not read here. Send it as it is."),
    }.get(error.status_code, _("This did not work."))
    return await run_in_threadpool(_answer, request, error.status_code, said, None, dict(error.headers or {}))


async def _not_understood(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for these only
    where = sorted({".".join(str(part)[:64] for part in one["loc"]) for one in error.errors()})[:20]
    message = _("Something here is missing, or not written as it is expected.")
    # What was sent is not repeated: it may be about somebody.
    return await run_in_threadpool(
        _answer, request, 422, message, _("look at: {places}").format(places=", ".join(where)), {}
    )


def for_program(request: Request) -> bool:
    """Whether a program asks, and not a person with a browser."""
    return request.url.path.startswith(_PROGRAMS) or "authorization" in request.headers


def _answer(request: Request, status: int, message: str, hint: str | None, headers: dict[str, str]) -> Response:
    if for_program(request):
        if status == 401:
            headers = headers | {"www-authenticate": 'Bearer realm="Benchwell"'}
        if request.url.path.startswith("/fhir"):
            return problem(status, message, hint, headers)
        return JSONResponse({"error": message, "hint": hint}, status_code=status, headers=headers)
    answer = _visit(request).page("problem.html.j2", status=status, message=message, hint=hint)
    answer.headers.update(headers)
    return answer


def _visit(request: Request) -> Visit:
    known: Visit | None = getattr(request.state, "visit", None)
    try:
        return known or visit_for(request)
    except BenchwellError:  # a key that nobody has, or nobody there to ask: a stranger, then
        return Visit(request, request.app.state.service, PUBLIC, None, language_of(request, None))


def _status(error: BenchwellError) -> int:
    kinds: list[tuple[type[BenchwellError], int]] = [
        (SignInNeededError, 401),
        (NothingThereError, 404),
        (TooManyError, 429),
        (AccessError, 403),
        (ServiceError, 503),
        (BusyRegisterError, 503),  # a program sends again what was not kept; 400 would tell it to give up
    ]
    return next((status for kind, status in kinds if isinstance(error, kind)), 400)


def _wait(error: BenchwellError) -> str:
    return str(error.wait) if isinstance(error, TooManyError) else _SOON


def _numbered(request: Request, number: str) -> Response:
    speak(language_of(request, None))
    message = _("Something went wrong here, and it is not your doing.")
    hint = _("If it happens again, tell an administrator this number: {number}.").format(number=number)
    if for_program(request):
        return JSONResponse({"error": message, "hint": hint}, status_code=500)
    return HTMLResponse(
        f'<!doctype html><html lang="{language_of(request, None)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(message)}</title>'
        f'<link rel="stylesheet" href="{escape(asset("benchwell.css"))}"></head><body><main id="main">'
        f'<h1>{escape(message)}</h1><p>{escape(hint)}</p><p><a href="/">{escape(_("Back to the beginning"))}</a></p>'
        "</main></body></html>",
        status_code=500,
    )
