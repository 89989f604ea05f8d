"""The vocabulary: closed sets whose words are what tables and declarations store."""

from __future__ import annotations

from enum import StrEnum

import pytest

from benchwell import terms
from benchwell.terms import ChangeClass, Denominator, Light, OutcomeStatus

SETS = [item for item in vars(terms).values() if isinstance(item, type) and issubclass(item, StrEnum)]
SETS.remove(StrEnum)


@pytest.mark.parametrize("words", SETS, ids=lambda words: words.__name__)
def test_each_set_is_closed_documented_and_in_lower_case(words):
    assert (words.__doc__ or "").strip()
    assert len({word.value for word in words}) == len(words)
    assert all(word.value == word.value.lower() for word in words)
    with pytest.raises(ValueError, match="is not a valid"):
        words("no such word")


def test_the_change_classes_stand_in_order_of_precedence():
    assert list(ChangeClass) == ["recovered", "improved", "unchanged", "deteriorated"]


def test_there_are_three_denominators_and_four_lights():
    assert list(Denominator) == ["observed", "all_eligible", "estimated"]
    assert [light.value for light in Light] == ["green", "near", "red", "grey"]


def test_an_immature_episode_is_not_the_same_as_a_missing_one():
    assert OutcomeStatus.IMMATURE != OutcomeStatus.MISSING
