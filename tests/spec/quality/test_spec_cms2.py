"""CMS2, rule by rule."""

from __future__ import annotations

import pytest

from quality_cases import (
    concept,
    condition,
    counts,
    encounter,
    observation,
    order,
    patient,
    plain,
    procedure,
    result_of,
)

title = "CMS2: screening for depression and follow-up plan"

ADULT = patient("1980-01-01")
TEEN = patient("2012-06-01")  # 13 at the start of 2026
SEVENTEEN = patient("2008-06-01")
VISIT = encounter("hcpcs|G0101", "2026-06-21T08:00:00Z", "2026-06-21T08:15:00Z")
NOBODY = dict.fromkeys(
    ("initial-population", "denominator", "denominator-exclusion", "numerator", "denominator-exception"), 0
)
COUNTED = NOBODY | {"initial-population": 1, "denominator": 1}
MET = COUNTED | {"numerator": 1}
EXCLUDED = COUNTED | {"denominator-exclusion": 1}
EXCEPTED = COUNTED | {"denominator-exception": 1}
CODE = {"adolescent": "loinc|73831-0", "adult": "loinc|73832-8"}
NEGATIVE, POSITIVE = "snomed|428171000124102", "snomed|428181000124104"


def of(*resources):
    return counts("cms2", *resources)


def screen(tool="adult", answer=NEGATIVE, at="2026-06-21T08:05:00Z", status="final"):
    value = {"valueCodeableConcept": concept(answer)} if answer else {}
    return observation(CODE[tool], at, status, **value)


def cancelled(tool="adult", issued="2026-06-21T08:00:00Z", reason="snomed|720834000", status="cancelled"):
    url = "http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-notDoneReason"
    why = [{"url": url, "valueCodeableConcept": concept(reason)}] if reason else []
    return observation(CODE[tool], None, status, issued=issued, extension=why)


def prescribed(authored="2026-06-21T09:00:00Z", days=30, code="rxnorm|1000048", **members):
    supply = {"expectedSupplyDuration": {"value": days, "code": "d"}} if days else None
    return order("MedicationRequest", code, authored, **({"dispenseRequest": supply} | members))


@pytest.mark.parametrize(
    ("birth", "expected"),
    [("2014-01-01", COUNTED), ("2014-01-02", NOBODY), ("2013", COUNTED), ("2014", NOBODY), (None, NOBODY)],
)
def test_age_is_12_and_over_at_the_start_of_the_period(birth, expected):
    assert of(patient(birth), VISIT) == expected


@pytest.mark.parametrize(
    ("visit", "expected"),
    [
        (encounter("cpt|physio", "2026-01-01", "2026-01-01"), COUNTED),
        (encounter("cpt|phone", "2026-12-31T23:00:00Z", "2026-12-31T23:30:00Z"), COUNTED),
        (encounter("hcpcs|G0101", "2025-12-31T23:00:00Z", "2026-01-01T00:30:00Z"), NOBODY),
        (encounter("hcpcs|G0101", "2026-12-31T23:00:00Z", "2027-01-01T00:30:00Z"), NOBODY),
        (encounter("hcpcs|G0101", "2026-12-31T20:00:00-05:00", "2026-12-31T21:00:00-05:00"), NOBODY),  # 2027 in UTC
        (encounter("hcpcs|G0101", "2026-06-01", None), NOBODY),
        (encounter("hcpcs|G0101", "2026-06-01", "2026-06-01", "cancelled"), NOBODY),
        (encounter("hcpcs|G0438", "2026-06-01", "2026-06-01"), NOBODY),
    ],
)
def test_a_finished_visit_lies_inside_the_period(visit, expected):
    assert of(ADULT, visit) == expected


@pytest.mark.parametrize(
    ("onset", "members", "expected"),
    [
        ("2026-06-20T23:59:00Z", {}, EXCLUDED),
        ("2026-06-21T00:00:00Z", {}, COUNTED),  # on the day of the visit
        ("1999", {"clinical": "resolved"}, EXCLUDED),
        (None, {}, COUNTED),
        ("1999", {"category": [plain("encounter-diagnosis")]}, COUNTED),
        ("1999", {"category": [plain("health-concern")]}, EXCLUDED),
        ("1999", {"category": None}, COUNTED),
    ],
)
def test_bipolar_disorder_on_the_problem_list_before_the_visit_excludes(onset, members, expected):
    found = {"category": [plain("problem-list-item")]} | members
    assert of(ADULT, VISIT, screen(), condition("icd-10-cm|F31.9", onset, **found)) == (
        expected if expected == EXCLUDED else MET
    )


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-06-06T23:59:59Z", COUNTED),
        ("2026-06-07T00:00:00Z", MET),  # 14 days before
        ("2026-06-21T23:59:59Z", MET),  # on the day, after the visit
        ("2026-06-22T00:00:00Z", COUNTED),
        ("2026-06", COUNTED),
        (None, COUNTED),
    ],
)
def test_the_screening_is_0_to_14_days_before_the_visit(at, expected):
    assert of(ADULT, VISIT, screen(at=at)) == expected


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        ("final", NEGATIVE, MET),
        ("amended", NEGATIVE, MET),
        ("corrected", NEGATIVE, MET),
        ("preliminary", NEGATIVE, COUNTED),
        ("entered-in-error", NEGATIVE, COUNTED),
        ("final", POSITIVE, COUNTED),
        ("final", None, COUNTED),
        ("final", "snomed|373066001", COUNTED),
    ],
)
def test_the_screening_has_a_result(status, answer, expected):
    assert of(ADULT, VISIT, screen(status=status, answer=answer)) == expected


def test_the_last_screening_decides():
    early, late = "2026-06-10", "2026-06-20"
    assert of(ADULT, VISIT, screen(at=early), screen(answer=POSITIVE, at=late)) == COUNTED
    assert of(ADULT, VISIT, screen(answer=POSITIVE, at=early), screen(at=late)) == MET
    assert of(ADULT, VISIT, screen(at=early), screen(answer=None, at=late)) == MET  # one without a result is none


def test_a_phq_9_alone_is_not_the_screening():
    assert of(ADULT, VISIT, observation("loinc|44261-6", "2026-06-21", valueInteger=3)) == COUNTED


@pytest.mark.parametrize(
    ("person", "tool", "expected"),
    [
        (TEEN, "adolescent", MET),
        (TEEN, "adult", COUNTED),
        (SEVENTEEN, "adolescent", MET),
        (SEVENTEEN, "adult", MET),
        (ADULT, "adult", MET),
        (ADULT, "adolescent", COUNTED),
        (patient("2009-01-01"), "adult", MET),  # 17 on the first day
        (patient("2009-01-02"), "adult", COUNTED),  # 16
        (patient("2008-01-01"), "adolescent", COUNTED),  # 18
        (patient("2008-01-02"), "adolescent", MET),  # 17
    ],
)
def test_the_tool_fits_the_age(person, tool, expected):
    assert of(person, VISIT, screen(tool)) == expected


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (procedure("snomed|adult-care", "2026-06-21T08:00:00Z"), MET),
        (procedure("snomed|adult-care", "2026-06-21T08:15:00Z"), MET),
        (procedure("snomed|adult-care", "2026-06-21T08:15:01Z"), COUNTED),
        (procedure("snomed|adult-care", "2026-06-21"), COUNTED),  # some time of that day
        (procedure("snomed|adult-care", "2026-06-21T08:10:00Z", "in-progress"), COUNTED),
        (procedure("snomed|adolescent-care", "2026-06-21T08:10:00Z"), COUNTED),
        (order("ServiceRequest", "snomed|adult-referral", "2026-06-20T23:59:59Z"), COUNTED),
        (order("ServiceRequest", "snomed|adult-referral", "2026-06-21T00:00:00Z"), MET),
        (order("ServiceRequest", "snomed|adult-referral", "2026-06-23T23:59:59Z"), MET),
        (order("ServiceRequest", "snomed|adult-referral", "2026-06-24T00:00:00Z"), COUNTED),
        (order("ServiceRequest", "snomed|adult-referral", "2026-06-21", status="completed"), MET),
        (order("ServiceRequest", "snomed|adult-referral", "2026-06-21", status="revoked"), COUNTED),
        (order("ServiceRequest", "snomed|adult-referral", "2026-06-21", doNotPerform=True), COUNTED),
        (prescribed(), MET),
        (prescribed(status="completed"), MET),
        (prescribed(status="cancelled"), COUNTED),
        (prescribed(intent="plan"), COUNTED),
        (prescribed(intent="instance-order"), MET),
        (prescribed(doNotPerform=True), COUNTED),
        (prescribed(code="rxnorm|1190110"), COUNTED),  # an adolescent's
        (prescribed("2026-06-20"), COUNTED),
        (prescribed("2026-06-24"), COUNTED),
        (prescribed(days=1), COUNTED),  # taken on the day of the visit only
        (prescribed(days=2), MET),
        (prescribed(days=None), COUNTED),  # nothing says how long it lasts
        (prescribed("2026-06-22"), COUNTED),  # its supply begins after the visit: it does not overlap it
        (
            prescribed(
                "2026-06-23",
                days=None,
                dosageInstruction=[
                    {"timing": {"repeat": {"boundsPeriod": {"start": "2026-06-21", "end": "2026-07-21"}}}}
                ],
            ),
            MET,
        ),
    ],
)
def test_a_positive_screening_needs_a_plan(plan, expected):
    assert of(ADULT, VISIT, screen(answer=POSITIVE), plan) == expected


def test_an_adolescent_has_a_plan_of_their_own():
    positive = screen("adolescent", POSITIVE)
    assert of(TEEN, VISIT, positive, prescribed(code="rxnorm|1190110")) == MET
    assert of(TEEN, VISIT, positive, prescribed()) == COUNTED
    assert of(TEEN, VISIT, positive, procedure("snomed|adolescent-care", "2026-06-21T08:10:00Z")) == MET
    assert of(TEEN, VISIT, positive, order("ServiceRequest", "snomed|adolescent-referral", "2026-06-22")) == MET


def test_the_plan_belongs_to_a_visit_after_the_screening():
    other = encounter("hcpcs|G0101", "2026-09-01T08:00:00Z", "2026-09-01T08:15:00Z")
    plan = order("ServiceRequest", "snomed|adult-referral", "2026-09-01")
    assert of(ADULT, VISIT, other, screen(answer=POSITIVE), plan) == COUNTED


def test_a_prescription_may_name_its_medication_elsewhere():
    medication = {"resourceType": "Medication", "id": "m1", "code": concept("rxnorm|1000048")}
    pointing = prescribed() | {"medicationReference": {"reference": "Medication/m1"}}
    del pointing["medicationCodeableConcept"]
    assert of(ADULT, VISIT, screen(answer=POSITIVE), pointing, medication) == MET


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([cancelled()], EXCEPTED),
        ([cancelled(reason="snomed|183932001")], EXCEPTED),  # a medical reason
        ([cancelled(reason="snomed|373066001")], COUNTED),
        ([cancelled(reason=None)], COUNTED),
        ([cancelled(status="final")], COUNTED),
        ([cancelled(issued="2026-06-21T20:00:00Z")], EXCEPTED),  # on the day
        ([cancelled(issued="2026-06-22T00:00:00Z")], COUNTED),
        ([cancelled(issued=None)], COUNTED),
        ([cancelled(), screen()], MET),
        ([cancelled(), screen(answer=POSITIVE)], COUNTED),  # screened after all
        ([cancelled("adolescent"), screen(answer=POSITIVE)], EXCEPTED),  # of that kind there was none
    ],
)
def test_a_screening_that_was_declined_or_unfit_is_an_exception(found, expected):
    assert of(ADULT, VISIT, *found) == expected


def test_whoever_is_excluded_is_no_exception():
    bipolar = condition("icd-10-cm|F31.9", "1999-01-01", category=[plain("problem-list-item")])
    assert of(ADULT, VISIT, cancelled(), bipolar) == EXCLUDED


def test_whoever_was_not_screened_is_counted_as_such():
    assert result_of("cms2", ADULT, VISIT).not_assessed == 1
    assert result_of("cms2", ADULT, VISIT, screen(answer=POSITIVE)).not_assessed == 0
    assert result_of("cms2", ADULT, VISIT, screen("adolescent")).not_assessed == 1
    assert result_of("cms2", ADULT, VISIT, cancelled()).not_assessed == 0
