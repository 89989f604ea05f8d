"""Signing in by the organization's own sign-in: there, and back."""

from __future__ import annotations

from typing import Any

from fastapi.responses import RedirectResponse, Response

from benchwell.errors import AccessError
from benchwell.i18n import _
from benchwell.register.accounts import account_by_provider, add_from_provider, invited, join_provider
from benchwell.register.audit import log
from benchwell.register.departures import LASTS, Departure, arrive, depart
from benchwell.register.links import use_link
from benchwell.register.signing_in import SignIn, admit
from benchwell.register.viewer import PUBLIC
from benchwell.web.access import ANYONE
from benchwell.web.cookies import DEPARTURE, drop, keep, read
from benchwell.web.guard import NothingThereError
from benchwell.web.limits import SIGN_IN_ADDRESS, limits_of
from benchwell.web.oidc import Identity, Provider, settings_of
from benchwell.web.pages.admin import absolute
from benchwell.web.pages.sign_in import session_lasts, welcome
from benchwell.web.routing import Routes
from benchwell.web.visit import Here, Visit

routes = Routes()
BACK = "/oidc/back"


# Going there is a link, not a form: the content security policy lets forms lead nowhere else.
@routes.get("/oidc", ANYONE)
def go(visit: Here) -> Response:
    """To the provider."""
    return _send(visit, None)


@routes.get("/oidc/join/{token}", ANYONE)
def go_and_join(visit: Here, token: str) -> Response:
    """To the provider, to come back to the account of an invitation."""
    with visit.register.read() as connection:
        if invited(connection, visit.now, token) is None:
            raise NothingThereError(_("This link does not work, or no longer."))
    return _send(visit, token)


@routes.get(BACK, ANYONE)
def come_back(visit: Here, state: str = "", code: str = "", iss: str | None = None) -> Response:
    """From the provider."""
    limits_of(visit.request).take("sign_in_address", visit.address, SIGN_IN_ADDRESS)
    browser, _dot, kept = (read(visit.request, DEPARTURE) or "").partition(".")
    invitation = kept or None
    try:
        left = visit.register.write(
            lambda connection: arrive(connection, visit.now, state, browser, invitation=invitation)
        )
        if left is None or not code:
            raise AccessError(_("This sign-in was not begun here, or too long ago."), hint=_("start again"))
        identity = _provider(visit).identity(left, absolute(visit, BACK), code, iss)
        found = visit.register.write(lambda connection: _account(connection, visit, identity, invitation))
    except AccessError:
        visit.register.write(lambda connection: log(connection, visit.now, PUBLIC, "sign_in_failed", BACK))
        raise
    answer = welcome(visit, found)
    drop(answer, visit.request, DEPARTURE)
    return answer


def _send(visit: Visit, invitation: str | None) -> Response:
    provider = _provider(visit)
    limits_of(visit.request).take("sign_in_address", visit.address, SIGN_IN_ADDRESS)
    left: Departure = visit.register.write(lambda connection: depart(connection, visit.now, invitation=invitation))
    answer = RedirectResponse(provider.address_for(left, absolute(visit, BACK)), status_code=303)
    held = f"{left.browser}.{invitation}" if invitation else left.browser
    keep(answer, visit.request, DEPARTURE, held, seconds=int(LASTS))
    return answer


def _account(connection: Any, visit: Visit, identity: Identity, invitation: str | None) -> SignIn:
    """The session of whoever the provider vouches for; somebody new gets an account that sees nothing."""
    if invitation is not None:
        account = invited(connection, visit.now, invitation)
        if account is None or use_link(connection, visit.now, "invitation", invitation) is None:
            raise AccessError(_("This link does not work, or no longer."))
        join_provider(connection, account.id, identity.issuer, identity.subject)
        user_id = account.id
    elif (known := account_by_provider(connection, identity.issuer, identity.subject)) is not None:
        if known.disabled:
            raise AccessError(_("Your organization's sign-in did not let you in."))
        user_id = known.id
    else:
        user_id = add_from_provider(connection, visit.now, identity.issuer, identity.subject, identity.name)
    return admit(connection, visit.now, user_id, route=BACK, lasts=session_lasts(visit))


def _provider(visit: Visit) -> Provider:
    settings = settings_of(visit.service.workspace.settings.service)
    if settings is None:
        raise NothingThereError(_("There is nothing at this address."))
    state = visit.request.app.state
    known: Provider | None = getattr(state, "provider", None)
    if known is None or known.settings != settings:
        known = state.provider = Provider(settings)
    return known
