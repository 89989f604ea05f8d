"""PHQ-9, GAD-7 and AUDIT-C of public guides and Synthea exports, to the numbers that they state."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fhir_assessments import FIXTURES, Taken, files, lines, response, take

SHARED = Path(__file__).parents[4] / "shared"
GUIDES = SHARED / "conformance" / "questionnaires"
needs_guides = pytest.mark.skipif(not GUIDES.is_dir(), reason="the shared questionnaires are not there")
needs_phr = pytest.mark.skipif(not (SHARED / "data/fhir-phr-gad7-phq9").is_dir(), reason="no shared PHR examples")
needs_synthea = pytest.mark.skipif(not (SHARED / "data/synthea-r4-bundles").is_dir(), reason="no shared Synthea data")
needs_ecqm = pytest.mark.skipif(not (SHARED / "data/ecqm-cms159-dev").is_dir(), reason="no shared CMS159 bundles")

US_CORE_ITEMS = [2, 2, 2, 2, 1, 1, 2, 0, 0]


def _us_core(taken: Taken) -> None:
    one = next(one for one in taken.assessments if one["instrument"] == "phq-9")
    assert one["assessment_id"] == "QuestionnaireResponse/phq-9-example"
    assert one["items"] == US_CORE_ITEMS
    assert (one["total"], str(one["date"]), one["time"]) == (12, "2022-11-29", "20:50:32")


def _sdc(taken: Taken) -> None:
    one = taken.only()
    assert one["items"] == [0, 0, 0, 1, 2, 1, 3, 2, 1]
    assert one["total"] == 13
    assert taken.reasons == ["total_differs"]


def _mii(taken: Taken) -> None:
    one = taken.only()
    assert one["assessment_id"] == "QuestionnaireResponse/mii-exa-pro-phq-9-response"
    assert (one["items"], one["total"], taken.findings) == ([3] * 9, 27, [])


def test_us_core_states_one_phq9_thirteen_times() -> None:
    taken = take(*lines(FIXTURES / "us-core-phq9.ndjson"))
    assert len(taken.assessments) == 1
    assert taken.findings == []
    _us_core(taken)


def test_us_core_without_its_response_is_still_one_phq9_without_the_difficulty_item() -> None:
    _, *observations = lines(FIXTURES / "us-core-phq9.ndjson")
    one = take(*observations).only()
    assert one["items"] == US_CORE_ITEMS
    assert one["total"] == 12
    assert one["assessment_id"] == "Observation/PHQ9-panel-example-44249-1"
    assert one["derived_from"] == "QuestionnaireResponse/phq-9-example"


def test_the_official_total_is_text() -> None:
    total = [one for one in lines(FIXTURES / "us-core-phq9.ndjson") if one["id"] == "PHQ9-item-example-44261-6"]
    assert total[0]["valueString"] == "12"
    one = take(*total).only()
    assert (one["total"], "items" in one) == (12, False)


def test_us_core_audit_c_lacks_its_first_question_so_the_total_counts() -> None:
    taken = take(*lines(FIXTURES / "us-core-audit-c.ndjson"))
    one = taken.only()
    assert (one["instrument"], one["total"], "items" in one) == ("audit-c", 0, False)
    assert taken.reasons == ["too_few_answers"]


def test_sdc_items_win_over_a_stated_total_that_differs() -> None:
    _sdc(take(*lines(FIXTURES / "sdc-phq9.ndjson")))


def test_the_german_guide_states_its_score_under_the_panel() -> None:
    _mii(take(*lines(FIXTURES / "mii-phq9.ndjson")))
    observation = take(lines(FIXTURES / "mii-phq9.ndjson")[1]).only()
    assert (observation["instrument"], observation["total"]) == ("phq-9", 27)


@pytest.mark.parametrize(
    "named",
    [
        "Questionnaire/69737-5",
        "http://hl7.org/fhir/us/pco/Questionnaire/69737-5",
        "http://hl7.org/fhir/us/pco/Questionnaire/69737-5|1.0.0",
        "https://ehr.example/fhir/Questionnaire/69737-5",
    ],
)
def test_opaque_link_ids_are_resolved_by_the_questionnaire(named: str) -> None:
    form = lines(FIXTURES / "pco-gad7.ndjson")[0]
    links = [str(link) for link in range(57541, 57548)]
    filled = response([1, 0, 2, 3, 0, 1, 1], codes=links, questionnaire=named)
    filled["item"] = [{**one, "linkId": one["linkId"].removeprefix("/")} for one in filled["item"]]
    filled["item"].append({"linkId": "58628", "answer": [{"valueDecimal": 8}]})
    one = take(form, filled).only()
    assert (one["instrument"], one["items"], one["total"]) == ("gad-7", [1, 0, 2, 3, 0, 1, 1], 8)


@needs_guides
def test_shared_guides() -> None:
    us_core = take(*files((GUIDES / "us-core").glob("*.json")))
    assert Counter(one["instrument"] for one in us_core.assessments) == {"phq-9": 1, "audit-c": 1}
    _us_core(us_core)
    _sdc(take(*files((GUIDES / "sdc").glob("*.json"))))
    _mii(take(*files((GUIDES / "mii-pro").glob("[QO]*.json"))))
    assert take(*files((GUIDES / "pco").glob("*.json"))).assessments == []
    _us_core(take(*files((SHARED / "data/fhir-us-core-phq9").glob("*.json"))))


@needs_phr
def test_phr_totals_stand_in_components_and_belong_to_forms_of_another_year() -> None:
    taken = take(*files((SHARED / "data/fhir-phr-gad7-phq9").glob("*.json")))
    gad, phq = taken.assessments
    assert (gad["instrument"], gad["items"], gad["total"]) == ("gad-7", [0, 0, 1, 1, 0, 1, 0], 3)
    assert (phq["instrument"], phq["items"], phq["total"]) == ("phq-9", [0, 0, 1, 1, 1, 0, 0, 0, 0], 3)
    assert {str(one["date"]) for one in (gad, phq)} == {"2024-12-01"}
    assert taken.findings == []


@needs_synthea
def test_synthea() -> None:
    ndjson = take(*files((SHARED / "data/synthea-qicore-california/ndjson").glob("Observation.ndjson")))
    counts = Counter(one["instrument"] for one in ndjson.assessments)
    assert counts == {"phq-2": 187, "gad-7": 123, "phq-9": 15, "phq-9m": 1, "hba1c": 147 - 11}
    assert Counter(ndjson.reasons) == {"below_range": 11}  # HbA1c below 3 %, which no living person has
    bundles = files((SHARED / "data/synthea-r4-bundles").glob("*.json"))
    urls = {one["fullUrl"]: one["resource"]["id"] for one in bundles if one["resource"]["resourceType"] == "Patient"}
    taken = take(*bundles)
    assert {one["patient_id"] for one in taken.assessments} <= set(urls.values())
    assert Counter(one["instrument"] for one in taken.assessments) == {
        "gad-7": 10, "phq-9m": 10, "phq-2": 5, "audit-c": 3
    }  # fmt: skip


@needs_ecqm
def test_cms159_scores_come_in_as_stated_unless_the_instrument_cannot_give_them() -> None:
    bundles = files((SHARED / "data/ecqm-cms159-dev/cms159").glob("*.json"))
    totals = [
        one["resource"]["valueInteger"]
        for one in bundles
        if one["resource"]["resourceType"] == "Observation"
        and one["resource"]["code"]["coding"][0]["code"] == "44261-6"
        and one["resource"]["effectiveDateTime"] < "2027"
    ]
    taken = take(*bundles)
    possible = Counter(value for value in totals if value <= 27)
    assert Counter(one["total"] for one in taken.assessments) == possible
    assert taken.reasons.count("above_range") == sum(value > 27 for value in totals)
