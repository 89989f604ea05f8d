"""Parts: the same bytes give the same ones, a large file has its own, and hashes do not know names."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from benchwell.intake.fhir import parts
from benchwell.intake.fhir.parts import Limits, Part, chunks_of
from benchwell.intake.fhir.sources import SourceFile
from benchwell.intake.fhir.unpack import Piece

LINE = b'{"resourceType":"Patient","id":"%04d"}\n'


def write(folder: Path, name: str, first: int, count: int) -> SourceFile:
    path = folder / name
    content = b"".join(LINE % n for n in range(first, first + count))
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return SourceFile(path, name)


def cut(files: list[SourceFile], limits: Limits | None = None) -> list[tuple[Part, list[Piece]]]:
    found: dict[int, tuple[Part, list[Piece]]] = {}
    for part, chunk in chunks_of(files, limits or Limits()):
        found.setdefault(id(part), (part, []))[1].extend(chunk)
    return list(found.values())


def test_small_files_are_one_part(tmp_path: Path) -> None:
    files = [write(tmp_path, "a.ndjson", 0, 3), write(tmp_path, "b.ndjson.gz", 3, 2)]
    ((part, pieces),) = cut(files)
    assert part.files == ["a.ndjson", "b.ndjson.gz"]
    assert part.resources == 5
    assert [piece.file for piece in pieces] == [0, 1]
    assert part.name == "a.ndjson and 1 more"


def test_the_hash_of_one_file_is_that_of_its_bytes_compressed_or_not(tmp_path: Path) -> None:
    plain, packed = write(tmp_path, "a.ndjson", 0, 9), write(tmp_path, "b.ndjson.gz", 0, 9)
    expected = hashlib.sha256(plain.path.read_bytes()).hexdigest()
    assert cut([plain])[0][0].source_hash == cut([packed])[0][0].source_hash == expected


def test_the_hash_of_several_files_tells_how_they_are_cut(tmp_path: Path) -> None:
    one = cut([write(tmp_path, "a", 0, 3), write(tmp_path, "b", 3, 4)])[0][0].source_hash
    other = cut([write(tmp_path, "c", 0, 4), write(tmp_path, "d", 4, 3)])[0][0].source_hash
    same = cut([write(tmp_path, "e", 0, 3), write(tmp_path, "f", 3, 4)])[0][0].source_hash
    assert one != other
    assert one == same


def test_a_full_part_ends_before_the_next_file(tmp_path: Path) -> None:
    files = [write(tmp_path, name, 10 * n, 10) for n, name in enumerate("abcde")]
    found = cut(files, Limits(resources=15))
    assert [part.files for part, _ in found] == [["a", "b"], ["c", "d"], ["e"]]


def test_a_large_file_has_parts_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_LARGE", 10_000)
    monkeypatch.setattr(parts.Blocks.__init__, "__defaults__", (1000,))
    monkeypatch.setattr("benchwell.intake.fhir.lines._READ", 700)
    small, large, last = write(tmp_path, "a", 0, 5), write(tmp_path, "b", 0, 1000), write(tmp_path, "c", 5, 5)
    together = cut([small, large, last], Limits(resources=300))
    alone = cut([large], Limits(resources=300))
    assert [part.name for part, _ in together] == ["a", "b", "b part 2", "b part 3", "b part 4", "c"]
    assert [part.source_hash for part, _ in together[1:-1]] == [part.source_hash for part, _ in alone]
    assert b"".join(piece.data for _, pieces in alone for piece in pieces) == large.path.read_bytes()
    for _, pieces in alone:
        for piece in pieces:  # each line knows its number in the file
            assert piece.data.startswith(LINE % (piece.first - 1))


def test_a_part_without_files_has_a_name_and_a_hash() -> None:
    assert Part().name == "nothing"
    assert len(Part().source_hash) == 64
