"""Where one can go: the main pages of a role, in one order, as far as the application has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from fastapi import FastAPI, Request

from benchwell.i18n import N_
from benchwell.pipeline.live.service import LiveService
from benchwell.register import Role
from benchwell.settings import UsePolicy
from benchwell.web.access import ACCESS, Access


class Place(NamedTuple):
    """An entry of the main navigation.

    Attributes:
        path: Its address.
        label: What it is called; the key of a text.
    """

    path: str
    label: str


# The order is the one in which people work: today first, settings last. A page that is not there is left out.
PLACES = (
    Place("/my", N_("My course")),
    Place("/my/data", N_("My data")),
    Place("/today", N_("Today")),
    Place("/people", N_("People")),
    Place("/service", N_("Our service")),
    Place("/readiness", N_("Data health")),
    Place("/circle", N_("Circle")),
    Place("/experiments", N_("Experiments")),
    Place("/pulse", N_("This week's question")),
    Place("/contract", N_("Contract")),
    Place("/editions", N_("Editions")),
    Place("/reading", N_("How to read this")),
    Place("/admin", N_("Administration")),
    Place("/account", N_("My account")),
)


# Whoever is not signed in has few pages: these are named for nobody else.
PUBLIC = (
    Place("/sign-in", N_("Sign in")),
    Place("/sample", N_("A sample: Anywhere Clinic")),
    Place("/reading", N_("How to read this")),
    Place("/methods", N_("Method pages")),
)


def places_for(request: Request, role: Role) -> tuple[Place, ...]:
    """The main pages that a role has here; the weekly question only where it is asked, circles only for learning."""
    settings = request.app.state.service.workspace.settings
    absent = set() if settings.pulse else {"/pulse"}
    if settings.use is UsePolicy.CONTRACT:
        absent |= {"/circle", "/experiments"}
    return tuple(place for place in _places(request.app, role) if place.path not in absent)


def has_route(request: Request, method: str, path: str) -> bool:
    """Whether the application answers to a method and an address."""
    return (method, path) in {(one, path) for one, path, _access in routes_of(request.app)}


def edition_of(service: LiveService) -> str:
    """The id of the edition in force; "" before the first."""
    edition = service.edition()
    return edition.id if edition else ""


# How to read figures of services is of no use to whoever sees none.
_WITHOUT_FIGURES = frozenset({Role.PATIENT, Role.ADMIN})


@lru_cache(maxsize=64)
def _places(app: FastAPI, role: Role) -> tuple[Place, ...]:
    reachable = {path for method, path, access in routes_of(app) if method == "GET" and role in access.roles}
    if role in _WITHOUT_FIGURES:
        reachable.discard("/reading")
    return tuple(place for place in (PUBLIC if role is Role.PUBLIC else PLACES) if place.path in reachable)


def routes_of(app: Any) -> Iterator[tuple[str, str, Access]]:
    """Every method, path and access of an application's own routes."""
    for route in every_route(app.routes):
        access = getattr(getattr(route, "endpoint", None), ACCESS, None)
        if access is not None:
            for method in route.methods:
                yield method, route.path, access


def every_route(routes: Iterable[Any]) -> Iterator[Any]:
    """Routes one by one, also where the framework keeps a group of them as one."""
    for route in routes:
        group = getattr(route, "original_router", None)
        if group is None:
            yield route
        else:
            yield from every_route(group.routes)
