"""The application: routes, headers, and how an error becomes an answer."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from benchwell import __version__
from benchwell.errors import AccessError, BenchwellError
from benchwell.pipeline.live.service import LiveService
from benchwell.web.assets import STATIC
from benchwell.web.guard import NothingThereError, SignInNeededError, visit_for
from benchwell.web.headers import SecurityHeaders
from benchwell.web.limits import Limits, TooManyError
from benchwell.web.routes import ALL_ROUTES


def create_app(service: LiveService) -> FastAPI:
    """Put the live service together.

    Args:
        service: Workspace, register, and what hears of new scores.
    """
    app = FastAPI(
        title="Benchwell", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    app.state.service = service
    app.state.limits = Limits()
    app.add_middleware(SecurityHeaders)
    for routes in ALL_ROUTES:
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(BenchwellError, _tell)
    return app


async def _tell(request: Request, error: Exception) -> Response:
    assert isinstance(error, BenchwellError)  # noqa: S101  registered for these only
    status = _status(error)
    headers = {"retry-after": str(error.wait)} if isinstance(error, TooManyError) else {}
    if request.url.path.startswith(("/api/", "/fhir/")) or "authorization" in request.headers:
        if status == 401:
            headers["www-authenticate"] = 'Bearer realm="Benchwell"'
        return JSONResponse({"error": error.message, "hint": error.hint}, status_code=status, headers=headers)
    if isinstance(error, SignInNeededError):
        return RedirectResponse("/sign-in", status_code=303)
    visit = getattr(request.state, "visit", None) or visit_for(request)
    answer = visit.page("problem.html.j2", status=status, message=error.message, hint=error.hint)
    answer.headers.update(headers)
    return answer


def _status(error: BenchwellError) -> int:
    if isinstance(error, SignInNeededError):
        return 401
    if isinstance(error, NothingThereError):
        return 404
    if isinstance(error, TooManyError):
        return 429
    return 403 if isinstance(error, AccessError) else 400
