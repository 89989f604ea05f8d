"""Read FHIR: files, folders and exports part by part; one posted body by the same rules."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from benchwell.intake.fhir.chunks import Mapped, gather, map_chunk
from benchwell.intake.fhir.findings import counts_of, rejections_of, rows_in_files
from benchwell.intake.fhir.first_look import FirstLook, first_look, learn
from benchwell.intake.fhir.folding import SHAPES, fold_part
from benchwell.intake.fhir.known_places import known_places, with_places
from benchwell.intake.fhir.lines import shape_of
from benchwell.intake.fhir.parts import Limits, Part, chunks_of
from benchwell.intake.fhir.rows import Context, Finding
from benchwell.intake.fhir.sources import Sources, find_sources, is_fhir
from benchwell.intake.fhir.type_names import type_name
from benchwell.intake.fhir.unpack import ROWS_PER_FILE, Piece
from benchwell.intake.fhir.workers import map_chunks
from benchwell.intake.result import Counts
from benchwell.registry import Registry
from benchwell.tables import CANONICAL

__all__ = ["FhirPart", "is_fhir", "read_fhir", "read_fhir_bytes"]

_SMALL = 8 << 20  # bytes on disk: below, starting workers costs more than it saves
Progress = Callable[[int], None]


@dataclass(frozen=True)
class FhirPart:
    """Part of a source, or all of it, taken in.

    Attributes:
        tables: Canonical tables by name (shapes of `tables.CANONICAL`); only those with rows.
        rejections: One row per refused, corrected or flagged member of a resource; never a value.
        counts: Rows read, accepted, corrected, flagged and rejected: lines of a file, entries of a Bundle. Resources
            of types that are not read do not count.
        source_hash: SHA-256 (hex) of the part's bytes, uncompressed; names of files do not enter.
        file: Name of its file, or the first of several.
        notes: What was decided, in words.
    """

    tables: dict[str, pa.Table]
    rejections: pa.Table
    counts: Counts
    source_hash: str
    file: str
    notes: tuple[str, ...] = ()


def read_fhir(
    sources: Sequence[Path],
    registry: Registry,
    *,
    as_of: dt.date | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
    limits: Limits | None = None,
) -> Iterator[FhirPart]:
    """Read files, folders and Bulk Data manifests, part by part.

    A part is at most about 250,000 resources or 300 MB, so memory is flat for any size of source. The same bytes give
    the same parts. A bad line costs that line: it is a row of the rejections, and the rest comes in.

    Args:
        sources: Files (NDJSON, JSON, either compressed), folders, manifests; what they hold decides, not their names.
        registry: Declarations, for instruments and their codes.
        as_of: Snapshot date: later dates are refused. Null means today.
        progress: Told how many bytes have been read since it was last told.
        workers: Processes; null: one per core for a large source, none for a small one. A script that asks for more
            than one needs the usual `if __name__ == "__main__":`.
        limits: When a part is full.

    Yields:
        At least one part.

    Raises:
        SourceError: If a path does not exist or cannot be read, or an export is of another version of FHIR.
    """
    found = find_sources(sources)
    known = first_look(found.files)
    context = Context(registry, known.references, known.forms, as_of or dt.date.today())
    chunks = chunks_of(found.files, limits or Limits())
    results = map_chunks(chunks, context, SHAPES, _workers(found, workers))
    whole = _Whole(registry, False if known.organizations else None, known_places(known.places, context), found.notes)
    part: Part | None = None
    held: list[Mapped] = []
    missing = found.missing
    for of, mapped in results:
        if part is not None and of is not part:
            yield _finish(part, held, whole, missing)
            held, missing = [], []
        part = of
        held.append(mapped)
        if progress is not None:
            progress(mapped.size)
    yield _finish(part or Part(), held, whole, missing)


def read_fhir_bytes(body: bytes, registry: Registry, *, as_of: dt.date | None = None, file: str = "body") -> FhirPart:
    """Read one body: a resource, a Bundle, an array, or NDJSON. The rules are those of files.

    Args:
        body: As posted; UTF-8.
        registry: Declarations.
        as_of: Snapshot date: later dates are refused. Null means today.
        file: What to call it in findings.

    >>> from benchwell.registry import Registry
    >>> part = read_fhir_bytes(b'{"resourceType":"Patient","id":"1","gender":"female"}', Registry.load())
    >>> part.tables["patients"]["patient_id"].to_pylist(), part.counts.accepted
    (['1'], 1)
    """
    data = body.removeprefix(b"\xef\xbb\xbf")
    shape = shape_of(data)
    known = FirstLook()
    learn(data, shape, known)
    part = Part()
    piece = Piece(part.open(file), shape, data)
    part.add(data, 0)
    context = Context(registry, known.references, known.forms, as_of or dt.date.today())
    mapped = map_chunk((piece,), context, SHAPES)
    places = known_places([], context)  # a body is one part: its places are in it
    return _finish(part, [mapped], _Whole(registry, False if known.organizations else None, places), [])


def _workers(found: Sources, workers: int | None) -> int:
    if workers is not None:
        return workers
    return 1 if found.size < _SMALL else os.cpu_count() or 1


@dataclass(frozen=True)
class _Whole:
    """What every part of a source must know of the whole of it.

    Attributes:
        registry: Declarations.
        default_organization: See `merge_records.merge`.
        places: Locations and roles by type, wherever in the source they stand.
        notes: What was decided for it.
    """

    registry: Registry
    default_organization: bool | None
    places: Mapping[str, pa.Table]
    notes: Sequence[str] = ()


def _finish(part: Part, held: list[Mapped], source: _Whole, missing: Sequence[str]) -> FhirPart:
    whole = gather(held)
    _tell_losses(whole, part, missing)
    whole.tables = with_places(whole.tables, source.places)
    folded = fold_part(whole, source.registry, default_organization=source.default_organization)
    hash_ = part.source_hash
    tables = {name: _conform(name, table, hash_) for name, table in rows_in_files(folded.tables).items()}
    return FhirPart(
        tables,
        rejections_of(folded.findings, part.files, hash_),
        counts_of(whole.read, folded.findings, folded.refused),
        hash_,
        part.name,
        (*source.notes, *_told(whole)),
    )


def _tell_losses(whole: Mapped, part: Part, missing: Sequence[str]) -> None:
    """Files that broke off or are not there: each counts as one row that was read and refused."""
    places = [(place * ROWS_PER_FILE + line, "truncated_file") for place, line in part.damaged]
    for name in missing:
        part.files.append(name)
        places.append(((len(part.files) - 1) * ROWS_PER_FILE + 1, "missing_file"))
    for place, reason in places:
        # The line at which a file broke off may have been refused already: it has one reason, the true one.
        whole.findings = [one for one in whole.findings if one.row != place]
        whole.findings.append(Finding(place, "", reason, "rejected"))
        if place not in whole.refused:
            whole.refused.append(place)
            whole.read += 1


def _conform(name: str, table: pa.Table, source_hash: str) -> pa.Table:
    at = table.schema.get_field_index("source_hash")
    hashed = pa.repeat(pa.scalar(source_hash), table.num_rows)
    whole = table.append_column("source_hash", hashed) if at < 0 else table.set_column(at, "source_hash", hashed)
    return CANONICAL[name].conform(whole)


def _told(whole: Mapped) -> list[str]:
    notes = []
    skipped: Counter[str] = Counter()
    for kind, times in whole.skipped.items():
        skipped[type_name(kind)] += times
    skipped.pop("OperationOutcome", None)
    if skipped:
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(skipped.items(), key=lambda one: (-one[1], one[0])))
        notes.append(f"Resources of types that Benchwell does not read: {kinds}.")
    if whole.severities:
        issues = ", ".join(f"{n} {severity}" for severity, n in sorted(whole.severities.items()))
        notes.append(f"The source reports issues of its own (OperationOutcome): {issues}.")
    if whole.older:
        notes.append(f"{whole.older} earlier versions in a history were left out; the latest of each counts.")
    return notes
