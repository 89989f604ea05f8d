"""An instrument as a form: whose words may be shown, and what counts as an answer."""

from __future__ import annotations

import pytest

from benchwell.errors import ScoringError
from benchwell.i18n import using
from benchwell.pipeline.live.forms import form_for, may_be_sent, read_items, read_number
from benchwell.registry import Registry

INSTRUMENTS = Registry.load().instruments
WITH_ITEMS = sorted(name for name, one in INSTRUMENTS.items() if one.items is not None)


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_wording_is_shown_only_where_the_licence_is_free(name: str) -> None:
    instrument, form = INSTRUMENTS[name], form_for(INSTRUMENTS[name])
    texts = [question.text for question in form.questions]
    if instrument.licence.state == "free" and instrument.items is not None and instrument.items.wording:
        assert texts == list(instrument.items.wording)
    else:
        assert not any(texts)
        assert not any(answer.label for question in form.questions for answer in question.answers)
        assert not may_be_sent(instrument)


@pytest.mark.parametrize("name", [name for name in WITH_ITEMS if may_be_sent(INSTRUMENTS[name])])
def test_what_people_fill_in_has_words_for_every_answer(name: str) -> None:
    for language in INSTRUMENTS[name].wordings or {}:
        with using(language):
            form = form_for(INSTRUMENTS[name])
        assert form.language == language
        assert form.stem
        assert all(answer.label for question in form.questions for answer in question.answers)
        assert len({question.text for question in form.questions}) == len(form.questions)


@pytest.mark.parametrize("name", WITH_ITEMS)
def test_every_example_can_be_typed(name: str) -> None:
    instrument = INSTRUMENTS[name]
    for example in instrument.examples:
        if example.items is None or example.status == "invalid":
            continue
        sent = {f"item-{n}": f"{value:g}" for n, value in enumerate(example.items, start=1) if value is not None}
        assert read_items(instrument, sent) == example.items


@pytest.mark.parametrize("name", WITH_ITEMS)
def test_a_total_is_shown_while_typing_only_where_it_is_the_plain_sum(name: str) -> None:
    instrument = INSTRUMENTS[name]
    if not form_for(instrument).sums_up:
        return
    complete = [one for one in instrument.examples if one.status == "complete" and one.items is not None]
    for example in complete:
        assert sum(value for value in example.items or () if value is not None) == example.value


def test_digits_answer_only_where_every_answer_is_one() -> None:
    assert form_for(INSTRUMENTS["phq-9"]).by_keys
    assert not form_for(INSTRUMENTS["ors"]).by_keys
    assert not form_for(INSTRUMENTS["hba1c"]).by_keys


@pytest.mark.parametrize("text", ["4", "-1", "1.5", "x", "nan", "inf", "1e9"])
def test_what_is_no_answer_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ScoringError) as refused:
        read_items(INSTRUMENTS["phq-9"], {"item-3": text})
    assert "tem 3" in refused.value.message
    assert text not in refused.value.message.replace("item 3", "").replace("Item 3", "")


def test_numbers_may_have_a_comma() -> None:
    assert read_number(" 6,5 ", "The total") == 6.5
    assert read_number("  ", "The total") is None
