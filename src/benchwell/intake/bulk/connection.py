"""One way to ask the server: encrypted, token only where it may go, redirects by hand, no endless answers."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, Self

import httpx

from benchwell.errors import BulkExportError
from benchwell.intake.bulk.origins import Origins, joined, origin_of, written
from benchwell.intake.bulk.quiet import quietly
from benchwell.intake.bulk.settings import BulkSettings

JSON = "application/json"
FHIR_JSON = "application/fhir+json"
NDJSON = "application/fhir+ndjson"

_MOST_REDIRECTS = 5
_LARGEST_REPLY = 64 * 2**20  # a manifest of 100,000 files is about 20 MB


class Bearer(Protocol):
    """Whoever gives access tokens."""

    def token(self) -> str:
        """A token that is valid now."""
        ...

    def renew(self, refused: str) -> None:
        """Never give this one again."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """A small answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class Connection:
    """Asks on behalf of one export. Threads may share it.

    Network trouble comes out as `httpx.TransportError`, for the caller to repeat or to tell; its text is never shown.
    """

    def __init__(self, base_url: str, settings: BulkSettings) -> None:
        """Nothing is sent yet."""
        self.origins = Origins(base_url, settings.allowed_origins)
        self.bearer: Bearer | None = None
        self._client = httpx.Client(
            verify=encryption(settings),
            timeout=httpx.Timeout(settings.read_seconds, connect=settings.connect_seconds),
            limits=httpx.Limits(max_connections=settings.parallel + 2),
            mounts={f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")},  # never by a proxy
            headers={"User-Agent": "benchwell", "Accept-Encoding": "gzip"},
        )

    def __enter__(self) -> Self:
        """The connection itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every socket."""
        with quietly():
            self._client.close()

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], *, body: bytes | None = None, anonymous: bool = False
    ) -> Reply:
        """Send a request and read the whole, small, answer."""
        with self.open(method, url, headers, body=body, anonymous=anonymous) as response:
            content = bytearray()
            try:
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > _LARGEST_REPLY:
                        raise BulkExportError("The server's answer does not end.", hint="ask who runs the server")
            except httpx.DecodingError:
                raise httpx.ReadError("an answer that cannot be unpacked") from None
            return Reply(response.status_code, response.headers, bytes(content), str(response.url))

    @contextmanager
    def open(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        anonymous: bool = False,
        roaming: bool = False,
    ) -> Iterator[httpx.Response]:
        """Send a request and leave the answer's body to be read.

        Args:
            method: GET, POST or DELETE.
            url: An absolute address.
            headers: What to send beside the token.
            body: What to send.
            anonymous: Send no token.
            roaming: A redirect may lead to another origin; nothing but the address goes there.

        Raises:
            BulkExportError: If the address may not be asked, or redirects lead nowhere.
            httpx.TransportError: If the network fails.
        """
        with quietly():
            response = self._follow(method, url, headers, body, anonymous, roaming)
            try:
                yield response
            finally:
                response.close()

    def _follow(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, anonymous: bool, roaming: bool
    ) -> httpx.Response:
        renewed = False
        for _ in range(_MOST_REDIRECTS + 2):
            self.origins.check(url)
            token = None if anonymous or self.bearer is None else self._token_for(url)
            response = self._send(method, url, headers, body, token)
            if response.status_code == 401 and token and self.bearer and not renewed:
                response.close()
                self.bearer.renew(token)
                renewed = True
                continue
            if not response.has_redirect_location:
                return response
            response.close()
            target = joined(url, response.headers["location"])
            anonymous = self._leave(method, url, target, anonymous, roaming)
            url = target
        raise BulkExportError("The server redirects without end.", hint="ask who runs the server")

    def _token_for(self, url: str) -> str:
        if not self.origins.trusts(url):
            raise BulkExportError(
                f"{written(origin_of(url))} would need the access token of {written(self.origins.base)}.",
                hint="if both belong together, allow that origin and run the same command again",
            )
        assert self.bearer is not None  # noqa: S101, the caller looked
        return self.bearer.token()

    def _leave(self, method: str, url: str, target: str, anonymous: bool, roaming: bool) -> bool:
        """Whether to go on without a token, once it is clear that going on is allowed."""
        if method != "GET":
            raise BulkExportError(
                f"{written(origin_of(url))} redirects what was sent.", hint="give the address that it redirects to"
            )
        if origin_of(target) == origin_of(url) or (self.origins.trusts(target) and self.origins.trusts(url)):
            return anonymous
        if not roaming:
            raise BulkExportError(
                f"{written(origin_of(url))} redirects to {written(origin_of(target))}.",
                hint="if both belong together, allow that origin and run the same command again",
            )
        return True

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, token: str | None
    ) -> httpx.Response:
        sent = dict(headers) | ({"Authorization": f"Bearer {token}"} if token else {})
        self._client.cookies.clear()  # an export needs none, and they would tie requests together
        try:
            request = self._client.build_request(method, url, headers=sent, content=body)
            return self._client.send(request, stream=True, follow_redirects=False)
        except httpx.ConnectError as problem:
            if "CERTIFICATE" in str(problem).upper():
                raise BulkExportError(
                    f"The certificate of {written(origin_of(url))} is not trusted.",
                    hint="give the certificates of your own authority, if you have one",
                ) from None
            raise
        except (httpx.InvalidURL, httpx.LocalProtocolError, ValueError):
            raise BulkExportError("The server gave an address that cannot be asked.", hint="ask who runs it") from None


def encryption(settings: BulkSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer, certificates checked.

    Raises:
        BulkExportError: If the given file holds no certificates.
    """
    try:
        context = ssl.create_default_context()
        if settings.ca_file is not None:
            context.load_verify_locations(cafile=settings.ca_file)
    except (OSError, ssl.SSLError):
        raise BulkExportError(
            f"{settings.ca_file} holds no certificates.", hint="give a PEM file, -----BEGIN CERTIFICATE-----"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
