"""What a reader chose about how pages look, as their browser says it."""

from __future__ import annotations

from typing import Final

from fastapi import Request

LANGUAGE: Final = "benchwell_language"
LOOK: Final = "benchwell_look"
LOOKS: Final = ("light", "dark")


def look_of(request: Request) -> str:
    """The colours that this browser asked for; "" follows the device."""
    asked = request.cookies.get(LOOK, "")
    return asked if asked in LOOKS else ""


def back_to(request: Request) -> str:
    """The page to come back to: the one that is shown, if it can be asked for again."""
    if request.method != "GET":
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
