"""Access tokens of SMART backend services: found, asked for with a signed statement, kept until they age."""

from __future__ import annotations

import re
import threading
from urllib.parse import urlencode

import httpx
import msgspec

from benchwell.errors import BulkExportError
from benchwell.intake.bulk.connection import JSON, Connection, Reply
from benchwell.intake.bulk.credentials import BackendCredentials, load_key
from benchwell.intake.bulk.outcome import refusal
from benchwell.intake.bulk.waiting import Patience

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TOKEN = re.compile(r"[\x21-\x7e]+", re.ASCII)
_EARLY_SECONDS = 30.0
# RFC 6749, 5.2 and SMART: the only words of a token endpoint that reach a message.
_REFUSALS = frozenset(
    [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ]
)
_BUSY = frozenset({429, 500, 502, 503, 504})


class SmartConfiguration(msgspec.Struct):
    """What we read of `.well-known/smart-configuration`."""

    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str] | None = None
    token_endpoint_auth_signing_alg_values_supported: list[str] | None = None
    capabilities: list[str] = []


class _Granted(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: float = 300.0  # the longest that SMART recommends


class _Refused(msgspec.Struct):
    error: str = ""


class TokenSource:
    """Gives a token that is valid now; asks for a new one shortly before the old one ends. Threads may share it."""

    def __init__(
        self,
        connection: Connection,
        credentials: BackendCredentials,
        base_url: str,
        types: tuple[str, ...],
        patience: Patience,
    ) -> None:
        """Read the key; nothing is sent yet."""
        self._key = load_key(credentials)
        self._connection = connection
        self._credentials = credentials
        self._base_url = base_url
        self._types = types
        self._patience = patience
        self._lock = threading.Lock()
        self._token: str | None = None
        self._until = 0.0
        self._endpoint: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"TokenSource(client_id={self._credentials.client_id!r})"

    def token(self) -> str:
        """A token that is valid now.

        Raises:
            BulkExportError: If the server gives none.
        """
        with self._lock:
            if self._token is None or self._patience.clock.now() >= self._until:
                self._token = self._request()
            return self._token

    def renew(self, refused: str) -> None:
        """The server refused this token: the next one is new."""
        with self._lock:
            if self._token == refused:
                self._token = None

    def _request(self) -> str:
        url, scopes = self._endpoint = self._endpoint or self._discover()
        clock = self._patience.clock
        for attempt in range(self._patience.settings.attempts):
            asked_at = clock.now()
            form = {
                "grant_type": "client_credentials",
                "scope": scopes,
                "client_assertion_type": _ASSERTION,
                "client_assertion": self._key.assertion(self._credentials.client_id, url, asked_at),
            }
            reply = self._ask("POST", url, urlencode(form).encode())
            if reply is not None and reply.status not in _BUSY:
                granted = _granted(reply)
                self._until = asked_at + max(granted.expires_in - _EARLY_SECONDS, granted.expires_in / 2)
                return granted.access_token
            self._patience.wait(self._patience.seconds(attempt, reply.headers if reply else {}))
        raise _no_token(reply)

    def _discover(self) -> tuple[str, str]:
        given = self._credentials.token_url
        configuration = None
        if given is None or not self._credentials.scopes:
            configuration = self._configuration(required=given is None)
        url = given or (configuration.token_endpoint if configuration else "")
        self._connection.origins.check(url)
        return url, " ".join(self._credentials.scopes or self._default_scopes(configuration))

    def _default_scopes(self, configuration: SmartConfiguration | None) -> list[str]:
        known = configuration.capabilities if configuration else []
        verb = "rs" if "permission-v2" in known and "permission-v1" not in known else "read"
        return [f"system/{kind}.{verb}" for kind in self._types or ("*",)]

    def _configuration(self, required: bool) -> SmartConfiguration | None:
        url = f"{self._base_url}/.well-known/smart-configuration"
        for attempt in range(self._patience.settings.attempts):
            reply = self._ask("GET", url, None)
            if reply is not None and reply.status not in _BUSY:
                break
            self._patience.wait(self._patience.seconds(attempt, reply.headers if reply else {}))
        if reply is None or reply.status != 200:
            if not required:
                return None
            raise BulkExportError(
                "The server does not say where it gives tokens.", hint="give the token address if you know it"
            )
        return self._fitting(reply)

    def _fitting(self, reply: Reply) -> SmartConfiguration:
        try:
            found = msgspec.json.decode(reply.body, type=SmartConfiguration)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BulkExportError(
                "The server's SMART configuration cannot be read.", hint="give the token address if you know it"
            ) from None
        methods = found.token_endpoint_auth_methods_supported
        if methods is not None and "private_key_jwt" not in methods:
            raise BulkExportError(
                "The server knows no clients with keys of their own (private_key_jwt).", hint="ask who runs it"
            )
        algorithms = found.token_endpoint_auth_signing_alg_values_supported
        if algorithms is not None and self._key.algorithm not in algorithms:
            raise BulkExportError(
                f"The server does not check signatures of {self._key.algorithm}.", hint="use the other kind of key"
            )
        return found

    def _ask(self, method: str, url: str, body: bytes | None) -> Reply | None:
        headers = {"Accept": JSON} | ({"Content-Type": "application/x-www-form-urlencoded"} if body else {})
        try:
            return self._connection.ask(method, url, headers, body=body, anonymous=True)
        except httpx.TransportError:
            return None


def _granted(reply: Reply) -> _Granted:
    if reply.status != 200:
        raise _no_token(reply)
    try:
        granted = msgspec.json.decode(reply.body, type=_Granted)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BulkExportError("What the server gave as a token is none.", hint="ask who runs the server") from None
    if granted.token_type.lower() != "bearer" or not _TOKEN.fullmatch(granted.access_token):
        raise BulkExportError("What the server gave as a token is none.", hint="ask who runs the server")
    return granted


def _no_token(reply: Reply | None) -> BulkExportError:
    if reply is None:
        return BulkExportError("The server that gives tokens cannot be reached.", hint="check the network and address")
    try:
        said = msgspec.json.decode(reply.body, type=_Refused).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = ""
    shown = f" ({said})" if said in _REFUSALS else ""
    hint = (
        None if reply.status in _BUSY else "check client id, key and scopes, and that the server knows the public key"
    )
    return refusal(f"No access token was given{shown}", reply.status, hint=hint)
