"""Every group of routes, in the order in which they are looked through."""

from __future__ import annotations

from benchwell.web.pages.home import routes as home
from benchwell.web.pages.my_data import routes as my_data
from benchwell.web.pages.preferences import routes as preferences
from benchwell.web.pages.sign_in import routes as sign_in
from benchwell.web.routing import Routes

ALL_ROUTES: tuple[Routes, ...] = (home, my_data, preferences, sign_in)
