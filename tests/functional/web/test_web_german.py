"""Every page in German: no text whose German words the catalogue holds is still said in English."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

import benchwell.i18n
from benchwell.pipeline.live.sample import sample_edition
from benchwell.register import Role
from benchwell.web.access import ACCESS
from benchwell.web.routes import ALL_ROUTES
from every_role import address
from live_edition import RESPONSE, with_edition
from live_house import OWN, House, add_scores, live_house
from live_pages import a_decision, a_deletion

CATALOGUE = Path(benchwell.i18n.__file__).parent / "locale" / "de" / "messages.po"
LEAST = 25  # shorter texts are words that German shares, or parts of longer ones
PLACE = re.compile(r"\{[a-z_0-9]*\}|%\([a-z_]+\)s")
OTHERWISE = ("/api", "/fhir", "/static", "/stream")  # for programs, or without an end
VALUES: dict[str, Callable[[House], str]] = {
    "person_id": lambda _house: OWN,
    "course_id": lambda _house: "course-1",
    "user_id": lambda _house: "clinician",
    "instrument": lambda _house: "phq-9",
    "measure": lambda _house: RESPONSE,
    "kind": lambda _house: "measure",
    "declaration": lambda _house: RESPONSE,
    "edition": lambda _house: sample_edition().id,
    "decision_id": a_decision,
    "deletion_id": a_deletion,
}


class Said(HTMLParser):
    """What a page says to somebody who sees or hears it: text, labels, and the words in its charts.

    What stands in another language on purpose says so with `lang`.
    """

    VOID = ("br", "hr", "img", "input", "link", "meta", "source", "wbr", "col")

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.inside: list[tuple[str, bool, bool]] = []  # tag, whether it is English, whether it is a chart

    @property
    def is_english(self) -> bool:
        return bool(self.inside) and self.inside[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        english = named["lang"] == "en" if "lang" in named else self.is_english
        if not english:
            self.texts += [named[one] or "" for one in ("aria-label", "title", "alt", "placeholder") if named.get(one)]
        if tag not in self.VOID:
            self.inside.append((tag, english, named.get("type") == "application/json"))

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, english, chart = self.inside[-1] if self.inside else ("", False, False)
        if english or tag == "style" or not data.strip():
            return
        if tag != "script":
            self.texts.append(" ".join(data.split()))
        elif chart:
            self.texts += words_in(json.loads(data))


def words_in(specification: Any) -> Iterator[str]:
    """Texts in a chart."""
    if isinstance(specification, dict):
        for value in specification.values():
            yield from words_in(value)
    elif isinstance(specification, list):
        for value in specification:
            yield from words_in(value)
    elif isinstance(specification, str):
        yield specification


def english() -> dict[str, re.Pattern[str]]:
    """Each long text that has other words in German, and what it looks like on a page."""
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="de")
    found = {}
    for message in catalogue:
        pairs = [(message.id, message.string)]
        if isinstance(message.id, (list, tuple)):
            pairs = list(zip(message.id, message.string, strict=True))
        for text, said in pairs:
            spoken = text.replace("%%", "%")
            if len(PLACE.sub("", text).strip()) > LEAST and said and text not in said:
                parts = [re.escape(part) for part in PLACE.split(" ".join(spoken.split()))]
                found[text] = re.compile(".{0,200}?".join(parts))
    return found


def pages() -> list[tuple[str, str]]:
    """Path, and the roles that may see it, by name."""
    found = {}
    for routes in ALL_ROUTES:
        for route in routes.router.routes:
            if "GET" in route.methods and not route.path.startswith(OTHERWISE):
                roles = getattr(route.endpoint, ACCESS).roles - {Role.CLIENT}
                found[route.path] = " ".join(sorted(role.value for role in roles))
    return sorted(found.items())


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The clinic with an edition and the scores of one person."""
    with live_house(tmp_path_factory.mktemp("german")) as made:
        with_edition(made)
        days = ("2026-06-01", "2026-07-01", "2026-08-01", "2026-09-01")
        add_scores(made, OWN, "course-1", "phq-9", list(zip(days, (18.0, 15.0, 14.0, 9.0), strict=True)))
        yield made


@pytest.fixture(scope="module")
def known() -> dict[str, re.Pattern[str]]:
    return english()


def test_the_catalogue_is_read(known: dict[str, re.Pattern[str]]) -> None:
    assert len(known) > 700
    looks = known["You have answered for the week of {day}. There will be another next week."]
    assert looks.search("You have answered for the week of 23 Nov. There will be another next week.")
    assert not looks.search("Sie haben für die Woche vom 23. Nov. geantwortet. Nächste Woche kommt eine neue Frage.")


def test_what_is_meant_to_be_english_and_the_words_in_charts_are_told_apart() -> None:
    said = Said()
    said.feed(
        '<p>Eins <span lang="en">one</span></p><script type="application/json">{"a": ["zwei"]}</script><b>drei</b>'
    )
    assert said.texts == ["Eins", "zwei", "drei"]


@pytest.mark.parametrize(("path", "roles"), pages())
def test_no_german_page_says_in_english_what_the_catalogue_has_in_german(
    house: House, known: dict[str, re.Pattern[str]], path: str, roles: str
) -> None:
    at = address(path, lambda name: VALUES.get(name, lambda _house: "x")(house))
    for role in map(Role, roles.split()):
        answer = house.browser(role).get(at, headers={"accept-language": "de"})
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        said = Said()
        said.feed(answer.text)
        whole = "\n".join(said.texts)
        left = [text for text, looks in known.items() if looks.search(whole)]
        assert left == [], f"{at} as {role.value}"
