"""Worker processes: the same tables as one process, wherever the bytes of a chunk stand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchwell.errors import SourceError
from benchwell.intake.fhir.lines import BOM
from benchwell.intake.fhir.parts import Limits, chunks_of
from benchwell.intake.fhir.read import read_fhir
from benchwell.intake.fhir.sources import SourceFile
from benchwell.intake.fhir.workers import _read, _sent
from benchwell.registry import Registry

PEOPLE = "\n".join(json.dumps({"resourceType": "Patient", "id": f"p{n}", "gender": "female"}) for n in range(50))
DOCUMENT = json.dumps({"resourceType": "Patient", "id": "alone", "birthDate": "1980-02-03"}, indent=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.ndjson").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "b.ndjson").write_bytes(BOM + PEOPLE.replace('"p', '"marked').encode())
    (tmp_path / "c.ndjson.gz").write_bytes(gzip.compress(PEOPLE.replace('"p', '"packed').encode()))
    (tmp_path / "d.json").write_text(DOCUMENT, encoding="utf-8")
    return tmp_path


def test_processes_change_nothing(folder: Path) -> None:
    (alone,) = read_fhir([folder], Registry.load(), workers=1)
    (spread,) = read_fhir([folder], Registry.load(), workers=2)
    assert alone.tables["patients"].num_rows == 151
    assert spread.tables["patients"].equals(alone.tables["patients"])
    assert (spread.source_hash, spread.counts, spread.file) == (alone.source_hash, alone.counts, alone.file)


def test_what_stands_in_a_file_is_not_sent_but_read_again(folder: Path) -> None:
    files = [SourceFile(path, path.name) for path in sorted(folder.iterdir())]
    ((_, chunk),) = chunks_of(files, Limits())
    sent, sizes = _sent(chunk)
    assert [len(piece.data) > 0 for piece in sent] == [False, False, True, False]  # only what was compressed
    assert tuple(map(_read, sent, sizes)) == chunk


def test_a_file_that_became_shorter_is_an_error(folder: Path) -> None:
    path = folder / "a.ndjson"
    ((_, chunk),) = chunks_of([SourceFile(path, path.name)], Limits())
    sent, sizes = _sent(chunk)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(SourceError, match="shorter"):
        _read(sent[0], sizes[0])
