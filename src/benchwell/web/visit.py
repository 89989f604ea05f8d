"""One request: who asks, in which language, and how to answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from benchwell.i18n import using
from benchwell.pipeline.live.service import LiveService
from benchwell.register import Register, Viewer
from benchwell.register.sessions import OpenSession
from benchwell.register.tokens import new_token
from benchwell.web.cookies import FORM_MARK, keep, read
from benchwell.web.templating import render


@dataclass
class Visit:
    """What a handler gets.

    Attributes:
        request: The request.
        service: Workspace, register and what hears of new scores.
        viewer: Who asks, in the role in use.
        session: The browser's session; null for the public and for programs.
        language: What to speak.
        address: Who asks, as a network address; for limits, never for a log.
        notices: Sentences to show above the page.
    """

    request: Request
    service: LiveService
    viewer: Viewer
    session: OpenSession | None
    language: str
    address: str = ""
    notices: list[str] = field(default_factory=list)
    _form_mark: str | None = None

    @property
    def register(self) -> Register:
        """The live store."""
        return self.service.register

    @property
    def csrf(self) -> str:
        """What every form carries in its field `csrf`; "" for a browser without a session that was shown no form."""
        if self.session:
            return self.session.csrf
        return self._form_mark or read(self.request, FORM_MARK) or ""

    def begin_form(self) -> None:
        """Give a browser without a session a mark for the form on the page to come, so that others cannot send it."""
        if not self.csrf:
            self._form_mark = new_token()

    @property
    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Answer with a page (or, for a template that is only a part, with that part)."""
        with using(self.language):
            answer = HTMLResponse(render(template, visit=self, **values), status_code=status)
        if self._form_mark:
            keep(answer, self.request, FORM_MARK, self._form_mark)
        return answer


def visit_of(request: Request) -> Visit:
    """The visit that the guard has let in."""
    found: Visit = request.state.visit
    return found


Here = Annotated[Visit, Depends(visit_of)]
