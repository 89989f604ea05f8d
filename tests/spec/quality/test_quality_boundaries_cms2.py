"""CMS2 at its boundaries: an official case, one thing changed, and where the person is counted then.

The case is 328248a7: born 2014-01-01, a positive adolescent screening on 2026-06-15, seen on 2026-06-21 from 08:00 to
08:15, and 30 days of fluoxetine prescribed that day.
"""

from __future__ import annotations

import pytest

from quality_mutations import added, changed, code, made, table_counts, without

CODES = ("initial-population", "denominator", "denominator-exclusion", "numerator", "denominator-exception")
NOBODY, COUNTED, EXCLUDED, MET, EXCEPTED = (0,) * 5, (1, 1, 0, 0, 0), (1, 1, 1, 0, 0), (1, 1, 0, 1, 0), (1, 1, 0, 0, 1)
SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
NEGATIVE, POSITIVE = code(SNOMED, "428171000124102"), code(SNOMED, "428181000124104")
ADOLESCENT, ADULT = code(LOINC, "73831-0"), code(LOINC, "73832-8")
PROBLEM = [code("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item")]
DIAGNOSIS = [code("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis")]
NOT_DONE = "http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-notDoneReason"

NO_PLAN = without("MedicationRequest")
NO_SCREENING = without("Observation")


def screened(**members):
    return changed("Observation", **members)


def prescription(**members):
    return changed("MedicationRequest", **members)


def visit(start, end, **members):
    return changed("Encounter", period={"start": start, "end": end}, **members)


def born(day):
    return changed("Patient", birthDate=day)


def another_screening(at, answer, tool=ADOLESCENT, status="final"):
    return added("Observation", status=status, code=tool, effectiveDateTime=at, valueCodeableConcept=answer)


def referred(at, value_set="adolescent-referral", status="active", **members):
    return added("ServiceRequest", status=status, intent="order", code=made(value_set), authoredOn=at, **members)


def prescribed(at, value_set, days=30):
    supply = {"expectedSupplyDuration": {"value": days, "code": "d"}}
    medication = {"medicationCodeableConcept": made(value_set), "dispenseRequest": supply}
    return added("MedicationRequest", status="active", intent="order", authoredOn=at, **medication)


def treated(value_set="adolescent-follow-up", status="completed", **members):
    return added("Procedure", status=status, code=made(value_set), **members)


def declined(tool=ADOLESCENT, issued="2026-06-21T08:05:00Z", reason="720834000", status="cancelled"):
    why = {"url": NOT_DONE, "valueCodeableConcept": code(SNOMED, reason)}
    return added("Observation", status=status, code=tool, issued=issued, extension=[why])


def bipolar(onset, category=PROBLEM, **members):
    return added("Condition", code=made("bipolar"), category=category, onsetDateTime=onset, **members)


ROWS = {
    "nothing": (MET,),
    # age at the start of the period
    "12 on 1 January": (born("2014-01-01"), MET),
    "12 on 2 January": (born("2014-01-02"), NOBODY),
    "birth not known": (born(None), NOBODY),
    "no visit": (without("Encounter"), NOBODY),
    # the visit lies inside the period
    "visit on 1 January": (visit("2026-01-01T00:00:00Z", "2026-01-01T00:10:00Z"), COUNTED),
    "visit since the day before": (visit("2025-12-31T23:59:00Z", "2026-01-01T00:10:00Z"), NOBODY),
    "visit to 31 December": (visit("2026-12-31T23:00:00Z", "2026-12-31T23:59:59Z"), COUNTED),
    "visit into the next year": (visit("2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z"), NOBODY),
    "visit that has not ended": (changed("Encounter", period={"start": "2026-06-21"}), NOBODY),
    **{f"visit {one}": (changed("Encounter", status=one), NOBODY) for one in ("planned", "in-progress", "cancelled")},
    # the screening: 0 to 14 days before
    "screened 14 days before": (screened(effectiveDateTime="2026-06-07T00:00:00Z"), MET),
    "screened 15 days before": (screened(effectiveDateTime="2026-06-06T23:59:59Z"), COUNTED),
    "screened 15 days before by another clock": (screened(effectiveDateTime="2026-06-06T22:00:00-05:00"), MET),
    "screened later on the day": (screened(effectiveDateTime="2026-06-21T23:59:59Z"), MET),
    "screened the day after": (screened(effectiveDateTime="2026-06-22"), COUNTED),
    "screening begun 15 and ended 14 days before": (
        screened(effectivePeriod={"start": "2026-06-06T23:00:00Z", "end": "2026-06-07T01:00:00Z"}),
        MET,
    ),
    **{f"screening {one}": (screened(status=one), MET) for one in ("amended", "corrected")},
    **{
        f"screening {one}": (screened(status=one), COUNTED) for one in ("preliminary", "registered", "entered-in-error")
    },
    "screening without a result": (screened(valueCodeableConcept=None), COUNTED),
    "screening with some other result": (screened(valueCodeableConcept=code(SNOMED, "1")), COUNTED),
    "a PHQ-9 instead": (screened(code=code(LOINC, "44261-6")), COUNTED),
    # the last one decides
    "a later one, negative, and no plan": (NO_PLAN, another_screening("2026-06-16", NEGATIVE), MET),
    "an earlier one, negative, and no plan": (NO_PLAN, another_screening("2026-06-14", NEGATIVE), COUNTED),
    "a later one, positive": (
        NO_PLAN,
        screened(valueCodeableConcept=NEGATIVE),
        another_screening("2026-06-15T08:00:01Z", POSITIVE),
        COUNTED,
    ),
    "a later one in error": (NO_PLAN, another_screening("2026-06-16", NEGATIVE, status="entered-in-error"), COUNTED),
    # the tool of the age, negative
    **{
        f"{years} with the {name} tool": (
            NO_PLAN,
            born(f"{2026 - years}-01-01"),
            screened(code=tool, valueCodeableConcept=NEGATIVE),
            expected,
        )
        for years, name, tool, expected in (
            (12, "adolescent", ADOLESCENT, MET),
            (12, "adult", ADULT, COUNTED),
            (16, "adolescent", ADOLESCENT, MET),
            (16, "adult", ADULT, COUNTED),
            (17, "adolescent", ADOLESCENT, MET),
            (17, "adult", ADULT, MET),
            (18, "adolescent", ADOLESCENT, COUNTED),
            (18, "adult", ADULT, MET),
        )
    },
    # the plan of the tool
    **{
        f"17, {name} tool, {plan} referral": (
            NO_PLAN,
            born("2009-01-01"),
            screened(code=tool),
            referred("2026-06-21", f"{plan}-referral"),
            expected,
        )
        for name, tool, plan, expected in (
            ("adolescent", ADOLESCENT, "adolescent", MET),
            ("adolescent", ADOLESCENT, "adult", COUNTED),
            ("adult", ADULT, "adult", MET),
            ("adult", ADULT, "adolescent", COUNTED),
        )
    },
    "positive and no plan": (NO_PLAN, COUNTED),
    # prescribed
    "prescribed on the day, later": (prescription(authoredOn="2026-06-21T23:59:59Z"), MET),
    "prescribed the day before": (prescription(authoredOn="2026-06-20"), COUNTED),
    "prescribed 3 days after": (prescription(authoredOn="2026-06-24"), COUNTED),
    "prescribed for that day only": (NO_PLAN, prescribed("2026-06-21", "adolescent-medication", 1), COUNTED),
    "prescribed for that day and the next": (NO_PLAN, prescribed("2026-06-21", "adolescent-medication", 2), MET),
    "prescribed what is for adults": (NO_PLAN, prescribed("2026-06-21", "adult-medication"), COUNTED),
    "prescription completed": (prescription(status="completed"), MET),
    **{
        f"prescription {one}": (prescription(status=one), COUNTED)
        for one in ("draft", "on-hold", "stopped", "cancelled")
    },
    **{
        f"prescribed as {one}": (prescription(intent=one), MET)
        for one in ("original-order", "reflex-order", "filler-order", "instance-order")
    },
    **{f"prescribed as {one}": (prescription(intent=one), COUNTED) for one in ("plan", "proposal", "option")},
    "prescribed not to be taken": (prescription(doNotPerform=True), COUNTED),
    # referred
    "referred on the day": (NO_PLAN, referred("2026-06-21T00:00:00Z"), MET),
    "referred 2 days after": (NO_PLAN, referred("2026-06-23T23:59:59Z"), MET),
    "referred 3 days after": (NO_PLAN, referred("2026-06-24T00:00:00Z"), COUNTED),
    "referred the day before": (NO_PLAN, referred("2026-06-20T23:59:59Z"), COUNTED),
    "referred 3 days after by another clock": (NO_PLAN, referred("2026-06-24T08:00:00+14:00"), MET),
    "referred in that month": (NO_PLAN, referred("2026-06"), COUNTED),
    "referral completed": (NO_PLAN, referred("2026-06-21", status="completed"), MET),
    "referral revoked": (NO_PLAN, referred("2026-06-21", status="revoked"), COUNTED),
    "not to be referred": (NO_PLAN, referred("2026-06-21", doNotPerform=True), COUNTED),
    "referred across New Year": (
        NO_PLAN,
        visit("2026-12-31T08:00:00Z", "2026-12-31T08:15:00Z"),
        screened(effectiveDateTime="2026-12-31T08:00:00Z"),
        referred("2027-01-02"),
        MET,
    ),
    # the 2 days run from the end of a long visit
    "referred 2 days after a long visit": (
        NO_PLAN,
        visit("2026-06-21T08:00:00Z", "2026-06-25T08:00:00Z"),
        referred("2026-06-27"),
        MET,
    ),
    # treated: starts during the visit
    "treated as the visit begins": (NO_PLAN, treated(performedDateTime="2026-06-21T08:00:00Z"), MET),
    "treated as the visit ends": (NO_PLAN, treated(performedDateTime="2026-06-21T08:15:00Z"), MET),
    "treatment that goes on after": (
        NO_PLAN,
        treated(performedPeriod={"start": "2026-06-21T08:10:00Z", "end": "2026-06-30T08:00:00Z"}),
        MET,
    ),
    "treated the day after": (NO_PLAN, treated(performedDateTime="2026-06-22T08:10:00Z"), COUNTED),
    **{
        f"treatment {one}": (NO_PLAN, treated(status=one, performedDateTime="2026-06-21T08:10:00Z"), COUNTED)
        for one in ("in-progress", "not-done", "preparation", "stopped")
    },
    # bipolar disorder
    "bipolar since the day before": (bipolar("2026-06-20T23:59:59Z"), EXCLUDED),
    "bipolar since the day of the visit": (bipolar("2026-06-21T00:00:00Z"), MET),
    "bipolar since the day, the day before in UTC": (bipolar("2026-06-21T08:00:00+14:00"), EXCLUDED),
    "bipolar long resolved": (bipolar("1999", abatementDateTime="2001"), EXCLUDED),
    "bipolar, a diagnosis of a visit": (bipolar("2026-01-01", DIAGNOSIS), MET),
    "bipolar since between two visits": (
        bipolar("2026-07-01"),
        added(
            "Encounter",
            status="finished",
            type=[made("telephone")],
            period={"start": "2026-07-02", "end": "2026-07-02"},
        ),
        EXCLUDED,
    ),
    # exceptions
    "declined": (NO_SCREENING, declined(), EXCEPTED),
    "unfit": (NO_SCREENING, declined(reason="183932001"), EXCEPTED),
    "some other reason": (NO_SCREENING, declined(reason="1"), COUNTED),
    "declined, but not cancelled": (NO_SCREENING, declined(status="final"), COUNTED),
    "declined the day before": (NO_SCREENING, declined(issued="2026-06-20T23:59:59Z"), COUNTED),
    "declined the day after": (NO_SCREENING, declined(issued="2026-06-22T00:00:00Z"), COUNTED),
    "declined, and screened all the same": (NO_PLAN, declined(), COUNTED),
    "declined, and screened with the other tool": (NO_PLAN, screened(code=ADULT), declined(), EXCEPTED),
    "declined, and in the numerator": (declined(ADULT), MET),
    "declined and excluded": (NO_SCREENING, declined(), bipolar("2020"), EXCLUDED),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return table_counts("cms2", "328248a7", ROWS, tmp_path_factory.mktemp("cms2"))


@pytest.mark.parametrize("change", ROWS)
def test_where_the_person_is_counted(found, change):
    assert found[change] == dict(zip(CODES, ROWS[change][-1], strict=True))
