"""Real and broken FHIR files to canonical tables: what is bad costs itself, and every row is accounted for."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from benchwell.intake.fhir.parts import Limits
from benchwell.intake.fhir.read import FhirPart, read_fhir, read_fhir_bytes
from benchwell.registry import Registry
from benchwell.tables import CANONICAL, DERIVED

AS_OF = dt.date(2027, 12, 31)
SHARED = Path(__file__).parents[3] / ".." / "shared"
FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir-assessments"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


def score(id_: str, value: int = 12, person: str = "1", **members: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]},
        "subject": {"reference": f"Patient/{person}"},
        "effectiveDateTime": f"2026-01-{int(id_[1:]) % 28 + 1:02d}",
        "valueQuantity": {"value": value, "unit": "{score}"},
    } | members


def text(*resources: Any) -> bytes:
    return b"".join(
        (one if isinstance(one, bytes) else json.dumps(one, separators=(",", ":")).encode()) + b"\n"
        for one in resources
    )


def read(path: Path, registry: Registry, **options: Any) -> FhirPart:
    (part,) = read_fhir([path], registry, as_of=AS_OF, **options)
    holds(part)
    return part


def holds(part: FhirPart) -> None:
    """What is true of every part."""
    counts = part.counts
    assert counts.read == counts.accepted + counts.corrected + counts.flagged + counts.rejected
    assert min(counts.as_dict().values()) >= 0
    assert part.rejections.schema == DERIVED["rejections"].schema
    for name, table in part.tables.items():
        assert table.schema == CANONICAL[name].schema
        assert table.num_rows
        assert set(table["source_hash"].to_pylist()) == {part.source_hash}


def found(part: FhirPart) -> list[tuple[str, int, str, str]]:
    columns = (part.rejections[name].to_pylist() for name in ("file", "row", "column", "reason"))
    return list(zip(*columns, strict=True))


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_bad_lines_cost_themselves(tmp_path: Path, registry: Registry) -> None:
    content = text(
        score("s1"), b"", b"not json", score("s2"), b'{"resourceType":"Observation","id":5}', b"{}",
        b'{"resourceType":"Claim","id":"c"}', b'{"resourceType":"Patient","id":"\xff"}',
        b'{"resourceType":"Patient","x":' + b"[" * 99_999, score("s3"),
    )  # fmt: skip
    part = read(write(tmp_path / "x.ndjson", content[:-1]), registry)
    assert found(part) == [
        ("x.ndjson", 3, "", "not_json"),
        ("x.ndjson", 5, "id", "wrong_type"),
        ("x.ndjson", 6, "", "no_resource_type"),
        ("x.ndjson", 8, "", "not_json"),
        ("x.ndjson", 9, "", "too_deep"),
    ]
    assert part.tables["assessments"]["assessment_id"].to_pylist() == [f"Observation/s{n}" for n in (1, 2, 3)]
    assert part.tables["assessments"]["source_row"].to_pylist() == [1, 4, 10]
    assert part.counts.as_dict() == {"read": 8, "accepted": 3, "corrected": 0, "flagged": 0, "rejected": 5}
    assert any("1 Claim" in note for note in part.notes)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("cut", [3, 200, 2000])
def test_a_gzip_file_that_breaks_off_is_one_finding(tmp_path: Path, registry: Registry, workers: int, cut: int) -> None:
    random.seed(1)
    lines = [score(f"s{n}", random.randint(0, 27), person=f"{n}") for n in range(1, 800)]
    packed = gzip.compress(text(*lines))
    part = read(write(tmp_path / "x.ndjson.gz", packed[:-cut]), registry, workers=workers)
    assert [one[3] for one in found(part)] == ["truncated_file"]
    assert part.counts.rejected == 1
    whole = read(write(tmp_path / "whole.ndjson.gz", packed), registry)
    came = part.tables["assessments"].num_rows
    assert 0 < came == part.counts.accepted <= whole.tables["assessments"].num_rows == 799
    assert found(part)[0][1] == came + 1


def test_a_compressed_document_that_breaks_off_is_one_finding(tmp_path: Path, registry: Registry) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": score(f"s{n}")} for n in range(99)],
    }
    part = read(write(tmp_path / "x.json.gz", gzip.compress(json.dumps(bundle, indent=1).encode())[:-99]), registry)
    assert found(part) == [("x.json.gz", 1, "", "truncated_file")]
    assert part.counts.as_dict() == {"read": 1, "accepted": 0, "corrected": 0, "flagged": 0, "rejected": 1}


RESOURCES = [score("s1"), score("s2", 27), score("s3", 0)]
WRITTEN: dict[str, bytes] = {
    "lines": text(*RESOURCES),
    "lines with CRLF and mark": b"\xef\xbb\xbf" + text(*RESOURCES).replace(b"\n", b"\r\n"),
    "lines without the last line end": text(*RESOURCES)[:-1],
    "gzip": gzip.compress(text(*RESOURCES)),
    "array": json.dumps(RESOURCES, indent=2).encode(),
    "bundle": json.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in RESOURCES]}, indent=1
    ).encode(),
    "bundle on one line": json.dumps(
        {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": one} for one in RESOURCES]}
    ).encode(),
    "bundle on each line": text(
        *({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one}]} for one in RESOURCES)
    ),
}


@pytest.mark.parametrize("form", WRITTEN)
def test_every_way_of_writing_resources_gives_the_same_tables(tmp_path: Path, registry: Registry, form: str) -> None:
    part = read(write(tmp_path / "file.txt", WRITTEN[form]), registry)
    plain = read_fhir_bytes(text(*RESOURCES), registry, as_of=AS_OF)
    assert said(part) == said(plain)
    assert part.counts == plain.counts


def said(part: FhirPart) -> dict[str, pa.Table]:
    """Tables without provenance."""
    return {name: table.drop_columns(["source_hash", "source_row"]) for name, table in part.tables.items()}


def test_posted_bytes_and_files_have_one_set_of_rules(tmp_path: Path, registry: Registry) -> None:
    content = text(score("s1"), b"broken", score("s2"))
    posted = read_fhir_bytes(content, registry, as_of=AS_OF, file="x")
    filed = read(write(tmp_path / "x", content), registry)
    holds(posted)
    assert posted == filed


def test_one_posted_resource(registry: Registry) -> None:
    part = read_fhir_bytes(json.dumps(score("s1")).encode(), registry, as_of=AS_OF)
    assert part.tables["assessments"]["total"].to_pylist() == [12.0]
    assert part.tables["patients"]["patient_id"].to_pylist() == ["1"]


def test_an_empty_body_is_nothing(registry: Registry) -> None:
    part = read_fhir_bytes(b"", registry)
    assert part.counts.read == 0
    assert part.tables == {}


def test_findings_tell_the_files_of_a_part_apart(tmp_path: Path, registry: Registry) -> None:
    write(tmp_path / "a.ndjson", text(score("s1"), b'{"resourceType":'))
    write(tmp_path / "sub" / "b.ndjson", text(score("s2"), b'{"resourceType":'))
    part = read(tmp_path, registry)
    assert found(part) == [("a.ndjson", 2, "", "not_json"), ("sub/b.ndjson", 2, "", "not_json")]


def test_a_deletion_takes_back_what_the_same_source_said(tmp_path: Path, registry: Registry) -> None:
    urls = ("Observation/s1", "Patient/1", "Claim/1", "Questionnaire/1", "Patient?identifier=5")
    entries = [{"request": {"method": "DELETE", "url": url}} for url in urls]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    write(tmp_path / "a.ndjson", text({"resourceType": "Patient", "id": "1"}, score("s1"), score("s2")))
    write(tmp_path / "deleted.ndjson", text(bundle))
    part = read(tmp_path, registry)
    columns = (part.tables["assessments"][name].to_pylist() for name in ("assessment_id", "retracted"))
    assert dict(zip(*columns, strict=True)) == {"Observation/s1": True, "Observation/s2": False}
    assert part.tables["patients"]["retracted"].to_pylist() == [True]
    assert ("deleted.ndjson", 5, "entry.request.url", "unresolved_delete") in found(part)
    assert {one[3] for one in found(part)} == {"unresolved_delete", "older_version"}
    assert part.counts.rejected == 1  # the search names nobody
    assert any("1 Claim" in note for note in part.notes)


def test_a_manifest_is_read_with_its_pages_and_its_errors(tmp_path: Path, registry: Registry) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
    write(tmp_path / "a.ndjson", text(score("s1")))
    write(tmp_path / "err.ndjson", text(outcome))
    output = [{"type": "Observation", "url": f"https://ehr.example/{name}.ndjson"} for name in ("a", "gone")]
    manifest = {"transactionTime": "2026-01-01", "output": output, "error": [{"url": "https://ehr.example/err.ndjson"}]}
    part = read(write(tmp_path / "manifest.json", json.dumps(manifest).encode()), registry)
    assert part.tables["assessments"].num_rows == 1
    assert found(part) == [("gone.ndjson", 1, "", "missing_file")]
    assert any("1 error" in note for note in part.notes)


def test_many_parts_say_what_one_says(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchwell.intake.fhir.parts._LARGE", 1000)
    monkeypatch.setattr("benchwell.intake.fhir.parts.Blocks.__init__.__defaults__", (2000,))
    monkeypatch.setattr("benchwell.intake.fhir.lines._READ", 1500)
    path = write(tmp_path / "x.ndjson", text(*(score(f"s{n}", n % 28, f"p{n}") for n in range(200)), b"broken"))
    several = list(read_fhir([path], registry, as_of=AS_OF, limits=Limits(resources=50)))
    again = list(read_fhir([path], registry, as_of=AS_OF, limits=Limits(resources=50), workers=2))
    assert len(several) >= 4
    assert several == again
    for part in several:
        holds(part)
    assert sum(part.counts.read for part in several) == 201
    rows = pa.concat_tables(part.tables["assessments"] for part in several).sort_by("assessment_id")
    one = read_fhir_bytes(path.read_bytes(), registry, as_of=AS_OF).tables["assessments"]
    assert rows.drop_columns("source_hash") == one.drop_columns("source_hash")
    assert found(several[-1]) == [("x.ndjson", 201, "", "not_json")]


def test_progress_tells_every_byte(tmp_path: Path, registry: Registry) -> None:
    told: list[int] = []
    path = write(tmp_path / "x.ndjson", text(score("s1")))
    read(path, registry, progress=told.append)
    assert sum(told) == path.stat().st_size


def test_shipped_examples_are_read(registry: Registry) -> None:
    part = read(FIXTURES, registry)
    assert part.tables["assessments"].num_rows >= 4
    assert part.counts.rejected == 0


def shared(*names: str) -> pytest.MarkDecorator:
    missing = [name for name in names if not (SHARED / name).exists()]
    return pytest.mark.skipif(bool(missing), reason=f"not on this machine: {', '.join(missing)}")


@shared("data/synthea-r4-bundles", "data/synthea-qicore-california")
@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "assessments", "patients"),
    [("data/synthea-r4-bundles", 28, 4), ("data/synthea-qicore-california/bundles", 37, 5)],
)
def test_whole_patient_bundles(registry: Registry, name: str, assessments: int, patients: int) -> None:
    part = read(SHARED / name, registry)
    assert part.tables["assessments"].num_rows == assessments
    assert part.tables["patients"].num_rows == patients
    assert part.counts.rejected == 0
    known = set(part.tables["patients"]["patient_id"].to_pylist())
    for table in ("assessments", "encounters", "conditions", "procedures"):
        assert set(part.tables[table]["patient_id"].to_pylist()) <= known


@shared("conformance/bulk-data/sample-10-patients")
@pytest.mark.shared
def test_a_bulk_export(registry: Registry) -> None:
    part = read(SHARED / "conformance" / "bulk-data" / "sample-10-patients", registry)
    expected = {"patients": 13, "conditions": 555, "encounters": 1215, "organizations": 43}
    assert {name: part.tables[name].num_rows for name in expected} == expected
    assert part.counts.read == part.counts.accepted == 1826
    assert any("log.ndjson" in note for note in part.notes)


@shared("conformance/questionnaires")
@pytest.mark.shared
def test_stu3_forms_are_refused_by_name(registry: Registry) -> None:
    part = read(SHARED / "conformance" / "questionnaires" / "argonaut-stu3", registry)
    assert Counter(part.rejections["reason"].to_pylist()) == {"fhir_stu3": 3}
    assert part.tables == {}
    assert part.counts.rejected == 3
