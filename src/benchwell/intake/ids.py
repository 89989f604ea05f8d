"""Ids for records whose source has none: a short hash of what identifies the record, never of its value.

The same record of the same person gets the same id in every intake, so taking a source in again changes nothing, and a
corrected value supersedes the earlier one.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa

from benchwell.intake.sql import connection

_HEX = 20  # 80 bits: a collision among a billion records has a chance below one in a million
_SEPARATOR = "\x1f"


def derive_ids(table: str, keys: list[pa.Array]) -> pa.Array:
    """One id per row from its key fields; null counts as an empty text.

    Args:
        table: Name of the table, part of the hash.
        keys: Arrays of shape (n,), cast to text.

    >>> derive_ids("episodes", [pa.array(["p1"])]).to_pylist() == [derive_id("episodes", ["p1"])]
    True
    """
    names = [f"k{position}" for position in range(len(keys))]
    data = pa.Table.from_arrays([key.cast(pa.string()) for key in keys], names=names)
    parts = ", ".join([f"'{table}'", *(f"coalesce({name}, '')" for name in names)])
    with connection() as db:
        db.register("keys", data)
        found = db.sql(
            f"SELECT left(sha256(concat_ws(chr(31), {parts})), {_HEX}) AS id FROM keys"  # noqa: S608  # names are ours
        ).to_arrow_table()
    column = found.column("id").combine_chunks()
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def derive_id(table: str, keys: list[str | None]) -> str:
    """The same for one record.

    >>> len(derive_id("assessments", ["p1", None]))
    20
    """
    text = _SEPARATOR.join([table, *(key or "" for key in keys)])
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:_HEX]
