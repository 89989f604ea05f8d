"""Pieces of files to resources: lines, documents, Bundles of every type, arrays; each with its place and its scope."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchwell.intake.fhir.decode import KNOWN, Bundle, Entry, Refused, Skipped, decode, decode_entry, deleted_by
from benchwell.intake.fhir.lines import Shape
from benchwell.intake.fhir.references import References, id_in_url
from benchwell.intake.fhir.resources import Resource
from benchwell.intake.fhir.when import stored_at

ROWS_PER_FILE = 1 << 32  # a place within a part is file * ROWS_PER_FILE + row


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of one file.

    Attributes:
        file: Which file of its part, 0 is the first.
        shape: One resource a line, or one document.
        data: The bytes.
        first: Line number of the first line; 1 for a document.
        place: Path, and where in it the bytes stand as they are; null if they stand nowhere so.
        exported: When the export was made that the file belongs to, seconds since 1970; null if nobody says so.
    """

    file: int
    shape: Shape
    data: bytes
    first: int = 1
    place: tuple[Path, int] | None = None
    exported: float | None = None

    @property
    def base(self) -> int:
        """Place of row 0 of the file."""
        return self.file * ROWS_PER_FILE


@dataclass(frozen=True, slots=True)
class Deleted:
    """A resource that its source took back; by when at the latest, in seconds since 1970, if that is known."""

    kind: str
    id: str
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Older:
    """An earlier version of a resource whose latest stands in the same history."""


Content = Resource | Refused | Skipped | Deleted | Older
Decoded = Resource | Bundle | Refused | Skipped


@dataclass(frozen=True, slots=True)
class Unpacked:
    """One resource, or why there is none.

    Attributes:
        row: Place in the part; 1 is the first row of the first file.
        content: The resource, or what stands instead.
        full_url: What its Bundle calls it.
        references: What references of this resource mean.
    """

    row: int
    content: Content
    full_url: str | None
    references: References


def unpack(piece: Piece, references: References) -> Iterator[list[Unpacked]]:
    """All resources of a piece, row by row: several have one row where a line is a Bundle.

    Args:
        piece: Lines or a document.
        references: What the whole source knows.
    """
    if piece.shape == "document":
        yield from _document(piece, references)
        return
    for row, line in numbered(piece):
        yield unpacked(decode(line), row, references)


def numbered(piece: Piece) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their places."""
    for row, line in enumerate(piece.data.split(b"\n"), start=piece.base + piece.first):
        if line and not line.isspace():
            yield row, line


def unpacked(found: Decoded, row: int, references: References) -> list[Unpacked]:
    """What one line or one element of an array holds: all of a Bundle has the same row."""
    if isinstance(found, Bundle):
        return list(_bundle(found, references, row, step=0))
    return [Unpacked(row, found, None, references)]


_array = msgspec.json.Decoder(list[msgspec.Raw])


def _document(piece: Piece, references: References) -> Iterator[list[Unpacked]]:
    row = piece.base + 1
    if not piece.data.strip():
        return
    if piece.data.lstrip().startswith(b"["):
        yield from _elements(piece.data, references, row)
        return
    found = decode(piece.data)
    if isinstance(found, Bundle):
        for one in _bundle(found, references, row, step=1):
            yield [one]
    else:
        yield [Unpacked(row, found, None, references)]


def _elements(data: bytes, references: References, row: int) -> Iterator[list[Unpacked]]:
    try:
        elements = _array.decode(data)
    except (ValueError, RecursionError) as error:
        reason = "too_deep" if isinstance(error, RecursionError) else "not_json"
        yield [Unpacked(row, Refused(reason), None, references)]
        return
    for place, element in enumerate(elements, start=row):
        yield unpacked(decode(element), place, references)


def _bundle(bundle: Bundle, source: References, row: int, *, step: int) -> Iterator[Unpacked]:
    """Entries of a Bundle; each row is its own (`step` 1) or all have one (0).

    References are learned from all entries before any of them is handed on.
    """
    references = References(source)
    found: list[tuple[int, Content, str | None]] = []
    for number, json in enumerate(bundle.entry):
        content, full_url = _content(json, bundle)
        found.append((row + number * step, content, full_url))
        _learn(references, content, full_url)
    if bundle.type == "history":
        found = _latest(found)
    for place, content, full_url in found:
        yield Unpacked(place, content, full_url, references)


def _content(json: msgspec.Raw, bundle: Bundle) -> tuple[Content, str | None]:
    entry = decode_entry(json)
    if isinstance(entry, Refused):
        return entry, None
    if entry.request is not None and (entry.request.method or "").upper() == "DELETE":
        return _deletion(entry, bundle), entry.fullUrl
    if not len(entry.resource):
        return Refused("no_resource_type", "entry.resource"), entry.fullUrl
    content = decode(entry.resource)
    if isinstance(content, Bundle):
        return Skipped("Bundle"), entry.fullUrl
    if isinstance(content, Resource) and not content.id:
        content.id = _id_of_entry(entry, type(content).__name__)
    return content, entry.fullUrl


def _id_of_entry(entry: Entry, kind: str) -> str | None:
    """The id that a resource gets from its entry: where it is put, or what it is called."""
    if entry.request is not None and (entry.request.method or "").upper() == "PUT" and entry.request.url:
        target, _, id_ = entry.request.url.partition("/")
        if target == kind and id_ and "/" not in id_:
            return id_
    return id_in_url(entry.fullUrl) if entry.fullUrl else None


def _deletion(entry: Entry, bundle: Bundle) -> Content:
    url = (entry.request.url if entry.request is not None else None) or entry.fullUrl or ""
    steps = url.partition("?")[0].rstrip("/").split("/")
    if "?" in url or len(steps) < 2 or not steps[-1] or not steps[-2].isalpha():
        return Refused("unresolved_delete", "entry.request.url")
    if steps[-2] not in KNOWN:
        return Skipped(steps[-2], steps[-1])
    return Deleted(steps[-2], steps[-1], stored_at(deleted_by(entry, bundle)))


def _learn(references: References, content: Content, full_url: str | None) -> None:
    if isinstance(content, Resource) and content.id:
        identifiers = content.identifier if isinstance(content.identifier, list) else [content.identifier]
        references.remember(type(content).__name__, content.id, full_url, identifiers)
    elif isinstance(content, Skipped) and full_url:
        references.remember(content.kind, content.id or id_in_url(full_url) or "", full_url)


def _latest(found: list[tuple[int, Content, str | None]]) -> list[tuple[int, Content, str | None]]:
    """Only the latest version of each resource of a history, which tells the latest first."""
    seen: set[tuple[str, str]] = set()
    kept: list[tuple[int, Content, str | None]] = []
    for place, content, full_url in found:
        key = _name(content)
        older = key is not None and key in seen
        if key is not None:
            seen.add(key)
        kept.append((place, Older() if older else content, full_url))
    return kept


def _name(content: Content) -> tuple[str, str] | None:
    if isinstance(content, Deleted):
        return content.kind, content.id
    if isinstance(content, Resource) and content.id:
        return type(content).__name__, content.id
    return None
