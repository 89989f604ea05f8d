"""Files as parts, parts as chunks: the same bytes give the same parts, so that taking them in again changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from benchwell.intake.fhir.chunks import Chunk
from benchwell.intake.fhir.lines import Blocks, is_gzip, shape_of, text_start
from benchwell.intake.fhir.sources import SourceFile
from benchwell.intake.fhir.unpack import Piece

_CHUNK = 7 << 20  # bytes that are handed to a worker together: a block of a large file, several small files
_LARGE = 64 << 20  # bytes on disk: a file of this size has parts of its own
_LARGE_GZIP = 8 << 20


@dataclass(frozen=True)
class Limits:
    """When a part is full: resources, and bytes."""

    resources: int = 250_000
    bytes: int = 300 << 20


@dataclass
class Part:
    """What is merged into the lake at once. It is complete when the next part begins.

    Attributes:
        files: Names of its files, in order.
        number: Which part of a large file this is; 1 is the first.
        size: Bytes so far.
        damaged: Places where a file broke off.
    """

    files: list[str] = field(default_factory=list)
    number: int = 1
    resources: int = 0
    size: int = 0
    damaged: list[tuple[int, int]] = field(default_factory=list)
    _digests: list[hashlib._Hash] = field(default_factory=list)

    def open(self, name: str) -> int:
        """Begin a file; returns its position."""
        self.files.append(name)
        self._digests.append(hashlib.sha256())
        return len(self.files) - 1

    def add(self, data: bytes, resources: int) -> None:
        """Count some bytes of the current file."""
        self._digests[-1].update(data)
        self.size += len(data)
        self.resources += resources

    def full(self, limits: Limits) -> bool:
        """Whether the next bytes belong to another part."""
        return self.resources >= limits.resources or self.size >= limits.bytes

    @property
    def source_hash(self) -> str:
        """SHA-256 of the bytes of its file; of the hashes of its files, if there are several. Names do not count."""
        if len(self._digests) == 1:
            return self._digests[0].hexdigest()
        return hashlib.sha256(b"".join(one.digest() for one in self._digests)).hexdigest()

    @property
    def name(self) -> str:
        """What to call it: its file, or the first of several."""
        if not self.files:
            return "nothing"
        if len(self.files) > 1:
            return f"{self.files[0]} and {len(self.files) - 1} more"
        return self.files[0] if self.number == 1 else f"{self.files[0]} part {self.number}"


def chunks_of(files: Sequence[SourceFile], limits: Limits) -> Iterator[tuple[Part, Chunk]]:
    """Chunks in order, each with its part. A part without any bytes is given once, without chunks."""
    return _Cutting(limits).chunks(files)


class _Cutting:
    """Files being cut into parts and chunks."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._part = Part()
        self._held: list[Piece] = []
        self._held_bytes = 0

    def chunks(self, files: Sequence[SourceFile]) -> Iterator[tuple[Part, Chunk]]:
        for file in files:
            large = _is_large(file)
            if self._part.files and (large or self._part.full(self._limits)):
                yield from self._flush()
                self._part = Part()
            yield from self._file(file, large=large)
            if large:
                yield from self._flush()
                self._part = Part()
        yield from self._flush()

    def _file(self, file: SourceFile, *, large: bool) -> Iterator[tuple[Part, Chunk]]:
        blocks = Blocks(file.path)
        parts = iter(blocks)
        first = next(parts, b"")
        shape = shape_of(first)
        everything = chain([first], parts) if shape == "lines" else iter([blocks.document(chain([first], parts))])
        number = self._part.open(file.name)
        line = 1
        offset = text_start(file.path)
        for block in everything:
            if large and self._part.full(self._limits):
                yield from self._flush()
                self._part = Part(number=self._part.number + 1)
                number = self._part.open(file.name)
            lines = block.count(b"\n") if shape == "lines" else 0
            self._part.add(block, lines if shape == "lines" else block.count(b'"resourceType"'))
            place = None if offset is None else (file.path, offset)
            self._held.append(Piece(number, shape, block, line, place, file.exported))
            offset = None if offset is None else offset + len(block)
            self._held_bytes += len(block)
            line += lines
            if self._held_bytes >= _CHUNK:
                yield from self._flush()
        if blocks.damaged:
            self._part.damaged.append((number, line))

    def _flush(self) -> Iterator[tuple[Part, Chunk]]:
        if self._held:
            held, self._held, self._held_bytes = tuple(self._held), [], 0
            yield self._part, held


def _is_large(file: SourceFile) -> bool:
    return file.path.stat().st_size > (_LARGE_GZIP if is_gzip(file.path) else _LARGE)
