"""Every group of routes, in the order in which they are looked through."""

from __future__ import annotations

from benchwell.web.pages.contract import routes as contract
from benchwell.web.pages.course import routes as course
from benchwell.web.pages.editions import routes as editions
from benchwell.web.pages.entry import routes as entry
from benchwell.web.pages.home import routes as home
from benchwell.web.pages.marks import routes as marks
from benchwell.web.pages.my_data import routes as my_data
from benchwell.web.pages.people import routes as people
from benchwell.web.pages.preferences import routes as preferences
from benchwell.web.pages.reading import routes as reading
from benchwell.web.pages.sample import routes as sample
from benchwell.web.pages.service import routes as service
from benchwell.web.pages.sign_in import routes as sign_in
from benchwell.web.pages.today import routes as today
from benchwell.web.routing import Routes

ALL_ROUTES: tuple[Routes, ...] = (
    home,
    my_data,
    preferences,
    sign_in,
    today,
    people,
    course,
    entry,
    marks,
    service,
    editions,
    contract,
    sample,
    reading,
)
