"""Files as blocks that end at line ends, whatever the file."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from benchwell.errors import SourceError
from benchwell.intake.fhir.lines import Blocks, blocks_of, shape_of

TEXT = b"".join(b'{"resourceType":"Patient","id":"%d"}\n' % n for n in range(5000))


def write(folder: Path, content: bytes) -> Path:
    path = folder / "x.ndjson"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [TEXT, gzip.compress(TEXT, mtime=0), b"\xef\xbb\xbf" + TEXT, gzip.compress(b"\xef\xbb\xbf" + TEXT, mtime=0)],
)
def test_a_file_is_read_whole_in_blocks_that_end_at_line_ends(tmp_path: Path, content: bytes) -> None:
    blocks = list(Blocks(write(tmp_path, content), size=1000))
    assert b"".join(blocks) == TEXT
    assert all(block.endswith(b"\n") for block in blocks)


def test_several_members_of_a_gzip_file_are_one_file(tmp_path: Path) -> None:
    blocks = Blocks(write(tmp_path, gzip.compress(b"a\n") + gzip.compress(b"b\n")))
    assert b"".join(blocks) == b"a\nb\n"
    assert not blocks.damaged


def test_a_gzip_file_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    blocks = Blocks(write(tmp_path, gzip.compress(TEXT)[:-2000]))
    found = b"".join(blocks)
    assert blocks.damaged
    assert TEXT.startswith(found)
    assert len(found) > 1000


def test_a_damaged_gzip_file_gives_what_came_before(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(TEXT))
    content[-5] ^= 0xFF  # its check value
    blocks = Blocks(write(tmp_path, bytes(content)))
    assert TEXT.startswith(b"".join(blocks))
    assert blocks.damaged


def test_a_whole_file_is_not_damaged(tmp_path: Path) -> None:
    blocks = Blocks(write(tmp_path, gzip.compress(TEXT)))
    assert b"".join(blocks) == TEXT
    assert not blocks.damaged


def test_a_line_longer_than_a_block_stays_whole() -> None:
    long = b"x" * 1000
    assert list(blocks_of([long, long, b"\na\n"], size=10)) == [long + long + b"\na\n"]
    assert list(blocks_of([b"a\n", long, b"b"], size=1)) == [b"a\n", long + b"b"]


def test_the_last_line_needs_no_line_end() -> None:
    assert list(blocks_of([b"a\nb"], size=1)) == [b"a\n", b"b"]
    assert list(blocks_of([], size=1)) == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no file"):
        list(Blocks(tmp_path / "none.ndjson"))


PATIENT = b'{"resourceType":"Patient"}'


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (b"", "document"),
        (PATIENT, "document"),
        (PATIENT + b"\n", "document"),
        (PATIENT + b"\n\n\n", "document"),
        (PATIENT + b"\n" + PATIENT, "lines"),
        (PATIENT + b"\r\n" + PATIENT + b"\r\n", "lines"),
        (b'{"resourceType":"Pat\n' + PATIENT, "lines"),
        (b"garbage\n" + PATIENT, "lines"),
        (b'{"resourceType":"Pat\n{"resourceType":"Pat\n', "lines"),
        (b'{\n"resourceType":"Patient"\n}', "document"),
        (b"[" + PATIENT + b",\n" + PATIENT + b"]", "document"),
        (b'[\n{"resource":' + PATIENT + b"}\n]", "document"),
        (b'{"resourceType":"Bundle","entry":[\n{"resource":' + PATIENT + b"}\n]}", "document"),
        (b"a,b\n1,2\n", "document"),
    ],
)
def test_content_decides_the_shape(content: bytes, shape: str) -> None:
    assert shape_of(content) == shape
