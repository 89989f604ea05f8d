"""Every group of routes, in the order in which they are looked through."""

from __future__ import annotations

from benchwell.web.api.fhir import routes as fhir
from benchwell.web.api.v1 import routes as v1
from benchwell.web.pages.account import routes as account
from benchwell.web.pages.admin import routes as admin
from benchwell.web.pages.admin_deletions import routes as admin_deletions
from benchwell.web.pages.admin_log import routes as admin_log
from benchwell.web.pages.admin_places import routes as admin_places
from benchwell.web.pages.admin_programs import routes as admin_programs
from benchwell.web.pages.circle import routes as circle
from benchwell.web.pages.contract import routes as contract
from benchwell.web.pages.course import routes as course
from benchwell.web.pages.demo import routes as demo
from benchwell.web.pages.editions import routes as editions
from benchwell.web.pages.entry import routes as entry
from benchwell.web.pages.experiments import routes as experiments
from benchwell.web.pages.forms import routes as forms
from benchwell.web.pages.home import routes as home
from benchwell.web.pages.marks import routes as marks
from benchwell.web.pages.my_data import routes as my_data
from benchwell.web.pages.oidc import routes as oidc
from benchwell.web.pages.people import routes as people
from benchwell.web.pages.preferences import routes as preferences
from benchwell.web.pages.pulse import routes as pulse
from benchwell.web.pages.readiness import routes as readiness
from benchwell.web.pages.reading import routes as reading
from benchwell.web.pages.sample import routes as sample
from benchwell.web.pages.service import routes as service
from benchwell.web.pages.sign_in import routes as sign_in
from benchwell.web.pages.today import routes as today
from benchwell.web.routing import Routes
from benchwell.web.stream import routes as stream

ALL_ROUTES: tuple[Routes, ...] = (
    fhir,
    v1,
    stream,
    home,
    my_data,
    preferences,
    sign_in,
    demo,
    oidc,
    account,
    admin,
    admin_places,
    admin_programs,
    admin_log,
    admin_deletions,
    today,
    people,
    course,
    entry,
    marks,
    forms,
    service,
    editions,
    contract,
    sample,
    reading,
    readiness,
    circle,
    experiments,
    pulse,
)
