"""A file that unpacks to one endless line is refused in words, before it fills the memory."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from benchwell.errors import SourceError
from benchwell.intake.fhir import lines
from benchwell.intake.fhir.read import read_fhir
from benchwell.intake.fhir.reading_people import read_people
from benchwell.registry import Registry

START = b'{"resourceType":"Bundle","type":"collection","entry":[]'
PATIENT = b'{"resourceType":"Patient","id":"1"}\n'


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST", 4 << 20)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("filling", [b" ", b" \n"])
def test_a_document_without_end_is_refused(tmp_path: Path, filling: bytes) -> None:
    path = tmp_path / "bundle.json.gz"
    path.write_bytes(gzip.compress(START + filling * (12 << 20) + b"}"))
    with pytest.raises(SourceError, match=r"bundle\.json\.gz holds more than 4 MB"):
        list(read_fhir([path], Registry.load()))
    with pytest.raises(SourceError, match="holds more than 4 MB"):
        read_people([path], frozenset())


@pytest.mark.usefixtures("small")
def test_a_line_without_end_is_refused_and_many_lines_are_not(tmp_path: Path) -> None:
    many, endless = tmp_path / "many.ndjson", tmp_path / "endless.ndjson"
    many.write_bytes(PATIENT * (6 << 15))
    (part,) = read_fhir([many], Registry.load(), workers=1)
    assert part.counts.read == 6 << 15
    endless.write_bytes(PATIENT * 3 + b'{"id":"' + b"x" * (5 << 20))
    with pytest.raises(SourceError, match=r"endless\.ndjson holds more than 4 MB"):
        list(read_fhir([endless], Registry.load(), workers=1))
