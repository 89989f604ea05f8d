"""The command that starts the live service."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchwell.cli.app import app

if TYPE_CHECKING:
    from benchwell.pipeline.live.demo_people import DemoUser
    from benchwell.pipeline.live.service import LiveService
    from benchwell.terminal import Drawing
    from benchwell.web.server import Listening

_DEMO_FOLDER = Path("benchwell-demo")
_PATIENCE = 5.0  # seconds for a program that copies the lake already: it goes on without us, and pages are told
_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


@app.command()
def serve(
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", envvar="BENCHWELL_WORKSPACE", help="The workspace folder.")
    ] = None,
    register: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where live scores are kept: postgresql://…; else a file in the workspace."),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; more than one needs PostgreSQL.")] = 1,
    certificate: Annotated[Path | None, typer.Option(help="A certificate (PEM), to serve HTTPS.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key (PEM).")] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Start with made-up clinics and a user of every role (./benchwell-demo).")
    ] = False,
) -> None:
    """Start the live service: feedback in the room, for clinicians, quality leads and patients."""
    from benchwell.web.server import Listening, check, serve

    folder = workspace or (_DEMO_FOLDER if demo else Path())
    where = Listening(folder, register, host, port, workers, certificate, key, demo)
    check(where)  # first: the link that `_prepare` prints must not lead to whoever listens there already
    _prepare(where)
    serve(where)


def _prepare(where: Listening) -> None:
    """Bring the register up to date once, before any worker starts, and say how to get in."""
    from benchwell.pipeline.live.from_lake import bring_from_lake
    from benchwell.pipeline.live.opening import open_service
    from benchwell.terminal import Drawing, say

    with Drawing() as drawing:
        users = _demo(where, drawing) if where.is_demo else ()
        service = open_service(where.workspace, where.register, is_demo=where.is_demo)
        try:
            if not where.is_demo:
                bring_from_lake(service, patience=_PATIENCE)
            link = _admin_link(service, where)
        finally:
            service.close()
    say(f"Benchwell is at {where.address} (Ctrl-C ends it).")
    if link is not None:
        say(f"Nobody administers it yet. This link makes the first administrator, once: {link}")
    if users:
        _show_users(users)
    if where.host not in _LOCAL and where.certificate is None:
        say("Others can reach this address, and it is not encrypted: put a proxy with HTTPS before it.")
    sys.stdout.flush()  # whoever starts it from another program wants the link now, not when the service ends


def _demo(where: Listening, drawing: Drawing) -> tuple[DemoUser, ...]:
    from benchwell.errors import ServiceError
    from benchwell.pipeline.live.demo import make_demo

    if where.host not in _LOCAL:
        raise ServiceError(
            "A demonstration is for this machine only: its users and passwords are printed.",
            hint="leave out --host, or serve a workspace of your own",
        )
    return make_demo(where.workspace, where.register, listener=drawing).users


def _admin_link(service: LiveService, where: Listening) -> str | None:
    from benchwell.pipeline.live.first_admin import first_admin_link

    return first_admin_link(service, where.address)


def _show_users(users: tuple[DemoUser, ...]) -> None:
    from benchwell.terminal import show_table

    rows = [[one.login, one.password, one.sees] for one in users]
    show_table("Nobody here exists. Sign in as any of:", ["name", "password", "sees"], rows)
