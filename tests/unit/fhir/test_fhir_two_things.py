"""A resource that says two things of one number: neither is taken, and there is a finding."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from benchwell.intake.fhir.read import FhirPart, read_fhir_bytes
from benchwell.registry import Registry

REGISTRY = Registry.load()
PHQ9 = ("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8")
TOTAL, PANEL, GAD7_TOTAL = "44261-6", "44249-1", "70274-6"


def coded(*codes: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code} for code in codes]}


def observation(*codes: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": "1", "status": "final", "code": coded(*codes),
            "subject": {"reference": "Patient/1"}, "effectiveDateTime": "2025-06-01", **more}  # fmt: skip


def form(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "QuestionnaireResponse", "id": "1", "status": "completed", "authored": "2025-06-01",
            "subject": {"reference": "Patient/1"}, "item": list(items), **more}  # fmt: skip


def nine(**first: Any) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = [first or {"valueInteger": 1}, *({"valueInteger": 1},) * 8]
    return [{"linkId": code, "answer": [one]} for code, one in zip(PHQ9, answers, strict=True)]


def read(resource: dict[str, Any]) -> FhirPart:
    return read_fhir_bytes(json.dumps(resource).encode(), REGISTRY, as_of=dt.date(2026, 1, 1))


def reasons(part: FhirPart) -> list[str]:
    return sorted(part.rejections["reason"].to_pylist())


def only(part: FhirPart) -> dict[str, Any]:
    (row,) = part.tables["assessments"].to_pylist()
    return dict(row)


CODING = {"system": "http://loinc.org", "code": "LA6571-9"}


@pytest.mark.parametrize(
    "answer",
    [
        {"valueCoding": CODING, "valueInteger": 1},
        {"valueInteger": 3, "valueDecimal": 1.0},
        {"valueString": "3", "valueQuantity": {"value": 1}},
        {"valueInteger": 3, "valueBoolean": True},
        {"valueCoding": {**CODING, "extension": [{"url": "http://x/ordinalValue", "valueDecimal": 1e16}]}},
    ],
)
def test_an_answer_with_two_values_is_missing_and_flagged(answer: dict[str, Any]) -> None:
    part = read(form(*nine(**answer)))
    assert only(part)["items"] == [None, *[1.0] * 8]
    assert reasons(part) == ["answer_unclear"]


def test_an_answer_that_says_one_thing_in_two_ways_counts() -> None:
    part = read(form(*nine(valueCoding=CODING, valueInteger=3)))
    assert only(part)["items"][0] == 3.0
    assert reasons(part) == []


@pytest.mark.parametrize("third", [1, 2, 3])
def test_an_item_that_was_answered_differently_stays_missing_whatever_a_third_answer_says(third: int) -> None:
    more = [{"linkId": PHQ9[0], "answer": [{"valueInteger": value}]} for value in (2, third)]
    part = read(form(*nine(), *more))
    assert only(part)["items"][0] is None
    assert set(reasons(part)) == {"answer_unclear"}


def test_an_item_with_an_answer_that_nobody_understands_is_missing_in_either_order() -> None:
    often = {"linkId": PHQ9[0], "answer": [{"valueString": "often"}]}
    for items in ([*nine(), often], [often, *nine()]):
        part = read(form(*items))
        assert (only(part)["items"][0], reasons(part)) == (None, ["answer_unknown"])


def test_two_totals_of_one_form_are_none() -> None:
    totals = [{"linkId": TOTAL, "answer": [{"valueInteger": value}]} for value in (12, 14, 12)]
    beside, alone = read(form(*nine(), *totals)), read(form(*totals))
    assert (only(beside)["total"], set(reasons(beside))) == (None, {"answer_unclear"})
    assert "assessments" not in alone.tables
    assert set(reasons(alone)) == {"answer_unclear", "no_score"}


def test_however_many_other_questions_stand_before_it_the_form_is_read() -> None:
    many = [{"linkId": f"x{number}", "answer": [{"valueString": "no"}]} for number in range(3000)]
    assert only(read(form(*many, *nine())))["items"] == [1.0] * 9


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"valueInteger": 12, "valueQuantity": {"value": 14}}, "answer_unclear"),
        ({"valueInteger": 12, "dataAbsentReason": {"coding": [{"code": "error"}]}}, "answer_unclear"),
        ({"valueInteger": 12, "modifierExtension": [{"url": "http://x/not-this-person"}]}, "modifier_unread"),
        ({"valueInteger": 12, "focus": [{"reference": "Patient/2"}]}, "other_person"),
        ({"valueInteger": 12, "focus": [{"reference": "RelatedPerson/2"}]}, "other_person"),
    ],
)
def test_a_total_that_does_not_mean_what_it_seems_to_is_refused(more: dict[str, Any], reason: str) -> None:
    part = read(observation(TOTAL, **more))
    assert "assessments" not in part.tables
    assert (reasons(part), part.counts.rejected) == ([reason], 1)


def test_a_form_with_a_modifier_is_refused_and_one_with_an_empty_list_is_not() -> None:
    assert reasons(read(form(*nine(), modifierExtension=[{"url": "http://x"}]))) == ["modifier_unread"]
    assert reasons(read(form(*nine(), modifierExtension=[]))) == []
    assert reasons(read(observation(TOTAL, valueInteger=12, focus=[{"reference": "Patient/1"}]))) == []


def test_codings_of_two_instruments_are_refused_and_those_of_panel_and_total_are_one() -> None:
    assert reasons(read(observation(TOTAL, GAD7_TOTAL, valueInteger=12))) == ["ambiguous_instrument"]
    assert reasons(read(observation(TOTAL, PHQ9[0], valueInteger=3))) == ["ambiguous_instrument"]
    for codes in ((PANEL, TOTAL), (TOTAL, PANEL), (TOTAL, TOTAL)):
        part = read(observation(*codes, valueInteger=12))
        assert (only(part)["total"], reasons(part)) == (12.0, [])


def test_components_that_disagree_are_missing_and_flagged() -> None:
    parts = [{"code": coded(code), "valueInteger": 1} for code in PHQ9]
    twice = read(observation(PANEL, component=[*parts, {"code": coded(PHQ9[0]), "valueInteger": 2}]))
    assert (only(twice)["items"][0], reasons(twice)) == (None, ["answer_unclear"])
    own = read(observation(PHQ9[0], component=parts[1:], valueInteger=2))
    assert only(own)["items"] == [2.0, *[1.0] * 8]
    total = [*parts, {"code": coded(TOTAL), "valueInteger": 8}]
    assert reasons(read(observation(TOTAL, component=total, valueInteger=9))) == ["conflicting_value"]


def test_components_of_another_instrument_or_of_two_are_flagged() -> None:
    parts = [{"code": coded(code), "valueInteger": 1} for code in PHQ9]
    other = read(observation(TOTAL, component=[*parts, {"code": coded(GAD7_TOTAL), "valueInteger": 8}], valueInteger=9))
    assert (only(other)["total"], reasons(other)) == (9.0, ["ambiguous_instrument"])
    both = read(observation(PANEL, component=[*parts[1:], {"code": coded(PHQ9[0], PHQ9[1]), "valueInteger": 1}]))
    assert (only(both)["items"][0], reasons(both)) == (None, ["ambiguous_instrument"])


def test_a_total_that_cannot_be_read_beside_answers_is_flagged() -> None:
    parts = [{"code": coded(code), "valueInteger": 1} for code in PHQ9]
    part = read(observation(TOTAL, component=parts, valueString="nine"))
    assert (only(part)["items"], only(part)["total"], reasons(part)) == ([1.0] * 9, None, ["answer_unknown"])


def test_a_made_up_type_of_resource_is_counted_and_not_named() -> None:
    part = read({"resourceType": "Jane Doe 1980", "id": "1"})
    assert part.notes == ("Resources of types that Benchwell does not read: 1 unknown.",)
    assert read({"resourceType": "Claim", "id": "1"}).notes == (
        "Resources of types that Benchwell does not read: 1 Claim.",
    )


def test_a_value_in_two_units_is_refused() -> None:
    both = {"valueQuantity": {"value": 7.0, "unit": "mmol/mol", "code": "%"}}
    assert reasons(read(observation("4548-4", **both))) == ["unknown_unit"]
    assert (
        only(read(observation("4548-4", valueQuantity={"value": 7.0, "unit": "% of total", "code": "%"})))["unit"]
        == "%"
    )
