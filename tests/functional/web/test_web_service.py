"""Our service: whose figures each role sees, that they say what the signals say, and that nobody is named."""

from __future__ import annotations

import csv
import html
import io
import json
import re

import pytest
from sqlalchemy import select

from benchwell.pipeline.live.measure_view import measure_view
from benchwell.pipeline.live.sample import ANYWHERE, sample_edition
from benchwell.register import Role
from benchwell.register import schema as s
from benchwell.signals import compare, sentence
from benchwell.signals.peers import distribution
from benchwell.signals.reading import rows
from live_edition import ANOTHER, RESPONSE, move, with_edition
from live_house import NORTH, live_house

PAGES = ("/service", f"/service/{RESPONSE}", f"/service/{RESPONSE}/figures.csv", f"/service/{RESPONSE}/figures.json")
SEES = (Role.LEAD, Role.MANAGER, Role.ANALYST)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with live_house(tmp_path_factory.mktemp("service")) as made:
        with_edition(made)
        yield made


def words(page: str) -> str:
    """What a person reads, with spaces as one."""
    bare = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", bare)))


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", list(SEES))
def test_those_who_answer_for_a_service_see_its_figures(house, role, path):
    assert house.browser(role).get(path).status_code == 200


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.PATIENT, Role.PAYER, Role.ADMIN])
def test_nobody_else_does(house, role, path):
    answer = house.browser(role).get(path)
    assert answer.status_code == 403
    assert "%" not in words(answer.text)


@pytest.mark.parametrize("path", PAGES)
def test_the_public_is_asked_to_sign_in(house, path):
    assert house.browser(Role.PUBLIC).get(path).status_code == 303


def test_the_sentence_is_the_one_of_the_signals(house):
    edition, page = sample_edition(), words(house.browser(Role.MANAGER).get("/service").text)
    for measure in edition.declarations.measures:
        said = sentence(compare(edition, ANYWHERE, measure))
        assert said.title in page
        for part in (said.figure, said.people, said.benchmark, said.verdict, said.next_step):
            assert part in page, (measure, part)


def test_a_grey_light_says_why_and_what_would_change_it(house):
    edition, page = sample_edition(), words(house.browser(Role.MANAGER).get("/service").text)
    grey = [one for one in edition.declarations.measures if compare(edition, ANYWHERE, one).deciding]
    assert grey
    for measure in grey:
        found = compare(edition, ANYWHERE, measure)
        gate, verdict = found.deciding_gate, sentence(found).verdict
        assert page.count(verdict) >= 1
        assert "Why it is grey" not in page  # the sentence has said it
        if gate.name in ("minimum_n", "probability", "reliability"):
            assert f"What would change it: {gate.change}" not in page  # and how many people would do
        else:
            assert f"What would change it: {gate.change}" in page


def test_what_is_worth_doing_for_most_measures_is_said_once(house):
    edition, page = sample_edition(), words(house.browser(Role.MANAGER).get("/service").text)
    steps = [sentence(compare(edition, ANYWHERE, one)).next_step for one in edition.declarations.measures]
    assert len(steps) == 3
    for step in set(steps):
        assert page.count(step) == 1 or steps.count(step) <= len(steps) / 2


def test_shape_and_word_stand_beside_the_colour(house):
    text = house.browser(Role.MANAGER).get("/service").text
    lights = re.findall(
        r'<p class="light light-(\w+)"><span class="shape" aria-hidden="true">(.)</span> <span>(.+?)<', text
    )
    assert len(lights) == 3
    assert {(css, shape) for css, shape, _ in lights} <= {
        ("above", "▲"),
        ("close", "●"),
        ("below", "▼"),
        ("unknown", "○"),
    }
    assert all(word for *_, word in lights)


def test_quarters_are_drawn_without_a_script_and_said_in_words(house):
    text = house.browser(Role.MANAGER).get("/service").text
    assert len(re.findall(r'<svg class="spark" [^>]*role="img" aria-label="[^"]{40,}"', text)) == 3


def test_a_lead_without_figures_of_the_team_is_told_whose_these_are(house):
    assert f"you see the whole organization: {ANYWHERE}" in words(house.browser(Role.LEAD).get("/service").text)
    assert "whole organization" not in words(house.browser(Role.MANAGER).get("/service").text)


@pytest.mark.parametrize("role", [Role.LEAD, Role.MANAGER])
@pytest.mark.parametrize("path", PAGES)
def test_a_lead_or_manager_asking_for_another_organization_sees_the_own_one(house, role, path):
    asked = house.browser(role).get(f"{path}?organization={ANOTHER}").text.partition("<main")[2]
    asked = asked or house.browser(role).get(f"{path}?organization={ANOTHER}").text
    assert ANOTHER not in asked
    assert ANYWHERE in asked


def test_an_analyst_sees_the_network_without_a_name_until_one_is_chosen(house):
    browser = house.browser(Role.ANALYST)
    cards = browser.get("/service").text
    card = re.sub(r"<[^>]+>", "", cards[cards.index('id="network-1"') : cards.index('id="network-2"')])
    assert card.count("Half of the clinics lie") == 1
    assert card.count("half lie from") == 0  # the same once more
    assert re.search(r"The middle one of \d+ clinics has \d+ %\. [\d,]+ of [\d,]+ eligible people were followed", card)
    network = browser.get(f"/service/{RESPONSE}").text
    assert "synthetic-clinic" not in network
    assert ANYWHERE not in network
    chosen = browser.get(f"/service/{RESPONSE}?organization={ANOTHER}").text
    assert ANOTHER in words(chosen)
    others = {row["organization_id"] for row in rows(sample_edition(), "organization_results")} - {ANOTHER}
    assert [one for one in others if one in chosen] == []


def test_an_organization_that_is_not_there_is_not_found(house):
    for path in PAGES:
        assert house.browser(Role.ANALYST).get(f"{path}?organization=nowhere").status_code == 404
    assert house.browser(Role.MANAGER).get("/service/no-such-measure").status_code == 404


def test_peers_are_dots_without_names(house):
    text = house.browser(Role.MANAGER).get(f"/service/{RESPONSE}").text
    assert "synthetic-clinic" not in text
    specs = [
        json.loads(one) for one in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    ]
    assert len(specs) >= 8
    spread = distribution(sample_edition(), RESPONSE, ANYWHERE)
    assert len(spread.values) == 12
    assert "organization_id" not in json.dumps(specs)


def test_the_page_opens_everything_behind_the_light(house):
    page = words(house.browser(Role.MANAGER).get(f"/service/{RESPONSE}").text)
    for part in (
        "Own trend",
        "Beside the others",
        "Compared fairly",
        "Answers to missing follow-up",
        "Group by group",
        "Person by person over time",
        "What decided the light",
        "Definition",
        f"Edition {sample_edition().id}",
    ):
        assert part in page, part


def cells_of_page(text: str) -> list[str]:
    """Every cell of every table of a page, without the heads."""
    bodies = re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL)
    cells = [one for body in bodies for one in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", body, re.DOTALL)]
    return [words(one).strip() for one in cells]


def test_a_download_is_exactly_what_the_page_shows(house):
    browser = house.browser(Role.MANAGER)
    page = browser.get(f"/service/{RESPONSE}").text
    text = browser.get(f"/service/{RESPONSE}/figures.csv").content.decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    made = browser.get(f"/service/{RESPONSE}/figures.json").json()
    values = [line["value"] for line in lines if line["part"] != "about"]
    assert values == [cell for table in made["tables"] for row in table["rows"] for cell in row]
    shown, read = set(cells_of_page(page)), words(page)
    data = [table for table in made["tables"] if table["part"] not in ("figures", "gates")]
    taken = {" ".join(cell.split()) for table in data for row in table["rows"] for cell in row if cell.strip()}
    assert taken <= shown, sorted(taken - shown)[:5]
    told = [cell for table in made["tables"] for row in table["rows"] for cell in row if table["part"] == "figures"]
    assert [cell for cell in told if cell not in read] == []
    # Model cards and case mixes are method, not figures: their tables are the only ones that are not taken along.
    view = measure_view(sample_edition(), ANYWHERE, RESPONSE)
    method = [table for one in view.casemixes for table in (one.taken, one.refused)] + [
        view.card.overall,
        view.card.groups,
    ]
    kept = {" ".join(str(cell).split()) for table in method for row in table.rows for cell in row}
    assert shown - taken - kept - {""} == set()
    assert made["sentence"] == sentence(compare(sample_edition(), ANYWHERE, RESPONSE)).text


def test_a_download_is_logged_without_a_name(house):
    house.browser(Role.ANALYST).get(f"/service/{RESPONSE}/figures.json?organization={ANOTHER}")
    with house.service.register.read() as connection:
        found = connection.execute(
            select(s.audit).where(s.audit.c.role == "analyst", s.audit.c.action == "export")
        ).all()
    assert {row.route for row in found} >= {"/service/{measure}/figures.json"}
    assert ANOTHER not in str(found)


@pytest.mark.parametrize("by", ["clinician", "practitioner_id", "therapist"])
@pytest.mark.parametrize("path", [*PAGES, "/readiness"])
@pytest.mark.parametrize("role", list(SEES))
def test_in_learning_mode_no_page_or_export_lists_clinicians(house, role, path, by):
    answer = house.browser(role).get(f"{path}?by={by}")
    assert answer.status_code == 403
    assert "lists clinicians" in words(answer.text)


@pytest.mark.parametrize("role", list(SEES))
def test_no_page_holds_a_clinician(house, role):
    browser = house.browser(role)
    for path in (*PAGES, "/readiness", "/editions", f"/editions/{sample_edition().id}"):
        text = browser.get(path).text
        # T17 and the like are the clinicians of the made-up network; c1 and "Clinician One" are those of the house.
        assert not re.search(r"\bT\d{1,3}\b|Clinician (One|Two)|\bc[12]\b", words(text)), path


def test_before_the_first_edition_the_page_teaches(tmp_path):
    with live_house(tmp_path) as empty:
        page = words(empty.browser(Role.MANAGER).get("/service").text)
        assert "There is no edition yet" in page
        assert "Anywhere Clinic" in page
        assert empty.browser(Role.MANAGER).get(f"/service/{RESPONSE}").status_code == 404


def test_an_organization_without_figures_is_led_to_the_sample(house):
    move(house, NORTH)
    try:
        answer = house.browser(Role.MANAGER).get("/service")
        assert answer.status_code == 200
        assert "Not enough people yet for a figure" in words(answer.text)
        assert 'href="/sample"' in answer.text
    finally:
        move(house, ANYWHERE)
