"""A contact finds its clinic through a room, or a role, that is described in another part of the export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchwell.intake.fhir.parts import Limits
from benchwell.intake.fhir.read import read_fhir
from benchwell.registry import Registry


def write(path: Path, *resources: dict) -> None:
    path.write_text("".join(json.dumps(one) + "\n" for one in resources), encoding="utf-8")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """No contact names a provider; its room does, by the ward above it."""
    write(
        tmp_path / "1-Encounter.ndjson",
        *(
            {
                "resourceType": "Encounter",
                "id": f"e{n}",
                "status": "finished",
                "class": {"code": "AMB"},
                "subject": {"reference": "Patient/p1"},
                "period": {"start": f"2025-01-0{n}", "end": f"2025-01-0{n}"},
                "location": [{"location": {"reference": "Location/room"}}],
            }
            for n in (1, 2)
        ),
    )
    write(
        tmp_path / "2-Location.ndjson",
        {"resourceType": "Location", "id": "room", "partOf": {"reference": "Location/ward"}},
        {"resourceType": "Location", "id": "ward", "managingOrganization": {"reference": "Organization/o1"}},
    )
    write(tmp_path / "3-Organization.ndjson", {"resourceType": "Organization", "id": "o1", "name": "North"})
    return tmp_path


@pytest.mark.parametrize("resources", [1, 100])
def test_places_are_known_in_every_part(export: Path, monkeypatch: pytest.MonkeyPatch, resources: int) -> None:
    if resources == 1:  # every file has a part of its own, as in an export of gigabytes
        monkeypatch.setattr("benchwell.intake.fhir.parts._LARGE", 1)
    parts = list(read_fhir([export], Registry.load(), workers=1, limits=Limits(resources=resources)))
    assert len(parts) == (3 if resources == 1 else 1)
    found = [row for part in parts if "encounters" in part.tables for row in part.tables["encounters"].to_pylist()]
    assert [row["organization_id"] for row in found] == ["o1", "o1"]
    assert sum(part.counts.read for part in parts) == sum(part.counts.accepted for part in parts) == 5


@pytest.mark.parametrize("resources", [1, 100])
def test_roles_are_known_in_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resources: int) -> None:
    role = {"reference": "PractitionerRole/r"}
    write(
        tmp_path / "1-Encounter.ndjson",
        {
            "resourceType": "Encounter",
            "id": "e",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p1"},
            "period": {"start": "2025-01-01"},
            "participant": [{"individual": role}],
        },
    )
    course = {"resourceType": "EpisodeOfCare", "id": "c", "status": "active", "patient": {"reference": "Patient/p1"}}
    write(tmp_path / "2-EpisodeOfCare.ndjson", course | {"careManager": role})
    old, new = (
        {
            "resourceType": "PractitionerRole",
            "id": "r",
            "meta": {"lastUpdated": f"2025-01-01T0{hour}:00:00Z"},
            "practitioner": {"reference": "Practitioner/d"},
            "organization": {"reference": f"Organization/{place}"},
        }
        for hour, place in ((1, "o0"), (2, "o1"))
    )
    write(tmp_path / "3-PractitionerRole.ndjson", new, old)
    write(tmp_path / "4-Organization.ndjson", {"resourceType": "Organization", "id": "o1", "name": "North"})
    if resources == 1:
        monkeypatch.setattr("benchwell.intake.fhir.parts._LARGE", 1)
    parts = list(read_fhir([tmp_path], Registry.load(), workers=1, limits=Limits(resources=resources)))
    assert len(parts) == (4 if resources == 1 else 1)
    for name in ("encounters", "episodes"):
        (row,) = [row for part in parts if name in part.tables for row in part.tables[name].to_pylist()]
        assert (row["organization_id"], row["practitioner_id"]) == ("o1", "d")
    told = [row for part in parts if "practitioners" in part.tables for row in part.tables["practitioners"].to_pylist()]
    assert {row["organization_id"] for row in told if row["source_row"] is not None} == {"o1"}
    assert [row["reason"] for part in parts for row in part.rejections.to_pylist()] == ["older_version"]
