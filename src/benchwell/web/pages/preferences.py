"""The reader's own choice of language and colours: kept in the browser, of no interest to anybody else."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import RedirectResponse

from benchwell.i18n import LANGUAGES
from benchwell.web.access import EVERYBODY, Access, Reach
from benchwell.web.choices import LANGUAGE, LOOK, LOOKS
from benchwell.web.routing import Routes
from benchwell.web.visit import Here

routes = Routes()
_YEAR = 365 * 24 * 3600
# A form of somebody else can at most turn the page dark: no mark of a session is asked for, since the public has none.
_OPEN = Access(EVERYBODY, Reach.ANYONE, is_open=True)


@routes.post("/language", _OPEN)
def language(
    visit: Here, language: Annotated[str, Form()] = "en", back: Annotated[str, Form()] = "/"
) -> RedirectResponse:
    """Speak a language from now on; one that we do not have changes nothing."""
    return _kept(visit.request, LANGUAGE, language if language in LANGUAGES else None, back)


@routes.post("/look", _OPEN)
def look(visit: Here, look: Annotated[str, Form()] = "auto", back: Annotated[str, Form()] = "/") -> RedirectResponse:
    """Light or dark from now on; anything else follows the device."""
    answer = _kept(visit.request, LOOK, look if look in LOOKS else None, back)
    if look not in LOOKS:
        answer.delete_cookie(LOOK)
    return answer


def within(address: str) -> str:
    """The address if it lies within this service, else the beginning: nobody is led elsewhere.

    >>> within("/today?week=2"), within("//elsewhere.example"), within("https://elsewhere.example")
    ('/today?week=2', '/', '/')
    """
    is_path = address.startswith("/") and not address.startswith("//")
    is_plain = "\\" not in address and address.isprintable() and len(address) < 2000
    return address if is_path and is_plain else "/"


def _kept(request: Request, cookie: str, value: str | None, back: str) -> RedirectResponse:
    answer = RedirectResponse(within(back), status_code=303)
    if value is not None:
        secure = request.url.scheme == "https"
        answer.set_cookie(cookie, value, max_age=_YEAR, samesite="lax", httponly=True, secure=secure)
    return answer
