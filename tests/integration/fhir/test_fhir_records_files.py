"""Real exports through the record mappers: every resource has its row, and the lake takes them as they are."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from benchwell.engine import DuckDBEngine
from benchwell.intake.fhir.read import FhirPart, read_fhir
from benchwell.intake.fhir.record_mappers import MAPPERS
from benchwell.intake.fhir.record_words import RACES
from benchwell.lake import Lake
from benchwell.registry import Registry
from benchwell.tables import CANONICAL
from fhir_records import AS_OF, Taken, take

SMALL = Path(__file__).parents[2] / "fixtures" / "fhir-records"
SHARED = Path(__file__).parents[4] / "shared"
TABLES = {
    "Patient": "patients", "Organization": "organizations", "Practitioner": "practitioners", "Encounter": "encounters",
    "Condition": "conditions", "Procedure": "procedures",
}  # fmt: skip
_READ = {kind.__name__ for kind in MAPPERS}


def lines_of(folder: Path, pattern: str = "*.ndjson") -> list[dict[str, Any]]:
    texts = [line for file in sorted(folder.glob(pattern)) for line in file.read_text("utf-8").splitlines() if line]
    return [one for one in map(json.loads, texts) if one.get("resourceType") in _READ]


def put(lake: Lake, source: str, tables: dict[str, pa.Table]) -> None:
    lake.merge(tables, source_hash=source, file=source, counts={})


def ids(lake: Lake, name: str) -> set[str]:
    with DuckDBEngine() as engine:
        found = engine.to_arrow(lake.read(engine, name, lake.snapshot()))
    return set(found[CANONICAL[name].key[0]].to_pylist())


def check(resources: list[dict[str, Any]], taken: Taken) -> None:
    """One row per resource of a type that has a table; ids are those of the resources; nothing is refused."""
    assert taken.rows.refused == set()
    stated = Counter(one["resourceType"] for one in resources)
    for kind, table in TABLES.items():
        if stated[kind]:
            own = {one["id"] for one in resources if one["resourceType"] == kind}
            rows = [row for row in taken.rows_of(table) if row["source_row"] is not None]
            assert {row[CANONICAL[table].key[0]] for row in rows} == own
            assert len(rows) == stated[kind]


def test_an_export_comes_in_whole_and_again_without_change(tmp_path: Path) -> None:
    resources = lines_of(SMALL)
    taken = take(*resources)
    check(resources, taken)
    assert {row["sex"] for row in taken.rows_of("patients")} <= {"female", "male"}
    assert all(row["attended"] and row["minutes"] > 0 for row in taken.rows_of("encounters"))
    lake = Lake.create(tmp_path / "lake")
    put(lake, "one", taken.tables)
    first = lake.snapshot().rows
    put(lake, "two", take(*reversed(resources)).tables)
    assert lake.snapshot().rows == first
    assert len(ids(lake, "encounters")) == first["encounters"] > 0


def test_a_record_that_is_taken_back_is_gone_until_it_is_stated_again(tmp_path: Path) -> None:
    resources = lines_of(SMALL)
    lake = Lake.create(tmp_path / "lake")
    put(lake, "one", take(*resources).tables)
    every = ids(lake, "encounters"), ids(lake, "patients")
    visit = next(one for one in resources if one["resourceType"] == "Encounter")
    person = next(one for one in resources if one["resourceType"] == "Patient")
    wrong = visit | {"status": "entered-in-error"}
    put(lake, "two", take(wrong, deleted=[("Patient", person["id"])]).tables)
    assert ids(lake, "encounters") == every[0] - {visit["id"]}
    assert ids(lake, "patients") == every[1] - {person["id"]}
    put(lake, "three", take(visit | {"subject": {"reference": f"Patient/{person['id']}"}}).tables)
    assert ids(lake, "encounters") == every[0]
    assert ids(lake, "patients") == every[1] - {person["id"]}  # a passing mention revives nobody
    put(lake, "four", take(person).tables)
    assert ids(lake, "patients") == every[1]
    with DuckDBEngine() as engine:
        rows = engine.to_arrow(lake.read(engine, "patients", lake.snapshot())).to_pylist()
    assert next(row for row in rows if row["patient_id"] == person["id"])["birth_date"] is not None


@pytest.mark.parametrize(
    ("folder", "pattern", "people"),
    [
        ("data/synthea-qicore-california/ndjson", "*.ndjson", 86),
        ("conformance/bulk-data/sample-10-patients", "[A-Z]*.ndjson", 13),
    ],
)
def test_shared_exports_come_in_whole(folder: str, pattern: str, people: int) -> None:
    if not (SHARED / folder).is_dir():
        pytest.skip(f"the shared folder {folder} is not here")
    resources = lines_of(SHARED / folder, pattern)
    taken = take(*resources)
    check(resources, taken)
    assert len(taken.rows_of("patients")) == people
    organizations = {row["organization_id"] for row in taken.rows_of("organizations")}
    assert {row["organization_id"] for row in taken.rows_of("encounters")} <= organizations
    assert {row["race"] for row in taken.rows_of("patients")} <= {*RACES.values(), None}
    assert taken.reasons == []


def entry(resource: dict[str, Any] | None = None, delete: str | None = None) -> dict[str, Any]:
    if delete is not None:
        return {"request": {"method": "DELETE", "url": delete}}
    assert resource is not None
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}


def written(folder: Path, name: str, *entries: dict[str, Any]) -> Path:
    path = folder / name
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}), "utf-8")
    return path


def test_bundles_with_deletions_go_through_the_reader_into_the_lake(tmp_path: Path) -> None:
    registry, lake = Registry.load(), Lake.create(tmp_path / "lake")

    def take_in(path: Path) -> FhirPart:
        (part,) = read_fhir([path], registry, as_of=AS_OF, workers=1)
        lake.merge(part.tables, source_hash=part.source_hash, file=part.file, rejections=part.rejections, counts={})
        return part

    person = {"resourceType": "Patient", "id": "p", "birthDate": "1984-01-01"}
    role = {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/t"},
            "organization": {"reference": "Organization/o"}}  # fmt: skip
    visit = {"resourceType": "Encounter", "id": "e", "status": "finished", "subject": {"reference": "urn:uuid:p"},
             "period": {"start": "2026-01-07T09:00:00Z"},
             "participant": [{"individual": {"reference": "PractitionerRole/r"}}]}  # fmt: skip
    request = {"resourceType": "ServiceRequest", "id": "e", "subject": {"reference": "urn:uuid:p"}}
    first = take_in(written(tmp_path, "1.json", entry(person), entry(role), entry(visit), entry(request)))
    assert first.counts.as_dict() == {"read": 4, "accepted": 4, "corrected": 0, "flagged": 0, "rejected": 0}
    (contact,) = first.tables["encounters"].to_pylist()
    assert (contact["patient_id"], contact["practitioner_id"], contact["organization_id"]) == ("p", "t", "o")
    assert (ids(lake, "encounters"), ids(lake, "procedures")) == ({"e"}, {"ServiceRequest/e"})
    second = take_in(
        written(tmp_path, "2.json", *(entry(delete=f"{kind}/{id_}") for kind, id_ in [
            ("Encounter", "e"), ("ServiceRequest", "e"), ("Patient", "p"), ("PractitionerRole", "r")]))
    )  # fmt: skip
    assert second.rejections.select(["row", "column", "reason", "action"]).to_pylist() == [
        {"row": 4, "column": "PractitionerRole", "reason": "deletion_not_applied", "action": "flagged"}
    ]
    assert [ids(lake, name) for name in ("encounters", "procedures", "patients")] == [set()] * 3
    assert lake.verify_snapshot(lake.snapshot()) == []
