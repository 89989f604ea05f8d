"""Administration: accounts, their roles and their invitations. No score and nobody's record is to be seen here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from benchwell.errors import AccessError
from benchwell.i18n import _, using
from benchwell.pipeline.live.first_admin import first_steps
from benchwell.register import Role
from benchwell.register.accounts import (
    NEEDS,
    Account,
    account_of,
    accounts,
    add_account,
    add_grant,
    invite,
    remove_grant,
    set_disabled,
    set_second_factor,
)
from benchwell.register.audit import log
from benchwell.register.lockout import forgive
from benchwell.register.places import places
from benchwell.web.access import only
from benchwell.web.guard import NothingThereError
from benchwell.web.pages.sign_in import Typed
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()
ADMIN = only(Role.ADMIN)


@routes.get("/admin", ADMIN)
def overview(visit: Here) -> HTMLResponse:
    """Every account, and the way to the rest."""
    return _overview(visit)


@routes.post("/admin/users", ADMIN)
def add_user(visit: Here, login: Typed = "", name: Typed = "") -> Response:
    """Add an account; it is opened by an invitation."""
    try:
        made = _write(visit, "/admin/users", lambda connection: add_account(connection, visit.now, login, name))
    except AccessError as problem:
        return _overview(visit, problem=problem, login=login, name=name)
    return RedirectResponse(f"/admin/users/{made}", status_code=303)


@routes.get("/admin/users/{user_id}", ADMIN)
def user(visit: Here, user_id: str) -> HTMLResponse:
    """One account."""
    return _user(visit, user_id)


@routes.post("/admin/users/{user_id}/grants", ADMIN)
def grant(
    visit: Here,
    user_id: str,
    role: Typed = "",
    organization: Typed = "",
    team: Typed = "",
    practitioner: Typed = "",
    person: Typed = "",
    contract: Typed = "",
) -> Response:
    """Give an account a role."""
    _account(visit, user_id)
    reach = {
        "organization_id": organization,
        "team_id": team,
        "practitioner_id": practitioner,
        "person_id": person,
        "contract": contract,
    }
    try:
        given = _role(role)
        route = "/admin/users/{user_id}/grants"
        _write(visit, route, lambda connection: add_grant(connection, user_id, given, **reach), detail=given.value)
    except AccessError as problem:
        return _user(visit, user_id, problem=problem, typed=reach | {"role": role})
    return _back(user_id)


@routes.post("/admin/users/{user_id}/grants/remove", ADMIN)
def ungrant(visit: Here, user_id: str, grant: Typed = "") -> Response:
    """Take a role away."""
    account = _account(visit, user_id)
    if grant not in {one.id for one in account.grants}:
        raise NothingThereError(_("This account has no such role."))
    try:
        _write(visit, "/admin/users/{user_id}/grants/remove", lambda connection: remove_grant(connection, grant))
    except AccessError as problem:
        return _user(visit, user_id, problem=problem)
    return _back(user_id)


@routes.post("/admin/users/{user_id}/invitation", ADMIN)
def invitation(visit: Here, user_id: str) -> HTMLResponse:
    """A new one-time link to set the password, shown once."""
    if _account(visit, user_id).disabled:
        raise AccessError(_("This account is shut out."), hint=_("let it in again first"))
    by = visit.viewer.user_id
    token = _write(
        visit,
        "/admin/users/{user_id}/invitation",
        lambda connection: invite(connection, visit.now, user_id, created_by=by),
    )
    return _user(visit, user_id, link=absolute(visit, f"/invitation/{token}"))


@routes.post("/admin/users/{user_id}/disable", ADMIN)
def disable(visit: Here, user_id: str) -> Response:
    """Shut an account out; its sessions end."""
    return _shut(visit, user_id, "/admin/users/{user_id}/disable", disabled=True)


@routes.post("/admin/users/{user_id}/enable", ADMIN)
def enable(visit: Here, user_id: str) -> Response:
    """Let an account in again."""
    return _shut(visit, user_id, "/admin/users/{user_id}/enable", disabled=False)


@routes.post("/admin/users/{user_id}/second-factor/remove", ADMIN)
def remove_codes(visit: Here, user_id: str) -> Response:
    """For somebody who lost the phone: ask for codes no longer, and end pauses after failed sign-ins."""
    account = _account(visit, user_id)

    def free(connection: Any) -> None:
        set_second_factor(connection, user_id, None)
        if account.login:
            forgive(connection, account.login)

    _write(visit, "/admin/users/{user_id}/second-factor/remove", free)
    return _back(user_id)


def absolute(visit: Visit, path: str) -> str:
    """An address that can be sent to somebody."""
    base = visit.service.workspace.settings.service.base_url or str(visit.request.base_url).rstrip("/")
    return f"{base}{path}"


def _write(visit: Visit, route: str, work: Callable[[Any], Any], *, detail: str | None = None) -> Any:
    """Do some administration, and note it in the same transaction."""

    def both(connection: Any) -> Any:
        done = work(connection)
        log(connection, visit.now, visit.viewer, "write", route, detail=detail)
        return done

    return visit.register.write(both)


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise AccessError(_("Choose a role.")) from None


def _account(visit: Visit, user_id: str) -> Account:
    with visit.register.read() as connection:
        found = account_of(connection, user_id)
    if found is None:
        raise NothingThereError(_("There is no such account."))
    return found


def _shut(visit: Visit, user_id: str, route: str, *, disabled: bool) -> Response:
    _account(visit, user_id)
    try:
        _write(visit, route, lambda connection: set_disabled(connection, user_id, disabled))
    except AccessError as problem:
        return _user(visit, user_id, problem=problem)
    return _back(user_id)


def _back(user_id: str) -> RedirectResponse:
    return RedirectResponse(f"/admin/users/{user_id}", status_code=303)


def _overview(visit: Visit, *, problem: AccessError | None = None, login: str = "", name: str = "") -> HTMLResponse:
    with visit.register.read() as connection:
        found = accounts(connection)
    with using(visit.language):
        steps = first_steps(visit.service)
    given = {"accounts": found, "problem": problem, "login": login, "name": name, "steps": steps}
    return visit.page("admin/overview.html.j2", status=400 if problem else 200, **given)


def _user(
    visit: Visit,
    user_id: str,
    *,
    problem: AccessError | None = None,
    link: str = "",
    typed: Mapping[str, str] | None = None,
) -> HTMLResponse:
    account = _account(visit, user_id)
    with visit.register.read() as connection:
        known = places(connection)
    given = {
        "account": account,
        "places": known,
        "needs": NEEDS,
        "problem": problem,
        "link": link,
        "typed": typed or {},
    }
    return visit.page("admin/user.html.j2", status=400 if problem else 200, **given)
