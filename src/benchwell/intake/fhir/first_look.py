"""A first look through a source: its Questionnaires, and the identifiers that references search for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from benchwell.intake.fhir.forms import Forms
from benchwell.intake.fhir.lines import Blocks, Shape, is_gzip, shape_of
from benchwell.intake.fhir.references import References
from benchwell.intake.fhir.resources import Location, Organization, PractitionerRole, Questionnaire, Resource
from benchwell.intake.fhir.rows import Found
from benchwell.intake.fhir.sources import SourceFile
from benchwell.intake.fhir.unpack import Piece, unpack

_SMALL = 32 << 20  # bytes on disk: smaller files are looked through whole
_SMALL_GZIP = 4 << 20
_NAMED = frozenset({"Organization", "Practitioner", "PractitionerRole", "Location"})
_TYPES = b"Questionnaire|Organization|Practitioner|PractitionerRole|Location"
_WANTED = re.compile(rb'"resourceType"\s*:\s*"(?:' + _TYPES + rb')"')
_FORM = b'"Questionnaire"'


@dataclass
class FirstLook:
    """What a source says of itself.

    Attributes:
        references: Which resource has which identifier.
        forms: Questionnaires.
        organizations: Whether any organization is among its resources.
        places: Locations and PractitionerRoles that stand in lines of their own: parts of a large source name those of
            other parts.
    """

    references: References = field(default_factory=References)
    forms: Forms = field(default_factory=Forms)
    organizations: bool = False
    places: list[Found] = field(default_factory=list)


def first_look(files: Iterable[SourceFile]) -> FirstLook:
    """Learn what must be known before the first resource is mapped.

    Small files are looked through whole. Of a large file, it is the type of its first resource that decides: a file of
    organizations, clinicians, places or forms is looked through, any other only for Questionnaires, and not at all if
    it is compressed.
    """
    found = FirstLook()
    for file in files:
        for block, shape in _blocks(file):
            learn(block, shape, found)
    return found


def learn(data: bytes, shape: Shape, found: FirstLook) -> None:
    """The same for some bytes of a source."""
    alone = References()
    for piece in _pieces(data, shape):
        for row in unpack(piece, alone):
            for one in row:
                content = one.content
                if isinstance(content, Questionnaire):
                    found.forms.add(Found(content, one.row, one.full_url))
                elif isinstance(content, Resource) and type(content).__name__ in _NAMED:
                    found.references.add(Found(content, one.row, one.full_url))
                    found.organizations |= isinstance(content, Organization)
                    if (
                        isinstance(content, Location | PractitionerRole)
                        and shape == "lines"
                        and one.references is alone
                    ):
                        found.places.append(Found(content, one.row, one.full_url))


def _pieces(data: bytes, shape: Shape) -> Iterator[Piece]:
    """Only what holds a wanted resource is decoded."""
    if not _WANTED.search(data):
        return
    if shape == "document":
        yield Piece(0, shape, data)
        return
    wanted = [line for line in data.split(b"\n") if _WANTED.search(line)]
    yield Piece(0, shape, b"\n".join(wanted))


def _blocks(file: SourceFile) -> Iterator[tuple[bytes, Shape]]:
    blocks = Blocks(file.path)
    start = blocks.start()
    compressed = is_gzip(file.path)
    small = file.path.stat().st_size <= (_SMALL_GZIP if compressed else _SMALL)
    whole = small or _WANTED.match(start.lstrip(b" \t\r\n{")) is not None
    if not whole and compressed:
        return
    parts = iter(blocks)
    first = next(parts, b"")
    shape = shape_of(first)
    if shape == "document":
        if small:
            yield blocks.document(chain([first], parts)), shape
        return
    for block in chain([first], parts) if whole else _with_forms(first, parts):
        yield block, shape


def _with_forms(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if _FORM in first:
        yield first
    yield from (block for block in rest if _FORM in block)
