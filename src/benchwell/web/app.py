"""The application: routes, and what stands around them."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from benchwell import __version__
from benchwell.pipeline.live.service import LiveService
from benchwell.web.assets import STATIC
from benchwell.web.bodies import PlainRequests
from benchwell.web.failures import LastResort, add_failures, refuse
from benchwell.web.headers import SecurityHeaders
from benchwell.web.limits import Limits
from benchwell.web.logs import RequestLog
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
        lifespan=streaming,
    )
    app.state.service = service
    app.state.limits = Limits()
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
