"""What no record can be made of, and what is left unknown: each with its reason, none with a value."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from benchwell.intake.fhir.record_mappers import MAPPERS, retract, with_named
from benchwell.intake.fhir.rows import Rows
from fhir_records import at, coded, take

KINDS = sorted(kind.__name__ for kind in MAPPERS if kind.__name__ not in {"Medication", "MedicationRequest"})
OWNED = {
    "EpisodeOfCare": "patient",
    "Encounter": "subject",
    "Condition": "subject",
    "Procedure": "subject",
    "ServiceRequest": "subject",
    "Coverage": "beneficiary",
    "Consent": "patient",
}
DATED = {
    "Condition": {"onsetDateTime": "2026-07-01"},
    "Procedure": {"performedDateTime": "2026-07-01"},
    "ServiceRequest": {"authoredOn": "2026-07-01"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_resource_without_any_id_is_refused(kind: str) -> None:
    taken = take({"resourceType": kind})
    assert taken.rows.refused == {1}
    assert taken.reasons == [(f"{kind}.id", "missing_id")]
    assert taken.tables == {}


@pytest.mark.parametrize("kind", sorted(OWNED))
def test_a_record_of_nobody_is_refused(kind: str) -> None:
    taken = take({"resourceType": kind, "id": "1", "status": "active"})
    assert taken.rows.refused == {1}
    assert taken.reasons == [(f"{kind}.{OWNED[kind]}", "missing_patient_id")]


@pytest.mark.parametrize("kind", sorted(DATED))
def test_a_record_of_the_future_is_refused(kind: str) -> None:
    taken = take({"resourceType": kind, "id": "1", "subject": at("Patient/p"), **DATED[kind]})
    assert taken.rows.refused == {1}
    assert taken.reasons == [(kind, "after_snapshot")]


def test_days_that_are_still_to_come_are_noted_and_left_out() -> None:
    dead = {"resourceType": "Patient", "id": "p", "deceasedDateTime": "2026-07-01"}
    course = {"resourceType": "EpisodeOfCare", "id": "c", "status": "finished", "patient": at("Patient/p")}
    taken = take(dead, course | {"period": {"start": "2026-01-01", "end": "2026-07-01"}}, course | {"id": "d"})
    assert taken.only("patients")["death_date"] is None
    assert [row["end_date"] for row in taken.rows_of("episodes")] == [None, None]
    assert [row["start_date"] for row in taken.rows_of("episodes")] == [dt.date(2026, 1, 1), None]
    assert taken.reasons == [
        ("Patient.deceasedDateTime", "after_snapshot"),
        ("EpisodeOfCare.period.end", "after_snapshot"),
    ]


@pytest.mark.parametrize(
    ("specialty", "discipline"),
    [
        ([coded("2084P0800X", "http://nucc.org/provider-taxonomy")], "psychiatrist"),
        ([coded("999Z", "http://nucc.org/provider-taxonomy")], None),
        ([coded("394587001", "http://snomed.info/sct") | {"text": "Psychiatry"}], "psychiatry"),
        ([{"coding": [{"code": "1", "display": " Art  Therapy "}]}], "art therapy"),
        ([{"text": " "}], None),
    ],
)
def test_a_discipline_is_a_word_or_what_the_source_calls_it(specialty: list[Any], discipline: str | None) -> None:
    role = {"resourceType": "PractitionerRole", "id": "r", "practitioner": at("Practitioner/t"), "specialty": specialty}
    assert take(role).only("practitioners")["discipline"] == discipline


@pytest.mark.parametrize(
    ("codes", "word"),
    [
        ([("http://hl7.org/fhir/sid/icd-10-cm", "F34.1")], "depression"),
        ([("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "F43.1")], "ptsd"),
        ([("http://hl7.org/fhir/sid/icd-10-cm", "F17.210")], "icd-10-cm|F17.210"),
        ([("urn:x", "1"), ("http://snomed.info/sct", "35489007")], "depression"),
        ([], None),
    ],
)
def test_what_a_course_is_for(codes: list[tuple[str, str]], word: str | None) -> None:
    code = {"coding": [{"system": system, "code": one} for system, one in codes]}
    condition = {"resourceType": "Condition", "id": "d", "subject": at("Patient/p"), "code": code}
    course = {"resourceType": "EpisodeOfCare", "id": "c", "patient": at("Patient/p")}
    linked = course | {"diagnosis": [{"condition": at("Condition/d")}, {"condition": at("Condition/elsewhere")}]}
    assert take(condition, linked).only("episodes")["condition"] == word


def test_deletions_of_other_types_are_not_ours() -> None:
    rows = Rows()
    assert not retract("Observation", "1", 1, rows)
    assert rows.tables == {}


def test_nothing_gives_nothing() -> None:
    assert take().tables == {}
    assert with_named({}) == {}
    bare = {"patients": pa.table({"patient_id": ["p"]})}  # of a source that says nothing of taking back
    assert with_named(bare)["patients"].num_rows == 1


def test_an_empty_date_is_no_date() -> None:
    assert take({"resourceType": "Patient", "id": "p", "birthDate": ""}).reasons == []


def test_participants_that_are_no_clinicians_and_other_statuses_of_a_consent_say_nothing() -> None:
    visit = {
        "resourceType": "Encounter", "id": "e", "status": "finished", "subject": at("Patient/p"),
        "participant": [{"individual": at("RelatedPerson/r")}, {"individual": at("Practitioner/t")}, {}],
    }  # fmt: skip
    taken = take(visit, {"resourceType": "Coverage", "id": "v", "status": "draft"})
    assert taken.only("encounters")["practitioner_id"] == "t"
    assert taken.rows.refused == set()
