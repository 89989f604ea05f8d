"""What all pages share, looked at in a real browser: parts, charts, colours, languages, keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.responses import HTMLResponse, PlainTextResponse

from benchwell.i18n import using
from benchwell.register import Role
from benchwell.signals.lights import face
from benchwell.terms import Better, Light
from benchwell.web.access import ANYONE, only
from benchwell.web.routing import Routes
from benchwell.web.templating import environment
from benchwell.web.visit import Here
from browser import Desk, check_page, keep, needs_chromium, served, settle, until
from live_house import live_house

pytestmark = needs_chromium

COURSE = {
    "data": {"values": [{"week": week, "score": score} for week, score in [(0, 18), (2, 15), (4, 15), (8, 9)]]},
    "height": 220,
    "layer": [
        {
            "data": {"values": [{"low": 5, "high": 10}]},
            "mark": {"type": "rect", "color": "var(--band)"},
            "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "line", "color": "var(--own)", "point": {"color": "var(--own)", "size": 70}},
            "encoding": {
                "x": {"field": "week", "type": "quantitative", "title": "Week"},
                "y": {"field": "score", "type": "quantitative", "title": None},
            },
        },
        {
            "transform": [{"calculate": "datum.score + ' points'", "as": "words"}],
            "mark": {"type": "text", "dy": -12},
            "encoding": {
                "x": {"field": "week", "type": "quantitative"},
                "y": {"field": "score", "type": "quantitative"},
                "text": {"field": "words"},
            },
        },
    ],
}
SAMPLE = """
{% extends "base.html.j2" %}
{% from "parts.html.j2" import chart, table, light, facts, field, pager, confirm with context %}
{% block title %}Parts{% endblock %}
{% block content %}
<h1>Every part of a page</h1>
<p class="lead">What pages are made of, with <a href="/all-parts">a link</a> and <em>words in italics</em>.</p>
<div class="two">
{% for one in faces %}
<section class="card"><h2>Response at 12 weeks</h2><p class="sentence">46 % (36–56)</p>{{ light(one) }}
{{ facts([("Eligible", "120"), ("Followed up", "92"), ("Benchmark", "51 %")]) }}</section>
{% endfor %}
</div>
<section class="card">{{ chart(course, "The score fell by 9 points", "A line from 18 to 9 points in 8 weeks.",
  ["Week", "Score"], [["0", "18"], ["8", "9"]], id="course", key="Shaded: mild.") }}</section>
{{ chart(none, "Nothing to draw", "There is one score so far.", ["Week", "Score"], [["0", "18"]], id="none") }}
<p class="notice">A notice with <a href="/all-parts">a link</a>.</p>
<p class="note">A note with <a href="/all-parts">a link</a>.</p>
<p><span class="tag">a tag</span> <a class="button" href="/all-parts">Go on</a>
<a class="button quiet" href="/all-parts">Not now</a></p>
<div class="safety" role="alert"><h2>Safety</h2><p>Somebody answered the question about death.</p></div>
<form method="post" action="/all-parts">
<input type="hidden" name="csrf" value="{{ visit.csrf }}">
{{ field("score", "PHQ-9 total", hint="0 to 27", required=true, attributes={"inputmode": "numeric"}) }}
{{ field("why", "Why", error="Say why.", type="textarea") }}
{{ field("place", "Place", options=[("n", "North"), ("s", "South")], value="s") }}
<fieldset><legend>How often?</legend>
{% for word in ["Not at all", "Several days"] %}
<label class="choice"><input type="radio" name="often" value="{{ loop.index0 }}"> {{ word }}</label>
{% endfor %}
</fieldset>
<p class="buttons"><button>Send</button><button class="quiet">Later</button><button disabled>Wait</button></p>
</form>
<button id="htmx" hx-post="/all-parts" hx-target="#answer" hx-swap="innerHTML">By itself</button>
<p id="answer">nothing yet</p>
{{ confirm("/all-parts", "Delete this", "It cannot be undone.", "Delete", visit.csrf) }}
{{ pager("/all-parts", "/all-parts", "June") }}
{{ table(["What"] + wide, [["Row"] + wide], "A wide table") }}
<div class="empty">Nothing yet. Load the sample.</div>
{% endblock %}
"""


def sample_routes() -> Routes:
    routes = Routes()

    @routes.get("/all-parts", ANYONE)
    def sample(visit: Here) -> HTMLResponse:
        faces = [face(state, Better.HIGHER) for state in Light]
        wide = [f"column {number}" for number in range(12)]
        with using(visit.language):
            page = environment().from_string(SAMPLE).render(visit=visit, faces=faces, course=COURSE, wide=wide)
        return HTMLResponse(page)

    @routes.post("/all-parts", only(Role.MANAGER))
    def sent(visit: Here) -> PlainTextResponse:
        return PlainTextResponse("it arrived")

    return routes


@pytest.fixture(scope="module")
def served_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The clinic, with a page that shows every part."""
    with live_house(tmp_path_factory.mktemp("house")) as house:
        house.app.include_router(sample_routes().router)
        with served(house.app) as address:
            yield house, address


def test_every_part_is_without_barriers_in_light_and_dark_on_a_desk_and_a_phone(desk: Desk) -> None:
    page = desk.window(Role.MANAGER)
    page.goto("/all-parts")
    check_page(page, "parts")


def test_parts_of_patient_pages_are_large_enough_to_touch(desk: Desk) -> None:
    page = desk.window(Role.PATIENT, size="phone")
    page.goto("/all-parts")
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, a.button, .choice, .top a, summary')]
             .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 43.5)
             .map(e => e.textContent.trim())"""
    )
    assert small == []
    check_page(page, "parts-patient")


def test_a_chart_is_drawn_in_the_colours_of_the_page_and_again_when_they_change(desk: Desk) -> None:
    page = desk.window(Role.MANAGER)
    page.goto("/all-parts")
    settle(page)
    line = "document.querySelector('[data-chart=course] svg path[fill=none][stroke]:not([stroke=transparent])')"
    own = "getComputedStyle(document.documentElement).getPropertyValue('--own').trim()"
    strokes = "[...document.querySelectorAll('[data-chart=course] svg [stroke]')].map(e => e.getAttribute('stroke'))"
    light = page.evaluate(own)
    assert light in page.evaluate(strokes), page.evaluate(f"{line}?.outerHTML")
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(own)
    assert dark != light
    until(page, f"{strokes}.includes({own})")
    assert light not in page.evaluate(strokes)


def test_a_chart_says_in_words_what_it_shows_can_be_reached_by_keyboard_and_keeps_its_table(desk: Desk) -> None:
    page = desk.window(Role.MANAGER)
    page.goto("/all-parts")
    settle(page)
    picture = page.get_by_role("img", name="A line from 18 to 9 points in 8 weeks.")
    picture.focus()
    assert page.evaluate("document.activeElement.className").startswith("chart-draw")
    page.get_by_text("Show the numbers as a table: The score fell").click()
    assert page.get_by_role("table", name="The score fell by 9 points").is_visible()
    assert page.get_by_text("There is one score so far.").is_visible()


def test_a_page_without_charts_does_not_load_what_draws_them(desk: Desk) -> None:
    page = desk.window(Role.PUBLIC)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/today")
    settle(page)
    page.goto("/all-parts")
    settle(page)
    vega = [place for place, url in enumerate(asked) if "vega" in url]
    first = next(place for place, url in enumerate(asked) if url.endswith("/all-parts"))
    assert len(vega) == 3
    assert min(vega) > first


def test_a_request_of_htmx_carries_the_mark_of_its_session(desk: Desk) -> None:
    page = desk.window(Role.MANAGER)
    page.goto("/all-parts")
    page.get_by_role("button", name="By itself").click()
    page.get_by_text("it arrived").wait_for()
    assert page.troubles == []


def test_the_reader_chooses_dark_or_light_and_keeps_it(desk: Desk) -> None:
    page = desk.window(Role.MANAGER)
    page.goto("/all-parts")
    page.get_by_role("button", name="Dark colours").click()
    settle(page)
    assert page.url.endswith("/all-parts")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    page.reload()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    page.get_by_role("button", name="Colours as this device has them").click()
    settle(page)
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_the_reader_chooses_a_language_and_comes_back_to_the_page(desk: Desk) -> None:
    page = desk.window(Role.MANAGER)
    page.goto("/all-parts?week=2")
    page.get_by_role("button", name="Deutsch").click()
    settle(page)
    assert page.url.endswith("/all-parts?week=2")
    assert page.evaluate("document.documentElement.lang") == "de"
    page.get_by_role("button", name="English").click()
    settle(page)
    assert page.evaluate("document.documentElement.lang") == "en"


def test_the_keyboard_comes_to_the_content_first_and_sees_where_it_is(desk: Desk) -> None:
    page = desk.window(Role.MANAGER)
    page.goto("/all-parts")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_what_is_printed_is_dark_on_white_without_the_navigation(desk: Desk) -> None:
    page = desk.window(Role.MANAGER, look="dark")
    page.goto("/all-parts")
    settle(page)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.get_by_role("button", name="Sign out").is_visible()
    assert not page.get_by_role("button", name="Deutsch").is_visible()
    keep(page, "parts-print")


def test_words_stay_when_scripts_are_off(desk: Desk) -> None:
    context = desk.chromium.new_context(java_script_enabled=False, base_url=desk.address)
    page = context.new_page()
    page.goto("/all-parts")
    assert page.get_by_text("Show the numbers as a table").first.is_visible()
    assert page.get_by_role("button", name="Send").is_visible()
    context.close()
