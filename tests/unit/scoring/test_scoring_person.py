"""One person's score: safety answers, misuse, and what is printed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchwell.errors import ScoringError, UnknownDeclarationError
from benchwell.registry import Registry
from benchwell.scoring import Reason, score
from benchwell.terms import Better, ScoreStatus


def test_a_raised_safety_answer_is_said_whatever_the_total():
    result = score("phq-9", [0, 0, 0, 0, 0, 0, 0, 0, 1])
    assert (result.value, result.band) == (1, "minimal")
    assert len(result.safety) == 1
    assert "look at it now" in result.safety[0]


def test_a_missing_safety_answer_is_said_and_flagged():
    result = score("phq-9", [1] * 8 + [None])
    assert (result.status, result.reason) == (ScoreStatus.PRORATED, Reason.SAFETY_ITEM_MISSING)
    assert result.safety == ("Item 9, a safety question, was not answered: ask.",)


def test_a_safety_answer_is_seen_on_a_form_that_cannot_be_scored():
    result = score("phq-9", [None] * 8 + [2])
    assert (result.value, result.reason) == (None, "too-many-missing")
    assert len(result.safety) == 1


def test_a_reversed_safety_answer_counts_after_reversal():
    never, often = 3, 0  # EPDS item 10 is answered from the worst option down
    assert score("epds", [0] * 9 + [never]).safety == ()
    assert len(score("epds", [0] * 9 + [often]).safety) == 1


def test_no_safety_answer_no_text():
    assert score("phq-9", [3] * 8 + [0]).safety == ()
    assert score("phq-9", total=20).safety == ()
    assert score("gad-7", [3] * 7).safety == ()


@pytest.mark.parametrize("gap", [None, math.nan, np.nan, np.float64("nan")])
def test_none_and_nan_are_missing(gap):
    assert score("phq-2", [1, gap]).reason == "too-many-missing"
    assert score("phq-2", [gap, gap]).reason == "no-answers"


def test_numpy_answers_are_answers():
    assert score("phq-9", np.array([1, 1, 1, 1, 1, 1, 1, 1, 1])).value == 9


def test_refusal_codes_are_never_added_up():
    for code in (7, 9, 77, 99):
        result = score("phq-9", [0, 0, 0, 0, code, 0, 0, 0, 0])
        assert (result.value, result.status, result.reason) == (None, "invalid", "out-of-range")


def test_the_items_count_when_the_stated_total_differs():
    result = score("phq-9", [1] * 9, 13)
    assert (result.value, result.status, result.reason) == (9, "complete", "total-differs")
    assert score("phq-9", [1] * 9, 9).reason is None


def test_a_stated_raw_sum_beside_the_items_is_no_contradiction():
    assert score("who-5", [3] * 5, 15).reason is None
    assert score("who-5", [3] * 5, 60).reason is None
    assert score("who-5", [3] * 5, 61).reason == "total-differs"


def test_broken_items_are_not_rescued_by_a_total():
    assert score("phq-9", [1] * 8 + [7], 9).status == "invalid"


def test_empty_answers_with_a_total_count_as_the_total():
    assert score("phq-9", [None] * 9, 12).status == "total_only"
    assert score("phq-9", [], 12).value == 12


def test_direction_belongs_to_the_scale():
    assert score("who-5", [3] * 5).better is Better.HIGHER
    assert score("sdq", total=8, scale="prosocial").better is Better.HIGHER
    assert score("sdq", total=8).better is Better.LOWER


def test_a_bad_item_spoils_only_the_scales_that_hold_it():
    result = score("pcl-5", [1] * 19 + [9])
    assert result.value is None
    assert result.scales["intrusion"] == 5
    assert result.scales["arousal"] is None


def test_half_points_round_up():
    # Seven answers summing to 7: 9.0 exactly; eight answers summing to 4 give 4.5, which becomes 5.
    assert score("phq-9", [1, 1, 1, 1, None, 0, 0, 0, 0]).value == 5
    assert score("phq-9", [1] * 7 + [None, None]).value == 9


def test_repr_says_value_band_and_direction_and_no_more():
    assert repr(score("phq-9", total=12)) == "<phq-9 12, total_only (moderate); lower is better>"
    assert repr(score("phq-9", [7] * 9)).startswith("<phq-9 no score, invalid (out-of-range")


def test_unknown_names_say_what_is_known():
    with pytest.raises(UnknownDeclarationError, match="phq-9"):
        score("phq-10", total=3)
    with pytest.raises(ScoringError, match="it has depression, anxiety, stress"):
        score("dass-21", total=3, scale="joy")


@pytest.mark.parametrize("items", ["111111111", {"a": 1}, 5, ["1"] * 9, [True] * 9, [object()] * 9])
def test_answers_that_are_no_numbers_are_a_programming_error(items):
    with pytest.raises(ScoringError) as caught:
        score("phq-9", items)
    assert "111" not in str(caught.value)


def test_an_own_registry_is_used():
    phq = Registry.load().instrument("phq-9")
    own = Registry([phq.model_copy(update={"id": "own-form", "aliases": (), "codes": {}})])
    assert score("own form", [1] * 9, registry=own).instrument == "own-form"
    with pytest.raises(UnknownDeclarationError):
        score("phq-9", [1] * 9, registry=own)
