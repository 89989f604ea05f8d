"""Signing in and out: by name and password, by an invitation, and as the first administrator."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Form
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from benchwell.errors import AccessError
from benchwell.i18n import _
from benchwell.pipeline.live.demo_roles import ROLES
from benchwell.pipeline.live.first_admin import accept_first_admin, is_first_admin_link
from benchwell.register import Role
from benchwell.register.accounts import Account, accept_invitation, grants_of, invited
from benchwell.register.audit import log
from benchwell.register.passwords import LONGEST, SHORTEST, hash_password
from benchwell.register.places import places
from benchwell.register.sessions import close_session, close_sessions_of
from benchwell.register.signing_in import SignIn, sign_in, switch_role
from benchwell.web.access import ANYONE, EVERYBODY, Access, Reach, only
from benchwell.web.at_the_demo import is_at_the_demo
from benchwell.web.cookies import COOKIE, drop, keep
from benchwell.web.guard import NothingThereError
from benchwell.web.limits import SIGN_IN_ADDRESS, SIGN_IN_LOGIN, limits_of
from benchwell.web.oidc import settings_of
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()
Typed = Annotated[str, Form(max_length=1000)]
_AT_ONCE = 4  # who sign in; two of them compare (`register.passwords`) while the others ask the register
SIGNED_IN = only(*(EVERYBODY - {Role.PUBLIC, Role.CLIENT}))
_BY_LINK = Access(EVERYBODY, Reach.ANYONE, is_open=True)  # the link in the address is what opens it


@routes.get("/sign-in", ANYONE)
def ask(visit: Here) -> HTMLResponse:
    """The form."""
    visit.begin_form()
    return _form(visit)


@routes.post("/sign-in", ANYONE)
async def enter(visit: Here, login: Typed = "", password: Typed = "", code: Typed = "") -> Response:
    """Try what was typed. Whatever of it was wrong, the answer is the same.

    Passwords are slow on purpose. A few threads at a time compare them, so that many who sign in at once wait for one
    another, and no page waits for them.
    """
    async with _turns(visit):
        return await run_in_threadpool(_enter, visit, login, password, code)


def _turns(visit: Visit) -> asyncio.Semaphore:
    state = visit.request.app.state
    found: asyncio.Semaphore | None = getattr(state, "sign_in_turns", None)
    if found is None:
        found = state.sign_in_turns = asyncio.Semaphore(_AT_ONCE)
    return found


def _enter(visit: Visit, login: str, password: str, code: str) -> Response:
    limits = limits_of(visit.request)
    limits.take("sign_in_address", visit.address, SIGN_IN_ADDRESS)
    if not login.strip() or not password:
        return _form(visit, problem=_("Type your sign-in name and your password."), login=login, status=400)
    limits.take("sign_in_login", login.strip().casefold(), SIGN_IN_LOGIN)
    found = sign_in(visit.register, visit.now, login, password, code, lasts=session_lasts(visit))
    if found.wait:
        seconds = int(found.wait + 1)
        problem = _("Too many tries. Wait {n} seconds, then try again.").format(n=seconds)
        answer = _form(visit, problem=problem, login=login, status=429)
        answer.headers["retry-after"] = str(seconds)
        return answer
    if not found.is_known:
        problem = _("That did not work: the name, the password or the code is not right.")
        return _form(visit, problem=problem, login=login, status=401)
    return welcome(visit, found)


@routes.post("/sign-out", SIGNED_IN)
def leave(visit: Here) -> RedirectResponse:
    """End this session."""
    if visit.session:
        session, viewer = visit.session, visit.viewer
        visit.register.write(lambda connection: close_session(connection, session.token))
        visit.register.write(lambda connection: log(connection, visit.now, viewer, "sign_out", "/sign-out"))
    return _goodbye(visit)


@routes.post("/sign-out/everywhere", SIGNED_IN)
def leave_everywhere(visit: Here) -> RedirectResponse:
    """End every session of this account."""
    user_id = visit.viewer.user_id
    if user_id is None:
        return leave(visit)
    visit.register.write(lambda connection: close_sessions_of(connection, user_id))
    visit.register.write(
        lambda connection: log(connection, visit.now, visit.viewer, "sign_out", "/sign-out/everywhere")
    )
    return _goodbye(visit)


@routes.get("/roles", SIGNED_IN)
def roles(visit: Here) -> HTMLResponse:
    """The roles of an account, one of which is in use."""
    user_id = _account(visit)
    with visit.register.read() as connection:
        held, names = grants_of(connection, user_id), places(connection).names
    return visit.page("account/roles.html.j2", held=held, names=names)


@routes.post("/roles", SIGNED_IN)
def take_role(visit: Here, grant: Typed = "") -> Response:
    """Use another role: in a new session, so that nothing of the one before reaches into it."""
    user_id, before, now = _account(visit), visit.session, visit.now
    token = visit.register.write(
        lambda connection: switch_role(connection, now, user_id, grant, lasts=session_lasts(visit))
    )
    if token is None or before is None:
        raise NothingThereError(_("You do not have this role."))
    visit.register.write(lambda connection: close_session(connection, before.token))
    answer = RedirectResponse("/", status_code=303)
    keep(answer, visit.request, COOKIE, token)
    return answer


@routes.get("/invitation/{token}", _BY_LINK)
def invitation(visit: Here, token: str) -> HTMLResponse:
    """Where somebody who was invited sets a password."""
    return _invitation(visit, token, _invited(visit, token))


@routes.post("/invitation/{token}", _BY_LINK)
def accept(visit: Here, token: str, password: Typed = "", again: Typed = "") -> Response:
    """Set the password; the link does not work again."""
    account, now = _invited(visit, token), visit.now
    try:
        hashed = hash_password(twice(password, again), login=account.login)
    except AccessError as problem:
        return _invitation(visit, token, account, problem=problem, status=400)
    visit.register.write(lambda connection: accept_invitation(connection, now, token, hashed))
    return _password_is_set(visit)


@routes.get("/begin/{token}", _BY_LINK)
def begin(visit: Here, token: str) -> HTMLResponse:
    """Where the first administrator makes an account."""
    _check_first(visit, token)
    return _begin(visit, token)


@routes.post("/begin/{token}", _BY_LINK)
def begin_with(
    visit: Here, token: str, login: Typed = "", name: Typed = "", password: Typed = "", again: Typed = ""
) -> Response:
    """Make the first administrator; the link does not work again."""
    _check_first(visit, token)
    try:
        hashed = hash_password(twice(password, again), login=login)
        accept_first_admin(visit.service, visit.now, token, login, name, hashed)
    except AccessError as problem:
        return _begin(visit, token, login=login, name=name, problem=problem, status=400)
    return _password_is_set(visit)


def welcome(visit: Visit, found: SignIn) -> Response:
    """Let somebody in who has proved who they are; without a role there is nothing to see yet."""
    if found.token is None:
        return visit.page("account/no_role.html.j2", status=403)
    if visit.session:
        before = visit.session
        visit.register.write(lambda connection: close_session(connection, before.token))
    answer = RedirectResponse("/roles" if found.roles > 1 else "/", status_code=303)
    keep(answer, visit.request, COOKIE, found.token)
    return answer


def session_lasts(visit: Visit) -> float:
    """Seconds that a session of an account lasts here."""
    return visit.service.workspace.settings.service.session_hours * 3600


def _form(visit: Visit, *, problem: str = "", login: str = "", status: int = 200) -> HTMLResponse:
    provider = settings_of(visit.service.workspace.settings.service)
    roles = ROLES if is_at_the_demo(visit) else ()
    given = {"problem": problem, "login": login, "provider": provider, "roles": roles}
    return visit.page("sign_in.html.j2", status=status, **given)


def _goodbye(visit: Visit) -> RedirectResponse:
    answer = RedirectResponse("/sign-in", status_code=303)
    drop(answer, visit.request, COOKIE)
    answer.headers["clear-site-data"] = '"cache"'
    return answer


def _account(visit: Visit) -> str:
    if visit.viewer.user_id is None:
        raise NothingThereError(_("You came by a link: there is no account to change."))
    return visit.viewer.user_id


def _invited(visit: Visit, token: str) -> Account:
    with visit.register.read() as connection:
        found = invited(connection, visit.now, token)
    if found is None:
        raise NothingThereError(
            _("This link does not work, or no longer."), hint=_("ask an administrator for a new one")
        )
    return found


def _check_first(visit: Visit, token: str) -> None:
    if not is_first_admin_link(visit.service, visit.now, token):
        raise NothingThereError(_("This link does not work, or no longer."), hint=_("start the service again"))


def twice(password: str, again: str) -> str:
    """The password, if it was typed the same both times.

    Raises:
        AccessError: If not.
    """
    if password != again:
        raise AccessError(_("The two passwords differ."))
    return password


def _invitation(
    visit: Visit, token: str, account: Account, *, problem: AccessError | None = None, status: int = 200
) -> HTMLResponse:
    provider = settings_of(visit.service.workspace.settings.service)
    given = {"token": token, "account": account, "provider": provider, "problem": problem}
    return visit.page("account/invitation.html.j2", status=status, shortest=SHORTEST, longest=LONGEST, **given)


def _begin(
    visit: Visit,
    token: str,
    *,
    login: str = "",
    name: str = "",
    problem: AccessError | None = None,
    status: int = 200,
) -> HTMLResponse:
    given = {"token": token, "login": login, "name": name, "problem": problem}
    return visit.page("account/begin.html.j2", status=status, shortest=SHORTEST, longest=LONGEST, **given)


def _password_is_set(visit: Visit) -> HTMLResponse:
    visit.notices.append(_("Your password is set. Sign in with it now."))
    visit.begin_form()
    return _form(visit)
