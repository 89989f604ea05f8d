"""Anywhere Clinic: labelled as made up on every page, from a bundled edition that still recomputes."""

from __future__ import annotations

import re

import pytest

from benchwell import verify
from benchwell.pipeline.live.sample import ANYWHERE, sample_edition, sample_measure, sample_service
from benchwell.register import Role
from benchwell.signals.words import FORBIDDEN
from live_edition import RESPONSE
from live_house import live_house


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with live_house(tmp_path_factory.mktemp("sample")) as house:
        yield house.browser(Role.PUBLIC)


@pytest.mark.parametrize("path", ["/sample", f"/sample/{RESPONSE}"])
def test_every_page_of_the_sample_says_that_nobody_in_it_exists(browser, path):
    text = browser.get(path).text
    assert "Anywhere Clinic does not exist" in text
    assert ANYWHERE in text
    assert text.index("This is a sample") < text.index("<h1>")


def test_the_sample_leads_nowhere_that_the_public_may_not_go(browser):
    for path in ("/sample", f"/sample/{RESPONSE}"):
        for link in set(re.findall(r'href="(/[^"#?]*)', browser.get(path).text)):
            assert browser.get(link).status_code in (200, 303), (path, link)
        assert "figures.csv" not in browser.get(path).text


def test_the_bundled_edition_recomputes_and_holds_no_rows():
    assert verify(sample_edition().path).passed
    assert not sample_edition().has_rows


def test_the_sample_shows_a_light_with_a_colour_and_one_that_is_grey():
    lights = {card.face.css for card in sample_service().cards}
    assert "unknown" in lights
    assert lights & {"above", "below", "close"}


def test_every_part_of_a_measure_has_something_in_it():
    parts = {section.id for one in sample_service().cards for section in sample_measure(one.measure).sections}
    assert parts == {"trend", "others", "fair", "answers", "groups", "over_time"}
    assert sample_measure("no-such-measure") is None


def test_a_measure_that_the_sample_lacks_is_not_found(browser):
    assert browser.get("/sample/no-such-measure").status_code == 404


def test_no_word_that_judges_people(browser):
    for path in ("/sample", f"/sample/{RESPONSE}", "/reading"):
        main = browser.get(path).text.partition("<main")[2].partition("</main>")[0]
        bare = re.sub(r"<script.*?</script>|<!--.*?-->|<[^>]+>", " ", main, flags=re.DOTALL).lower()
        found = [
            word
            for word in FORBIDDEN
            if re.search(rf"\b{re.escape(word)}\b" if word.isalpha() else re.escape(word), bare)
        ]
        assert found == [], path
