"""Forms that people fill in themselves: a clinician makes a link, the link opens the form, the kiosk takes a code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import segno
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from benchwell.errors import AccessError, BenchwellError, ScoringError
from benchwell.i18n import _
from benchwell.pipeline.live import clock
from benchwell.pipeline.live.courses import course_name
from benchwell.pipeline.live.links import (
    Opened,
    Sent,
    forgotten_questions,
    is_kiosk,
    kiosk_token,
    offer_form,
    open_kiosk,
    opened_by_code,
    opened_form,
    send_form,
)
from benchwell.register import Role
from benchwell.register.refusals import BusyRegisterError
from benchwell.register.sessions import close_session
from benchwell.register.tokens import hash_of
from benchwell.register.viewer import PUBLIC
from benchwell.web.access import EVERYBODY, Access, Reach, only, to_person
from benchwell.web.cookies import COOKIE, drop, keep, read
from benchwell.web.guard import NothingThereError
from benchwell.web.limits import Rate, limits_of
from benchwell.web.pages.entry import sentence_of
from benchwell.web.posted import Sent as Fields
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()
_BY_LINK = Access(EVERYBODY, Reach.ANYONE, is_open=True)  # the link or code is what opens it
STAFF_OF_A_PLACE = only(Role.CLINICIAN, Role.LEAD, Role.MANAGER)
DEVICE = "benchwell_kiosk"
_YEAR = 365 * 24 * 3600
CODES = Rate(20, 0.05)  # of one device: more people do not sit down at it, and nobody guesses one of 900 million so


@routes.post("/people/{person_id}/link", to_person(Role.CLINICIAN, action="write"))
def make(visit: Here, person_id: str, sent: Fields) -> HTMLResponse:
    """Make a link or a code, and show it once."""
    at_kiosk = sent.get("how") == "code"
    made = offer_form(
        visit.service,
        visit.viewer,
        visit.now,
        person_id,
        sent.all_of("instrument"),
        shows_score=sent.get("show_score") == "yes",
        at_kiosk=at_kiosk,
    )
    address = "" if at_kiosk else f"{_base(visit)}/f/{made}"
    return visit.page(
        "form_link.html.j2",
        address=address,
        code=made if at_kiosk else "",
        picture=_qr(address) if address else "",
        person_id=person_id,
        name=course_name(visit.service, person_id),
    )


@routes.get("/f/{token}", _BY_LINK)
def fill(visit: Here, token: str) -> HTMLResponse:
    """The form of a link. Looking at it does not use it."""
    return _form_page(visit, _opened(visit, token), f"/f/{token}", {})


@routes.post("/f/{token}", _BY_LINK)
def send(visit: Here, token: str, sent: Fields) -> HTMLResponse:
    """Send the answers; the link is then used up. What cannot be taken in is asked again, and the answers stay."""
    opened = opened_form(visit.service, visit.now, token)  # before: while the register is busy it may seem used up
    try:
        done = send_form(visit.service, visit.now, token, sent, source="link", today=clock.today())
    except (ScoringError, BusyRegisterError) as problem:
        if opened is None:
            raise
        return _form_page(visit, opened, f"/f/{token}", sent, problem=problem)
    return _done_page(visit, done, kiosk=False)


@routes.get("/kiosk/open", STAFF_OF_A_PLACE)
def offer_kiosk(visit: Here) -> HTMLResponse:
    """Where staff turn a device into a kiosk."""
    return visit.page("kiosk_open.html.j2", address="", picture="")


@routes.post("/kiosk/open", STAFF_OF_A_PLACE)
def make_kiosk(visit: Here) -> HTMLResponse:
    """The link to open on the device, shown once."""
    address = f"{_base(visit)}/kiosk/{open_kiosk(visit.service, visit.viewer, visit.now)}"
    return visit.page("kiosk_open.html.j2", address=address, picture=_qr(address))


@routes.get("/kiosk", _BY_LINK)
def kiosk(visit: Here) -> HTMLResponse:
    """Where a person types the code."""
    return _code_page(visit)


@routes.post("/kiosk", _BY_LINK)
def kiosk_form(visit: Here, sent: Fields) -> Response:
    """The form of a code; the code is in the page, never in an address."""
    device, code = _device(visit), sent.get("code", "")
    if not device:
        return _code_page(visit, status=403)
    limits_of(visit.request).take("kiosk", hash_of(device), CODES)
    opened = opened_by_code(visit.service, visit.now, device, code)
    if opened is None:
        return _code_page(
            visit, error=_("This code does not work. Check it, or ask the staff for a new one."), status=400
        )
    return _form_page(visit, opened, "/kiosk/send", {}, code=code)


@routes.post("/kiosk/send", _BY_LINK)
def kiosk_send(visit: Here, sent: Fields) -> Response:
    """Send the answers; the device then goes back to the code and keeps nothing."""
    device, code = _device(visit), sent.get("code", "")
    if not device:
        return _code_page(visit, status=403)
    token = kiosk_token(visit.service, visit.now, device, code)
    opened = opened_form(visit.service, visit.now, token, source="kiosk")
    try:
        done = send_form(visit.service, visit.now, token, sent, source="kiosk", today=clock.today())
    except (ScoringError, BusyRegisterError) as problem:
        if opened is None:
            raise
        return _form_page(visit, opened, "/kiosk/send", sent, code=code, problem=problem)
    except AccessError:  # a code that is none counts here as it does where it is typed
        limits_of(visit.request).take("kiosk", hash_of(device), CODES)
        raise
    answer = _done_page(visit, done, kiosk=True)
    # Nothing of it stays on the device, and the page leaves by itself.
    answer.headers["clear-site-data"] = '"cache"'
    answer.headers["refresh"] = "90; url=/kiosk" if done.safety else "20; url=/kiosk"
    return answer


@routes.get("/kiosk/{token}", _BY_LINK)
def become_kiosk(visit: Here, token: str) -> RedirectResponse:
    """This device is a kiosk from now on; whoever was signed in on it is no longer: others sit down at it next."""
    if not is_kiosk(visit.service, visit.now, token):
        raise NothingThereError(_("This link does not work any more."))
    answer = RedirectResponse("/kiosk", status_code=303)
    if visit.session:
        session = visit.session.token
        visit.register.write(lambda connection: close_session(connection, session))
        drop(answer, visit.request, COOKIE)
    keep(answer, visit.request, DEVICE, token, seconds=_YEAR)
    return answer


def _apart(visit: Here) -> Visit:
    """The visit without whoever else is signed in in this browser: what a link opens has nothing of them."""
    return replace(visit, viewer=PUBLIC, session=None)


def _form_page(
    visit: Here,
    opened: Opened,
    action: str,
    sent: Mapping[str, str],
    *,
    code: str = "",
    problem: BenchwellError | None = None,
) -> HTMLResponse:
    n_questions = sum(len(form.questions) for form in opened.forms)
    return _apart(visit).page(
        "form.html.j2",
        status=200 if problem is None else 503 if isinstance(problem, BusyRegisterError) else 400,
        forms=opened.forms,
        action=action,
        code=code,
        error="" if problem is None else sentence_of(problem),
        sent=dict(sent),
        forgotten=forgotten_questions(opened, sent) if problem is not None else (),
        n_questions=n_questions,
    )


def _done_page(visit: Here, done: Sent, *, kiosk: bool) -> HTMLResponse:
    return _apart(visit).page("form_done.html.j2", done=done, kiosk=kiosk)


def _code_page(visit: Here, *, error: str = "", status: int = 200) -> HTMLResponse:
    device = _device(visit)
    works = bool(device) and is_kiosk(visit.service, visit.now, device)
    return _apart(visit).page("kiosk.html.j2", status=status, error=error, works=works)


def _opened(visit: Here, token: str) -> Opened:
    opened = opened_form(visit.service, visit.now, token)
    if opened is None:
        raise NothingThereError(
            _("This link does not work any more."),
            hint=_("it works once and for a week; if you have not sent your answers yet, ask for a new one"),
        )
    return opened


def _device(visit: Here) -> str:
    return read(visit.request, DEVICE) or ""


def _base(visit: Here) -> str:
    return visit.service.workspace.settings.service.base_url or str(visit.request.base_url).rstrip("/")


def _qr(address: str) -> str:
    return str(segno.make(address, error="m").svg_data_uri(scale=5, border=4, light="white"))
