"""Patient, Coverage, organizations and clinicians: which words they become, and what stays unknown."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from fhir_records import at, coded, take

CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
OMB = "urn:oid:2.16.840.1.113883.6.238"
SOP = "https://nahdo.org/sopt"


def person(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", **more}


def category(name: str, *codes: str) -> dict[str, Any]:
    stated = [{"url": "ombCategory", "valueCoding": {"system": OMB, "code": code}} for code in codes]
    return {"url": f"{CORE}us-core-{name}", "extension": [*stated, {"url": "text", "valueString": "words"}]}


def test_a_patient_of_us_core_becomes_one_row() -> None:
    taken = take(
        person(
            gender="female",
            birthDate="1984-02-29",
            deceasedDateTime="2026-03-01T23:30:00-05:00",
            extension=[
                category("race", "2106-3"),
                category("ethnicity", "2135-2"),
                {"url": CORE + "us-core-birthsex", "valueCode": "F"},
            ],
            address=[
                {"use": "old", "state": "NV", "country": "US"},
                {"use": "home", "state": "CA", "country": "us", "postalCode": "94110"},
            ],
            communication=[
                {"language": coded("en-US", "urn:ietf:bcp:47")},
                {"language": coded("es-MX", "urn:ietf:bcp:47"), "preferred": True},
            ],
            active=False,
            name=[{"family": "Nobody", "given": ["At", "All"]}],
            telecom=[{"system": "phone", "value": "555-0100"}],
        )
    )
    row = taken.only("patients")
    assert row == row | {
        "patient_id": "p",
        "birth_date": dt.date(1984, 2, 29),
        "birth_year": 1984,
        "death_date": dt.date(2026, 3, 1),  # the day where it was written
        "sex": "female",
        "gender": "female",
        "race": "white",
        "ethnicity": "hispanic",
        "language": "es",
        "region": "CA",
        "country": "US",
        "retracted": False,
        "source_row": 1,
    }
    assert taken.reasons == []
    assert not {"Nobody", "555-0100", "94110"} & {str(value) for value in row.values()}


@pytest.mark.parametrize(
    ("codes", "race", "noted"),
    [
        (["2054-5"], "black", False),
        (["2054-5", "2106-3"], "multiple", False),
        (["2054-5", "2054-5"], "black", False),
        (["UNK"], None, False),
        (["ASKU", "2028-9"], "asian", False),
        (["9999-9"], None, True),
        ([], None, False),
    ],
)
def test_race_is_one_word(codes: list[str], race: str | None, noted: bool) -> None:
    taken = take(person(extension=[category("race", *codes)]))
    assert taken.only("patients")["race"] == race
    assert taken.reasons == [("Patient.extension[us-core-race]", "unread_code")] * noted


@pytest.mark.parametrize(
    ("extension", "gender", "sex"),
    [
        ({"url": CORE + "us-core-birthsex", "valueCode": "M"}, "female", "male"),
        ({"url": CORE + "us-core-sex", "valueCode": "248152002"}, "male", "female"),
        ({"url": CORE + "us-core-sex", "valueCoding": {"code": "248153007"}}, None, "male"),
        ({"url": CORE + "us-core-birthsex", "valueCode": "UNK"}, "female", None),  # said to be unknown: not guessed
        (None, "female", "female"),
        (None, "other", "other"),
        (None, "unknown", None),
        (None, None, None),
    ],
)
def test_sex_is_the_sex_at_birth_or_else_the_administrative_gender(
    extension: dict[str, Any] | None, gender: str | None, sex: str | None
) -> None:
    taken = take(person(extension=[extension] if extension else [], **({"gender": gender} if gender else {})))
    row = taken.only("patients")
    assert (row["sex"], row["gender"]) == (sex, None if gender == "unknown" else gender)
    assert taken.reasons == []


@pytest.mark.parametrize(
    ("written", "date", "year", "reason"),
    [
        ("1984", None, 1984, None),
        ("1984-02", None, 1984, None),
        ("1984-02-30", None, None, "unparseable_date"),
        ("last spring", None, None, "unparseable_date"),
        ("1884-01-01", None, None, "birth_year_impossible"),
        ("2027", None, None, "birth_year_impossible"),
    ],
)
def test_a_birth_may_be_partial_or_wrong(
    written: str, date: dt.date | None, year: int | None, reason: str | None
) -> None:
    taken = take(person(birthDate=written))
    row = taken.only("patients")
    assert (row["birth_date"], row["birth_year"]) == (date, year)
    assert taken.reasons == ([("Patient.birthDate", reason)] if reason else [])
    assert not taken.rows.refused


def test_a_death_without_a_day_is_noted() -> None:
    taken = take(person(deceasedBoolean=True), person(id="q", deceasedDateTime="2025-11"))
    assert [row["death_date"] for row in taken.rows_of("patients")] == [None, None]
    assert taken.reasons == [
        ("Patient.deceasedBoolean", "death_without_date"),
        ("Patient.deceasedDateTime", "partial_date"),
    ]


def cover(id_: str, code: str, system: str = SOP, **more: Any) -> dict[str, Any]:
    stated = {"status": "active", "beneficiary": at("Patient/p"), "type": coded(code, system)}
    return {"resourceType": "Coverage", "id": id_, **stated, **more}


@pytest.mark.parametrize(
    ("code", "system", "word", "noted"),
    [
        ("1", SOP, "public", False),
        ("2112", "http://www.nlm.nih.gov/research/umls/sop", "public", False),
        ("349", SOP, "public", False),
        ("511", SOP, "private", False),
        ("6", SOP, "private", False),
        ("81", SOP, "none", False),
        ("7", SOP, None, False),
        ("99", SOP, None, False),
        ("EHCPOL", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "private", False),
        ("GKV", "http://fhir.de/CodeSystem/versicherungsart-de-basis", "public", False),
        ("pay", "http://terminology.hl7.org/CodeSystem/coverage-selfpay", "none", False),
        ("house-plan", "urn:ours", None, True),
    ],
)
def test_payers_have_three_words(code: str, system: str, word: str | None, noted: bool) -> None:
    taken = take(person(), cover("c", code, system))
    assert taken.only("patients")["insurance"] == word
    assert taken.reasons == [("Coverage.type", "unread_code")] * noted


def test_the_latest_active_cover_counts_and_the_first_in_order_among_equals() -> None:
    ended = cover("a", "511", period={"start": "2024-01-01", "end": "2024-12-31"})
    second = cover("b", "511", period={"start": "2025-01-01"}, order=2)
    first = cover("c", "2", period={"start": "2025-01-01"}, order=1)
    cancelled = cover("d", "81", status="cancelled", period={"start": "2026-01-01"})
    assert take(person(), ended, second, first, cancelled).only("patients")["insurance"] == "public"
    assert take(ended).only("patients")["insurance"] == "private"  # a person whom only a cover names
    assert take(person(), first, deleted=[("Coverage", "c")]).only("patients")["insurance"] is None


def test_clinicians_get_place_and_discipline_from_their_roles() -> None:
    nucc = "http://nucc.org/provider-taxonomy"
    taken = take(
        {"resourceType": "Organization", "id": "o", "name": " North ", "type": [coded("dept")],
         "partOf": at("Organization/n")},
        {
            "resourceType": "Practitioner",
            "id": "t",
            "qualification": [{"period": {"start": "2012-05"}}, {"period": {"start": "2009-01-01"}}, {}],
        },
        {"resourceType": "PractitionerRole", "id": "r1", "active": False, "practitioner": at("Practitioner/t"),
         "organization": at("Organization/x"), "specialty": [coded("103TC0700X", nucc)]},
        {"resourceType": "PractitionerRole", "id": "r2", "practitioner": at("Practitioner/t"),
         "organization": at("Organization/o"), "specialty": [coded("1041C0700X", nucc)]},
    )  # fmt: skip
    row = taken.only("practitioners")
    assert row == row | {
        "practitioner_id": "t",
        "organization_id": "o",
        "discipline": "social_worker",
        "licensed_year": 2009,
    }
    network, own = taken.rows_of("organizations")
    assert own == own | {"organization_id": "o", "name": "North", "kind": "department", "part_of": "n"}
    assert (network["organization_id"], network["name"], network["retracted"]) == ("n", None, None)
