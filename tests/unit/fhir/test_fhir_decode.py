"""One piece of JSON: a resource, a Bundle, a type that is not read, or one stated reason."""

from __future__ import annotations

import pytest

from benchwell.intake.fhir.decode import Bundle, Refused, Skipped, decode, decode_entry
from benchwell.intake.fhir.resources import Observation, Patient, Resource

DEEP = 100_000


@pytest.mark.parametrize(
    ("json", "reason", "column"),
    [
        (b"", "not_json", ""),
        (b"{", "not_json", ""),
        (b'{"resourceType":"Patient"} and more', "not_json", ""),
        (b'{"resourceType":"Patient","x":NaN}', "not_json", ""),
        (b'{"resourceType":"Patient","x":Infinity}', "not_json", ""),
        (b'{"resourceType":"Patient","id":"\xff"}', "not_json", ""),
        (b'{"resourceType":"Patient","id":"\\ud800"}', "not_json", ""),
        (b'{"resourceType":"Patient","x":' + b"[" * DEEP + b"]" * DEEP + b"}", "too_deep", ""),
        (b'{"resourceType":"Claim","x":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}", "too_deep", ""),
        (b"[1]", "no_resource_type", ""),
        (b"17", "no_resource_type", ""),
        (b"null", "no_resource_type", ""),
        (b"{}", "no_resource_type", ""),
        (b'{"resourceType":null}', "no_resource_type", ""),
        (b'{"resourceType":5}', "no_resource_type", ""),
        (b'{"resourceType":""}', "no_resource_type", ""),
        (b'{"resourceType":"Patient","id":5}', "wrong_type", "id"),
        (b'{"resourceType":"Patient","address":{}}', "wrong_type", "address"),
        (
            b'{"resourceType":"QuestionnaireResponse","item":[{"answer":[{"valueInteger":"3"}]}]}',
            "wrong_type",
            "item[0].answer[0].valueInteger",
        ),
        (b'{"resourceType":"Observation","valueQuantity":{"value":1e999}}', "wrong_type", "valueQuantity.value"),
        (b'{"resourceType":"Bundle","entry":{}}', "wrong_type", "entry"),
    ],
)
def test_refused(json: bytes, reason: str, column: str) -> None:
    assert decode(json) == Refused(reason, column)


def test_a_refusal_never_repeats_a_value() -> None:
    refused = decode(b'{"resourceType":"Observation","status":"final","valueInteger":"Jane Doe"}')
    assert isinstance(refused, Refused)
    assert "Jane" not in refused.column + refused.reason


@pytest.mark.parametrize(
    "json",
    [
        b'{"resourceType":"Patient","id":"1"}',
        b' {"resourceType":"Patient","id":"1"}\r',
        b'{"id":"1","extra":{"deeply":[{"nested":null}]},"resourceType":"Patient"}',
        b'{"resourceType":"Patient","id":"0","id":"1"}',  # as JSON readers do: the last one counts
    ],
)
def test_decoded(json: bytes) -> None:
    found = decode(json)
    assert isinstance(found, Patient)
    assert found.id == "1"


def test_a_large_whole_number_stays_what_it_is() -> None:
    found = decode(b'{"resourceType":"Observation","valueInteger":123456789012345678901234567890}')
    assert isinstance(found, Observation)
    assert found.valueInteger == 123456789012345678901234567890


def test_a_type_that_is_not_read_is_skipped() -> None:
    assert decode(b'{"resourceType":"Claim","id":"7"}') == Skipped("Claim", "7")
    assert decode(b'{"resourceType":"Claim","id":7}') == Skipped("Claim")


def test_an_outcome_tells_how_bad_it_is() -> None:
    issues = b'[{"severity":"error"},{"severity":"error"},{"severity":"warning"},{"severity":"made up"}]'
    found = decode(b'{"resourceType":"OperationOutcome","issue":' + issues + b"}")
    assert found == Skipped("OperationOutcome", None, ("error", "error", "warning"))


def test_a_bundle_keeps_its_entries_as_json() -> None:
    found = decode(b'{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"urn:uuid:1"},{"fullUrl":5}]}')
    assert isinstance(found, Bundle)
    entries = [decode_entry(one) for one in found.entry]
    assert not isinstance(entries[0], Refused)
    assert entries[0].fullUrl == "urn:uuid:1"
    assert entries[1] == Refused("wrong_type", "fullUrl")


STU3 = [
    b'{"resourceType":"QuestionnaireResponse","context":{"reference":"Encounter/1"}}',
    b'{"resourceType":"QuestionnaireResponse","questionnaire":{"reference":"Questionnaire/1"}}',
    b'{"resourceType":"QuestionnaireResponse","group":{}}',
    b'{"resourceType":"Observation","context":{"reference":"Encounter/1"}}',
    b'{"resourceType":"Observation","related":[]}',
    b'{"resourceType":"Observation","category":{"text":"survey"}}',
    b'{"resourceType":"Condition","clinicalStatus":"active"}',
    b'{"resourceType":"Condition","assertedDate":"2018"}',
    b'{"resourceType":"Encounter","class":"outpatient"}',
    b'{"resourceType":"Encounter","reason":[{"text":"x"}]}',
    b'{"resourceType":"Procedure","notDone":true}',
    b'{"resourceType":"MedicationOrder"}',
    b'{"resourceType":"ReferralRequest","id":"1"}',
    b'{"resourceType":"Questionnaire","meta":{"profile":["http://fhir.org/guides/argonaut/questionnaire/x"]}}',
    b'{"resourceType":"Questionnaire","item":[{"linkId":"1","option":[{"valueCoding":{"code":"1"}}]}]}',
    b'{"resourceType":"Patient","careProvider":[]}',
    b'{"resourceType":"Consent","consentingParty":[]}',
]
R5 = [
    b'{"resourceType":"Encounter","class":[{"coding":[]}]}',
    b'{"resourceType":"Encounter","actualPeriod":{"start":"2024"}}',
    b'{"resourceType":"Procedure","occurrenceDateTime":"2024"}',
    b'{"resourceType":"ServiceRequest","code":{"concept":{"text":"x"}}}',
    b'{"resourceType":"ServiceRequest","code": {"concept" : {"text":"x"}}}',
    b'{"resourceType":"MedicationRequest","medication":{"concept":{}}}',
    b'{"resourceType":"Coverage","kind":"insurance"}',
    b'{"resourceType":"Consent","decision":"permit"}',
    b'{"resourceType":"Consent","provision":[{}]}',
]


@pytest.mark.parametrize("json", STU3)
def test_stu3_is_refused_by_name(json: bytes) -> None:
    found = decode(json)
    assert isinstance(found, Refused)
    assert found.reason == "fhir_stu3"


@pytest.mark.parametrize("json", R5)
def test_r5_is_refused_by_name(json: bytes) -> None:
    found = decode(json)
    assert isinstance(found, Refused)
    assert found.reason == "fhir_r5"


@pytest.mark.parametrize(
    "json",
    [
        b'{"resourceType":"Encounter","class":{"code":"AMB"},"reasonCode":[{"text":"x"}],"status":"finished"}',
        b'{"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"active"}]},"recordedDate":"2024"}',
        b'{"resourceType":"QuestionnaireResponse","questionnaire":"http://x","encounter":{"reference":"Encounter/1"}}',
        b'{"resourceType":"ServiceRequest","code":{"coding":[{"code":"1"}]}}',
        b'{"resourceType":"Questionnaire","item":[{"linkId":"1","answerOption":[{"valueCoding":{"code":"1"}}]}]}',
    ],
)
def test_r4_is_not_taken_for_another_version(json: bytes) -> None:
    assert isinstance(decode(json), Resource)
