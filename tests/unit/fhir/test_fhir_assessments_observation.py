"""Observation: totals, panels, components and items, in whichever type the value stands."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_assessments import ANSWERS, LOINC, PHQ9, answer, observation, refer, score, take


def hba1c(value: float, code: str | None, unit: str | None = None) -> dict[str, Any]:
    return observation("4548-4", valueQuantity={"value": value, "code": code, "unit": unit})


@pytest.mark.parametrize(
    "value",
    [
        {"valueQuantity": {"value": 12, "unit": "{score}", "code": "{score}"}},
        {"valueQuantity": {"value": 12, "unit": "score", "code": "1"}},
        {"valueQuantity": {"value": 12}},
        {"valueInteger": 12},
        {"valueString": "12"},
        {"component": [{"code": {"coding": [{"system": LOINC, "code": "44261-6"}]}, "valueInteger": 12}]},
    ],
)
@pytest.mark.parametrize("code", ["44261-6", "44249-1"])
def test_a_total_in_every_type(code: str, value: dict[str, Any]) -> None:
    one = take(observation(code, **value)).only()
    assert (one["assessment_id"], one["instrument"], one["total"]) == ("Observation/o", "phq-9", 12)
    assert "unit" not in one


def test_a_root_without_any_known_code() -> None:
    total = {"code": {"coding": [{"system": LOINC, "code": "70274-6"}]}, "valueInteger": 3}
    one = take(observation("gad7", component=[total])).only()
    assert (one["instrument"], one["total"]) == ("gad-7", 3)


def test_answers_in_components() -> None:
    parts = [
        {"code": {"coding": [{"code": code, "system": LOINC}]},
         "valueCodeableConcept": {"coding": [{"system": LOINC, "code": ANSWERS[1]}]}}
        for code in PHQ9
    ]  # fmt: skip
    total = {"code": {"coding": [{"code": "44261-6", "system": LOINC}]}, "valueQuantity": {"value": 9}}
    one = take(observation("44249-1", component=[*parts, total])).only()
    assert (one["items"], one["total"]) == ([1] * 9, 9)
    parts[3] = {**parts[3], "valueCodeableConcept": {"coding": [{"code": "x"}]}}
    taken = take(observation("44249-1", component=parts))
    assert taken.only()["items"] == [1, 1, 1, None, 1, 1, 1, 1, 1]
    assert taken.findings == [(1, "component[phq-9.4]", "answer_unknown")]
    parts[4] = {"code": parts[4]["code"], "valueInteger": 7}
    assert take(observation("44249-1", component=parts)).reasons == ["above_range", "answer_unknown"]


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"valueQuantity": {"value": 28}}, "value", "above_range"),
        ({"valueQuantity": {"value": -1}}, "value", "negative_value"),
        ({"valueQuantity": {"value": 12.5}}, "value", "non_integer"),
        ({"valueQuantity": {"value": 12, "comparator": "<"}}, "value", "not_exact"),
        ({"valueQuantity": {"value": 12, "code": "mg/dL"}}, "valueQuantity", "unknown_unit"),
        ({"valueQuantity": None, "valueString": "twelve"}, "value", "answer_unknown"),
        ({"valueQuantity": None, "valueBoolean": True}, "value", "answer_unknown"),
        (
            {"valueQuantity": None, "dataAbsentReason": {"coding": [{"code": "asked-declined"}]}},
            "value",
            "value_absent",
        ),
        ({"status": "preliminary"}, "status", "not_finished"),
        ({"status": "registered"}, "status", "not_finished"),
        ({"status": "unknown"}, "status", "not_finished"),
        ({"status": "cancelled"}, "status", "cancelled"),
        ({"subject": None}, "subject", "missing_patient_id"),
        ({"effectiveDateTime": None}, "effectiveInstant", "missing_date"),
        ({"effectiveDateTime": "2026-02"}, "effectiveDateTime", "partial_date"),
        ({"effectiveDateTime": "2027-02-01"}, "effectiveDateTime", "after_snapshot"),
        ({"id": None}, "id", "missing_id"),
    ],
)
def test_what_refuses_a_total(change: dict[str, Any], column: str, reason: str) -> None:
    taken = take({**score(12), **change})
    assert (taken.assessments, taken.refused, taken.findings) == ([], {1}, [(1, column, reason)])


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_what_counts(status: str) -> None:
    assert take({**score(12), "status": status}).only()["total"] == 12


def test_periods_count_at_their_end() -> None:
    period = {"effectivePeriod": {"start": "2026-03-01T09:00:00Z", "end": "2026-03-02T10:00:00Z"}}
    one = take({**score(12, at=None), **period}).only()
    assert (str(one["date"]), one["time"]) == ("2026-03-02", "10:00:00")
    started = take({**score(12, at=None), "effectivePeriod": {"start": "2026-03-01"}}).only()
    assert str(started["date"]) == "2026-03-01"
    instant = take({**score(12, at=None), "effectiveInstant": "2026-03-03T01:00:00+02:00"}).only()
    assert str(instant["date"]) == "2026-03-03"


def test_hba1c_keeps_its_unit() -> None:
    assert (take(hba1c(7.1, "%")).only()["unit"], take(hba1c(7.1, "%")).only()["total"]) == ("%", 7.1)
    assert take(hba1c(54, "mmol/mol")).only()["unit"] == "mmol/mol"
    assert take(hba1c(54, None, "mmol/mol")).only()["unit"] == "mmol/mol"
    assert "unit" not in take(hba1c(7.1, None)).only()
    assert take(hba1c(54, None)).reasons == ["unit_missing"]
    assert take(hba1c(54, "%")).reasons == ["above_range"]
    assert take(hba1c(7, "{score}")).reasons == ["unknown_unit"]
    assert take(hba1c(7, "mg/dL")).reasons == ["unknown_unit"]


def test_t_scores_of_two_forms_name_neither_and_global_health_has_two_scales() -> None:
    assert take(observation("71965-8", valueQuantity={"value": 55.7})).reasons == ["ambiguous_instrument"]
    one = take(observation("71971-6", valueQuantity={"value": 44.9, "code": "{Tscore}"})).only()
    assert (one["instrument"], one["scale"], one["total"]) == ("promis-global-10", "physical", 44.9)


def test_items_need_a_value_that_they_can_take() -> None:
    assert take(observation(PHQ9[4], valueInteger=7)).reasons == ["above_range"]
    assert take(observation(PHQ9[4], dataAbsentReason={"coding": [{"code": "unknown"}]})).reasons == ["value_absent"]
    assert take(observation(PHQ9[4], valueCodeableConcept={"coding": [{"code": "LA6573-5"}]})).reasons == [
        "answer_unknown"
    ]


def test_a_panel_without_members_or_value_says_nothing() -> None:
    taken = take(observation("44249-1"))
    assert (taken.reasons, taken.refused) == (["no_score"], {1})
    assert take(observation("44249-1", hasMember=refer("Observation/x"))).reasons == ["no_score"]


def test_other_observations_are_no_finding() -> None:
    weight = observation("29463-7", valueQuantity={"value": 70, "code": "kg"})
    wrong = observation("69730-0", "w", valueInteger=12)
    other_system = {**observation("x", "y"), "code": {"coding": [{"system": "urn:x", "code": "44261-6"}]}}
    taken = take(weight, wrong, other_system, observation("69722-7", "d", valueInteger=1))
    assert (taken.assessments, taken.findings, taken.refused) == ([], [], set())


def test_entered_in_error() -> None:
    one = take({**score(12), "status": "entered-in-error", "subject": None}).only()
    assert one == {"assessment_id": "Observation/o", "source_row": 1, "retracted": True}
    assert take({**answer(PHQ9[0], 1, "i"), "status": "entered-in-error"}).assessments == []


def test_the_performer_says_who_answered_only_if_it_is_no_clinician() -> None:
    assert take(score(12, performer=refer("Practitioner/1", "Patient/p"))).only()["informant"] == "patient"
    assert "informant" not in take(score(12, performer=refer("Practitioner/1"))).only()
