"""Consent texts: every purpose in every language, versions by content, what is wrong named by file and field."""

from __future__ import annotations

import pytest

from benchwell.errors import DeclarationError
from benchwell.i18n import LANGUAGES
from benchwell.registry.consent_text import FOLDER, ConsentTexts
from benchwell.terms import Purpose

TEXT = """\
purpose: {purpose}
number: {number}
author: a test
status: {status}
words:
  {language}:
    title: A title
    question: May we
    text: {text}
    refusal: Then not
"""


def put(folder, *, name=None, purpose="research", number=2, status="draft", language="en", text="Words"):
    (folder / FOLDER).mkdir(exist_ok=True)
    content = TEXT.format(purpose=purpose, number=number, status=status, language=language, text=text)
    (folder / FOLDER / (name or f"{purpose}-{number}.yaml")).write_text(content, encoding="utf-8")
    return folder


@pytest.mark.parametrize("purpose", list(Purpose), ids=[one.value for one in Purpose])
def test_every_purpose_has_a_text_in_every_language(purpose):
    text = ConsentTexts.load().in_force(purpose)
    assert set(text.words) == set(LANGUAGES)
    assert len({text.said(language).question for language in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("purpose", list(Purpose), ids=[one.value for one in Purpose])
def test_texts_are_short_sentences(purpose):
    for language in LANGUAGES:
        words = ConsentTexts.load().in_force(purpose).said(language)
        for part in (words.question, words.text, words.refusal):
            for one in part.replace("?", ".").replace(":", ".").split(". "):
                assert len(one.split()) <= 34, one


def test_a_version_fits_the_register_and_follows_the_words(tmp_path):
    bundled = ConsentTexts.load()
    assert all(len(version) <= 32 for version in bundled.texts)
    first = ConsentTexts.load(put(tmp_path, text="One")).in_force(Purpose.RESEARCH).version
    other = ConsentTexts.load(put(tmp_path, text="Two")).in_force(Purpose.RESEARCH).version
    assert first.split(":")[0] == other.split(":")[0] == "research-2"
    assert first != other


def test_the_highest_number_that_is_not_retired_is_in_force(tmp_path):
    assert ConsentTexts.load(put(tmp_path)).in_force(Purpose.RESEARCH).number == 2
    assert ConsentTexts.load(put(tmp_path, status="retired")).in_force(Purpose.RESEARCH).number == 1


def test_an_earlier_text_can_still_be_read(tmp_path):
    earlier = ConsentTexts.load().in_force(Purpose.RESEARCH).version
    found = ConsentTexts.load(put(tmp_path)).of_version(earlier)
    assert found is not None
    assert found.number == 1
    assert ConsentTexts.load().of_version("research-1:000000000000") is None


def test_a_language_without_translation_falls_back_on_english(tmp_path):
    assert ConsentTexts.load(put(tmp_path)).in_force(Purpose.RESEARCH).said("de").text == "Words"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": "other-2.yaml"}, "must be the same"),
        ({"purpose": "surveillance"}, "purpose"),
        ({"number": 0}, "number"),
        ({"language": "de"}, "no English text"),
        ({"text": "[a, b"}, "cannot be read as YAML"),
        ({"text": '""'}, r"words\.en\.text"),
    ],
    ids=["name", "purpose", "number", "language", "yaml", "empty"],
)
def test_what_is_wrong_is_named(tmp_path, changes, named):
    with pytest.raises(DeclarationError, match=named):
        ConsentTexts.load(put(tmp_path, **changes))


def test_a_purpose_without_any_text_in_force_is_named(tmp_path):
    put(tmp_path, number=1, status="retired")
    with pytest.raises(DeclarationError, match="research"):
        ConsentTexts.load(tmp_path).in_force(Purpose.RESEARCH)
