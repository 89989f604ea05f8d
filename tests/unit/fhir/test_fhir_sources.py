"""Which files are read, under which names, and what is left out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchwell.errors import SourceError
from benchwell.intake.fhir.sources import find_sources, is_fhir

PATIENT = b'{"resourceType":"Patient","id":"1"}\n'


def put(path: Path, content: bytes = PATIENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_folder_is_searched_in_order_and_says_what_it_left_out(tmp_path: Path) -> None:
    for name in ("b/2.ndjson", "b/1.json.gz", "a.jsonl"):
        put(tmp_path / name, gzip.compress(PATIENT, mtime=0) if name.endswith("gz") else PATIENT)
    put(tmp_path / "README.md", b"# hello")
    put(tmp_path / "package.json", b'{"name":"x"}')
    put(tmp_path / ".hidden/x.json")
    found = find_sources([tmp_path])
    assert [one.name for one in found.files] == ["a.jsonl", "b/1.json.gz", "b/2.ndjson"]
    assert len(found.notes) == 1
    assert "README.md" in found.notes[0]
    assert "package.json" in found.notes[0]


def test_a_named_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    path = put(tmp_path / "export.txt")
    assert [one.path for one in find_sources([path]).files] == [path]


def test_no_file_is_read_twice(tmp_path: Path) -> None:
    put(tmp_path / "a.ndjson")
    text = json.dumps({"transactionTime": "2024", "output": [{"url": "https://x/a.ndjson"}]})
    put(tmp_path / "manifest.json", text.encode())
    found = find_sources([tmp_path, tmp_path / "a.ndjson", tmp_path / "manifest.json"])
    assert [one.name for one in found.files] == ["a.ndjson"]


def test_what_a_manifest_misses_is_told(tmp_path: Path) -> None:
    text = json.dumps({"transactionTime": "2024", "output": [{"url": "https://x/a.ndjson"}]})
    found = find_sources([put(tmp_path / "manifest.json", text.encode())])
    assert found.missing == ["a.ndjson"]


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no file"):
        find_sources([tmp_path / "none"])
    with pytest.raises(SourceError, match="holds no FHIR"):
        find_sources([tmp_path])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PATIENT, True),
        (b"\xef\xbb\xbf" + PATIENT, True),
        (gzip.compress(PATIENT, mtime=0), True),
        (b'[\n {"resourceType" : "Patient"}\n]', True),
        (b'{"transactionTime":"2024","output":[{"url":"x"}]}', True),
        (b"patient_id,date\np1,2024-01-01\n", False),
        (b'{"name":"x"}', False),
        (b"PK\x03\x04", False),
        (b"\x1f\x8bbroken", False),
        (b"", False),
    ],
)
def test_is_fhir(tmp_path: Path, content: bytes, expected: bool) -> None:
    assert is_fhir(put(tmp_path / "source", content)) is expected
    folder = tmp_path / "folder"
    put(folder / "inside.json", content)
    assert is_fhir(folder) is expected


def test_nothing_is_no_fhir(tmp_path: Path) -> None:
    assert not is_fhir(tmp_path / "none")
