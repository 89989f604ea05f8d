"""Names that give a source away are refused, whatever else stands in them; what was there before stays allowed."""

import pytest

from benchwell.registry.adjuster_sources import is_social, why_never


@pytest.mark.parametrize(
    "name",
    [
        *("number_of_sessions", "attended_visits", "n_appointments", "discharge_reason", "week4_attendance"),
        *("therapist_experience", "clinic_volume", "Homework-rate"),
    ],
)
def test_words_of_care_or_of_the_clinic_are_refused(name: str) -> None:
    assert why_never(f"characteristic:{name}") is not None


@pytest.mark.parametrize("name", ["prior_sessions", "previous_appointments", "chronicity", "comorbidity_count"])
def test_what_was_there_before_may_be_adjusted_for(name: str) -> None:
    assert why_never(f"characteristic:{name}") is None


@pytest.mark.parametrize(("name", "social"), [("household_income", True), ("housing", True), ("deployment", False)])
def test_means_and_groups_are_social(name: str, social: bool) -> None:
    assert is_social(f"characteristic:{name}") is social
