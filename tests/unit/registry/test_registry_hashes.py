"""Hashes of declarations (METHODS M13.1): what moves numbers is hashed apart from what does not."""

from __future__ import annotations

import pytest

from benchwell.registry import Reference, Registry, canonical_json, hash_canonical

BASE = {
    "id": "some-figure",
    "revision": 1,
    "title": "A figure",
    "why": "To compare with.",
    "author": "A. Author",
    "measures": ["phq9-response-12w"],
    "figure": "share with response",
    "estimate": 0.5,
    "better": "higher",
    "year": "2020",
    "population": "adults",
    "denominator": "observed",
    "denominator_text": "people with both scores",
    "source": "somewhere",
    "checked": "checked",
}


def reference(**changes):
    return Reference.model_validate(BASE | changes)


def test_e13_1_the_published_hash_is_the_full_sha_256():
    assert (
        hash_canonical({"version": "1.0.0", "id": "phq9-remission"})
        == "1be8805d49c8de1f74f6090f5f90ea9c05c539e6a9c832475ce4a155c898b2af"
    )


def test_canonical_json_sorts_keys_has_no_spaces_and_keeps_utf_8():
    assert canonical_json({"b": [1, None, True], "a": {"ü": "≥"}}) == '{"a":{"ü":"≥"},"b":[1,null,true]}'


def test_key_order_does_not_matter_and_a_value_does():
    assert hash_canonical({"a": 1, "b": 2}) == hash_canonical({"b": 2, "a": 1})
    assert hash_canonical({"a": 1}) != hash_canonical({"a": 1.5})


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another title"},
        {"why": "Another reason."},
        {"reviewers": ["R. Reviewer"]},
        {"status": "accepted"},
        {"sources": {"x": "a book"}},
        {"notes": "A note."},
    ],
    ids=lambda change: next(iter(change)),
)
def test_wording_moves_the_text_hash_only(change):
    assert reference(**change).numbers_hash == reference().numbers_hash
    assert reference(**change).text_hash != reference().text_hash


@pytest.mark.parametrize(
    "change",
    [{"estimate": 0.51}, {"denominator": "all_eligible"}, {"better": "lower"}, {"revision": 2}, {"id": "other"}],
    ids=lambda change: next(iter(change)),
)
def test_meaning_moves_the_numbers_hash_only(change):
    assert reference(**change).numbers_hash != reference().numbers_hash
    assert reference(**change).text_hash == reference().text_hash


def test_a_declaration_cannot_be_changed_after_it_was_loaded():
    with pytest.raises(ValueError, match="frozen"):
        reference().estimate = 0.9


def test_the_place_on_a_page_moves_no_number():
    known = Registry.load().measure("phq9-response-12w")
    moved = known.model_copy(update={"headline": 99})
    assert known.headline == 1
    assert moved.numbers_hash == known.numbers_hash
    assert moved.text_hash != known.text_hash
