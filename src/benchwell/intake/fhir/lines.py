"""Files as blocks that end at line ends: plain or gzip, by content; a damaged file gives what comes before."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from benchwell.errors import SourceError

BLOCK = 8 << 20  # bytes: large enough that start-up per block is nothing, small enough for flat memory
LONGEST = 1 << 30  # bytes of one line or document: it is held whole, so a file without line ends would fill the memory
_GZIP = b"\x1f\x8b"
_READ = 1 << 20
BOM = b"\xef\xbb\xbf"  # byte order mark of UTF-8: some programs write one, and it means nothing
_LOOKED_AT = 1000  # lines, to tell lines from one document

Shape = Literal["lines", "document"]


class Blocks:
    """The bytes of a file without byte order mark, in blocks that end at line ends; the last one may not.

    Attributes:
        damaged: After the last block: a compressed file broke off or is damaged.
    """

    def __init__(self, path: Path, size: int = BLOCK) -> None:
        self.path = path
        self.size = size
        self.damaged = False

    def __iter__(self) -> Iterator[bytes]:
        return blocks_of(self._pieces(), self.size)

    def document(self, blocks: Iterable[bytes]) -> bytes:
        """The bytes of a document as one.

        Raises:
            SourceError: If they are more than a document may have.
        """
        held: list[bytes] = []
        length = 0
        for block in blocks:
            held.append(block)
            length += len(block)
            self._refuse_long(length)
        return b"".join(held)

    def start(self) -> bytes:
        """The first megabyte, or less; enough to tell what a file is."""
        return next(self._pieces(), b"")

    def _pieces(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                yield from self._bounded(_without_mark(self._bytes(file)))
        except FileNotFoundError:
            raise SourceError(f"There is no file {self.path}.", hint="check the path") from None
        except OSError as error:
            raise SourceError(
                f"{self.path} cannot be read: {error.strerror or type(error).__name__}.", hint="check permissions"
            ) from None

    def _bounded(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        length = 0  # of the line that is being read
        for piece in pieces:
            cut = piece.rfind(b"\n") + 1
            length = len(piece) - cut if cut else length + len(piece)
            self._refuse_long(length)
            yield piece

    def _refuse_long(self, length: int) -> None:
        if length > LONGEST:
            raise SourceError(
                f"{self.path.name} holds more than {LONGEST >> 20} MB in one line or document.",
                hint="write it as NDJSON, one resource a line",
            )

    def _bytes(self, file: BinaryIO) -> Iterator[bytes]:
        start = file.read(_READ)
        if not start.startswith(_GZIP):
            while start:
                yield start
                start = file.read(_READ)
            return
        try:
            yield from _inflated(file, start)
        except (zlib.error, EOFError):
            self.damaged = True


def is_gzip(path: Path) -> bool:
    """Whether a file is compressed: what it begins with tells, not its name."""
    with path.open("rb") as file:
        return file.read(len(_GZIP)) == _GZIP


def text_start(path: Path) -> int | None:
    """Where in a file its text begins, after a byte order mark; null if the file is compressed."""
    with path.open("rb") as file:
        head = file.read(len(BOM))
    if head.startswith(_GZIP):
        return None
    return len(BOM) if head == BOM else 0


def blocks_of(pieces: Iterable[bytes], size: int = BLOCK) -> Iterator[bytes]:
    r"""Join pieces to blocks of at least `size` bytes that end at a line end.

    >>> list(blocks_of([b"a\nb", b"c\nd"], size=2))
    [b'a\n', b'bc\n', b'd']
    """
    held: list[bytes] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        cut = piece.rfind(b"\n") + 1
        if length >= size and cut:
            yield b"".join([*held[:-1], piece[:cut]])
            held = [piece[cut:]]
            length = len(held[0])
    rest = b"".join(held)
    if rest:
        yield rest


def shape_of(head: bytes) -> Shape:
    r"""Whether text is one resource a line, or one document over many lines. Content decides, not the file's name.

    It is lines if one of the first lines is a whole resource, or if each of several starts like one.

    >>> shape_of(b'{"resourceType":"Patient"}\n{"resourceType":"Patient"}'), shape_of(b'{\n"resourceType":"Patient"\n}')
    ('lines', 'document')
    """
    lines = [line for line in head.split(b"\n", _LOOKED_AT)[:_LOOKED_AT] if line.strip()]
    if len(lines) < 2:
        return "document"
    if any(_is_resource(line) for line in lines):
        return "lines"
    return "lines" if all(line.lstrip().startswith(b"{") for line in lines) else "document"


class _Typed(msgspec.Struct):
    resourceType: str  # noqa: N815  FHIR's own name


_typed = msgspec.json.Decoder(_Typed)


def _is_resource(line: bytes) -> bool:
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        _typed.decode(line)
    except (ValueError, RecursionError):
        return False
    return True


def _without_mark(pieces: Iterable[bytes]) -> Iterator[bytes]:
    first = True
    for piece in pieces:
        yield piece.removeprefix(BOM) if first else piece
        first = False


def _inflated(file: BinaryIO, start: bytes) -> Iterator[bytes]:
    """Everything that can be had from a gzip file of one or more members, a megabyte at a time.

    Raises:
        EOFError: If it breaks off.
        zlib.error: If it is damaged.
    """
    member = zlib.decompressobj(wbits=31)
    data = start
    while data:
        piece = member.decompress(data, _READ)
        if piece:
            yield piece
        if member.eof:
            data = member.unused_data.lstrip(b"\x00") or file.read(_READ)
            member = zlib.decompressobj(wbits=31)
            if not data:
                return
        else:
            data = member.unconsumed_tail or file.read(_READ)
    raise EOFError
