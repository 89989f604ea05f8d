"""A fingerprint of a table's values that does not depend on how they are stored."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_DATE = pa.date32()


def table_digest(table: pa.Table) -> str:
    """SHA-256 over a table's names and values, whatever the file format, the chunks or the machine around them.

    For each column: its name, a byte a row for known (1) or unknown (0), then the values with 0 or "" for unknown:
    numbers and days as 8 bytes little-endian, texts as their lengths in bytes and the UTF-8 bytes themselves.

    Args:
        table: Columns of text, numbers, flags or dates.

    Raises:
        TypeError: If a column holds anything else.

    >>> table_digest(pa.table({"n": [1, None]}))[:12]
    'f65bf93f25dd'
    """
    digest = hashlib.sha256()
    for name in table.column_names:
        column = table[name].combine_chunks()
        digest.update(name.encode("utf-8") + b"\0")
        digest.update(np.asarray(pc.is_valid(column), dtype=np.uint8).tobytes())
        for part in _parts(name, column):
            digest.update(part)
    return digest.hexdigest()


def _parts(name: str, column: pa.Array) -> list[bytes]:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = pc.fill_null(column.cast(pa.large_string()), "")
        lengths = np.asarray(pc.binary_length(texts), dtype="<i8")
        return [lengths.tobytes(), _characters(texts)]
    if pa.types.is_floating(kind):
        return [np.asarray(pc.fill_null(column.cast(pa.float64()), 0.0), dtype="<f8").tobytes()]
    if kind == _DATE:
        column = column.cast(pa.int32())
    elif not (pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        raise TypeError(f"column {name} of type {kind} has no digest")
    return [np.asarray(pc.fill_null(column.cast(pa.int64()), 0), dtype="<i8").tobytes()]


def _characters(texts: pa.LargeStringArray) -> bytes:
    """The UTF-8 bytes of all texts, one after the other; a slice shares its buffers with the whole."""
    _, offsets, characters = texts.buffers()
    if characters is None:
        return b""
    ends = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return bytes(memoryview(characters)[ends[0] : ends[-1]])
