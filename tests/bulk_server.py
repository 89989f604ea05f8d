"""A FHIR server with bulk exports, on loopback: what real servers do, and what they do wrong, on demand."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import ssl
import threading
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384

INSTANT = "2026-01-01T00:00:00Z"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def number(text: str) -> int:
    return int.from_bytes(unpadded(text))


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(token: str, keys: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Claims of a signed statement, checked by hand with the public key; shares no code with the client."""
    head, body, signature = token.split(".")
    header, signed, raw = json.loads(unpadded(head)), f"{head}.{body}".encode(), unpadded(signature)
    assert header["typ"] == "JWT"
    key = keys[header["kid"]]
    if header["alg"] == "RS384":
        public = rsa.RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key()
        public.verify(raw, signed, padding.PKCS1v15(), SHA384())
    else:
        assert header["alg"] == "ES384"
        curve = ec.EllipticCurvePublicNumbers(number(key["x"]), number(key["y"]), ec.SECP384R1()).public_key()
        both = encode_dss_signature(int.from_bytes(raw[:48]), int.from_bytes(raw[48:]))
        curve.verify(both, signed, ec.ECDSA(SHA384()))
    return json.loads(unpadded(body))


@dataclass
class Answer:
    """One prepared answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = b""


HANG_UP = Answer(0)
"""No answer: the connection ends."""


@dataclass
class Held:
    """A file, and how badly it is served."""

    content: bytes
    etag: str | None = '"1"'
    ranges: bool = True
    gzip: bool = False
    breaks: list[int] = field(default_factory=list)
    """After so many bytes the connection breaks, once each."""
    first: deque[Answer] = field(default_factory=deque)
    """Answers that come before the file."""
    chunked: bool = False


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


class BulkServer(ThreadingHTTPServer):
    """State of the server; tests set it, then look at what was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "https" if context else "http"
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.asked: list[Asked] = []
        self.kickoffs: deque[Answer] = deque()
        self.polls: deque[Answer] = deque([Answer(202, {"X-Progress": "working"})])
        self.pages: dict[str, Answer] = {}
        self.manifest: dict[str, Any] = {}
        self.status_headers: dict[str, str] = {}
        self.files: dict[str, Held] = {}
        self.exports = 0
        self.gone: set[int] = set()
        self.deleted: list[str] = []
        self.keys: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, int] = {}
        self.token_uses = 10**9
        self.token_seconds: float = 300
        self.token_answers: deque[Answer] = deque()
        self.claims: list[dict[str, Any]] = []
        self.forms: list[dict[str, list[str]]] = []
        self.configuration: dict[str, Any] = {"token_endpoint": f"{self.origin}/token", "capabilities": []}
        self.needs_token = False
        self.before: Any = None
        self.lock = threading.Lock()

    @property
    def origin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    @property
    def base(self) -> str:
        return f"{self.origin}/fhir"

    def url(self, name: str) -> str:
        return f"{self.origin}/files/{name}"

    def hold(self, name: str, lines: int | bytes = 3, kind: str = "Patient", **how: Any) -> dict[str, Any]:
        """Keep a file and give its entry for a manifest."""
        content = lines if isinstance(lines, bytes) else ndjson(kind, lines)
        self.files[name] = Held(content, **how)
        return {"type": kind, "url": self.url(name), "count": len(content.splitlines())}

    def offer(self, *output: dict[str, Any], token: bool | None = None, **more: Any) -> None:
        """What the manifest says."""
        needed = self.needs_token if token is None else token
        self.manifest = {
            "transactionTime": INSTANT,
            "request": f"{self.base}/$export",
            "requiresAccessToken": needed,
            "output": list(output),
            "error": [],
            **more,
        }

    def times(self, method: str, path: str) -> int:
        return Counter((one.method, one.path) for one in self.asked)[method, path]

    def to(self, prefix: str, method: str = "GET") -> list[Asked]:
        return [one for one in self.asked if one.path.startswith(prefix) and one.method == method]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""


def ndjson(kind: str, lines: int) -> bytes:
    return b"".join(
        json.dumps({"resourceType": kind, "id": f"{kind.lower()}-{row}", "note": "x" * 40}).encode() + b"\n"
        for row in range(lines)
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BulkServer

    def log_message(self, *_: Any) -> None:
        pass

    def handle_one(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, parts.path, parse_qsl(parts.query), headers, body)
        with self.server.lock:
            self.server.asked.append(asked)
        if self.server.before is not None:
            self.server.before(asked)
        answer = self.answer(asked)
        if answer is HANG_UP:
            self.close_connection = True
        elif answer is not None:
            self.say(answer)

    do_GET = do_POST = do_DELETE = handle_one  # noqa: N815, as http.server calls them

    def say(self, answer: Answer) -> None:
        content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def answer(self, asked: Asked) -> Answer | None:
        server = self.server
        if asked.path in server.pages:
            return server.pages[asked.path]
        if asked.path == "/fhir/.well-known/smart-configuration":
            return Answer(body=server.configuration) if server.configuration else Answer(404)
        if asked.path == "/token":
            return self.token(asked)
        if asked.path.startswith("/files/"):
            return self.file(asked)
        if server.needs_token and not self.allowed(asked):
            return Answer(401, body=outcome("login"))
        if asked.path.endswith("/$export"):
            return self.kickoff()
        if asked.path.startswith("/status/"):
            return self.status(asked)
        return Answer(404, body=outcome("not-found"))

    def allowed(self, asked: Asked) -> bool:
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        with self.server.lock:
            if scheme != "Bearer" or self.server.tokens.get(token, 0) < 1:
                return False
            self.server.tokens[token] -= 1
            return True

    def token(self, asked: Asked) -> Answer:
        server = self.server
        if server.token_answers:
            return server.token_answers.popleft()
        form = parse_qs(asked.body.decode())
        claims = verified(form["client_assertion"][0], server.keys)
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        assert form["client_assertion_type"] == [ASSERTION]
        assert form["grant_type"] == ["client_credentials"]
        assert claims["aud"] == f"{server.origin}/token"
        assert claims["iss"] == claims["sub"] == "benchwell-test"
        assert claims["jti"] not in {earlier["jti"] for earlier in server.claims}
        with server.lock:
            server.claims.append(claims)
            server.forms.append(form)
            token = f"secret-token-{len(server.claims)}"
            server.tokens[token] = server.token_uses
        granted = {"access_token": token, "token_type": "bearer", "expires_in": server.token_seconds}
        return Answer(body=granted | {"scope": form["scope"][0]})

    def kickoff(self) -> Answer:
        server = self.server
        if server.kickoffs:
            return server.kickoffs.popleft()
        server.exports += 1
        return Answer(202, {"Content-Location": f"{server.origin}/status/{server.exports}"})

    def status(self, asked: Asked) -> Answer:
        server = self.server
        if int(asked.path.rpartition("/")[2]) in server.gone:
            return Answer(404, body=outcome("not-found"))
        if asked.method == "DELETE":
            server.deleted.append(asked.path)
            return Answer(202)
        if server.polls:
            return server.polls.popleft()
        return Answer(200, {"Content-Type": "application/json"} | server.status_headers, server.manifest)

    def file(self, asked: Asked) -> Answer | None:
        held = self.server.files.get(asked.path.removeprefix("/files/"))
        if held is None:
            return Answer(404)
        if self.server.manifest.get("requiresAccessToken") and not self.allowed(asked):
            return Answer(401)
        if held.first:
            return held.first.popleft()
        self.send_file(asked, held)
        return None

    def send_file(self, asked: Asked, held: Held) -> None:
        content = gzip.compress(held.content, mtime=0) if held.gzip else held.content
        start, wanted = 0, asked.headers.get("range")
        if wanted and held.ranges and asked.headers.get("if-range") == held.etag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", "application/fhir+ndjson")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if held.etag:
            self.send_header("ETag", held.etag)
        if held.gzip:
            self.send_header("Content-Encoding", "gzip")
        self.send_header(
            *(("Transfer-Encoding", "chunked") if held.chunked else ("Content-Length", f"{len(content) - start}"))
        )
        self.end_headers()
        with self.server.lock:
            end = start + held.breaks.pop(0) if held.breaks else None
        piece = content[start:end]
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if held.chunked else piece)
        if end is not None and end < len(content):
            self.wfile.flush()
            self.close_connection = True
        elif held.chunked:
            self.wfile.write(b"0\r\n\r\n")


def outcome(code: str, text: str = "") -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": text, "details": {"text": text}}],
    }


class PatientClock:
    """Time that passes when it is waited for."""

    def __init__(self) -> None:
        self.time = 1_767_225_600.0  # 2026-01-01T00:00:00Z
        self.waits: list[float] = []
        self.lock = threading.Lock()

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float, stop: threading.Event) -> None:
        with self.lock:
            self.waits.append(seconds)
            self.time += seconds


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[BulkServer]:
    server = BulkServer(context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
