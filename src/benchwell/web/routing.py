"""Routes that say who may use them: a page cannot be added without its access."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from benchwell.web.access import ACCESS, Access
from benchwell.web.guard import guard
from benchwell.web.visit import visit_of

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Routes:
    """A group of routes, each with its access.

    Args:
        tags: For the OpenAPI; pages have none and are left out of it.
    """

    def __init__(self, *, tags: Sequence[str] = ()) -> None:
        self.router = APIRouter(tags=list(tags), include_in_schema=bool(tags))

    def get(self, path: str, access: Access, **options: Any) -> Callable[[Handler], Handler]:
        """A route that changes nothing."""
        return self._add("GET", path, access, options)

    def post(self, path: str, access: Access, **options: Any) -> Callable[[Handler], Handler]:
        """A route that changes something."""
        return self._add("POST", path, access, options)

    def _add(self, method: str, path: str, access: Access, options: dict[str, Any]) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            setattr(handler, ACCESS, access)
            dependencies = [Depends(guard(access)), *options.pop("dependencies", ())]
            if _is_plain(handler) and len(dependencies) == 1:
                options["route_class_override"] = PlainRoute
            self.router.add_api_route(path, handler, methods=[method], dependencies=dependencies, **options)
            return handler

        return add


class PlainRoute(APIRoute):
    """A route whose handler wants the visit and nothing else: it is called as it is.

    FastAPI would look in query, headers, cookies and body for what nobody has asked for, which took longer than a third
    of what a score costs.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The guard, then the handler."""
        check, handler = self.dependencies[0].dependency, self.endpoint
        if check is None:  # pragma: no cover  `Routes` puts the guard there
            raise TypeError("a route without its guard")

        async def answer(request: Request) -> Response:
            await check(request)
            response: Response = await handler(visit_of(request))
            return response

        return answer


def _is_plain(handler: Callable[..., Any]) -> bool:
    """Whether it never blocks, wants only the visit, and makes the answer itself."""
    asked = inspect.signature(handler)
    is_answer = str(asked.return_annotation).endswith("Response")
    return inspect.iscoroutinefunction(handler) and list(asked.parameters) == ["visit"] and is_answer
