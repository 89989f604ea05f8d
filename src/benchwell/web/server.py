"""Serve the application: one process with SQLite, one or several with PostgreSQL."""

from __future__ import annotations

import atexit
import gc
import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from benchwell.errors import ServiceError
from benchwell.pipeline.live.opening import open_service, register_address
from benchwell.web.app import create_app
from benchwell.web.patience import Impatient

WORKSPACE, REGISTER, DEMO = "BENCHWELL_SERVE_WORKSPACE", "BENCHWELL_SERVE_REGISTER", "BENCHWELL_SERVE_DEMO"
_PATIENCE = 3  # seconds that open pages are given when the service stops
# Seconds that a worker may be silent before it is taken for stuck, and killed. One that starts is silent while it
# loads, which took longer than uvicorn's 5 s on a busy machine; and where one is killed while it brings the register up
# to date, another may wait for its lock in vain, give up, and end the whole service.
_SILENCE = 60


@dataclass(frozen=True)
class Listening:
    """Where and how to serve.

    Attributes:
        workspace: The workspace's folder.
        register: Address of the register; null is the workspace's own.
        host: Address to listen on; the machine itself by default.
        port: Port.
        workers: Processes; more than one needs PostgreSQL.
        certificate: PEM file of a certificate, to serve HTTPS without a proxy.
        key: PEM file of its key.
        is_demo: Everybody in it is made up.
    """

    workspace: Path
    register: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    certificate: Path | None = None
    key: Path | None = None
    is_demo: bool = False

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"


def serve(where: Listening) -> None:
    """Serve until stopped.

    Raises:
        ServiceError: As `check`.
    """
    check(where)
    # Workers are new processes: what they need reaches them through their environment.
    os.environ[WORKSPACE] = str(where.workspace.resolve())
    os.environ.pop(REGISTER, None)
    if where.register is not None:
        os.environ[REGISTER] = where.register
    os.environ[DEMO] = "1" if where.is_demo else ""
    uvicorn.run(
        "benchwell.web.server:application",
        factory=True,
        host=where.host,
        port=where.port,
        workers=where.workers,
        access_log=False,  # its lines would hold addresses, and these hold ids
        log_level="warning",
        proxy_headers=False,  # whose word on who asked counts is a setting (service.trusted_proxy)
        server_header=False,
        http=Impatient,
        timeout_graceful_shutdown=_PATIENCE,
        timeout_worker_healthcheck=_SILENCE,
        ssl_certfile=where.certificate,
        ssl_keyfile=where.key,
    )


def application() -> FastAPI:
    """What one process serves; its settings come from the environment that `serve` has set."""
    service = open_service(Path(os.environ[WORKSPACE]), os.environ.get(REGISTER), is_demo=bool(os.environ.get(DEMO)))
    app = create_app(service)
    # What is loaded by now stays: to look through all of it for garbage again and again would stop everything for a
    # fifth of a second each time, in the middle of somebody's score.
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # else DuckDB finds its own still there at the end, and prints each of them
    return app


def check(where: Listening) -> None:
    """Look whether it can be served at all, before anything is said or made.

    Raises:
        ServiceError: If the port is in use, the certificate cannot be used, or several workers are asked of an SQLite
            register.
    """
    if where.workers > 1 and not _register_of(where).startswith("postgres"):
        raise ServiceError(
            "Several workers cannot share a register in a file.",
            hint="name a PostgreSQL register: --register postgresql://user@host/name",
        )
    if (where.certificate is None) != (where.key is None):
        raise ServiceError("A certificate and its key go together.", hint="give --certificate and --key")
    if where.certificate is not None and where.key is not None:
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(where.certificate, where.key)
        except OSError as problem:  # an SSLError is one
            raise ServiceError(
                f"The certificate and its key cannot be used: {_reason(problem)}.",
                hint="both are PEM files that this account may read, and the key is that of the certificate",
            ) from None
    with socket.socket(socket.AF_INET6 if ":" in where.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((where.host, where.port))
        except OSError as problem:
            raise ServiceError(
                f"Nothing can be served at {where.host}, port {where.port}: {problem.strerror}.",
                hint="choose another: --port 8001",
            ) from None


def _register_of(where: Listening) -> str:
    if where.is_demo:  # its workspace need not be there yet
        return where.register or ""
    return register_address(where.workspace, where.register) or ""


def _reason(problem: OSError) -> str:
    return str(problem.reason) if isinstance(problem, ssl.SSLError) else str(problem.strerror)
