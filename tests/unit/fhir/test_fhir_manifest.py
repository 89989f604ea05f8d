"""Manifests of Bulk Data exports: their files are looked for beside them, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchwell.errors import SourceError
from benchwell.intake.fhir.manifest import manifest_of, read_manifest

PUBLIC = Path(__file__).parents[3] / ".." / "shared" / "conformance" / "bulk-data" / "manifests"


def write(folder: Path, name: str = "manifest.json", **members: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({"transactionTime": "2024-01-01T00:00:00Z", "output": [], **members}))
    return path


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('{"resourceType":"Patient","id":"1"}\n')


def test_files_are_found_by_the_last_part_of_their_address(tmp_path: Path) -> None:
    put(tmp_path, "a.ndjson", "output/b.ndjson", "c.ndjson.gz", "d e.ndjson")
    output = [
        {"type": "Patient", "url": f"https://ehr.example/{name}"}
        for name in ("output/a.ndjson", "output/b.ndjson", "c.ndjson", "d%20e.ndjson?token=1")
    ]
    export = read_manifest(write(tmp_path, output=output))
    assert [path.name for path in export.files] == ["a.ndjson", "b.ndjson", "c.ndjson.gz", "d e.ndjson"]
    assert export.missing == []


def test_deletions_come_after_what_is_stated_and_errors_are_read(tmp_path: Path) -> None:
    put(tmp_path, "gone.ndjson", "a.ndjson", "err.ndjson", "out.ndjson")
    export = read_manifest(
        write(
            tmp_path,
            deleted=[{"url": "x/gone.ndjson"}],
            output=[{"url": "x/a.ndjson"}],
            error=[{"url": "x/err.ndjson"}],
            outcome=[{"url": "x/out.ndjson"}],
        )
    )
    assert [path.name for path in export.files] == ["a.ndjson", "err.ndjson", "out.ndjson", "gone.ndjson"]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    assert read_manifest(write(tmp_path, output=[{"url": "https://ehr.example/a.ndjson"}])).missing == ["a.ndjson"]


@pytest.mark.parametrize(
    "url",
    ["../../etc/passwd", "https://x/%2e%2e/secret.ndjson", "file:///etc/passwd", "file:////etc/passwd",
     "https://x//etc/passwd", "%2F%2Fetc/passwd", "a%00b", "a" * 5000, "", "["],
)  # fmt: skip
def test_no_address_leads_out_of_the_folder(tmp_path: Path, url: str) -> None:
    (tmp_path / "export").mkdir()
    put(tmp_path, "secret.ndjson")
    export = read_manifest(write(tmp_path / "export", output=[{"url": url}]))
    assert export.files == []
    assert len(export.missing) == 1


def test_all_pages_are_read_and_a_circle_ends(tmp_path: Path) -> None:
    put(tmp_path, "a.ndjson", "b.ndjson")
    first = write(tmp_path, output=[{"url": "a.ndjson"}], link=[{"relation": "next", "url": "https://x/two.json"}])
    write(tmp_path, "two.json", output=[{"url": "b.ndjson"}], link=[{"relation": "next", "url": "manifest.json"}])
    assert [path.name for path in read_manifest(first).files] == ["a.ndjson", "b.ndjson"]


def test_a_page_that_is_not_there_or_no_manifest_is_named(tmp_path: Path) -> None:
    gone = write(tmp_path, output=[], link=[{"relation": "next", "url": "https://x/two.json"}])
    assert read_manifest(gone).missing == ["two.json"]
    (tmp_path / "two.json").write_text("{}")
    assert read_manifest(gone).missing == ["two.json"]


def test_a_pending_page_is_noted(tmp_path: Path) -> None:
    export = read_manifest(write(tmp_path, link=[{"relation": "next", "url": "#pending"}]))
    assert "still to come" in export.notes[0]


@pytest.mark.parametrize("version", ["3.0.2", "1.0.2", "5.0.0"])
def test_an_export_of_another_version_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(SourceError, match=version):
        read_manifest(write(tmp_path, output=[{"url": "a.ndjson"}], fhirVersion=version))


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"resourceType":"Patient","transactionTime":"2024"}', '{"output":[{"url":"a"}]}', "x"]
)
def test_other_files_are_no_manifests(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    assert manifest_of(path) is None
    with pytest.raises(SourceError, match="no manifest"):
        read_manifest(path)


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public manifests are not on this machine")
@pytest.mark.parametrize("path", sorted(PUBLIC.glob("*.json")), ids=lambda path: path.stem)
def test_every_public_manifest_is_one(path: Path) -> None:
    export = read_manifest(path)
    assert export.missing or export.notes
