"""A person's own pages: the course, what the data may be used for, receipts, downloads, and the link to them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Annotated

import segno
from fastapi import Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from benchwell.errors import AccessError
from benchwell.i18n import _, day
from benchwell.pipeline.live import clock
from benchwell.pipeline.live.my_data import EXPECTED, my_data
from benchwell.pipeline.live.my_download import download_csv, download_document, download_json, schema_text
from benchwell.pipeline.live.receipts import (
    ReceiptPage,
    ask_for_deletion,
    decide_for_oneself,
    decision_receipt,
    deletion_receipt,
    withdraw_deletion,
)
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.telling import write_and_tell
from benchwell.register import Role
from benchwell.register.links import find_link, make_link
from benchwell.register.my_data import choose, enter_by_link, label_of
from benchwell.web.access import ANYONE, EVERYBODY, Access, Reach, only, to_person
from benchwell.web.cookies import COOKIE, keep
from benchwell.web.guard import NothingThereError
from benchwell.web.papers import pdf_answer
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()
Short = Annotated[str, Form(max_length=64)]
READ = only(Role.PATIENT, reach=Reach.SELF)
CHANGE = only(Role.PATIENT, reach=Reach.SELF, action="write")
TAKE = only(Role.PATIENT, reach=Reach.SELF, action="export")
_BY_LINK = Access(EVERYBODY, Reach.ANYONE, is_open=True)  # the link in the address is what opens it


@routes.get("/my/enter/{token}", _BY_LINK)
def ask_in(visit: Here, token: str) -> HTMLResponse:
    """Where a link leads: a button, since programs that look at links before people do must not use them up."""
    with visit.register.read() as connection:
        link = find_link(connection, visit.now, "my_data", token)
    if link is None:
        raise _no_link()
    return visit.page("my_enter.html.j2", token=token)


@routes.post("/my/enter/{token}", _BY_LINK)
def let_in(visit: Here, token: str) -> RedirectResponse:
    """Use the link once, and open the own page for an hour, in a session of its own."""
    now, before = visit.now, visit.session.token if visit.session else None
    opened = visit.register.write(lambda connection: enter_by_link(connection, now, token, before))
    if opened is None:
        raise _no_link()
    answer = RedirectResponse("/my", status_code=303)
    keep(answer, visit.request, COOKIE, opened)
    return answer


@routes.get("/my", READ)
def own_course(visit: Here) -> HTMLResponse:
    """The own line, and what it means."""
    return visit.page("my.html.j2", mine=my_data(visit.service, _self(visit), _today()))


@routes.get("/my/data", READ)
def own_data(visit: Here) -> HTMLResponse:
    """What the data are used for, who saw them, download, deletion."""
    return visit.page("my_data.html.j2", mine=my_data(visit.service, _self(visit), _today()))


@routes.post("/my/expected", CHANGE)
def switch_expected(visit: Here, wanted: Short = "") -> RedirectResponse:
    """Switch on or off whether an expected course is computed and shown, to anybody."""
    person, now = _self(visit), visit.now
    # Open pages of whoever treats the person follow at once.
    write_and_tell(visit.service, person, lambda one: choose(one, now, person, EXPECTED, value=wanted == "yes"))
    return RedirectResponse("/my", status_code=303)


@routes.post("/my/purposes/{purpose}", CHANGE)
def decide(visit: Here, purpose: str, decision: Short = "", version: Short = "") -> RedirectResponse:
    """Decide on one purpose; the receipt is the answer."""
    number = decide_for_oneself(visit.service, _self(visit), purpose, decision, version, visit.now)
    return RedirectResponse(f"/my/receipts/{number}", status_code=303)


@routes.get("/my/receipts/{decision_id}", READ)
def receipt(visit: Here, decision_id: str) -> HTMLResponse:
    """The receipt for a decision."""
    return _receipt_page(visit, _its(decision_receipt, visit, decision_id))


@routes.get("/my/receipts/{decision_id}/paper", READ)
def receipt_paper(visit: Here, decision_id: str) -> Response:
    """The same as a PDF."""
    return pdf_answer(_its(decision_receipt, visit, decision_id).document, "receipt")


@routes.post("/my/deletion", CHANGE)
def ask_deletion(visit: Here) -> RedirectResponse:
    """Ask for deletion; the receipt is the answer."""
    number = ask_for_deletion(visit.service, _self(visit), visit.now)
    return RedirectResponse(f"/my/deletions/{number}", status_code=303)


@routes.get("/my/deletions/{deletion_id}", READ)
def deletion(visit: Here, deletion_id: str) -> HTMLResponse:
    """The receipt for a request to delete."""
    return _receipt_page(visit, _its(deletion_receipt, visit, deletion_id))


@routes.get("/my/deletions/{deletion_id}/paper", READ)
def deletion_paper(visit: Here, deletion_id: str) -> Response:
    """The same as a PDF."""
    return pdf_answer(_its(deletion_receipt, visit, deletion_id).document, "receipt")


@routes.post("/my/deletions/{deletion_id}/withdraw", CHANGE)
def withdraw(visit: Here, deletion_id: str) -> RedirectResponse:
    """Take the request back while nobody has answered it; the receipt says how it stands."""
    try:
        withdraw_deletion(visit.service, _self(visit), deletion_id, visit.now)
    except AccessError as problem:
        raise NothingThereError(problem.message, hint=problem.hint) from problem
    return RedirectResponse(f"/my/deletions/{deletion_id}", status_code=303)


@routes.get("/my/download.json", TAKE)
def take_json(visit: Here) -> Response:
    """Everything, for another program."""
    return _file(download_json(visit.service, _self(visit), visit.now), "application/json", "my-data.json")


@routes.get("/my/download.zip", TAKE)
def take_csv(visit: Here) -> Response:
    """Everything, as tables."""
    return _file(download_csv(visit.service, _self(visit), visit.now), "application/zip", "my-data.zip")


@routes.get("/my/download.pdf", TAKE)
def take_pdf(visit: Here) -> Response:
    """Everything, to read and print."""
    return pdf_answer(lambda: download_document(visit.service, _self(visit), visit.now), "my-data")


@routes.get("/my/schema.json", ANYONE)
def schema(visit: Here) -> Response:
    """What each part of the JSON file means."""
    del visit
    return Response(schema_text(), media_type="application/schema+json")


@routes.get("/people/{person_id}/my-link", to_person(Role.CLINICIAN))
def ask_link(visit: Here, person_id: str) -> HTMLResponse:
    """What the link is for, and a button."""
    return visit.page("my_link.html.j2", label=_label(visit, person_id), address="", picture="", until="")


@routes.post("/people/{person_id}/my-link", to_person(Role.CLINICIAN, action="write"))
def hand_link(visit: Here, person_id: str) -> HTMLResponse:
    """Make a link to the own page, shown once."""
    now, made_by = visit.now, visit.viewer.user_id
    token = visit.register.write(
        lambda connection: make_link(connection, now, "my_data", person_id=person_id, created_by=made_by)
    )
    with visit.register.read() as connection:
        link = find_link(connection, now, "my_data", token)
    assert link is not None  # noqa: S101  it was made a moment ago
    address = f"{_base(visit)}/my/enter/{token}"
    until = day(dt.datetime.fromtimestamp(link.expires_at).date())
    return visit.page(
        "my_link.html.j2", label=_label(visit, person_id), address=address, picture=_picture(address), until=until
    )


def _file(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, media_type=media_type, headers={"content-disposition": f'attachment; filename="{name}"'})


def _receipt_page(visit: Visit, found: ReceiptPage) -> HTMLResponse:
    return visit.page("my_receipt.html.j2", receipt=found, pdf=f"{visit.request.url.path}/paper")


def _its(receipt: Callable[[LiveService, str, str], ReceiptPage], visit: Visit, number: str) -> ReceiptPage:
    try:
        return receipt(visit.service, _self(visit), number)
    except AccessError as problem:  # it is not there for this person, and whether for others is not said
        raise NothingThereError(problem.message, hint=problem.hint) from problem


def _self(visit: Visit) -> str:
    if visit.viewer.person_id is None:
        raise NothingThereError(_("There is nothing here for you."))
    return visit.viewer.person_id


def _label(visit: Visit, person_id: str) -> str:
    with visit.register.read() as connection:
        return label_of(connection, person_id)


def _base(visit: Visit) -> str:
    return visit.service.workspace.settings.service.base_url or str(visit.request.base_url).rstrip("/")


def _picture(address: str) -> str:
    return str(segno.make(address, error="m").svg_data_uri(scale=5, border=4, light="white"))


def _today() -> dt.date:
    return clock.today()


def _no_link() -> NothingThereError:
    return NothingThereError(
        _("This link does not work, or no longer."), hint=_("ask the people who treat you for a new one")
    )
