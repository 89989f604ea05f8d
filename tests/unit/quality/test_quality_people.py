"""A source as records of people: one event a resource, whatever order and shape it comes in."""

from __future__ import annotations

import gzip
import json

import pytest

from benchwell.errors import SourceError
from benchwell.intake.fhir.reading_people import read_people
from quality_cases import concept, order, patient, phq9

WANTED = frozenset({"loinc|44261-6", "rxnorm|1"})


def lines(*resources):
    return "".join(json.dumps(one) + "\n" for one in resources)


def records(tmp_path, **files):
    for name, text in files.items():
        (tmp_path / f"{name}.ndjson").write_text(text, encoding="utf-8")
    people = read_people([tmp_path], WANTED)
    return list(people.records()), people.counts


def test_files_may_come_in_any_order(tmp_path):
    found, _ = records(tmp_path, a=lines(phq9(4, "2026-01-01")), z=lines(patient("1980-01-01")))
    assert [(one.id, len(one.events)) for one in found] == [("p1", 1)]
    assert found[0].birth.local_date.isoformat() == "1980-01-01"


def test_compressed_files_are_read(tmp_path):
    (tmp_path / "all.ndjson.gz").write_bytes(gzip.compress(lines(patient(), phq9(4, "2026-01-01")).encode()))
    (record,) = read_people([tmp_path], WANTED).records()
    assert record.events[0].number == 4


def test_a_bad_line_costs_that_line(tmp_path):
    text = lines(patient()) + '{"resourceType": "Observation", "id": 5}\nnot json\n' + lines(phq9(4, "2026-01-01"))
    found, counts = records(tmp_path, all=text)
    assert len(found[0].events) == 1
    assert counts["refused"] == 2


def test_what_nobody_asks_for_is_not_held(tmp_path):
    found, _ = records(tmp_path, all=lines(patient(), phq9(4, "2026-01-01", code="loinc|8480-6")))
    assert found[0].events == ()


def test_events_of_somebody_without_a_patient_are_told(tmp_path):
    stranger = phq9(4, "2026-01-01") | {"subject": {"reference": "Patient/other"}}
    nobody = phq9(4, "2026-01-01") | {"subject": {"display": "somebody"}}
    found, counts = records(tmp_path, all=lines(patient(), stranger, nobody))
    assert [one.id for one in found] == ["p1"]
    assert (counts["no_patient"], counts["no_subject"]) == (1, 1)


def test_a_resource_that_was_taken_back_is_gone(tmp_path):
    score = phq9(4, "2026-01-01") | {"id": "o1"}
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "Observation/o1"}}],
    }
    found, _ = records(tmp_path, a=lines(patient(), score), b=lines(bundle))
    assert found[0].events == ()


def test_references_of_a_bundle_are_its_own(tmp_path):
    entry = {"fullUrl": "urn:uuid:77", "resource": patient() | {"id": "real"}}
    score = phq9(4, "2026-01-01") | {"subject": {"reference": "urn:uuid:77"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": score}, entry]}
    (tmp_path / "bundle.json").write_text(json.dumps(bundle), encoding="utf-8")
    (record,) = read_people([tmp_path], WANTED).records()
    assert (record.id, len(record.events)) == ("real", 1)


def test_two_people_in_a_bundle_stay_two(tmp_path):
    other = patient() | {"id": "p2"}
    score = phq9(4, "2026-01-01") | {"subject": {"reference": "Patient/p2"}}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in (patient(), other, score)]}
    (tmp_path / "bundle.json").write_text(json.dumps(bundle), encoding="utf-8")
    people = read_people([tmp_path], WANTED)
    assert {one.id: len(one.events) for one in people.records()} == {"p1": 0, "p2": 1}
    assert not people.counts["foreign_subject"]


def test_who_the_person_is(tmp_path):
    race = {"url": "ombCategory", "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3"}}
    url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
    person = patient(gender="female", extension=[{"url": url, "extension": [race]}])
    covers = [
        {"resourceType": "Coverage", "id": code, "beneficiary": {"reference": "Patient/p1"}, "period": {"start": start},
         "type": {"coding": [{"system": "https://nahdo.org/sopt", "code": code}]}}
        for code, start in (("1", "2020-01-01"), ("2", "2025-01-01"), ("5", "2010-01-01"))
    ]  # fmt: skip
    found, _ = records(tmp_path, all=lines(person, *covers))
    assert dict(found[0].traits) == {"race": "cdc-race|2106-3", "sex": "female", "payer": "sop|2"}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"expectedSupplyDuration": {"value": 30, "code": "d"}}, ("2026-01-01", "2026-01-30")),
        ({"expectedSupplyDuration": {"value": 2, "unit": "wk"}}, ("2026-01-01", "2026-01-14")),
        (
            {"expectedSupplyDuration": {"value": 30, "code": "d"}, "numberOfRepeatsAllowed": 1},
            ("2026-01-01", "2026-03-01"),
        ),
        (
            {"expectedSupplyDuration": {"value": 1e308, "code": "d"}, "numberOfRepeatsAllowed": 900},
            ("2026-01-01", None),
        ),
        ({"expectedSupplyDuration": {"value": 30, "code": "furlong"}}, None),
        ({}, None),
    ],
)
def test_how_long_a_supply_lasts(tmp_path, request_, expected):
    prescription = order("MedicationRequest", "rxnorm|1", "2026-01-01", dispenseRequest=request_)
    found, _ = records(tmp_path, all=lines(patient(), prescription))
    span = found[0].events[0].times.get("when")
    shown = (
        None if span is None else tuple(None if one is None else one.day.isoformat() for one in (span.start, span.end))
    )
    assert shown == expected


@pytest.mark.parametrize(
    ("reference", "contained", "events"),
    [
        ("#m", [{"resourceType": "Medication", "id": "m", "code": concept("rxnorm|1")}], 1),
        ("#m", [{"resourceType": "Medication", "id": "n", "code": concept("rxnorm|1")}], 0),
        ("#m", [{"resourceType": "Medication", "id": 5}, {"resourceType": "Other", "id": "m"}], 0),
        ("#m", [], 0),
        ("Medication/8", [], 1),
        ("Medication/9", [], 0),
        (None, [], 0),
    ],
)
def test_a_prescription_names_its_medication(tmp_path, reference, contained, events):
    named = {"reference": reference} if reference else None
    prescription = order("MedicationRequest", "rxnorm|1", "2026-01-01", medicationReference=named, contained=contained)
    del prescription["medicationCodeableConcept"]
    other = {"resourceType": "Medication", "id": "8", "code": concept("rxnorm|1")}
    found, _ = records(tmp_path, all=lines(patient(), prescription, other))
    assert len(found[0].events) == events


def test_sources_that_are_not_there(tmp_path):
    with pytest.raises(SourceError, match="There is no file"):
        read_people([tmp_path / "none.json"], WANTED)
    with pytest.raises(SourceError, match="holds no FHIR"):
        read_people([tmp_path], WANTED)


@pytest.mark.parametrize("named", ["folder", "manifest"])
def test_a_manifest_is_no_resource_and_says_what_is_read_last(tmp_path, named):
    (tmp_path / "a-deleted.ndjson").write_text(
        '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Observation/taken"}}]}\n'
    )
    observations = lines(patient(), phq9(4, "2026-01-01") | {"id": "taken"}, phq9(5, "2026-01-02") | {"id": "stays"})
    (tmp_path / "b.ndjson").write_text(observations)
    output = [{"type": "Observation", "url": f"https://x.example/{name}.ndjson"} for name in ("b", "gone")]
    deleted = [{"type": "Bundle", "url": "https://x.example/a-deleted.ndjson"}]
    manifest = {"transactionTime": "2026-01-31T00:00:00Z", "output": output, "deleted": deleted}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    people = read_people([tmp_path if named == "folder" else tmp_path / "manifest.json"], WANTED)
    (record,) = people.records()
    assert [one.number for one in record.events] == [5]
    assert (people.counts["refused"], people.counts["missing_file"]) == (0, 1)


def told(resource, at, **changed):
    return resource | {"meta": {"lastUpdated": at}} | changed


def test_the_version_that_was_stored_last_counts_whatever_clock_wrote_it(tmp_path):
    score = phq9(4, "2026-01-01") | {"id": "o1"}
    later = told(score, "2026-01-01T09:30:00-05:00", valueInteger=9)
    earlier = told(score, "2026-01-01T10:00:00Z")
    found, _ = records(tmp_path, a=lines(patient(), later), b=lines(earlier))
    assert [event.number for event in found[0].events] == [9]


def test_a_version_that_says_something_else_replaces_what_was_asked_for(tmp_path):
    score = phq9(4, "2026-01-01") | {"id": "o1"}
    other = told(phq9(4, "2026-01-01", code="loinc|8480-6") | {"id": "o1"}, "2026-01-02T00:00:00Z")
    found, _ = records(tmp_path, a=lines(patient(), told(score, "2026-01-01T00:00:00Z")), b=lines(other))
    assert found[0].events == ()


def test_what_waits_for_the_end_of_the_source_can_be_taken_back_too(tmp_path):
    drug = {"resourceType": "Medication", "id": "m1", "code": concept("rxnorm|1")}
    asked = order("MedicationRequest", "rxnorm|1", "2026-01-01") | {"id": "r1"}
    del asked["medicationCodeableConcept"]
    asked["medicationReference"] = {"reference": "Medication/m1"}
    gone = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "MedicationRequest/r1"}}],
    }
    found, _ = records(tmp_path, a=lines(patient(), drug, asked))
    assert [event.kind for event in found[0].events] == ["medication-request"]
    found, _ = records(tmp_path, b=lines(gone))
    assert found[0].events == ()


def test_a_folder_is_read_as_intake_reads_it(tmp_path):
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "old.ndjson").write_text(lines(phq9(9, "2026-01-02")), encoding="utf-8")
    (tmp_path / "package.json").write_text('{"name": "a tool"}', encoding="utf-8")
    (tmp_path / "all.ndjson").write_text(lines(patient(), phq9(4, "2026-01-01")), encoding="utf-8")
    people = read_people([tmp_path, tmp_path / "all.ndjson"], WANTED)
    (record,) = people.records()
    assert [event.number for event in record.events] == [4]
    assert (people.counts["left_out"], people.counts["refused"]) == (1, 0)
