"""A network too small for dots, clinics too small for a figure, and names that would like to be markup."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil

import pytest

from benchwell import Workspace
from benchwell.register import Role
from functional.product_cases import write_rows
from live_edition import move
from live_house import live_house

RESPONSE = "phq9-response-12w"
OWN = "own <script>alert('CANARY-MARKUP')</script> & \"clinic\""
FORMULA = "=HYPERLINK(CANARY-FORMULA)"
TINY = "CANARY-TINY"
PEERS = [f"CANARY-PEER-{place}" for place in range(5)]
# People of each clinic; seven have enough for a figure, and one does not.
SIZES = {OWN: 40, FORMULA: 30, TINY: 4} | dict.fromkeys(PEERS, 30)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    rows = []
    for place, (clinic, size) in enumerate(SIZES.items()):
        for number in range(size):
            person = {"patient_id": f"p{place}-{number}", "instrument": "phq-9", "clinic": clinic, "therapy": "cbt"}
            start, first = dt.date(2025, 1, 6) + dt.timedelta(days=number), 12 + number % 10
            rows.append(person | {"date": start, "total": first})
            if number % 5:
                total = first // 2 if (number + place) % 3 else first - 1
                rows.append(person | {"date": start + dt.timedelta(days=84), "total": total})
    folder = tmp_path_factory.mktemp("small")
    workspace = Workspace.create(folder / "built")
    workspace.intake(write_rows(folder / "network.csv", rows))
    return workspace.build(as_of="2026-01-31", benchmarks=["network-phq9-response-12w"])


@pytest.fixture
def house(tmp_path, small):
    with live_house(tmp_path) as made:
        shutil.copytree(small.path, made.service.workspace.path / "editions" / small.id)
        move(made, OWN)
        yield made


def test_below_ten_peers_nobody_is_a_dot_and_no_quartile_is_told(house):
    text = house.browser(Role.MANAGER).get(f"/service/{RESPONSE}").text
    assert "The middle one of 6 other clinics" in text
    assert "Half of the other clinics" not in text
    assert "Funnel" not in text
    specs = re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', text, re.DOTALL)
    (spread,) = [json.loads(spec) for name, spec in specs if name.endswith("distribution")]
    assert not [values for values in spread["datasets"].values() if len(values) > 1]


@pytest.mark.parametrize("role", [Role.LEAD, Role.MANAGER])
def test_peers_are_never_named(house, role):
    browser = house.browser(role)
    paths = ["/service", *(f"/service/{RESPONSE}{end}" for end in ("", "/figures.csv", "/figures.json")), "/readiness"]
    for path in [*paths, "/editions", f"/editions/{house.service.edition().id}"]:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert not re.search("CANARY-(PEER|TINY|FORMULA)", answer.text), path


def test_a_name_is_never_markup(house):
    for role, query in ((Role.MANAGER, ""), (Role.ANALYST, "?organization=own+%3Cscript%3Ealert%28%27CANARY")):
        browser = house.browser(role)
        for path in ("/service", f"/service/{RESPONSE}", "/readiness"):
            text = browser.get(path + query).text
            assert "<script>alert" not in text
            assert "CANARY-MARKUP')</script>" not in text
    assert "&lt;script&gt;alert" in house.browser(Role.MANAGER).get("/service").text


def test_a_name_is_never_a_formula(house):
    move(house, FORMULA)
    text = house.browser(Role.MANAGER).get(f"/service/{RESPONSE}/figures.csv").content.decode("utf-8-sig")
    assert f"'{FORMULA}" in text
    assert not re.search(r"(^|,)\"?=HYPERLINK", text, re.MULTILINE)


def test_below_the_least_number_of_people_a_page_is_grey_kind_and_shows_no_figure(house):
    move(house, TINY)
    text = house.browser(Role.MANAGER).get("/service").text.replace("\u00a0", " ")
    assert "light-unknown" in text
    assert "no figure yet" in text
    assert text.count("4 eligible people so far; 10 are the least we show") == 1  # said once, in the sentence
    assert "6 more people are needed before there is a figure" in text
    assert "What would change it" not in text  # the sentence has said it
    assert "Not enough people yet for a figure" in text
    assert 'href="/sample"' in text
    opened = house.browser(Role.MANAGER).get(f"/service/{RESPONSE}").text.replace("\u00a0", " ")
    assert "see a sample, Anywhere Clinic" in opened
    assert re.search(r"<h1>[^<]*: <span class=\"whole\">no figure yet</span>", opened)
    tables = house.browser(Role.MANAGER).get(f"/service/{RESPONSE}/figures.json").json()["tables"]
    (figures,) = [dict(table["rows"]) for table in tables if table["part"] == "figures"]
    assert figures.keys() <= {"Eligible", "Followed up", "Completion", "Adjustment"}
