"""Resources with any member replaced by anything of FHIR's own types: a row or a finding, never a crash."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchwell.intake.fhir.resources import Known
from benchwell.intake.reasons import REASONS
from fhir_records import take

FOLDER = Path(__file__).parents[2] / "fixtures" / "fhir-records"
REAL = [json.loads(line) for file in sorted(FOLDER.glob("*.ndjson")) for line in file.read_text("utf-8").splitlines()]
MORE: list[dict[str, Any]] = [
    {"resourceType": "EpisodeOfCare", "id": "c", "status": "finished", "patient": {"reference": "Patient/1"},
     "period": {"start": "2026-01-01", "end": "2026-02-01"},
     "diagnosis": [{"condition": {"reference": "Condition/1"}, "rank": 1}]},
    {"resourceType": "Coverage", "id": "v", "status": "active", "beneficiary": {"reference": "Patient/1"}, "order": 1,
     "type": {"coding": [{"system": "https://nahdo.org/sopt", "code": "1"}]}, "period": {"start": "2026-01-01"}},
    {"resourceType": "Consent", "id": "n", "status": "active", "patient": {"reference": "Patient/1"},
     "dateTime": "2026-01-01", "provision": {"type": "permit", "purpose": [{"code": "HRESCH"}],
                                             "period": {"start": "2026-01-01", "end": "2026-06-01"}}},
    {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/1"},
     "period": {"end": "2026-01-01"},
     "specialty": [{"coding": [{"system": "http://nucc.org/provider-taxonomy", "code": "103T00000X"}]}]},
    {"resourceType": "Practitioner", "id": "t", "qualification": [{"period": {"start": "2001"}}]},
    {"resourceType": "ServiceRequest", "id": "s", "subject": {"reference": "Patient/1"}, "authoredOn": "2026-01-01"},
    {"resourceType": "Procedure", "id": "o", "subject": {"reference": "Patient/1"},
     "performedPeriod": {"start": "2026-01-01"}},
]  # fmt: skip
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["", "0000", "0001-01-01T00:00:00+14:00", "9999-12-31", "9999-12-31T23:59:60Z", "2026-13", "2026-02-30", "?",
         "#", "urn:uuid:", "Patient/", "Patient/1", "http://[", "-1", "1" * 40, "entered-in-error", "²"]
    ),
    st.builds(list),
    st.builds(dict),
    st.builds(lambda: [{}]),
)  # fmt: skip
DECODER = msgspec.json.Decoder(Known)


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, one in inside for path in ((*here, key), *_paths(one, (*here, key)))]


def _put(resource: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    inside: Any = resource
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    resource = copy.deepcopy(draw(st.sampled_from([*REAL, *MORE])))
    for _ in range(draw(st.integers(1, 3))):
        paths = [path for path in _paths(resource) if path != ("resourceType",)]
        _put(resource, draw(st.sampled_from(paths)), draw(ANYTHING))
    return resource


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(mutated(), min_size=1, max_size=4))
def test_no_mutated_resource_breaks_anything(resources: list[dict[str, Any]]) -> None:
    readable = [one for one in resources if _decodes(one)]
    taken = take(*readable)
    assert {reason for _, reason in taken.reasons} <= set(REASONS)
    assert taken.rows.refused <= set(range(1, len(readable) + 1))
    for table in taken.tables.values():
        table.validate(full=True)
        assert not any("" in column.to_pylist() for column in table.columns)  # unknown is null, never an empty text


def _decodes(resource: dict[str, Any]) -> bool:
    try:
        DECODER.decode(json.dumps(resource).encode())
    except (msgspec.DecodeError, UnicodeError):  # what the edge refuses, and counts
        return False
    return True
