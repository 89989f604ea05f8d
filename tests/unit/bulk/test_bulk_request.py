"""What may be asked for, and what is refused before anything is sent."""

from __future__ import annotations

import pytest

from benchwell.errors import BulkExportError
from benchwell.intake.bulk import BulkRequest
from benchwell.intake.bulk.origins import Origins

BASE = "https://ehr.example.org/fhir"


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "ehr.example.org"},
        {"base_url": "http://[::1"},
        {"base_url": "ftp://ehr.example.org"},
        {"base_url": "https://me:hush@ehr.example.org/fhir"},
        {"base_url": "https://ehr.example.org/fhir?key=hush"},
        {"level": "everything"},
        {"level": "group"},
        {"group": "g1"},
        {"level": "group", "group": "../Patient"},
        {"types": ("patient",)},
        {"types": ("Patient,Observation",)},
        {"since": "2026-01-01"},
        {"since": "2026-01-01T00:00:00"},
        {"since": "yesterday"},
        {"elements": ("a b",)},
        {"patients": ("Patient/1",)},
        {"patients": ("1",), "level": "system"},
        {"associated": ("everything",)},
        {"output_format": "text/plain; x"},
        {"types": ("Observation",), "type_filters": ("Observation",)},
        {"types": ("Observation",), "type_filters": ("Condition?code=1",)},
    ],
)
def test_what_no_server_may_be_asked_is_refused_without_being_repeated(wrong):
    with pytest.raises(BulkExportError) as caught:
        BulkRequest(**{"base_url": BASE} | wrong)
    assert caught.value.hint
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("name", ["_include", "_sort", "_count", "_revinclude", "_include:iterate", "_summary"])
def test_search_response_parameters_are_refused_in_a_type_filter(name):
    with pytest.raises(BulkExportError, match="forbids there"):
        BulkRequest(BASE, types=("Observation",), type_filters=(f"Observation?code=1&{name}=x",))


def test_type_filters_are_repeated_and_types_are_joined():
    filters = ("Observation?code=a,b", "Observation?code=c")
    request = BulkRequest(BASE, types=("Observation", "Patient"), type_filters=filters)
    assert request.query(None) == [("_type", "Observation,Patient"), *(("_typeFilter", text) for text in filters)]


def test_ids_of_people_are_not_shown():
    request = BulkRequest(BASE, types=("Patient",), type_filters=("Patient?_id=jane",), patients=("jane",))
    assert "jane" not in repr(request)
    assert "jane" not in request.fingerprint(None)


def test_a_fingerprint_is_of_everything_that_is_asked():
    requests = [
        BulkRequest(BASE),
        BulkRequest(BASE, level="system"),
        BulkRequest(BASE, types=("Patient",)),
        BulkRequest(BASE, patients=("1",)),
        BulkRequest(BASE, elements=("id",)),
    ]
    prints = {request.fingerprint(since) for request in requests for since in (None, "2026-01-01T00:00:00Z")}
    assert len(prints) == 10


def test_a_server_elsewhere_may_not_point_to_this_machine():
    for url in ("http://127.0.0.1/x", "https://localhost/x", "http://[::1]:80/x"):
        with pytest.raises(BulkExportError, match="points to this machine"):
            Origins(BASE).check(url)


def test_origins_differ_by_scheme_host_and_port():
    rules = Origins(BASE)
    assert rules.trusts("https://EHR.example.org:443/elsewhere")
    for url in ("https://ehr.example.org:444/", "https://ehr.example.org.evil.example/", "https://example.org/"):
        assert not rules.trusts(url)
    with pytest.raises(BulkExportError, match="none of http or https"):
        rules.trusts("https://user@ehr.example.org/")
