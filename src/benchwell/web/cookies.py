"""Cookies: their names and how tightly browsers keep them."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from fastapi.responses import Response

from benchwell.pipeline.live.service import LiveService

COOKIE: Final = "benchwell_session"
FORM_MARK: Final = "benchwell_form"  # of a browser that is not signed in
DEPARTURE: Final = "benchwell_departure"  # of a browser that was sent to the identity provider


def is_encrypted(request: Request) -> bool:
    """Whether people reach the service by HTTPS."""
    service: LiveService = request.app.state.service
    return service.workspace.settings.service.is_encrypted or request.url.scheme == "https"


def name_of(request: Request, cookie: str) -> str:
    """A cookie's name: with HTTPS, one that no other site and no neighbouring host can set."""
    return f"__Host-{cookie}" if is_encrypted(request) else cookie


def read(request: Request, cookie: str) -> str | None:
    """What a browser holds."""
    return request.cookies.get(name_of(request, cookie))


def keep(answer: Response, request: Request, cookie: str, value: str, *, seconds: int | None = None) -> None:
    """Let a browser hold something: out of the reach of scripts, and not sent along by other sites' forms."""
    answer.set_cookie(
        name_of(request, cookie),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_encrypted(request),
    )


def drop(answer: Response, request: Request, cookie: str) -> None:
    """Let a browser forget it."""
    answer.delete_cookie(
        name_of(request, cookie), path="/", httponly=True, samesite="lax", secure=is_encrypted(request)
    )
