"""One's own account: the password, and codes from a phone."""

from __future__ import annotations

from typing import Any

import segno
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from benchwell.errors import AccessError
from benchwell.i18n import _
from benchwell.register.accounts import Account, account_of, set_password, set_second_factor
from benchwell.register.audit import log
from benchwell.register.passwords import LONGEST, SHORTEST, hash_password
from benchwell.register.second_factor import address_of, new_secret, step_of
from benchwell.register.signing_in import knows_password
from benchwell.web.cookies import COOKIE, drop
from benchwell.web.guard import NothingThereError
from benchwell.web.limits import SIGN_IN_LOGIN, limits_of
from benchwell.web.pages.sign_in import SIGNED_IN, Typed, twice
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()


@routes.get("/account", SIGNED_IN)
def account(visit: Here) -> HTMLResponse:
    """What one can change of the own account."""
    return _page(visit)


@routes.post("/account/password", SIGNED_IN)
def change_password(visit: Here, current: Typed = "", password: Typed = "", again: Typed = "") -> Response:
    """Another password; one signs in anew everywhere."""
    mine = _mine(visit)
    try:
        _prove(visit, mine, current)
        hashed = hash_password(twice(password, again), login=mine.login)
    except AccessError as problem:
        return _page(visit, problem=problem)

    def change(connection: Any) -> None:
        set_password(connection, mine.id, hashed)
        log(connection, visit.now, visit.viewer, "write", "/account/password")

    visit.register.write(change)
    answer = RedirectResponse("/sign-in", status_code=303)
    drop(answer, visit.request, COOKIE)
    return answer


@routes.get("/account/second-factor", SIGNED_IN)
def begin_codes(visit: Here) -> HTMLResponse:
    """A picture for the phone; nothing is asked of it until a code has shown that it works."""
    return _codes(visit, _mine(visit), new_secret())


@routes.post("/account/second-factor", SIGNED_IN)
def set_codes(visit: Here, current: Typed = "", secret: Typed = "", code: Typed = "") -> Response:
    """Ask for codes from now on."""
    mine = _mine(visit)
    try:
        _prove(visit, mine, current)
        step = step_of(secret, code, visit.now)
        if step is None:
            raise AccessError(
                _("This code is not right."), hint=_("check the time on the phone, and type the next code")
            )
    except AccessError as problem:
        return _codes(visit, mine, secret, problem=problem)
    _save_codes(visit, mine, secret, step)
    return RedirectResponse("/account", status_code=303)


@routes.post("/account/second-factor/remove", SIGNED_IN)
def remove_codes(visit: Here, current: Typed = "") -> Response:
    """Ask for codes no longer."""
    mine = _mine(visit)
    try:
        _prove(visit, mine, current)
    except AccessError as problem:
        return _page(visit, problem=problem)
    _save_codes(visit, mine, None, None)
    return RedirectResponse("/account", status_code=303)


def _save_codes(visit: Visit, mine: Account, secret: str | None, step: int | None) -> None:
    def save(connection: Any) -> None:
        set_second_factor(connection, mine.id, secret, step=step)
        log(connection, visit.now, visit.viewer, "write", "/account/second-factor", detail="on" if secret else "off")

    visit.register.write(save)


def _mine(visit: Visit) -> Account:
    with visit.register.read() as connection:
        found = account_of(connection, visit.viewer.user_id) if visit.viewer.user_id else None
    if found is None:
        raise NothingThereError(_("You came by a link: there is no account to change."))
    return found


def _prove(visit: Visit, mine: Account, current: str) -> None:
    """A session left open is not enough to change how one gets in."""
    limits_of(visit.request).take("prove", mine.id, SIGN_IN_LOGIN)
    if not mine.has_password or not knows_password(visit.register, visit.now, mine.id, current):
        raise AccessError(_("The current password is not right."))


def _page(visit: Visit, *, problem: AccessError | None = None) -> HTMLResponse:
    status = 400 if problem else 200
    limits = {"shortest": SHORTEST, "longest": LONGEST}
    return visit.page("account/account.html.j2", status=status, account=_mine(visit), problem=problem, **limits)


def _codes(visit: Visit, mine: Account, secret: str, *, problem: AccessError | None = None) -> HTMLResponse:
    picture = ""
    if secret.isalnum() and secret.isascii() and len(secret) == len(new_secret()):
        drawn = segno.make(address_of(secret, mine.login or mine.name), micro=False)
        picture = drawn.svg_data_uri(scale=5, dark="#000", light="#fff", border=4)
    status = 400 if problem else 200
    return visit.page("account/second_factor.html.j2", status=status, secret=secret, picture=picture, problem=problem)
