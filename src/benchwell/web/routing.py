"""Routes that say who may use them: a page cannot be added without its access."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from fastapi import APIRouter, Depends

from benchwell.web.access import ACCESS, Access
from benchwell.web.guard import guard

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
            self.router.add_api_route(path, handler, methods=[method], dependencies=dependencies, **options)
            return handler

        return add
