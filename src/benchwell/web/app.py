"""The application: routes, and what stands around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.staticfiles import StaticFiles

from benchwell import __version__
from benchwell.pipeline.live.keeping_up import keep_up
from benchwell.pipeline.live.service import LiveService
from benchwell.web.assets import STATIC
from benchwell.web.bodies import PlainRequests
from benchwell.web.failures import LastResort, add_failures, refuse
from benchwell.web.headers import SecurityHeaders
from benchwell.web.limits import Limits
from benchwell.web.logs import RequestLog
from benchwell.web.programs import Programs
from benchwell.web.routes import ALL_ROUTES
from benchwell.web.stream import streaming


def create_app(service: LiveService) -> FastAPI:
    """Put the live service together.

    Args:
        service: Workspace, register, and what hears of new scores.
    """
    app = FastAPI(
        title="Benchwell",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,
        lifespan=_life,
    )
    app.state.service = service
    app.state.limits = Limits()
    app.state.programs = Programs()
    # The last one added is the outermost: every answer is noted and gets its headers, also one to an error.
    app.add_middleware(PlainRequests, refuse=refuse)
    app.add_middleware(LastResort)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog)
    for routes in ALL_ROUTES:
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    add_failures(app)
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    """From the start of a server to its end: streams are served, and the lake is kept up with."""
    keeping_up = await run_in_threadpool(keep_up, app.state.service)
    keeping_up.start()
    try:
        async with streaming(app):
            yield
    finally:
        await run_in_threadpool(keeping_up.stop)
