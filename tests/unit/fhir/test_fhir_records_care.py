"""Courses, contacts, diagnoses and procedures, and what they are given by each other."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from benchwell.intake.complete import DEFAULT_ORGANIZATION_ID
from fhir_records import at, coded, take

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def visit(id_: str = "e", **more: Any) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "status": "finished",
        "class": {"system": ACT, "code": "AMB"},
        "subject": at("Patient/p"),
        "period": {"start": "2026-02-25T09:00:00+01:00", "end": "2026-02-25T09:50:00+01:00"},
    }
    return {"resourceType": "Encounter", "id": id_, **stated, **more}


def course(**more: Any) -> dict[str, Any]:
    stated = {"status": "active", "patient": at("Patient/p"), "period": {"start": "2026-01-07"}}
    return {"resourceType": "EpisodeOfCare", "id": "c", **stated, **more}


def diagnosis(id_: str = "d", code: str = "F33.1", **more: Any) -> dict[str, Any]:
    stated = {"subject": at("Patient/p"), "code": coded(code, ICD), "onsetDateTime": "2025-12-01"}
    return {"resourceType": "Condition", "id": id_, **stated, **more}


def test_a_contact_becomes_one_row() -> None:
    taken = take(
        visit(
            type=[coded("90834", "http://www.ama-assn.org/go/cpt")],
            serviceProvider=at("Organization/o"),
            participant=[
                {"individual": at("Practitioner/x")},
                {"type": [coded("PPRF")], "individual": at("Practitioner/t")},
            ],
            episodeOfCare=[at("EpisodeOfCare/c")],
        )
    )
    row = taken.only("encounters")
    assert row == row | {
        "encounter_id": "e", "patient_id": "p", "episode_id": "c", "organization_id": "o", "practitioner_id": "t",
        "date": dt.date(2026, 2, 25), "end_date": dt.date(2026, 2, 25), "kind": "psychotherapy", "mode": "in_person",
        "attended": True, "minutes": 50.0, "retracted": False,
    }  # fmt: skip
    assert taken.only("patients")["patient_id"] == "p"  # known by a reference only
    assert taken.only("patients")["retracted"] is None
    assert taken.only("practitioners")["practitioner_id"] == "t"
    assert taken.only("organizations")["organization_id"] == "o"
    assert taken.reasons == []


@pytest.mark.parametrize(
    ("status", "attended"),
    [
        ("finished", True), ("in-progress", True), ("arrived", True), ("cancelled", False), ("noshow", False),
        ("planned", None), ("unknown", None), (None, None),
    ],
)  # fmt: skip
def test_status_tells_whether_a_contact_took_place(status: str | None, attended: bool | None) -> None:
    contact = visit(status=status) if status else {k: v for k, v in visit().items() if k != "status"}
    assert take(contact).only("encounters")["attended"] is attended


@pytest.mark.parametrize(
    ("code", "types", "kind", "mode"),
    [
        ("VR", [], "outpatient", "telehealth"),
        ("HH", [], "home", "in_person"),
        ("AMB", ["90791"], "assessment", "in_person"),
        ("AMB", ["98967"], "outpatient", "telehealth"),
        ("EMER", [], "emergency", "in_person"),
        ("99205", [], None, None),
    ],
)
def test_class_and_type_tell_kind_and_mode(code: str, types: list[str], kind: str | None, mode: str | None) -> None:
    taken = take(visit(**{"class": {"code": code}}, type=[coded(one) for one in types]))
    row = taken.only("encounters")
    assert (row["kind"], row["mode"]) == (kind, mode)
    assert taken.reasons == ([("Encounter.class", "unread_code")] if kind is None else [])


def test_minutes_come_from_the_period_or_the_length_and_never_for_a_stay() -> None:
    day = {"start": "2026-02-25", "end": "2026-02-25"}
    rows = take(
        visit("1", period=day, length={"value": 1.5, "unit": "h"}),
        visit("2", period=day, length={"value": 0, "unit": "min"}),
        visit("3", period=day, length={"value": 3, "code": "d"}),
        visit("4", **{"class": {"code": "IMP"}}),
        visit("5", period={"start": "2026-02-25T09:00:00Z", "end": "2026-02-25T10:00:00+01:00"}),
        visit("6", period={"start": "2026-02-25T09:00:00", "end": "2026-02-25T10:00:00+01:00"}),
        visit("7", period={"start": "2026-02-25T10:00:00Z", "end": "2026-02-24T10:00:00Z"}),
        visit("8", period={"start": "0001-01-01T00:00:00+14:00", "end": "0001-01-01T01:00:00+14:00"}),
        visit("9", period={"start": "2026-02-25T09:00:00", "end": "2026-02-25T09:30:00"}),
    )
    found = {row["encounter_id"]: row["minutes"] for row in rows.rows_of("encounters")}
    assert found == {"1": 90.0, "2": None, "3": None, "4": None, "5": 0.0, "6": None, "7": None, "8": 60.0, "9": 30.0}
    assert rows.reasons == [("Encounter.period.end", "end_before_start")]


def test_the_local_day_counts() -> None:
    late = visit(period={"start": "2026-02-25T23:30:00-05:00"})
    assert take(late).only("encounters")["date"] == dt.date(2026, 2, 25)


def test_contacts_without_owner_or_of_the_future_are_refused_and_undated_ones_noted() -> None:
    taken = take(
        visit("1", subject=at("Group/g")),
        visit("2", period={"start": "2026-07-01"}),
        visit("3", status="planned", period={"start": "2026-07-01"}),
        visit("4", period={"start": "2026-02"}),
        {"resourceType": "Encounter", "subject": at("Patient/p")},
    )
    assert [row["encounter_id"] for row in taken.rows_of("encounters")] == ["3", "4"]
    assert taken.rows.refused == {1, 2, 5}
    assert taken.reasons == [
        ("Encounter.subject", "missing_patient_id"),
        ("Encounter.period.start", "after_snapshot"),
        ("Encounter.period.start", "partial_date"),
        ("Encounter.period.start", "missing_date"),
        ("Encounter.id", "missing_id"),
    ]


def test_a_course_is_completed_by_what_it_refers_to() -> None:
    taken = take(
        course(
            status="finished",
            period={"start": "2026-01-07", "end": "2026-05-30"},
            managingOrganization=at("Organization/o"),
            careManager=at("PractitionerRole/r"),
            diagnosis=[{"condition": at("Condition/d2"), "rank": 2}, {"condition": at("Condition/d"), "rank": 1}],
            referralRequest=[at("ServiceRequest/s2"), at("ServiceRequest/s")],
        ),
        diagnosis(),
        diagnosis("d2", "F41.1"),
        {"resourceType": "ServiceRequest", "id": "s", "subject": at("Patient/p"), "authoredOn": "2025-12-10T08:00:00Z"},
        {"resourceType": "ServiceRequest", "id": "s2", "subject": at("Patient/p"), "authoredOn": "2025-12-20"},
        {"resourceType": "PractitionerRole", "id": "r", "practitioner": at("Practitioner/t")},
        visit(episodeOfCare=[at("EpisodeOfCare/c")]),
    )
    row = taken.only("episodes")
    assert row == row | {
        "episode_id": "c", "patient_id": "p", "organization_id": "o", "practitioner_id": "t",
        "condition": "depression", "referral_date": dt.date(2025, 12, 10), "start_date": dt.date(2026, 1, 7),
        "end_date": dt.date(2026, 5, 30), "end_reason": "finished",
    }  # fmt: skip
    assert taken.only("encounters")["organization_id"] == "o"  # by its course
    assert {row["procedure_id"] for row in taken.rows_of("procedures")} == {"ServiceRequest/s", "ServiceRequest/s2"}


def test_a_course_that_has_not_begun_has_no_first_day_and_a_planned_end_is_none() -> None:
    waiting = take(course(status="waitlist")).only("episodes")
    assert (waiting["start_date"], waiting["end_reason"]) == (None, None)
    going_on = take(course(period={"start": "2026-01-07", "end": "2026-12-31"}))
    assert going_on.only("episodes")["end_date"] is None
    assert going_on.reasons == []
    assert take(course(status="cancelled")).only("episodes")["end_reason"] == "cancelled"


@pytest.mark.parametrize(
    ("period", "reason"),
    [
        ({"start": "2026-05-01", "end": "2026-04-01"}, "end_before_start"),
        ({"start": "2026-07-01"}, "after_snapshot"),
    ],
)
def test_an_impossible_course_is_refused(period: dict[str, str], reason: str) -> None:
    taken = take(course(period=period))
    assert taken.rows_of("episodes") == []
    assert taken.reasons == [("EpisodeOfCare.period", reason)]


def test_a_place_says_whose_it_is_through_the_places_above_it_even_in_circles() -> None:
    def place(id_: str, part_of: str | None = None, organization: str | None = None) -> dict[str, Any]:
        inside = {"partOf": at(f"Location/{part_of}")} if part_of else {}
        owner = {"managingOrganization": at(f"Organization/{organization}")} if organization else {}
        return {"resourceType": "Location", "id": id_, **inside, **owner}

    taken = take(
        place("room", "floor"), place("floor", "house"), place("house", None, "o"), place("a", "b"), place("b", "a"),
        visit("1", location=[{"location": at("Location/room")}]),
        visit("2", location=[{"location": at("Location/a")}]),
        visit("3", location=[{"location": at("Location/room")}], serviceProvider=at("Organization/q")),
    )  # fmt: skip
    assert [row["organization_id"] for row in taken.rows_of("encounters")] == ["o", None, "q"]


def test_a_source_without_any_organization_is_one_practice() -> None:
    payer = {"resourceType": "Organization", "id": "payer", "type": [coded("pay")]}
    lone = take(visit(), course(), payer)
    assert lone.only("encounters")["organization_id"] == DEFAULT_ORGANIZATION_ID
    assert lone.only("episodes")["organization_id"] == DEFAULT_ORGANIZATION_ID
    assert {row["organization_id"] for row in lone.rows_of("organizations")} == {DEFAULT_ORGANIZATION_ID, "payer"}
    some = take(visit("1"), visit("2", serviceProvider=at("Organization/o")))
    assert [row["organization_id"] for row in some.rows_of("encounters")] == [None, "o"]
    assert take(visit(), default_organization=False).only("encounters")["organization_id"] is None


def test_a_diagnosis_keeps_all_its_codes_and_its_dates() -> None:
    both = {"coding": [{"system": ICD, "code": "F33.1"}, {"system": "http://snomed.info/sct", "code": "66344007"}]}
    taken = take(
        diagnosis(
            code="F33.1",
            category=[coded("problem-list-item")],
            clinicalStatus=coded("resolved"),
            verificationStatus=coded("confirmed"),
            abatementPeriod={"start": "2026-02-01", "end": "2026-03-01"},
            recordedDate="2026-01-02",
            encounter=at("Encounter/e"),
        )
        | {"code": both}
    )
    row = taken.only("conditions")
    assert row == row | {
        "condition_id": "d", "patient_id": "p", "encounter_id": "e", "codes": ["icd-10-cm|F33.1", "snomed|66344007"],
        "category": "problem-list-item", "clinical_status": "resolved", "verification_status": "confirmed",
        "onset_date": dt.date(2025, 12, 1), "abatement_date": dt.date(2026, 3, 1),
        "recorded_date": dt.date(2026, 1, 2),
    }  # fmt: skip


def test_what_was_done_and_what_was_asked_for_do_not_mix_even_with_one_id() -> None:
    taken = take(
        {"resourceType": "Procedure", "id": "1", "status": "completed", "subject": at("Patient/p"),
         "performedPeriod": {"start": "2026-01-05", "end": "2026-01-06"}},
        {"resourceType": "ServiceRequest", "id": "1", "subject": at("Patient/p"), "authoredOn": "2026-01-04"},
        {"resourceType": "ServiceRequest", "id": "2", "subject": at("Patient/p"), "doNotPerform": True},
        {"resourceType": "MedicationRequest", "id": "1", "subject": at("Patient/p")},
        {"resourceType": "Medication", "id": "1"},
    )  # fmt: skip
    found = {
        row["procedure_id"]: (row["kind"], row["date"], row["end_date"], row["retracted"])
        for row in taken.rows_of("procedures")
    }
    assert found == {
        "1": ("done", dt.date(2026, 1, 5), dt.date(2026, 1, 6), False),
        "ServiceRequest/1": ("ordered", dt.date(2026, 1, 4), None, False),
    }


def test_entered_in_error_and_deleted_take_the_whole_record_back() -> None:
    wrong = "entered-in-error"
    taken = take(
        visit(status=wrong), course(status=wrong, patient=at("Group/g")), diagnosis(verificationStatus=coded(wrong)),
        {"resourceType": "Procedure", "id": "1", "status": wrong, "subject": at("Patient/p")},
        deleted=[("Encounter", "gone"), ("Patient", "x"), ("ServiceRequest", "1"), ("Location", "l")],
    )  # fmt: skip
    gone = {name: [row["retracted"] for row in table.to_pylist()] for name, table in taken.tables.items()}
    assert gone == {
        "encounters": [True] * 2,
        "episodes": [True],
        "conditions": [True],
        "procedures": [True] * 2,
        "patients": [True],
    }
    assert taken.reasons == [("Location", "deletion_not_applied")]


@pytest.mark.parametrize("turned", [False, True])
def test_the_newest_version_counts_wherever_it_stands(turned: bool) -> None:
    old = visit(status="planned", meta={"lastUpdated": "2026-02-01T00:00:00Z", "versionId": "9"})
    new = visit(status="finished", meta={"lastUpdated": "2026-02-26T00:00:00Z", "versionId": "1"})
    taken = take(*([new, old] if turned else [old, new]))
    assert taken.only("encounters")["attended"] is True
    assert taken.reasons == [("Encounter.id", "older_version")]
    assert take(old, old).reasons == []  # the same twice, as in the Bundles of two patients: counted once, quietly
    third = visit(status="cancelled", meta={"lastUpdated": "2026-02-26T00:00:00Z", "versionId": "2"})
    assert take(third, new).only("encounters")["attended"] is False
    assert take(visit(status="finished"), visit(status="cancelled")).only("encounters")["attended"] is False
