"""The expected course of an edition on a clinician's pages: the ribbon, what similar people did, reviews."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import narwhals as nw
import pytest
import vl_convert as vlc
from sqlalchemy import insert

from benchwell import Edition, Workspace
from benchwell.benchmarks.edition import OPTIONAL_TABLES
from benchwell.pipeline.live.courses import course_view
from benchwell.register import Role
from benchwell.register import schema as s
from benchwell.register.viewer import Viewer
from benchwell.settings import FILE_NAME, Settings
from benchwell.synthetic import write_weekly
from live_house import OWN, House, add_scores, live_house

TODAY = dt.date.today()


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """An edition of a made-up network with weekly scores, whose course is known."""
    folder = tmp_path_factory.mktemp("weekly")
    Workspace(folder / "home")
    settings = Settings.load(folder / "home" / FILE_NAME).model_copy(update={"expected_course": True})
    settings.save(folder / "home" / FILE_NAME)
    workspace = Workspace(folder / "home")
    for file in write_weekly(folder / "files")[:1]:
        workspace.intake(file, as_of="2026-06-30")
    return workspace.build("2026-06-30", benchmarks=["network-phq9-response-12w"])


@pytest.fixture
def house(tmp_path: Path, edition: Edition) -> Iterator[House]:
    """The clinic with that edition, where expected courses are on."""
    with live_house(tmp_path, today=TODAY) as made:
        workspace = made.service.workspace
        shutil.copytree(edition.path, workspace.path / "editions" / edition.id)
        workspace.settings = workspace.settings.model_copy(update={"expected_course": True})
        yield made


def page(house: House, path: str) -> str:
    answer = house.browser(Role.CLINICIAN).get(path)
    assert answer.status_code == 200
    return answer.text


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<script.*?</script>|<[^>]+>", " ", html, flags=re.DOTALL))


def add(house: House, *values: float) -> None:
    days = [(TODAY - dt.timedelta(weeks=len(values) - 1 - place)).isoformat() for place in range(len(values))]
    add_scores(house, OWN, "course-1", "phq-9", list(zip(days, values, strict=True)))


def layers(html: str) -> list[dict[str, Any]]:
    found = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', html, flags=re.DOTALL)
    assert found is not None
    spec: dict[str, Any] = json.loads(found[1])
    return list(spec["layer"])


def test_the_ribbon_is_drawn_from_the_edition_with_what_it_says_in_words(house: House, edition: Edition) -> None:
    add(house, 18, 16, 15, 14)
    html = page(house, f"/people/{OWN}")
    assert [layer["mark"]["type"] for layer in layers(html)].count("area") == 1
    said = words(html)
    assert "Ribbon: where 8 of 10 people with a similar start were expected." in said
    assert "What people with a similar start did" in said
    assert re.search(r"Of \d+ people with a first score of \d+ to \d+", said)
    assert said.count(edition.id) == 2, "once below the course, and once at the foot of the page"
    assert "not what this person will do" in said


def test_what_was_seen_stands_beside_the_model_in_the_table(house: House, edition: Edition) -> None:
    add(house, 18, 16, 15, 14)
    said = words(page(house, f"/people/{OWN}"))
    bands = nw.from_native(edition.table("response_bands"), eager_only=True).iter_rows(named=True)
    (seen,) = [one for one in bands if one["band"] == "15-19" and one["occasion"] == 3 and "weeks" in one["curve"]]
    assert "Seen among similar people" in said
    assert f"{seen['empirical_lower']:g} to {seen['empirical_upper']:g} (n {seen['n_people']:,})" in said


def test_a_score_outside_the_range_is_worth_a_review_on_both_pages(house: House) -> None:
    add(house, 18, 20, 22, 27)
    assert "outside the expected range, so worth a review" in words(page(house, "/today"))
    assert "outside the expected range, so worth a review" in words(page(house, f"/people/{OWN}"))


def test_a_score_within_the_range_is_not_named_today(house: House) -> None:
    add(house, 18, 16, 15, 14)
    assert "worth a review" not in words(page(house, "/today"))
    assert "within the expected range" in words(page(house, f"/people/{OWN}"))


def test_whoever_chose_not_to_have_it_has_no_range_and_no_review(house: House) -> None:
    add(house, 18, 20, 22, 27)
    choice = {"person_id": OWN, "name": "expected", "value": False, "decided_at": 1.0}
    house.service.register.write(lambda connection: connection.execute(insert(s.choices).values(**choice)))
    html = page(house, f"/people/{OWN}")
    assert "area" not in [layer["mark"]["type"] for layer in layers(html)]
    assert "similar start did" not in words(html)
    today = words(page(house, "/today"))
    assert "worth a review" not in today
    assert "9 points worse than at the start" in today, "the reliable change does not depend on the edition"


def test_where_expected_courses_are_off_nothing_of_them_is_shown(house: House) -> None:
    workspace = house.service.workspace
    workspace.settings = workspace.settings.model_copy(update={"expected_course": False})
    add(house, 18, 20, 22, 27)
    assert "area" not in [layer["mark"]["type"] for layer in layers(page(house, f"/people/{OWN}"))]
    assert "worth a review" not in words(page(house, "/today"))


def test_a_page_with_a_ribbon_draws_without_a_complaint(house: House) -> None:
    add(house, 18, 16, 15, 14)
    viewer = Viewer(Role.CLINICIAN, practitioner_id="c1")
    (part,) = course_view(house.service, viewer, OWN, TODAY).parts
    assert vlc.vegalite_to_svg(part.picture.spec).startswith("<svg")
    assert part.picture.rows[0][3] != "", "the expected range stands in the table"


def test_the_tables_behind_an_expected_course_are_listed_and_can_be_taken(house: House, edition: Edition) -> None:
    browser = house.browser(Role.ANALYST)
    page = browser.get(f"/editions/{edition.id}").text
    assert "It is shown: made from" in page
    for name in OPTIONAL_TABLES:
        assert f"/editions/{edition.id}/tables/{name}.csv" in page
        rows = browser.get(f"/editions/{edition.id}/tables/{name}.json").json()
        assert len(rows) == edition.arrow(name).num_rows
