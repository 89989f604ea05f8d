"""Who we are to a SMART server: a client id, and a private key in a file of one's own."""

from __future__ import annotations

import stat
import sys
import uuid
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from benchwell.errors import BulkExportError

Algorithm = Literal["RS384", "ES384"]

_LIFETIME_SECONDS = 240  # at most 300 are allowed; the rest is for clocks that differ
_SMALLEST_RSA_BITS = 2048
_KINDS: dict[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}


@dataclass(frozen=True, slots=True)
class BackendCredentials:
    """SMART backend services: the client id and the file of its key.

    Attributes:
        client_id: As the server knows this client.
        key_file: A private JSON Web Key, or a set of them; readable by its owner alone.
        key_id: `kid` of the key to use, where the file holds several.
        token_url: Where tokens are given; None asks the server's `.well-known/smart-configuration`.
        scopes: Scopes to ask for; empty asks to read the types of the request, or all.
    """

    client_id: str
    key_file: Path
    key_id: str | None = None
    token_url: str | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key that signs. It shows nothing of itself."""

    key: RSAKey | ECKey
    key_id: str
    algorithm: Algorithm

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithm})"

    def assertion(self, client_id: str, token_url: str, now: float) -> str:
        """A signed statement of who we are: for this token address, once, for four minutes.

        Source:
            SMART App Launch 2.2, client-confidential-asymmetric, section "Authenticating to the token endpoint".
        """
        header = {"alg": self.algorithm, "kid": self.key_id, "typ": "JWT"}
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": token_url,
            "jti": uuid.uuid4().hex,
            "iat": int(now),
            "exp": int(now) + _LIFETIME_SECONDS,
        }
        return jwt.encode(header, claims, self.key, algorithms=[self.algorithm])


def load_key(credentials: BackendCredentials) -> SigningKey:
    """The key that signs.

    Raises:
        BulkExportError: If the file is missing, readable by others, or holds no usable private key. Nothing of its
            content is repeated.
    """
    path = credentials.key_file
    _check_private(path)
    try:
        content = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        raise BulkExportError(f"{path} is no JSON Web Key.", hint="it is a JSON object with kty, kid and d") from None
    found = content.get("keys", [content]) if isinstance(content, dict) else []
    keys = [key for key in found if isinstance(key, dict) and "d" in key and _wanted(key, credentials.key_id)]
    if len(keys) != 1:
        raise BulkExportError(
            f"{path} holds {len(keys) or 'no'} private keys to choose from.",
            hint="name one by its kid" if keys else "the private half has a member d; check the kid",
        )
    return _usable(path, keys[0])


def _wanted(key: dict[str, Any], key_id: str | None) -> bool:
    return key_id is None or key.get("kid") == key_id


def _usable(path: Path, content: dict[str, Any]) -> SigningKey:
    key_id = content.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise BulkExportError(f"The key in {path} has no kid.", hint="give it the kid that the server knows it by")
    kind = _KINDS.get(str(content.get("kty")))
    if kind is None:
        raise BulkExportError(f"The key in {path} is neither RSA nor EC.", hint="make one of these, RSA or EC P-384")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # of small keys: refused below, in words
            key = kind.import_key(content)
        bits = key.private_key.key_size if key.private_key is not None else 0
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise BulkExportError(f"The key in {path} cannot be read.", hint="make it anew, RSA or EC P-384") from None
    algorithm: Algorithm = "RS384" if isinstance(key, RSAKey) else "ES384"
    fits = bits >= _SMALLEST_RSA_BITS if isinstance(key, RSAKey) else content.get("crv") == "P-384"
    if not fits or content.get("alg", algorithm) != algorithm:
        raise BulkExportError(
            f"The key in {path} signs neither RS384 nor ES384.",
            hint=f"SMART servers know these two: RSA of {_SMALLEST_RSA_BITS} bits or more, or EC on P-384",
        )
    return SigningKey(key, key_id, algorithm)


def _check_private(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:
        raise BulkExportError(f"There is no key file {path}.", hint="check the path") from None
    if sys.platform != "win32" and stat.S_IMODE(mode) & 0o077:
        raise BulkExportError(f"Others on this machine may read the key file {path}.", hint=f"chmod 600 {path}")
