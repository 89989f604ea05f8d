"""CMS159, rule by rule: what the official cases leave open stands here as small tables."""

from __future__ import annotations

import pytest

from quality_cases import (
    concept,
    condition,
    counts,
    day,
    encounter,
    observation,
    order,
    patient,
    phq9,
    plain,
    procedure,
    resource,
    result_of,
)

title = "CMS159: depression remission at twelve months"

BORN = patient("1980-01-01")
DEPRESSED = condition("icd-10-cm|F32.9", "2025-01-10")
VISIT = encounter("hcpcs|G0438", "2025-02-25T14:30:00Z", "2025-02-25T14:50:00Z")
INDEX = phq9(10, "2025-02-25T14:35:00Z")
BASE = (BORN, DEPRESSED, VISIT, INDEX)
ANNIVERSARY = "2026-02-25"
NOBODY = {"initial-population": 0, "denominator": 0, "denominator-exclusion": 0, "numerator": 0}
COUNTED = NOBODY | {"initial-population": 1, "denominator": 1}
REMITTED = COUNTED | {"numerator": 1}
EXCLUDED = COUNTED | {"denominator-exclusion": 1}


def of(*resources, period="2026"):
    return counts("cms159", *resources, period=period)


def test_without_follow_up_nobody_is_in_remission():
    assert of(*BASE) == COUNTED


@pytest.mark.parametrize(
    ("days", "expected"),
    [(-61, COUNTED), (-60, REMITTED), (-59, REMITTED), (0, REMITTED), (59, REMITTED), (60, REMITTED), (61, COUNTED)],
)
@pytest.mark.parametrize("clock", ["", "T00:00:00Z", "T23:59:59.999Z"])
def test_the_assessment_period_is_a_year_and_60_days_either_way_with_both_ends(days, clock, expected):
    assert of(*BASE, phq9(4, day(ANNIVERSARY, days) + clock)) == expected


@pytest.mark.parametrize(
    ("index", "follow_up", "expected"),
    [
        ("2024-02-29", "2024-12-29", COUNTED),  # 28 February 2025 minus 61 days
        ("2024-02-29", "2024-12-30", REMITTED),
        ("2024-02-29", "2025-04-29", REMITTED),  # plus 60
        ("2024-02-29", "2025-04-30", COUNTED),
        ("2024-01-31", "2025-04-01", REMITTED),  # 31 January 2025 plus 60: 2025 has no leap day
        ("2024-01-31", "2025-04-02", COUNTED),
    ],
)
def test_twelve_calendar_months_keep_to_the_month(index, follow_up, expected):
    visit = encounter("hcpcs|G0438", index, index)
    early = condition("icd-10-cm|F32.9", "2023-06-01")
    assert of(BORN, early, visit, phq9(15, index), phq9(2, follow_up), period="2025") == expected


@pytest.mark.parametrize(
    ("score", "expected"), [(0, NOBODY), (9, NOBODY), (10, COUNTED), (27, COUNTED), (300, COUNTED)]
)
def test_the_index_score_is_above_9(score, expected):
    assert of(BORN, DEPRESSED, VISIT, phq9(score, "2025-02-25T14:35:00Z")) == expected


@pytest.mark.parametrize(
    ("score", "expected"), [(0, REMITTED), (4, REMITTED), (5, COUNTED), (9, COUNTED), (300, COUNTED)]
)
def test_remission_is_below_5(score, expected):
    assert of(*BASE, phq9(score, ANNIVERSARY)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueInteger": 4}, REMITTED),
        ({"valueQuantity": {"value": 4, "unit": "{score}"}}, REMITTED),
        ({"valueQuantity": {"value": 4.0}}, REMITTED),
        ({"valueString": "4"}, REMITTED),
        ({"valueString": " 4.0 "}, REMITTED),
        ({"valueQuantity": {"value": 5}}, COUNTED),
        ({"valueString": "5"}, COUNTED),
        ({"valueQuantity": {"value": 5, "comparator": "<"}}, COUNTED),  # not a number that can be compared
        ({"valueString": "four"}, COUNTED),
        ({"valueString": ""}, COUNTED),
        ({}, COUNTED),
    ],
)
def test_the_value_counts_in_whatever_form_it_is_a_number(value, expected):
    assert of(*BASE, observation("loinc|44261-6", ANNIVERSARY, **value)) == expected


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([("2026-02-01", 3), ("2026-03-01", 4)], REMITTED),
        ([("2026-02-01", 3), ("2026-03-01", 8)], COUNTED),  # the most recent one decides
        ([("2026-02-01", 8), ("2026-03-01", 3)], REMITTED),
        ([("2026-02-01", 3), ("2026-05-01", 8)], REMITTED),  # the later one is after the assessment period
        ([("2025-12-01", 3), ("2026-03-01", 8)], COUNTED),
        ([("2026-03-01T08:00:00Z", 8), ("2026-03-01T09:00:00Z", 3)], REMITTED),
    ],
)
def test_the_last_of_several_follow_ups_decides(scores, expected):
    found = [phq9(score, at) for at, score in scores]
    assert of(*BASE, *found) == expected
    assert of(*BASE, *reversed(found)) == expected


def test_follow_up_may_use_either_tool():
    assert of(*BASE, phq9(4, ANNIVERSARY, code="loinc|89204-2")) == REMITTED
    teenager = phq9(12, "2025-02-25", code="loinc|89204-2")
    assert of(BORN, DEPRESSED, VISIT, teenager, phq9(4, ANNIVERSARY)) == REMITTED
    assert of(*BASE, phq9(4, "2026-02-01"), phq9(11, "2026-03-01", code="loinc|89204-2")) == COUNTED


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_reported_scores_count(status):
    assert of(BORN, DEPRESSED, VISIT, phq9(10, "2025-02-25", status), phq9(4, ANNIVERSARY, status)) == REMITTED


@pytest.mark.parametrize("status", ["preliminary", "registered", "cancelled", "entered-in-error", "unknown"])
def test_other_scores_do_not(status):
    assert of(BORN, DEPRESSED, VISIT, phq9(10, "2025-02-25", status)) == NOBODY
    assert of(*BASE, phq9(4, ANNIVERSARY, status)) == COUNTED
    assert of(*BASE, phq9(4, "2026-02-01"), phq9(20, "2026-03-01", status)) == REMITTED


def test_the_first_score_above_9_is_the_index():
    second = encounter("hcpcs|G0438", "2025-06-01", "2025-06-01")
    found = result_of("cms159", *BASE, second, phq9(20, "2025-06-01"))
    assert found.dates["index"].isoformat() == "2025-02-25"
    low_first = (BORN, DEPRESSED, VISIT, phq9(9, "2025-02-25"), second, phq9(20, "2025-06-01"))
    assert result_of("cms159", *low_first).dates["index"].isoformat() == "2025-06-01"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2025-02-17T23:59:59Z", NOBODY),
        ("2025-02-18T00:00:00Z", COUNTED),  # 7 days before the visit's day
        ("2025-02-18", COUNTED),
        ("2025-02-25T23:59:59Z", COUNTED),  # after the visit, on its day
        ("2025-02-26T00:00:00Z", NOBODY),
        ("2025-02", NOBODY),  # some day of February: not known to be one of the eight
        (None, NOBODY),
    ],
)
def test_the_index_score_is_from_7_days_before_the_visit_to_its_last_day(at, expected):
    assert of(BORN, DEPRESSED, VISIT, phq9(15, at)) == expected


def over(start, end):
    """A time with a beginning and an end."""
    return {"effectivePeriod": {name: at for name, at in (("start", start), ("end", end)) if at is not None}}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (phq9(15, None, **over("2025-02-18", "2025-02-25")), COUNTED),
        (phq9(15, None, **over("2025-02-17", "2025-02-25")), NOBODY),  # an index score lies there as a whole
        (phq9(15, None, **over("2025-02-25", "2025-02-26")), NOBODY),
        (phq9(15, None, **over("2025-02-25", None)), NOBODY),  # it has not ended
        (phq9(15, None, effectiveInstant="2025-02-25T14:35:00Z"), COUNTED),
    ],
)
def test_an_index_score_may_have_a_period(found, expected):
    assert of(BORN, DEPRESSED, VISIT, found) == expected


def test_a_follow_up_score_counts_from_its_start():
    assert of(*BASE, phq9(4, None, **over("2026-04-26", "2026-05-30"))) == REMITTED
    assert of(*BASE, phq9(4, None, **over("2025-12-26", "2026-01-30"))) == COUNTED


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("2024-10-31T23:59:59Z", NOBODY),
        ("2024-11-01T00:00:00Z", COUNTED),
        ("2025-10-31T23:59:59Z", COUNTED),
        ("2025-11-01T00:00:00Z", NOBODY),
        ("2025-10-31T20:00:00-05:00", NOBODY),  # 1 November in UTC
        ("2025-11-01T01:00:00+02:00", COUNTED),  # 31 October in UTC
        ("2024-11-01T00:30:00+01:00", NOBODY),
        ("2025-10-31", COUNTED),
        ("2025-11", NOBODY),
        ("2025", NOBODY),
        (None, NOBODY),  # not ended
    ],
)
def test_the_visit_ends_in_the_identification_period(end, expected):
    start = "2024-10-31T00:00:00Z" if end and end < "2025-01" else "2025-10-31T08:00:00Z"
    early = condition("icd-10-cm|F32.9", "2020-01-01")
    assert of(BORN, early, encounter("hcpcs|G0438", start, end), phq9(15, start[:10])) == expected


@pytest.mark.parametrize("status", ["planned", "in-progress", "cancelled", "entered-in-error", "unknown"])
def test_only_finished_visits(status):
    visit = encounter("hcpcs|G0438", "2025-02-25T14:30:00Z", "2025-02-25T14:50:00Z", status)
    assert of(BORN, DEPRESSED, visit, INDEX) == NOBODY


@pytest.mark.parametrize(
    ("diagnosis", "expected"),
    [
        ({"onset": "2020-01-01"}, COUNTED),
        ({"onset": "2025-02-25T14:50:00Z"}, COUNTED),  # as the visit ends
        ({"onset": "2025-02-25T14:51:00Z"}, NOBODY),
        ({"onset": "2025-02-26"}, NOBODY),
        ({"onset": "2025-02-25"}, NOBODY),  # some time of that day: not known to be before the visit ended
        ({"onset": "2025"}, NOBODY),
        ({"onset": None}, NOBODY),
        ({"onset": "2020-01-01", "abatementDateTime": "2025-02-25T14:30:00Z"}, COUNTED),
        ({"onset": "2020-01-01", "abatementDateTime": "2025-02-25T14:29:00Z"}, NOBODY),
        ({"onset": "2020-01-01", "abatementDateTime": "2025-03-01", "clinical": "resolved"}, COUNTED),
        ({"onset": "2020-01-01", "abatementPeriod": {"start": "2025-01-01", "end": "2025-03-01"}}, COUNTED),
        ({"onset": "2020-01-01", "clinical": "recurrence"}, COUNTED),
        ({"onset": "2020-01-01", "clinical": "relapse"}, COUNTED),
        ({"onset": "2020-01-01", "clinical": "remission"}, NOBODY),  # nobody knows when it ended
        ({"onset": "2020-01-01", "clinical": "inactive"}, NOBODY),
        ({"onset": "2020-01-01", "clinical": "resolved"}, NOBODY),
        ({"onset": "2020-01-01", "clinical": None}, NOBODY),
        ({"onset": "2025-02-25T14:40:00Z", "clinical": "resolved"}, COUNTED),  # it began within the visit
        ({"onset": None, "onsetPeriod": {"start": "2024-01-01", "end": "2024-02-01"}}, COUNTED),
        ({"onset": None, "onsetAge": {"value": 40, "code": "a"}}, COUNTED),
        ({"onset": None, "onsetAge": {"value": 46, "unit": "years"}}, NOBODY),
        ({"onset": None, "onsetString": "last year"}, NOBODY),
        ({"onset": None, "recordedDate": "2024-01-01"}, NOBODY),
        ({"code": "icd-10-cm|F34.1", "onset": "2020-01-01"}, COUNTED),
        ({"code": "icd-10-cm|F32.A", "onset": "2020-01-01"}, NOBODY),
    ],
)
def test_depression_is_present_during_the_visit(diagnosis, expected):
    members = {"code": "icd-10-cm|F32.9"} | diagnosis
    assert of(BORN, condition(**members), VISIT, INDEX) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("confirmed", COUNTED),
        ("unconfirmed", COUNTED),
        ("provisional", COUNTED),
        ("differential", COUNTED),
        ("refuted", NOBODY),
        ("entered-in-error", NOBODY),
    ],
)
def test_a_diagnosis_is_not_refuted(status, expected):
    diagnosis = condition("icd-10-cm|F32.9", "2020-01-01", verificationStatus=plain(status))
    assert of(BORN, diagnosis, VISIT, INDEX) == expected


@pytest.mark.parametrize(
    ("birth", "expected", "stratum"),
    [
        ("2013-02-25", COUNTED, "age-12-17"),  # 12 on the day of the index score
        ("2013-02-26", NOBODY, None),
        ("2007-02-26", COUNTED, "age-12-17"),
        ("2007-02-25", COUNTED, "age-18-up"),
        ("2013", NOBODY, None),  # perhaps 12
        ("2012", COUNTED, "age-12-17"),  # 12 or 13
        ("2013-02", NOBODY, None),
        ("2013-01", COUNTED, "age-12-17"),
        (None, NOBODY, None),
    ],
)
def test_age_is_whole_years_at_the_index(birth, expected, stratum):
    found = result_of("cms159", patient(birth), DEPRESSED, VISIT, INDEX)
    assert dict(found.populations) == expected
    assert [one.id for one in found.strata if one.populations["initial-population"]] == ([stratum] if stratum else [])


def test_a_leap_day_birthday_is_on_1_march_in_other_years():
    visit = encounter("hcpcs|G0438", "2025-02-28", "2025-02-28")
    assert of(patient("2012-02-29"), DEPRESSED, visit, phq9(12, "2025-02-28")) == COUNTED
    later = encounter("hcpcs|G0438", "2025-03-01", "2025-03-01")
    young = result_of("cms159", patient("2013-03-01"), DEPRESSED, later, phq9(12, "2025-03-01"))
    assert dict(young.populations) == COUNTED


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"deceasedDateTime": "2026-04-26T23:00:00Z"}, EXCLUDED),  # last day of the assessment period
        ({"deceasedDateTime": "2026-04-26"}, EXCLUDED),
        ({"deceasedDateTime": "2026-04-27T00:00:00Z"}, COUNTED),
        ({"deceasedDateTime": "2026-04-27T01:00:00+02:00"}, EXCLUDED),  # 26 April in UTC
        ({"deceasedDateTime": "2026-03"}, EXCLUDED),
        ({"deceasedDateTime": "2026-04"}, COUNTED),  # perhaps after it
        ({"deceasedBoolean": True}, COUNTED),
        ({"deceasedBoolean": False}, COUNTED),
    ],
)
def test_death_by_the_end_of_the_assessment_period_excludes(members, expected):
    assert of(patient("1980-01-01", **members), DEPRESSED, VISIT, INDEX) == expected


@pytest.mark.parametrize("code", ["icd-10-cm|F31.9", "icd-10-cm|F60.3", "icd-10-cm|F20.9", "icd-10-cm|F84.0"])
@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"onset": "1999-01-01"}, EXCLUDED),
        ({"onset": "2026-04-26T23:59:00Z"}, EXCLUDED),
        ({"onset": "2026-04-27"}, COUNTED),
        ({"onset": "1999-01-01", "clinical": "resolved", "abatementDateTime": "2000-01-01"}, EXCLUDED),
        ({"onset": "1999-01-01", "clinical": "inactive"}, EXCLUDED),
        ({"onset": "1999-01-01", "verificationStatus": plain("refuted")}, COUNTED),
        ({"onset": None}, COUNTED),
    ],
)
def test_another_mental_disorder_by_then_excludes(code, members, expected):
    assert of(*BASE, condition(code, **members)) == expected


def hospice_stay(end, status="finished", disposition="snomed|428361000124107"):
    stay = {"dischargeDisposition": concept(disposition)}
    return encounter("snomed|inpatient", "2024-10-01T00:00:00Z", end, status, hospitalization=stay)


def request(status="active", intent="order", authored="2026-01-01", **members):
    return order("ServiceRequest", "hcpcs|G0182", authored, status=status, intent=intent, **members)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (hospice_stay("2024-11-01T00:00:00Z"), EXCLUDED),
        (hospice_stay("2024-10-31T23:00:00Z"), COUNTED),
        (hospice_stay("2026-04-26T12:00:00Z", disposition="snomed|428371000124100"), EXCLUDED),
        (hospice_stay("2026-04-27T00:00:00Z"), COUNTED),
        (hospice_stay("2025-05-01", "in-progress"), COUNTED),
        (hospice_stay("2025-05-01", disposition="snomed|306689006"), COUNTED),
        (encounter("hcpcs|G9473", "2024-01-01", "2024-11-01"), EXCLUDED),
        (encounter("hcpcs|G9473", "2024-01-01", "2024-10-31"), COUNTED),
        (encounter("hcpcs|G9473", "2024-01-01", None, "in-progress"), EXCLUDED),
        (encounter("hcpcs|G9473", "2026-04-26", "2026-05-01", "planned"), EXCLUDED),
        (encounter("hcpcs|G9473", "2026-04-27", "2026-05-01"), COUNTED),
        (encounter("hcpcs|G9473", "2025-01-01", "2025-01-02", "cancelled"), COUNTED),
        (encounter("hcpcs|G9473", "2025-01-01", "2025-01-02", "entered-in-error"), COUNTED),
        (encounter("hcpcs|G9473", "2025-01-01", "2025-01-02", "unknown"), COUNTED),
        (observation("loinc|45755-6", "2026-04-26", valueCodeableConcept=concept("snomed|373066001")), EXCLUDED),
        (observation("loinc|45755-6", "2026-04-27", valueCodeableConcept=concept("snomed|373066001")), COUNTED),
        (observation("loinc|45755-6", "2026-01-01", valueCodeableConcept=concept("snomed|373067005")), COUNTED),
        (observation("loinc|45755-6", "2026-01-01", valueBoolean=True), COUNTED),
        (
            observation("loinc|45755-6", "2026-01-01", "preliminary", valueCodeableConcept=concept("snomed|373066001")),
            COUNTED,
        ),
        (request(), EXCLUDED),
        (request("completed", "filler-order"), EXCLUDED),
        (request(intent="original-order"), EXCLUDED),
        (request(intent="reflex-order"), EXCLUDED),
        (request(intent="instance-order"), EXCLUDED),
        (request(intent="plan"), COUNTED),
        (request(intent="proposal"), COUNTED),
        (request("revoked"), COUNTED),
        (request("draft"), COUNTED),
        (request("on-hold"), COUNTED),
        (request(authored="2024-10-31"), COUNTED),
        (request(authored="2024-11-01"), EXCLUDED),
        (request(authored="2026-04-27"), COUNTED),
        (request(authored=None), COUNTED),
        (request(doNotPerform=True), COUNTED),
        (request(doNotPerform=False), EXCLUDED),
        (procedure("hcpcs|G0182", "2026-04-26"), EXCLUDED),
        (procedure("hcpcs|G0182", "2026-04-26", "in-progress"), EXCLUDED),
        (procedure("hcpcs|G0182", "2026-04-27"), COUNTED),
        (procedure("hcpcs|G0182", "2026-01-01", "not-done"), COUNTED),
        (procedure("hcpcs|G0182", "2026-01-01", "unknown"), COUNTED),
        (procedure("hcpcs|G0182", "2026-01-01", "entered-in-error"), COUNTED),
        (
            procedure("hcpcs|G0182", None, performedPeriod={"start": "2024-01-01", "end": "2024-11-01T08:00:00Z"}),
            EXCLUDED,
        ),
        (procedure("hcpcs|G0182", None, performedPeriod={"start": "2024-01-01", "end": "2024-10-31"}), COUNTED),
        (procedure("hcpcs|G0182", None), COUNTED),
        (condition("snomed|hospice-dx", "2020-01-01"), EXCLUDED),
        (condition("snomed|hospice-dx", "2020-01-01", "resolved", abatementDateTime="2024-10-31"), COUNTED),
        (condition("snomed|hospice-dx", "2026-04-26"), EXCLUDED),
        (condition("snomed|hospice-dx", "2026-04-27"), COUNTED),
        (condition("snomed|hospice-dx", "2020-01-01", verificationStatus=plain("refuted")), COUNTED),
        (observation("loinc|71007-9", "2024-11-01"), EXCLUDED),
        (observation("loinc|71007-9", "2024-10-31"), COUNTED),
        (observation("loinc|71007-9", "2025-01-01", "cancelled"), COUNTED),
        (condition("icd-10-cm|Z51.5", "2024-01-01"), EXCLUDED),
        (condition("icd-10-cm|Z51.5", "2024-01-01", "inactive"), COUNTED),  # it may have ended before
        (encounter("hcpcs|G9054", "2026-04-26", "2026-04-28"), EXCLUDED),
        (encounter("hcpcs|G9054", "2026-01-01", "2026-01-01", "in-progress"), COUNTED),
        (procedure("snomed|palliative-px", "2025-01-01"), EXCLUDED),
        (procedure("snomed|palliative-px", "2025-01-01", "unknown"), COUNTED),
    ],
)
def test_hospice_and_palliative_care_exclude(found, expected):
    assert of(*BASE, found) == expected


def test_whoever_is_excluded_is_not_in_the_numerator():
    assert of(*BASE, phq9(2, ANNIVERSARY), condition("icd-10-cm|F31.9", "1999-01-01")) == EXCLUDED


def test_a_person_below_the_index_score_is_not_excluded_either():
    low = phq9(9, "2025-02-25")
    assert of(BORN, DEPRESSED, VISIT, low, condition("icd-10-cm|F31.9", "1999-01-01")) == NOBODY


def test_a_result_says_why_and_when():
    found = result_of("cms159", *BASE, request(), phq9(7, ANNIVERSARY))
    assert found.reasons == ("hospice",)
    assert {name: at.isoformat() for name, at in found.dates.items()} == {
        "index": "2025-02-25",
        "assessment-start": "2025-12-27",
        "assessment-end": "2026-04-26",
        "follow-up": "2026-02-25",
    }


@pytest.mark.parametrize(
    ("extra", "missing"),
    [((), 1), ((phq9(7, ANNIVERSARY),), 0), ((phq9(None, ANNIVERSARY),), 1), ((request(),), 0)],
)
def test_whoever_was_not_asked_again_is_counted_as_such(extra, missing):
    assert result_of("cms159", *BASE, *extra).not_assessed == missing


def test_the_version_stored_last_is_the_event():
    first = phq9(20, ANNIVERSARY) | {"id": "same", "meta": {"lastUpdated": "2026-02-25T10:00:00Z"}}
    amended = phq9(4, ANNIVERSARY, "amended") | {"id": "same", "meta": {"lastUpdated": "2026-02-26T10:00:00Z"}}
    assert of(*BASE, first, amended) == REMITTED
    assert of(*BASE, amended, first) == REMITTED


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ({"reference": "http://elsewhere.example/fhir/Patient/9"}, EXCLUDED),  # what another server calls the person
        (None, EXCLUDED),
        ({"display": "the patient"}, EXCLUDED),
        ({"reference": "Patient/9"}, COUNTED),  # somebody else of the same server
        ({"reference": "urn:uuid:9"}, COUNTED),
        ({"identifier": {"value": "9"}}, COUNTED),
        ({"reference": "Group/9"}, COUNTED),
    ],
)
def test_what_a_bundle_of_one_person_says_of_nobody_else_is_that_persons(subject, expected):
    other = {name: value for name, value in (request() | {"subject": subject}).items() if value is not None}
    assert of(*BASE, other) == expected


def test_what_is_not_asked_for_changes_nothing():
    noise = (
        resource("Observation", status="final", code=concept("loinc|8480-6"), effectiveDateTime=ANNIVERSARY),
        resource("MeasureReport", status="complete", type="individual"),
    )
    assert of(*BASE, *noise) == COUNTED
