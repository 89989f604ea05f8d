"""The organization's own sign-in: OpenID Connect, authorization code with PKCE.

A token is believed only if the provider that the settings name has signed it, with a key of its own published set and
an algorithm with two keys, for this client, for this very departure (nonce), and lately.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus

import httpx
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]  # it ships no types
from authlib.common.urls import add_params_to_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from benchwell.errors import AccessError, ServiceError
from benchwell.i18n import _
from benchwell.register.departures import Departure
from benchwell.settings import OidcSettings, ServiceSettings

# None and HMAC are not among them: the first proves nothing, the second could be made with the published key.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
ISSUER, CLIENT = "BENCHWELL_OIDC_ISSUER", "BENCHWELL_OIDC_CLIENT_ID"
_PATIENCE = 10.0  # seconds for one answer of the provider
_FRESH = 3600.0  # seconds that the provider's description of itself is kept
_LEEWAY = 60  # seconds that two clocks may differ
_CODE_LONGEST = 2000


@dataclass(frozen=True)
class Identity:
    """Whom the provider vouches for.

    Attributes:
        issuer: The provider.
        subject: Its key of the person; the only thing that a person is recognized by.
        name: What to call them.
    """

    issuer: str
    subject: str
    name: str


def settings_of(service: ServiceSettings) -> OidcSettings | None:
    """The provider that the settings or the environment name; null if none."""
    issuer, client_id = os.environ.get(ISSUER), os.environ.get(CLIENT)
    if issuer and client_id:
        return OidcSettings(issuer=issuer, client_id=client_id)
    return service.oidc


class Provider:
    """One identity provider.

    Args:
        settings: Which it is, and who we are to it.
    """

    def __init__(self, settings: OidcSettings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._described: tuple[float, dict[str, Any], KeySet] | None = None

    def address_for(self, departure: Departure, back: str) -> str:
        """Where a browser is sent.

        Args:
            departure: What was noted of it.
            back: The address that it comes back to.

        Raises:
            ServiceError: If the provider does not answer as it should.
        """
        about, _keys = self._about()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": "openid profile email",
            "state": departure.state,
            "nonce": departure.nonce,
            "code_challenge": create_s256_code_challenge(departure.verifier),
            "code_challenge_method": "S256",
        }
        return str(add_params_to_uri(about["authorization_endpoint"], list(asked.items())))

    def identity(self, departure: Departure, back: str, code: str, issuer: str | None = None) -> Identity:
        """Who came back.

        Args:
            departure: What was noted of the browser.
            back: The address that it came back to.
            code: What it brought.
            issuer: Who sent it, where the provider says so (RFC 9207).

        Raises:
            AccessError: If the provider does not vouch for anybody.
            ServiceError: If it does not answer as it should.
        """
        if len(code) > _CODE_LONGEST or issuer not in (None, self.settings.issuer):
            raise _refused()
        about, keys = self._about()
        try:
            return self._believed(self._token(about["token_endpoint"], departure, back, code), departure, keys)
        except (AuthlibBaseError, JoseError):
            raise _refused() from None
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            raise _silent() from None

    def _token(self, endpoint: str, departure: Departure, back: str, code: str) -> dict[str, Any]:
        sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
        sent |= {"client_id": self.settings.client_id, "code_verifier": departure.verifier}
        secret = os.environ.get(self.settings.secret_env)
        # The two are encoded before they are joined (RFC 6749, 2.3.1): either may hold a colon.
        who = (quote_plus(self.settings.client_id), quote_plus(secret)) if secret else None
        answer = httpx.post(endpoint, data=sent, auth=who, timeout=_PATIENCE)
        if 400 <= answer.status_code < 500:
            raise _refused()
        told: dict[str, Any] = answer.raise_for_status().json()
        return told

    def _believed(self, token: dict[str, Any], departure: Departure, keys: KeySet) -> Identity:
        try:
            found = jwt.decode(token["id_token"], keys, algorithms=list(ALGORITHMS))
        except InvalidKeyIdError:  # the provider has changed its keys since we asked
            self._described = None
            found = jwt.decode(token["id_token"], self._about()[1], algorithms=list(ALGORITHMS))
        options = {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": self.settings.client_id},
            "sub": {"essential": True},
        }
        expected = {
            "nonce": departure.nonce,
            "client_id": self.settings.client_id,
            "access_token": token.get("access_token"),
        }
        claims = CodeIDToken(found.claims, found.header, options, expected)
        claims.validate(leeway=_LEEWAY)
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise _refused()
        named = (claims.get(key) for key in ("name", "preferred_username", "email"))
        return Identity(self.settings.issuer, subject, next((str(one) for one in named if one), subject))

    def _about(self) -> tuple[dict[str, Any], KeySet]:
        """What the provider says of itself, and its keys; asked anew from time to time, since keys change."""
        with self._lock:
            if self._described is None or time.monotonic() - self._described[0] > _FRESH:
                self._described = (time.monotonic(), *self._ask())
            return self._described[1:]

    def _ask(self) -> tuple[dict[str, Any], KeySet]:
        try:
            with httpx.Client(timeout=_PATIENCE) as client:
                place = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
                about = client.get(place).raise_for_status().json()
                if about["issuer"] != self.settings.issuer:
                    raise _silent()
                keys = KeySet.import_key_set(client.get(about["jwks_uri"]).raise_for_status().json())
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError):
            raise _silent() from None
        return about, keys


def _refused() -> AccessError:
    return AccessError(
        _("Your organization's sign-in did not let you in."), hint=_("start again from the sign-in page")
    )


def _silent() -> ServiceError:
    return ServiceError(
        _("Your organization's sign-in does not answer as it should."), hint=_("try again in a few minutes")
    )
