"""Files of value sets, told by what they begin with: FHIR JSON, NDJSON, tables, workbooks, XML, archives, folders."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchwell.errors import ValueSetError
from benchwell.quality.value_set_fhir import listings_of
from benchwell.quality.value_set_listing import Listing
from benchwell.quality.value_set_tables import listings_of_text, listings_of_workbook, listings_of_xml

# What the standard library says of archives that are cut off, changed, locked, or packed in a way that is not known.
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, OverflowError)
# The largest export of the authority center is far below; what unpacks to more was made to fill the memory.
MOST = 512 << 20  # bytes of one file, unpacked
_DEEPEST = 4  # archives within archives
_SUFFIXES = {".json", ".ndjson", ".jsonl", ".xml", ".xlsx", ".xls", ".csv", ".tsv", ".txt", ".zip", ".gz"}


def read_listings(paths: Sequence[Path]) -> Iterator[Listing]:
    """Every value set of files and folders.

    Raises:
        ValueSetError: If a path is missing, a file is damaged, or a file that was named holds no value set. Files of a
            folder that hold none are passed over.
    """
    for path in paths:
        if path.is_dir():
            inside = (one for one in path.rglob("*") if one.is_file() and one.suffix.lower() in _SUFFIXES)
            for file in sorted(inside):
                yield from read_content(_bytes(file), file.name)
            continue
        found = list(read_content(_bytes(path), path.name))
        if not found:
            raise ValueSetError(
                f"{path.name} holds no value set.",
                hint="give FHIR ValueSet JSON, or what the Value Set Authority Center (VSAC) exports",
            )
        yield from found


def read_content(content: bytes, file: str, depth: int = 0) -> Iterator[Listing]:
    """Value sets of one file, whatever it is called: what it begins with tells what it is.

    Args:
        content: Its bytes.
        file: What to call it.
        depth: How many archives it lies in.

    Raises:
        ValueSetError: If it is damaged, or unpacks to more than any value set.
    """
    if depth > _DEEPEST:
        raise ValueSetError(f"{file} lies in too many archives.", hint="unpack it first")
    if content[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
                content = packed.read(MOST + 1)
        except (OSError, EOFError, zlib.error):
            raise ValueSetError(f"{file} is cut off or damaged.", hint="download it again") from None
        _refuse_large(len(content), file)
    if content[:4] == b"PK\x03\x04":
        yield from _packed(content, file, depth)
        return
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":  # the older Excel format
        yield from listings_of_workbook(content, file)
        return
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = content.decode(encoding, errors="replace").lstrip()
    if text[:1] in ("{", "["):
        yield from _json(text, file)
    elif text[:1] == "<":
        yield from listings_of_xml(text, file)
    elif text:
        yield from listings_of_text(text, file)


def _refuse_large(size: int, file: str) -> None:
    if size > MOST:
        raise ValueSetError(
            f"{file} holds more than {MOST >> 20} MB, as no value set does.", hint="give the value sets alone"
        )


def _packed(content: bytes, file: str, depth: int) -> Iterator[Listing]:
    """A workbook is a ZIP archive too: it has a list of its contents that no other archive has.

    Members are read into memory, never to disk, and only their last name is used: their paths lead nowhere. No member
    gives more bytes than the archive says of it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _refuse_large(sum(one.file_size for one in archive.infolist()), file)
            names = sorted(archive.namelist())
            workbook = "[Content_Types].xml" in names
            wanted = [] if workbook else [name for name in names if Path(name).suffix.lower() in _SUFFIXES]
            members = [(Path(name).name, archive.read(name)) for name in wanted]
    except _DAMAGED:
        raise ValueSetError(f"{file} is cut off, damaged or locked.", hint="download it again") from None
    if workbook:
        yield from listings_of_workbook(content, file)
    for name, member in members:
        yield from read_content(member, f"{file}: {name}", depth + 1)


def _json(text: str, file: str) -> Iterator[Listing]:
    try:
        yield from listings_of(msgspec.json.decode(text), file)
        return
    except RecursionError:
        raise ValueSetError(f"{file} is nested too deeply to be a value set.", hint="download it again") from None
    except msgspec.DecodeError:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    for number, line in lines:
        try:
            resource = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            where = f", line {number}," if len(lines) > 1 else ""
            raise ValueSetError(f"{file}{where} is not JSON that can be read.", hint="download it again") from None
        yield from listings_of(resource, file)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            content = opened.read(MOST + 1)
    except OSError as problem:
        raise ValueSetError(f"{path} cannot be read: {problem.strerror}.", hint="check the path") from None
    _refuse_large(len(content), path.name)
    return content
