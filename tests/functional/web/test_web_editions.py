"""Editions: what there is, what changed, whether it recomputes, what may be taken along, and the method pages."""

from __future__ import annotations

import io
import json
import re
import shutil
import time

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from benchwell import Workspace
from benchwell.benchmarks.edition import PUBLIC_TABLES
from benchwell.pipeline.live.edition_browser import edition_list
from benchwell.pipeline.live.edition_tables import FORMATS, HOLDS, TABLES
from benchwell.pipeline.live.sample import sample_edition
from benchwell.pipeline.live.verify_runs import STALE, last_run, start
from benchwell.register import Role
from functional.product_cases import practice_rows, write_rows
from live_edition import RESPONSE, with_edition
from live_house import live_house

ID = sample_edition().id
SEES = (Role.LEAD, Role.MANAGER, Role.ANALYST)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with live_house(tmp_path_factory.mktemp("editions")) as made:
        with_edition(made)
        yield made


@pytest.mark.parametrize("path", ["/editions", f"/editions/{ID}"])
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CLIENT])
def test_editions_are_for_those_who_answer_for_a_service(house, role, path):
    wanted = 200 if role in SEES else 303 if role is Role.PUBLIC else 403
    assert house.browser(role).get(path).status_code == wanted


@pytest.mark.parametrize("path", ["/reading", "/methods", f"/methods/measure/{RESPONSE}", "/sample"])
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CLIENT])
def test_methods_and_how_to_read_are_for_everybody(house, role, path):
    assert house.browser(role).get(path).status_code == 200


def test_an_edition_says_what_it_holds(house):
    text = house.browser(Role.ANALYST).get(f"/editions/{ID}").text
    for part in (
        "What changed",
        "Measures and benchmarks",
        "Model card",
        "Gates",
        "Method pages frozen",
        "Tables of this edition",
    ):
        assert part in text
    assert sample_edition().manifest["sha256"] in text
    assert "People of an organization, for a figure of its own" in text  # not "organization n"


def test_a_method_page_says_in_the_readers_language_that_it_is_in_another(house):
    browser, address = house.browser(Role.ANALYST), f"/methods/measure/{RESPONSE}"
    said = "Methodenseiten stehen so da, wie sie eingefroren wurden, auf Englisch."
    assert said in browser.get(address, headers={"accept-language": "de"}).text
    assert "in English." not in browser.get(address).text


def test_every_table_that_may_leave_says_what_it_holds(house):
    assert set(HOLDS) == set(TABLES)
    text = house.browser(Role.ANALYST).get(f"/editions/{ID}").text
    there = [name for name in TABLES if sample_edition().file_of(name).exists()]
    for name in there:
        title, holds = HOLDS[name]
        assert title in text
        assert holds in text
        assert all(f"/editions/{ID}/tables/{name}.{form}" in text for form in FORMATS)
    shown = house.browser(Role.MANAGER).get(f"/editions/{ID}").text
    assert HOLDS["benchmarks"][1] in shown
    assert "/tables/" not in shown  # no link to what only analysts may take


def test_model_cards_have_an_address_and_benchmarks_a_name(house):
    browser = house.browser(Role.MANAGER)
    text = browser.get(f"/editions/{ID}").text
    cards = set(re.findall(rf'href="(/editions/{ID}/models/[\w-]+)"', text))
    assert cards
    for address in cards:
        page = browser.get(address).text
        assert "Slope (1 is perfect)" in page
    assert re.search(r'<a href="/methods/benchmark/[^"]+">(?!<code>)[A-Z]', text)
    assert browser.get(f"/editions/{ID}/models/none").status_code == 404
    assert browser.get(f"/editions/none/models/{RESPONSE}").status_code == 404
    assert house.browser(Role.PUBLIC).get(cards.pop()).status_code == 303


def test_an_edition_that_is_not_there_is_not_found(house):
    for path in ("/editions/none", "/editions/none/verify", "/editions/none/tables/benchmarks.csv"):
        assert house.browser(Role.ANALYST).get(path).status_code == 404
    assert house.browser(Role.ANALYST).get("/editions/..%2f..%2fregister").status_code == 404


@pytest.mark.parametrize("table", PUBLIC_TABLES)
def test_public_tables_leave_as_they_are(house, table):
    edition = sample_edition()
    if not edition.file_of(table).exists():
        pytest.skip(f"the sample has no {table}")
    held, browser = edition.arrow(table), house.browser(Role.ANALYST)
    address = f"/editions/{ID}/tables/{table}"
    assert pq.read_table(io.BytesIO(browser.get(f"{address}.parquet").content)).equals(held)
    assert pyarrow.csv.read_csv(io.BytesIO(browser.get(f"{address}.csv").content)).num_rows == held.num_rows
    made = json.loads(browser.get(f"{address}.json").text, parse_constant=lambda name: pytest.fail(name))
    assert len(made) == held.num_rows
    assert set(made[0]) == set(held.column_names)


def test_no_cell_of_a_csv_is_computed_and_no_number_changes(tmp_path):
    with live_house(tmp_path) as house:
        with_edition(house)
        file = house.service.workspace.path / "editions" / ID / "tables" / "adjusted_results.parquet"
        held = pq.read_table(file)
        place = held.schema.get_field_index("organization_id")
        pq.write_table(held.set_column(place, "organization_id", pa.array(["=1+1"] * held.num_rows)), file)
        browser = house.browser(Role.ANALYST)
        address = f"/editions/{ID}/tables/adjusted_results"
        made = pyarrow.csv.read_csv(io.BytesIO(browser.get(f"{address}.csv").content))
        assert set(made["organization_id"].to_pylist()) == {"'=1+1"}
        assert {row["organization_id"] for row in browser.get(f"{address}.json").json()} == {"=1+1"}
    # Estimates may be below zero: none has become a word.
    assert made["estimate"].cast(pa.float64()).equals(held["estimate"])


@pytest.mark.parametrize("table", ["outcomes", "features", "manifest", "..%2fmanifest"])
def test_rows_of_people_never_leave(house, table):
    for form in ("csv", "json", "parquet", "exe"):
        assert house.browser(Role.ANALYST).get(f"/editions/{ID}/tables/{table}.{form}").status_code == 404


@pytest.mark.parametrize("role", [Role.LEAD, Role.MANAGER, Role.CLINICIAN, Role.PAYER])
def test_tables_of_the_network_are_for_analysts(house, role):
    assert house.browser(role).get(f"/editions/{ID}/tables/benchmarks.csv").status_code == 403


def wait(workspace, edition):
    for _ in range(600):
        run = last_run(workspace, edition, time.time())
        if run is not None and run.state != "running":
            return run
        time.sleep(0.1)
    raise AssertionError("verifying did not end")


def test_an_analyst_verifies_an_edition_and_sees_that_it_holds(tmp_path):
    with live_house(tmp_path) as house:
        workspace, browser = house.service.workspace, house.browser(Role.ANALYST)
        edition = small_edition(tmp_path, workspace)
        assert "Nobody has asked here yet" in browser.get(f"/editions/{edition}").text
        assert browser.post(f"/editions/{edition}/verify").status_code == 403  # without the mark of the form
        answer = browser.post(f"/editions/{edition}/verify", data={"csrf": browser.csrf})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/editions/{edition}#verify")
        run = wait(workspace, edition)
        assert run.state == "passed", run.failures
        assert run.checks > 50
        assert f"all {run.checks} checks hold" in browser.get(f"/editions/{edition}").text


def test_what_was_changed_in_an_edition_is_named(tmp_path):
    with live_house(tmp_path) as house:
        workspace, browser = house.service.workspace, house.browser(Role.ANALYST)
        edition = small_edition(tmp_path, workspace)
        (workspace.path / "editions" / edition / "tables" / "organizations.parquet").write_bytes(b"changed")
        browser.post(f"/editions/{edition}/verify", data={"csrf": browser.csrf})
        assert wait(workspace, edition).state == "failed"
        assert "cannot be read" in browser.get(f"/editions/{edition}").text
        text = browser.get(f"/editions/{edition}/verify").text
        assert "Not passed" in text
        assert "file tables/organizations.parquet" in text


def test_an_edition_is_not_verified_twice_at_once_and_a_run_that_died_can_be_repeated(house):
    service, now = house.service, time.time()
    folder = service.workspace.path / "cache" / "verified"
    folder.mkdir(parents=True, exist_ok=True)
    running = {"edition": ID, "state": "running", "started": now, "failures": []}
    (folder / f"{ID}.json").write_text(json.dumps(running), encoding="utf-8")
    assert start(service, ID, now) is None
    assert "hx-get" in house.browser(Role.ANALYST).get(f"/editions/{ID}").text
    assert last_run(service.workspace, ID, now + STALE + 1).state == "died"
    (folder / f"{ID}.json").write_text("{", encoding="utf-8")
    assert last_run(service.workspace, ID, now) is None


@pytest.mark.parametrize("role", [Role.LEAD, Role.MANAGER])
def test_only_analysts_set_a_verification_going(house, role):
    browser = house.browser(role)
    assert browser.post(f"/editions/{ID}/verify", data={"csrf": browser.csrf}).status_code == 403
    assert "Verify now" not in browser.get(f"/editions/{ID}").text


def small_edition(tmp_path, workspace):
    """An edition of a few people, built in the workspace of a house."""
    workspace.intake(write_rows(tmp_path / "practice.csv", practice_rows()))
    return workspace.build(as_of="2026-01-31", benchmarks=["network-phq9-response-12w"]).id


def test_a_correction_says_what_it_supersedes_and_which_numbers_change(tmp_path):
    with live_house(tmp_path) as house:
        built = Workspace.create(tmp_path / "built")
        built.intake(write_rows(tmp_path / "practice.csv", practice_rows()))
        wanted = {"as_of": "2026-01-31", "benchmarks": ["network-phq9-response-12w"]}
        first = built.build(**wanted)
        more = [
            row | {"patient_id": f"late-{row['patient_id']}"} for row in practice_rows() if row["patient_id"] < "p05"
        ]
        built.intake(write_rows(tmp_path / "more.csv", more))
        second = built.build(**wanted, supersedes=first.id, reason="Five people were forgotten")
        for one in (first, second):
            shutil.copytree(one.path, house.service.workspace.path / "editions" / one.id)
        later, earlier = edition_list(house.service)
        assert (later.id, earlier.id) == (second.id, first.id)
        assert earlier.standing.superseded == ((second.id, "Five people were forgotten"),)
        assert later.change.before == first.id
        assert later.change.changed > 0
        assert earlier.change is None
        text = house.browser(Role.MANAGER).get("/editions").text
        assert "Numbers change." in text
        assert "Five people were forgotten" in text
        assert f"This edition is superseded by {second.id}" in text


def test_before_the_first_edition_there_are_method_pages_and_a_hint(tmp_path):
    with live_house(tmp_path) as house:
        assert "There is no edition yet" in house.browser(Role.MANAGER).get("/editions").text
        browser = house.browser(Role.PUBLIC)
        assert browser.get("/methods").status_code == 200
        assert browser.get("/methods/instrument/phq-9").status_code == 200


def test_a_method_page_comes_from_what_the_edition_froze(house):
    browser = house.browser(Role.PUBLIC)
    text = browser.get(f"/methods/measure/{RESPONSE}?edition={ID}").text
    assert f"Frozen in edition <code>{ID}</code>" in text
    assert 'href="/methods/instrument/phq-9' in text
    for path in ("/methods/measure/none", "/methods/nothing/phq-9", f"/methods/measure/{RESPONSE}?edition=none"):
        assert browser.get(path).status_code == 404
