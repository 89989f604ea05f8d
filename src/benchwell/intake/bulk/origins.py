"""Which addresses may be asked at all, and which of them may see the access token."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from benchwell.errors import BulkExportError

Origin = tuple[str, str, int]
_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> Origin:
    """Scheme, host and port of an absolute address.

    Raises:
        BulkExportError: If it is no http(s) address. The message never repeats it: addresses can hold keys.

    >>> origin_of("https://EHR.example.org/fhir?x=1")
    ('https', 'ehr.example.org', 443)
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise BulkExportError(
            "The server gave an address that is none of http or https.", hint="ask who runs the server"
        )
    return parts.scheme, parts.hostname.lower(), port or _PORTS[parts.scheme]


def joined(base: str, address: str) -> str:
    """An address that a server gave, seen from where it gave it.

    Raises:
        BulkExportError: If it is none.

    >>> joined("https://ehr.example.org/status/1", "/files/1")
    'https://ehr.example.org/files/1'
    """
    try:
        return urljoin(base, address)
    except ValueError:
        raise BulkExportError("The server gave an address that is none.", hint="ask who runs the server") from None


def written(origin: Origin) -> str:
    """An origin for people: no path, since paths can name people and keys.

    >>> written(("https", "ehr.example.org", 443)), written(("http", "::1", 8000))
    ('https://ehr.example.org', 'http://[::1]:8000')
    """
    scheme, host, port = origin
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" if _PORTS[scheme] == port else f"{scheme}://{shown}:{port}"


def is_loopback(origin: Origin) -> bool:
    """Whether it is this machine."""
    try:
        return ipaddress.ip_address(origin[1]).is_loopback
    except ValueError:
        return origin[1] == "localhost"


class Origins:
    """The rules of one export: https (plain http only on this machine), and the token only where it belongs.

    >>> rules = Origins("https://ehr.example.org/fhir", ["https://files.example.org"])
    >>> rules.trusts("https://files.example.org/1.ndjson"), rules.trusts("https://ehr.example.org:8443/fhir")
    (True, False)
    """

    def __init__(self, base_url: str, allowed: Iterable[str] = ()) -> None:
        """The base address is always trusted; `allowed` are further origins."""
        self.base = origin_of(base_url)
        self.trusted = {self.base, *(origin_of(url) for url in allowed)}
        for origin in self.trusted:
            self._check(origin)

    def trusts(self, url: str) -> bool:
        """Whether the access token may be sent there."""
        return origin_of(url) in self.trusted

    def check(self, url: str) -> None:
        """Refuse an address that nothing may be sent to.

        Raises:
            BulkExportError: If it is not encrypted and not this machine, or is this machine though the server is not.
        """
        self._check(origin_of(url))

    def _check(self, origin: Origin) -> None:
        here = is_loopback(self.base)
        if is_loopback(origin) and not here:
            raise BulkExportError(
                f"A server elsewhere points to this machine ({written(origin)}).", hint="ask who runs the server"
            )
        if origin[0] != "https" and not is_loopback(origin):
            raise BulkExportError(
                f"{written(origin)} is not encrypted.",
                hint="health data travels over https; only this machine is exempt",
            )
