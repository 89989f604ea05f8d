"""Files and folders of Bundles, resources or NDJSON, read once into records of people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from pathlib import Path

import msgspec

from benchwell.intake.fhir.decode import Refused, Skipped
from benchwell.intake.fhir.first_look import first_look
from benchwell.intake.fhir.form_totals import FormTotals, asked_of_forms
from benchwell.intake.fhir.lines import Blocks, shape_of
from benchwell.intake.fhir.people import Alone, People, Unread
from benchwell.intake.fhir.references import References
from benchwell.intake.fhir.resources import Patient, Resource
from benchwell.intake.fhir.sources import SourceFile, find_sources
from benchwell.intake.fhir.unpack import Deleted, Piece, Unpacked, unpack
from benchwell.registry import Registry

_MOST_NAMED = 1000  # lines that could not be read; beyond, they are only counted


def read_people(sources: Sequence[Path], wanted: frozenset[str], registry: Registry | None = None) -> People:
    """Read records of people.

    Only events with a code that is asked for are held, so an export may be larger than memory.

    Args:
        sources: FHIR files (Bundles, resources or one of those a line; also compressed), and folders of `.json`,
            `.ndjson` and `.jsonl`. Manifests of exports say which files there are, and in which order.
        wanted: Codes that are asked for.
        registry: Instruments whose forms (QuestionnaireResponse) are read too; null reads none.

    Raises:
        SourceError: If a source is missing or cannot be read, or a folder holds nothing of the kind.
    """
    people = People(wanted)
    known = References()
    files = list(_files(sources, people))
    if registry is not None and asked_of_forms(registry, wanted):
        people.totals = FormTotals(registry, wanted, first_look(files).forms)
    for file in files:
        for piece in _pieces(file.path, people):
            for bundle in _bundles(unpack(piece, known), known):
                _take(bundle, people, known, file.name)
    return people


def take_document(data: bytes, people: People) -> None:
    """Take in one JSON document, a Bundle or a resource, that is a source of its own."""
    known = References()
    for bundle in _bundles(unpack(Piece(0, "document", data), known), known):
        _take(bundle, people, known)


def _files(sources: Iterable[Path], people: People) -> Iterable[SourceFile]:
    """The files of every source, each once."""
    files: dict[Path, SourceFile] = {}
    for source in sources:
        found = find_sources([source])  # one by one: each must hold something
        people.counts["missing_file"] += len(found.missing)
        people.counts["left_out"] += len(found.left_out)
        for file in found.files:
            files.setdefault(file.path.resolve(), file)
    return files.values()


def _pieces(path: Path, people: People) -> Iterator[Piece]:
    blocks = Blocks(path)
    following = iter(blocks)
    head = next(following, b"")
    if shape_of(head) == "document":
        yield Piece(0, "document", _own_bundle(blocks.document(chain((head,), following))))
    else:
        first = 1
        for block in chain((head,), following):
            yield Piece(0, "lines", block, first)
            first += block.count(b"\n")
    if blocks.damaged:
        people.counts["damaged_file"] += 1


class _TestCase(msgspec.Struct):
    """How test cases of official measures are handed on: a Bundle beside the counts that are expected of it."""

    bundle: msgspec.Raw
    resourceType: str | None = None  # noqa: N815


def _own_bundle(document: bytes) -> bytes:
    """The Bundle of a test case, so that official decks can be run as they come; any other document as it is."""
    try:
        case = msgspec.json.decode(document, type=_TestCase)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return document
    return document if case.resourceType is not None else bytes(case.bundle)


def _bundles(rows: Iterable[list[Unpacked]], source: References) -> Iterator[list[Unpacked]]:
    """Entries of one Bundle together; anything else alone. What belongs to one Bundle shares its references."""
    found = (one for row in rows for one in row)
    for references, entries in groupby(found, key=lambda one: one.references):
        if references is source:
            yield from ([entry] for entry in entries)
        else:
            yield list(entries)


def _take(entries: list[Unpacked], people: People, source: References, file: str = "") -> None:
    alone = _alone(entries) if entries[0].references is not source else None
    for one in entries:
        if isinstance(one.content, Resource):
            people.add(one.content, one.references, alone=alone)
        elif isinstance(one.content, Deleted):
            people.remove(one.content.kind, one.content.id)
        elif isinstance(one.content, Refused):
            people.counts["refused"] += 1
            if len(people.unread) < _MOST_NAMED:
                people.unread.append(Unread(file, one.row, one.content.reason, one.content.column))
        elif isinstance(one.content, Skipped) and one.content.kind == "Bundle":
            people.counts["nested_bundle"] += 1  # there may be people in it


def _alone(entries: list[Unpacked]) -> Alone | None:
    """The only person of a Bundle; None if there are several, or none."""
    urls = {one.content.id: one.full_url for one in entries if isinstance(one.content, Patient) and one.content.id}
    if len(urls) != 1:
        return None
    ((id_, url),) = urls.items()
    return Alone(id_, url.partition("/Patient/")[0] if url is not None and "/Patient/" in url else None)
