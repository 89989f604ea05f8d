"""An instrument that contradicts itself is refused on load."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from benchwell.registry import Instrument, Registry

BASE = {
    "id": "form",
    "revision": 1,
    "title": "A form",
    "why": "To test.",
    "author": "A. Author",
    "better": "lower",
    "items": {"count": 3, "min": 0, "max": 2},
    "scales": [{"id": "total", "title": "Total", "primary": True, "min": 0, "max": 6}],
    "licence": {"state": "free", "text": "none", "status": "unchecked"},
}


def total(**changes):
    return {"scales": [BASE["scales"][0] | changes]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (total(primary=False), "exactly one scale is primary"),
        ({"scales": [BASE["scales"][0], BASE["scales"][0] | {"primary": False}]}, "same id"),
        (total(items=[1, 4]), "numbered 1 to 3"),
        (total(max=5), "outside its stated range"),
        (total(multiply=2), "outside its stated range"),
        (total(method="mean", multiply=10), "outside its stated range"),
        (total(lookup={0: 1.0, 1: 2.0}), "must cover raw sums 0 to 6"),
        (total(recode=[{"items": [1], "values": {0: 0, 1: 1}}]), "recodes no answer"),
        ({"items": BASE["items"] | {"reverse": [9]}}, "numbered 1 to 3"),
        ({"items": BASE["items"] | {"wording": ["a", "b"]}}, "one text for each item"),
        (
            {
                "items": BASE["items"] | {"wording": ["a", "b", "c"]},
                "licence": BASE["licence"] | {"state": "restricted"},
            },
            "licence state is free",
        ),
        ({"bands": [{"min": 3, "max": 6, "label": "b"}, {"min": 0, "max": 2, "label": "a"}]}, "ascending"),
        (
            total(lookup={n: float(n) for n in range(7)}) | {"missing": {"rule": "person-mean", "max_missing": 1}},
            "must be rounded",
        ),
        ({"missing": {"rule": "none", "max_missing": 1}}, "allows missing answers without a rule"),
        ({"items": None, "caseness": {"operator": ">=", "value": 3, "status": "probably"}}, "status"),
    ],
)
def test_contradictions_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        Instrument.model_validate(BASE | change)


def test_the_plain_form_is_accepted():
    assert Instrument.model_validate(BASE).raw_range(Instrument.model_validate(BASE).primary) == (0, 6)


def test_the_numbers_hash_moves_with_a_cut_off_and_not_with_an_alias():
    phq = Registry.load().instrument("phq-9")
    assert phq.model_copy(update={"aliases": ("something",)}).numbers_hash == phq.numbers_hash
    moved = phq.model_copy(update={"caseness": phq.caseness.model_copy(update={"value": 11.0})})
    assert moved.numbers_hash != phq.numbers_hash


def test_an_id_means_itself_even_when_another_takes_it_as_an_alias():
    form = Instrument.model_validate(BASE)
    other = Instrument.model_validate(BASE | {"id": "other", "aliases": ["form", "shared"]})
    third = Instrument.model_validate(BASE | {"id": "third", "aliases": ["shared"]})
    registry = Registry([form, other, third])
    assert registry.find_instrument("FORM").id == "form"
    assert registry.find_instrument("shared") is None


def test_an_instrument_without_items_has_no_form():
    with pytest.raises(ValueError, match="no items"):
        _ = Instrument.model_validate(BASE | {"items": None}).form


def test_every_scale_has_the_codes_that_are_declared_for_it():
    registry = Registry.load()
    promis = registry.instrument("promis-global-10")
    assert [promis.score_codes(scale) for scale in promis.scales] == [("loinc|71969-0",), ("loinc|71971-6",)]
    phq = registry.instrument("phq-9")
    assert phq.score_codes(phq.primary) == ("loinc|44261-6",)
    assert registry.instrument("hba1c").is_laboratory
    assert not phq.is_laboratory
