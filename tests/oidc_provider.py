"""A small OpenID Connect provider on loopback, for tests: it keeps the rules, or breaks one of them on purpose."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "benchwell-test", "a secret between the two"


@dataclass
class OidcProvider:
    """The provider as it stands.

    Attributes:
        subject: Who is signed in there.
        fault: Which rule is broken: nonce, expired, audience, issuer, none, hmac, key, silent; "" for none.
        issuer: Its address, once it runs.
    """

    subject: str = "person-at-provider"
    fault: str = ""
    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)
        app.add_api_route("/.well-known/openid-configuration", self.about)
        app.add_api_route("/keys", lambda: {"keys": [self.key.as_dict(private=False)]})
        app.add_api_route("/authorize", self.authorize)
        app.add_api_route("/token", self.token, methods=["POST"])
        return app

    def about(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer if self.fault != "issuer" else "https://elsewhere.example",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def authorize(self, request: Request) -> RedirectResponse:
        asked = dict(request.query_params)
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", status_code=303)

    async def token(self, request: Request) -> JSONResponse:
        sent = await request.form()
        asked = self.codes.pop(str(sent["code"]), None)
        told = base64.b64encode(f"{CLIENT}:{quote_plus(SECRET)}".encode()).decode()
        is_client = request.headers.get("authorization") == f"Basic {told}"
        if self.fault == "silent":
            return JSONResponse({"unexpected": True})
        if asked is None or not is_client or asked["redirect_uri"] != sent["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        digest = hashlib.sha256(str(sent["code_verifier"]).encode()).digest()
        if _encoded(digest).decode() != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(asked["nonce"])})

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT if self.fault != "audience" else "another-client",
            "azp": CLIENT,
            "iat": now - 7200 if self.fault == "expired" else now,
            "exp": now - 3600 if self.fault == "expired" else now + 300,
            "nonce": nonce if self.fault != "nonce" else "another",
            "name": "Kim at the provider",
        }
        if self.fault in ("none", "hmac"):
            return _forged(claims, self.key.as_pem(private=False) if self.fault == "hmac" else None)
        key = RSAKey.generate_key(2048) if self.fault == "key" else self.key
        return jwt.encode({"alg": "RS256", "kid": key.kid or "one"}, claims, key)


def _forged(claims: dict[str, Any], published: bytes | None) -> str:
    """A token that nobody has signed, or that is signed with the published key as if it were a shared secret."""
    header = {"alg": "HS256" if published else "none", "kid": "one"}
    body = b".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    mark = hmac.digest(published, body, "sha256") if published else b""
    return b".".join((body, _encoded(mark))).decode()


def _encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


@contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    """A provider that runs on a free port."""
    provider = OidcProvider()
    config = uvicorn.Config(provider.app(), host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    provider.issuer = f"http://127.0.0.1:{port}"
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join()
