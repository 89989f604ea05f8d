"""Every text that a person sees is there in every language, with the same places in it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from babel.messages import Catalog

from benchwell.i18n import LANGUAGES, _, using
from benchwell.signals.lights import face
from benchwell.signals.words import NOUNS, Figure, count, direction
from benchwell.terms import Better, Light

SCRIPT = Path(__file__).parents[3] / "scripts" / "messages.py"
PLACE = re.compile(r"\{[a-z_0-9]*\}|%\([a-z_]+\)s")
OTHERS = sorted(set(LANGUAGES) - {"en"})


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("messages_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def template(script: ModuleType) -> Catalog:
    found: Catalog = script.catalogue()
    return found


def words(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.mark.parametrize("language", OTHERS)
def test_no_text_is_missing_or_a_guess(script: ModuleType, template: Catalog, language: str) -> None:
    assert len(template) > 1000
    assert script.missing(language, template) == []


def test_no_text_hides_in_an_f_string() -> None:
    """A text inside an f-string is not gathered, so that no language ever has it."""
    hidden = re.compile(r"""[fF]["'].*\{n?(?:gettext|_)\(["']""")
    source = SCRIPT.parents[1] / "src" / "benchwell"
    found = [
        f"{path.name}:{place}"
        for path in sorted(source.rglob("*.py"))
        for place, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if hidden.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_same_places_as_its_text(script: ModuleType, template: Catalog, language: str) -> None:
    different = []
    for message in script.translated(language):
        if message.id and message.string:
            wanted = {place for one in words(message.id) for place in PLACE.findall(one)}
            found = {place for one in words(message.string) for place in PLACE.findall(one)}
            different += [words(message.id)[0]] if wanted != found else []
    assert different == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_keeps_the_spaces_at_its_ends(script: ModuleType, language: str) -> None:
    for message in script.translated(language):
        if not message.id:
            continue  # the head of the file
        for text, said in zip(words(message.id), words(message.string), strict=True):
            assert (text[:1].isspace(), text[-1:].isspace()) == (said[:1].isspace(), said[-1:].isspace()), text


def test_german_has_no_praise_no_blame_and_no_exclamation_mark(script: ModuleType) -> None:
    wrong = re.compile(r"!|\b(beste[rnsm]?|schlechteste[rnsm]?|versag\w*|Ausreißer|Rang\w*|Rangliste)\b", re.IGNORECASE)
    found = [message.string for message in script.translated("de") if message.id and wrong.search(str(message.string))]
    assert found == []


def test_german_speaks_to_people_with_sie(script: ModuleType) -> None:
    informal = re.compile(r"\b(du|dein\w*|dich|dir|euch|euer)\b", re.IGNORECASE)
    found = [
        message.string for message in script.translated("de") if message.id and informal.search(str(message.string))
    ]
    assert found == []


def test_figures_counts_and_lights_follow_the_language() -> None:
    with using("de"):
        assert Figure("points", decimals=1).text(-1.25) == "−1,3 Punkte"
        assert count(1200, "person", "people") == "1.200 Personen"
        assert direction(Better.LOWER) == "niedriger ist günstiger"
        assert face(Light.UNKNOWN, Better.HIGHER).word == "noch nicht zu sagen"
    assert Figure("points", decimals=1).text(-1.25) == "−1.3 points"
    assert count(1200, "person", "people") == "1,200 people"


def test_every_noun_that_is_counted_has_both_of_its_forms() -> None:
    with using("de"):
        for one, many in NOUNS.items():
            assert count(1, one, many) != f"1 {one}" or one == "Person"
            assert count(2, one, many) != f"2 {many}"


def test_a_language_that_is_not_there_is_english() -> None:
    with using("tlh"):
        assert _("Today") == "Today"
