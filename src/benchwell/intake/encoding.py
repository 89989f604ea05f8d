"""From bytes to UTF-8 text: byte order marks, UTF-16, Windows and Latin-1, and what is no text at all."""

from __future__ import annotations

from benchwell.errors import SourceError

_SIGNATURES = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a zip or Excel file",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b": "a compressed file",
    b"SQLite format 3": "a database",
    b"PAR1": "a Parquet file",
}
_SAMPLE = 4096


def to_utf8(content: bytes, file: str) -> tuple[bytes, str]:
    """Text as UTF-8 without byte order mark, and the name of the encoding found.

    A file that is not valid UTF-8 is read as Windows-1252, the superset of Latin-1 that spreadsheets write.

    Raises:
        SourceError: If the content is not text.

    >>> to_utf8("größe".encode("latin-1"), "a.csv") == ("größe".encode(), "cp1252")
    True
    """
    for signature, name in _SIGNATURES.items():
        if content.startswith(signature):
            raise SourceError(f"{file} is {name}, not a text file.", hint="export the sheet as CSV or XLSX")
    encoding = _encoding(content)
    if encoding != "utf-8" or content.startswith(b"\xef\xbb\xbf"):
        content = _recode(content, encoding, file)
    if b"\x00" in content:
        raise SourceError(f"{file} holds NUL bytes, so it is no text file.", hint="export it again as CSV (UTF-8)")
    controls = sum(content[:_SAMPLE].count(bytes([byte])) for byte in (*range(1, 9), *range(14, 27)))
    if controls > len(content[:_SAMPLE]) // 50:
        raise SourceError(f"{file} is not a text file.", hint="export it again as CSV (UTF-8)")
    if b"\r" in content and b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    return content, encoding


def _encoding(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    sample = content[:_SAMPLE]
    zeros_even, zeros_odd = sample[::2].count(0), sample[1::2].count(0)
    if len(sample) >= 4 and max(zeros_even, zeros_odd) > len(sample) // 5 and min(zeros_even, zeros_odd) == 0:
        return "utf-16-le" if zeros_odd else "utf-16-be"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _recode(content: bytes, encoding: str, file: str) -> bytes:
    if encoding == "utf-8":
        return content[3:]
    try:
        return content.decode(encoding).encode("utf-8")
    except UnicodeDecodeError:
        if encoding == "cp1252":  # five bytes have no meaning in it; Latin-1 gives every byte one
            return content.decode("latin-1").encode("utf-8")
        raise SourceError(
            f"{file} starts like UTF-16 but is damaged or breaks off.", hint="export it again as UTF-8"
        ) from None
