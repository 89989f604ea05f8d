"""QuestionnaireResponse: what link ids and answers mean, and what is refused."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from fhir_assessments import ANSWERS, GAD7, LOINC, PHQ9, observation, refer, response, take

ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
WEIGHT = "http://hl7.org/fhir/StructureDefinition/itemWeight"
ITEMS = [0, 1, 2, 3, 2, 1, 0, 1, 2]


def coding(code: str, system: str | None = LOINC, **more: Any) -> dict[str, Any]:
    return {"valueCoding": {"code": code, **({} if system is None else {"system": system}), **more}}


def ordinal(value: float, url: str = ORDINAL) -> list[dict[str, Any]]:
    return [{"url": url, "valueDecimal": value}]


def with_answer(place: int, answer: dict[str, Any]) -> dict[str, Any]:
    filled = response(ITEMS)
    filled["item"][place]["answer"] = [answer]
    return filled


@pytest.mark.parametrize("form", ["/{}", "{}", "/44249-1/{}", "44249-1/{}"])
def test_link_ids_are_codes_in_every_spelling(form: str) -> None:
    filled = response(ITEMS)
    for one, code in zip(filled["item"], PHQ9, strict=True):
        one["linkId"] = form.format(code)
    one = take(filled).only()
    assert (one["instrument"], one["items"]) == ("phq-9", ITEMS)


def test_order_of_items_is_the_instruments_however_they_are_nested() -> None:
    filled = response(ITEMS)
    inner, outer = filled["item"][:4], filled["item"][4:][::-1]
    nested = {"linkId": "g", "item": [{"linkId": "x", "answer": [{"valueBoolean": True, "item": inner}]}]}
    assert take({**filled, "item": [*outer, nested]}).only()["items"] == ITEMS


def test_a_definition_says_what_an_opaque_link_asks() -> None:
    filled = response(ITEMS)
    for number, (one, code) in enumerate(zip(filled["item"], PHQ9, strict=True)):
        one |= {"linkId": f"q{number}", "definition": f"http://loinc.org/{code}"}
    assert take(filled).only()["items"] == ITEMS


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (coding(ANSWERS[2]), 2),
        (coding(ANSWERS[2], None), 2),
        (coding(ANSWERS[2], "urn:oid:2.16.840.1.113883.6.1"), 2),
        (coding("often", "urn:x", extension=ordinal(2)), 2),
        (coding("often", None, extension=ordinal(2, WEIGHT)), 2),
        ({**coding("often", "urn:x"), "extension": ordinal(2)}, 2),
        (coding(ANSWERS[2], extension=ordinal(2)), 2),
        ({"valueInteger": 2}, 2),
        ({"valueDecimal": 2.0}, 2),
        ({"valueString": " 2 "}, 2),
        ({"valueQuantity": {"value": 2}}, 2),
        ({"valueQuantity": {"value": 2, "code": "{score}", "unit": "score"}}, 2),
    ],
)
def test_answers_that_are_understood(answer: dict[str, Any], value: float) -> None:
    taken = take(with_answer(0, answer))
    assert taken.only()["items"][0] == value
    assert taken.findings == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (coding("LA6573-5"), "answer_unknown"),  # an answer to another question
        (coding("2", "urn:x"), "answer_unknown"),  # a local code may count from one
        (coding(ANSWERS[2], "urn:x"), "answer_unknown"),
        (coding(ANSWERS[2], extension=ordinal(1)), "answer_unclear"),
        (coding("often", extension=[*ordinal(1), *ordinal(2)]), "answer_unclear"),
        ({"valueString": "2-3"}, "answer_unknown"),
        ({"valueString": "more than half the days"}, "answer_unknown"),
        ({"valueBoolean": True}, "answer_unknown"),
        ({"valueDate": "2026-01-01"}, "answer_unknown"),
        ({"valueQuantity": {"value": 2, "comparator": ">"}}, "not_exact"),
        ({"valueQuantity": {"value": 2, "code": "/a", "unit": "per year"}}, "unknown_unit"),
        ({"valueQuantity": {"unit": "score"}}, "answer_unknown"),
        ({"valueInteger": 10**30}, "answer_unknown"),
    ],
)
def test_an_answer_that_is_not_understood_is_missing_and_never_zero(answer: dict[str, Any], reason: str) -> None:
    taken = take(with_answer(3, answer))
    assert taken.only()["items"] == [0, 1, 2, None, 2, 1, 0, 1, 2]
    assert taken.findings == [(1, "item.answer[phq-9.4]", reason)]


def test_two_answers_to_one_question() -> None:
    same, other = response(ITEMS), response(ITEMS)
    same["item"][0]["answer"] *= 2
    other["item"][0]["answer"].append(coding(ANSWERS[1]))
    assert take(same).only()["items"] == ITEMS
    taken = take(other)
    assert taken.only()["items"] == [None, *ITEMS[1:]]
    assert taken.reasons == ["answer_unclear"]


def test_a_question_asked_twice_and_answered_differently_is_missing() -> None:
    filled = response(ITEMS)
    filled["item"].append({"linkId": f"/{PHQ9[0]}", "answer": [coding(ANSWERS[3])]})
    taken = take(filled)
    assert taken.only()["items"] == [None, *ITEMS[1:]]
    assert taken.reasons == ["answer_unclear"]


@pytest.mark.parametrize(
    ("value", "reason"), [(4, "above_range"), (-1, "negative_value"), (1.5, "non_integer"), (300, "above_range")]
)
def test_an_answer_that_an_item_cannot_take_refuses_the_form_as_in_tables(value: float, reason: str) -> None:
    taken = take(with_answer(8, {"valueDecimal": value}))
    assert taken.assessments == []
    assert taken.refused == {1}
    assert taken.findings == [(1, "item.answer[phq-9.9]", reason)]


def test_unanswered_questions_are_missing() -> None:
    assert take(response([1, None, 1, 1, 1, 1, 1, None, 1])).only()["items"] == [1, None, 1, 1, 1, 1, 1, None, 1]


def test_ordinal_values_of_the_questionnaire_and_a_contained_one() -> None:
    options = [{"valueCoding": {"system": "urn:x", "code": code, "extension": ordinal(value)}} for value, code in
               enumerate(["never", "some", "most", "daily"])]  # fmt: skip
    questions = [
        {"linkId": f"q{n}", "code": [{"system": LOINC, "code": code}], "answerOption": options}
        for n, code in enumerate(PHQ9)
    ]
    form = {"resourceType": "Questionnaire", "id": "f", "url": "http://x/f", "version": "2", "item": questions}
    items = [
        {"linkId": f"q{n}", "answer": [coding(["never", "some", "most", "daily"][value], "urn:x")]}
        for n, value in enumerate(ITEMS)
    ]
    plain = {**response(ITEMS), "item": items}
    for name in ("http://x/f", "http://x/f|2", "Questionnaire/f"):
        assert take(form, {**plain, "questionnaire": name}).only()["items"] == ITEMS
    patient = {"resourceType": "Patient", "id": "f"}
    assert take({**plain, "questionnaire": "#f", "contained": [patient, form]}).only()["items"] == ITEMS
    assert take(plain, {**plain, "id": "other", "questionnaire": "#missing"}).assessments == []
    weights = {**form, "item": [{**questions[0], "answerOption": [{**options[0], "extension": ordinal(1)}]}]}
    assert take(weights, {**plain, "questionnaire": "http://x/f"}).reasons == ["answer_unknown", "no_score"]


def test_two_questions_are_a_phq2_and_a_third_makes_it_a_phq9() -> None:
    assert take(response([1, 2], codes=PHQ9[:2])).only()["instrument"] == "phq-2"
    assert take(response([1, 2, 0], codes=PHQ9[:3])).only()["instrument"] == "phq-9"
    named = response([1, 2], codes=PHQ9[:2])
    named["item"] = [{"linkId": "/44249-1", "item": named["item"]}]
    assert take(named).only()["items"] == [1, 2, *[None] * 7]


def test_two_instruments_in_one_form_are_two_assessments() -> None:
    both = response([*ITEMS, 1, 1, 1, 1, 1, 1, 1], codes=[*PHQ9, *GAD7])
    found = {one["assessment_id"]: one for one in take(both).assessments}
    assert set(found) == {"QuestionnaireResponse/r", "QuestionnaireResponse/r#gad-7"}
    assert found["QuestionnaireResponse/r"]["items"] == ITEMS
    assert found["QuestionnaireResponse/r#gad-7"]["items"] == [1] * 7


def test_a_total_alone_and_a_total_beside_answers() -> None:
    alone = {**response([], codes=[]), "item": [{"linkId": "44261-6", "answer": [{"valueDecimal": 12}]}]}
    one = take(alone).only()
    assert (one["total"], "items" in one) == (12, False)
    impossible = {**alone, "item": [{"linkId": "44261-6", "answer": [{"valueDecimal": 28}]}]}
    assert take(impossible).reasons == ["above_range"]
    beside = take(response(ITEMS, total=28))
    assert (beside.only()["total"], beside.only()["items"], beside.reasons) == (28, ITEMS, ["total_differs"])
    assert take(response(ITEMS, total=12)).findings == []


def test_a_total_saves_a_form_with_too_few_answers() -> None:
    few = [1, None, None, None, 1, 1, 1, 1, 1]
    taken = take(response(few, total=11))
    assert (taken.only()["total"], "items" in taken.only(), taken.reasons) == (11, False, ["too_few_answers"])
    assert take(response(few)).only()["items"] == few


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"status": "in-progress"}, "status", "not_finished"),
        ({"status": "stopped"}, "status", "not_finished"),
        ({"status": None}, "status", "not_finished"),
        ({"subject": None}, "subject", "missing_patient_id"),
        ({"subject": {"reference": "Group/1"}}, "subject", "missing_patient_id"),
        ({"authored": None}, "authored", "missing_date"),
        ({"authored": "2026-03"}, "authored", "partial_date"),
        ({"authored": "2026"}, "authored", "partial_date"),
        ({"authored": "2026-02-30"}, "authored", "unparseable_date"),
        ({"authored": "2027-01-01"}, "authored", "after_snapshot"),
        ({"id": None}, "id", "missing_id"),
    ],
)
def test_what_refuses_a_response(change: dict[str, Any], column: str, reason: str) -> None:
    taken = take({**response(ITEMS), **change})
    assert (taken.assessments, taken.refused, taken.findings) == ([], {1}, [(1, column, reason)])


def test_day_and_clock_are_those_of_the_writer() -> None:
    one = take(response(ITEMS, at="2026-02-28T23:30:00-05:00")).only()
    assert (one["date"], one["time"]) == (dt.date(2026, 2, 28), "23:30:00")
    assert "time" not in take(response(ITEMS, at="2026-02-28")).only()


def test_who_answered_how_and_in_which_language() -> None:
    mode = {"url": "http://hl7.org/fhir/StructureDefinition/questionnaireresponse-completionMode",
            "valueCodeableConcept": {"coding": [{"code": "PHONE"}]}}  # fmt: skip
    one = take(response(ITEMS, language="de", source={"reference": "RelatedPerson/1"}, extension=[mode])).only()
    assert (one["language"], one["informant"], one["mode"]) == ("de", "related_person", "phone")
    typed = take(response(ITEMS, author={"reference": "Practitioner/1"})).only()
    assert "informant" not in typed


def test_entered_in_error_takes_back_the_form_and_what_was_derived_from_it() -> None:
    wrong = {**response([], codes=[]), "status": "entered-in-error"}
    total = observation("44261-6", "t", valueInteger=12, derivedFrom=refer("QuestionnaireResponse/r"))
    other = observation("44261-6", "u", at="2026-03-05", valueInteger=11)
    found = {one["assessment_id"]: one for one in take(wrong, total, other).assessments}
    assert {key: one["retracted"] for key, one in found.items()} == {
        "QuestionnaireResponse/r": True, "Observation/t": True, "Observation/u": False
    }  # fmt: skip
    assert "patient_id" not in found["QuestionnaireResponse/r"]


def test_other_forms_are_no_finding() -> None:
    taken = take(response([1, 2], codes=["99999-1", "99999-2"]), response([1], codes=["69730-0"], id_="s"))
    assert (taken.assessments, taken.findings, taken.refused) == ([], [], set())


def test_a_bundle_entry_without_an_id_has_its_address() -> None:
    patient = {"fullUrl": "urn:uuid:a", "resource": {"resourceType": "Patient", "id": "p7"}}
    filled = {**response(ITEMS), "id": None, "subject": {"reference": "urn:uuid:a"}}
    one = take(patient, {"fullUrl": "urn:uuid:b", "resource": filled}).only()
    assert (one["assessment_id"], one["patient_id"]) == ("QuestionnaireResponse/b", "p7")
