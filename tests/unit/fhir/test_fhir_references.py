"""Every form of reference that public data holds, and what it must not be taken for."""

import pickle

import pytest

from benchwell.intake.fhir.elements import Identifier, Reference
from benchwell.intake.fhir.references import References, id_in_url
from benchwell.intake.fhir.resources import Organization, Patient, Practitioner
from benchwell.intake.fhir.rows import Found


@pytest.fixture(scope="module")
def known() -> References:
    known = References()
    known.add(Found(Patient(id="p1"), 1, "urn:uuid:aa"))
    known.add(Found(Organization(id="o1", identifier=[Identifier(system="urn:s", value="77")]), 2))
    known.add(Found(Practitioner(id="x1", identifier=[Identifier(system="urn:s", value="9")]), 3))
    known.add(Found(Practitioner(id="x2", identifier=[Identifier(system="urn:s", value="9")]), 4))
    known.add(Found(Patient(id="p2", identifier=Identifier(value="solo")), 5))
    return known


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("Patient/1", "Patient", "1"),
        ("Patient/1/_history/2", "Patient", "1"),
        ("https://ehr.example/fhir/Patient/1", "Patient", "1"),
        ("https://ehr.example/fhir/Patient/1/_history/2", "Patient", "1"),
        ("/Patient/1", "Patient", "1"),
        ("Patient/1#part", "Patient", "1"),
        ("Patient/1|2", "Patient", "1"),
        ("urn:uuid:aa", "Patient", "p1"),
        ("urn:uuid:aa", "Organization", None),
        ("urn:uuid:unknown", "Patient", "unknown"),
        ("urn:oid:1.2.3", "Patient", "1.2.3"),
        ("#referral", "Patient", None),
        ("Group/1", "Patient", None),
        ("PatientX/1", "Patient", None),
        ("Patient", "Patient", None),
        ("Patient/", "Patient", None),
        ("Patient//", "Patient", None),
        ("https://[broken/Patient/1", "Patient", None),
        ("Organization?identifier=urn:s|77", "Organization", "o1"),
        ("Organization?identifier=urn%3As%7C77", "Organization", "o1"),
        ("Organization?identifier=77", "Organization", "o1"),
        ("Organization?identifier=urn:other|77", "Organization", "77"),
        ("Organization?identifier=urn:s|5", "Organization", "5"),
        ("Organization?identifier=urn:s|77", "Patient", None),
        ("Organization?identifier=urn:s|", "Organization", None),
        ("Organization?name=x", "Organization", None),
        ("Organization?_id=o9", "Organization", "o9"),
        ("Practitioner?identifier=urn:s|9", "Practitioner", "9"),  # two have it: neither is meant
        ("Patient?identifier=|solo", "Patient", "p2"),
    ],
)
def test_a_reference_means(known: References, text: str, kind: str, expected: str | None) -> None:
    assert known.id_of(Reference(reference=text), kind) == expected


def test_no_reference_has_no_id(known: References) -> None:
    assert known.id_of(None, "Patient") is None
    assert known.id_of(Reference(), "Patient") is None
    assert known.id_of(Reference(display="somebody"), "Patient") is None


def test_a_logical_reference_is_found_by_its_identifier(known: References) -> None:
    named = Reference(identifier=Identifier(system="urn:s", value="77"))
    assert known.id_of(named, "Organization") == "o1"
    assert known.id_of(Reference(type="Organization", identifier=Identifier(value="new")), "Organization") == "new"
    assert known.id_of(Reference(type="Organization", identifier=Identifier(value="new")), "Patient") is None


def test_a_stated_type_that_is_another_type_is_believed(known: References) -> None:
    assert known.id_of(Reference(reference="urn:uuid:zz", type="Group"), "Patient") is None
    assert known.id_of(Reference(reference="urn:uuid:zz", type="http://hl7.org/fhir/Patient"), "Patient") == "zz"


def test_a_bundle_asks_its_own_entries_first_and_then_its_source(known: References) -> None:
    bundle = References(known)
    bundle.add(Found(Patient(id="inner"), 1, "urn:uuid:aa"))
    assert bundle.id_of(Reference(reference="urn:uuid:aa"), "Patient") == "inner"
    assert known.id_of(Reference(reference="urn:uuid:aa"), "Patient") == "p1"
    assert bundle.id_of(Reference(reference="Organization?identifier=urn:s|77"), "Organization") == "o1"
    again = pickle.loads(pickle.dumps(bundle))
    assert again.id_of(Reference(reference="urn:uuid:aa"), "Patient") == "inner"


def test_an_address_gives_an_id_to_what_has_none() -> None:
    assert id_in_url("urn:uuid:5") == "5"
    assert id_in_url("http://x/Patient/7") == "7"
    assert id_in_url("urn:uuid:") is None
