"""A chunk of a source to Arrow: unpack, decode, map. What a worker process does, and what a single post does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from benchwell.intake.fhir.decode import Refused, Skipped, decode
from benchwell.intake.fhir.references import References
from benchwell.intake.fhir.resources import Resource
from benchwell.intake.fhir.rows import Context, Finding, Found, Mappers, Rows
from benchwell.intake.fhir.unpack import Deleted, Older, Piece, Unpacked, unpack, unpacked

Chunk = tuple[Piece, ...]
# type, id, place, by when -> a row that takes the record back
Deletion = Callable[[str, str, int, Rows, float | None], None]


@dataclass(frozen=True)
class Shapes:
    """How resources become rows.

    Attributes:
        mappers: By type of resource.
        schemas: Shape of each table that mappers fill.
        delete: Adds the row that takes a record back.
    """

    mappers: Mappers
    schemas: Mapping[str, pa.Schema]
    delete: Deletion


@dataclass
class Mapped:
    """What came of a chunk, or of all chunks of a part.

    Attributes:
        tables: As mappers filled them, not yet folded; `source_row` is the place in the part.
        findings: Row is the place in the part.
        refused: Places of which nothing came in.
        read: Rows read; those of types that are not read do not count.
        skipped: Resources by type that are not read.
        severities: Issues that the source reports of itself, by severity.
        older: Earlier versions in a history.
        size: Bytes.
    """

    tables: dict[str, pa.Table] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    severities: Counter[str] = field(default_factory=Counter)
    older: int = 0
    size: int = 0


def map_chunk(chunk: Chunk, context: Context, shapes: Shapes) -> Mapped:
    """Map every resource of a chunk.

    Args:
        chunk: Pieces of the files of one part, in order.
        context: What mappers may ask; a Bundle adds its own references.
        shapes: How resources become rows.
    """
    mapping = _ChunkMapping(context, shapes)
    for piece in chunk:
        mapping.exported = piece.exported
        if piece.shape == "lines":
            mapping.lines(piece)
        else:
            for row in unpack(piece, context.references):
                mapping.row(row)
    found = mapping.mapped()
    found.size = sum(len(piece.data) for piece in chunk)
    return found


class _ChunkMapping:
    """One chunk under way."""

    def __init__(self, context: Context, shapes: Shapes) -> None:
        self.exported: float | None = None
        self._context = context
        self._bundle: Context | None = None
        self._shapes = shapes
        self._rows = Rows()
        self._read = 0
        self._skipped: Counter[str] = Counter()
        self._severities: Counter[str] = Counter()
        self._older = 0

    def lines(self, piece: Piece) -> None:
        """Map one resource a line: the short way for what nearly every line is."""
        mappers, context, rows = self._shapes.mappers, self._context, self._rows
        read = 0
        # Blank lines are rare, so a line is looked at only once it turned out to be no resource.
        for row, line in enumerate(piece.data.split(b"\n"), start=piece.base + piece.first):
            found = decode(line)
            if isinstance(found, Resource):
                mappers[type(found)](Found(found, row), context, rows)
                read += 1
            elif line and not line.isspace():
                self.row(unpacked(found, row, context.references))
        self._read += read

    def row(self, row: list[Unpacked]) -> None:
        """Map what stands in one row: one resource, or a whole Bundle."""
        if len(row) == 1:
            self._read += self._one(row[0])
            return
        refused = read = 0
        for one in row:
            if self._one(one):
                read += 1
                if one.row in self._rows.refused:
                    refused += 1
                    self._rows.refused.discard(one.row)
        if read:
            self._read += 1
            if read == refused:
                self._rows.refused.add(row[0].row)

    def _one(self, one: Unpacked) -> bool:
        """Whether it counts as read."""
        content = one.content
        if isinstance(content, Resource):
            context = self._context
            if one.references is not context.references:
                context = self._within(one.references)
            self._shapes.mappers[type(content)](Found(content, one.row, one.full_url), context, self._rows)
            return True
        if isinstance(content, Refused):
            self._rows.refuse(one.row, content.column, content.reason)
            return True
        if isinstance(content, Deleted):
            at = self.exported if content.at is None else content.at
            self._shapes.delete(content.kind, content.id, one.row, self._rows, at)
            return True
        if isinstance(content, Older):
            self._older += 1
        if isinstance(content, Skipped):
            self._skipped[content.kind] += 1
            self._severities.update(content.severities)
        return False

    def _within(self, references: References) -> Context:
        """The context of a Bundle; the same one for all of its entries."""
        if self._bundle is None or self._bundle.references is not references:
            self._bundle = replace(self._context, references=references)
        return self._bundle

    def mapped(self) -> Mapped:
        """All that came of it."""
        rows = self._rows
        tables = {name: rows.table(name, self._shapes.schemas[name]) for name in rows.tables}
        refused = sorted(rows.refused)
        return Mapped(tables, rows.findings, refused, self._read, self._skipped, self._severities, self._older)


def gather(chunks: list[Mapped]) -> Mapped:
    """The chunks of a part as one, in their order."""
    whole = Mapped()
    names: dict[str, list[pa.Table]] = {}
    for one in chunks:
        for name, table in one.tables.items():
            names.setdefault(name, []).append(table)
        whole.findings += one.findings
        whole.refused += one.refused
        whole.read += one.read
        whole.skipped.update(one.skipped)
        whole.severities.update(one.severities)
        whole.older += one.older
        whole.size += one.size
    whole.tables = {name: pa.concat_tables(tables) for name, tables in sorted(names.items())}
    return whole
