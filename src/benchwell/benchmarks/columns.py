"""Between the columns of Arrow tables and arrays: null is NaN, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

import numpy as np
import pyarrow as pa

from benchwell.models.arrays import FloatArray

_Key = TypeVar("_Key")


def floats(column: pa.ChunkedArray | pa.Array) -> FloatArray:
    """A column of numbers as floating-point numbers, shape (rows,); NaN for null.

    >>> floats(pa.chunked_array([[1, None]]))
    array([ 1., nan])
    """
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def nullable(values: FloatArray) -> pa.Array:
    """Numbers with null for whatever is not finite.

    >>> nullable(np.array([1.0, np.inf])).to_pylist()
    [1.0, None]
    """
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))


def replaced(table: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    """The same table with other values in some of its columns, in their places and of their types.

    >>> replaced(pa.table({"a": [1], "b": [2]}), {"a": pa.array([3])}).to_pylist()
    [{'a': 3, 'b': 2}]
    """
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
    return table


def runs(keys: Sequence[_Key]) -> Iterator[tuple[_Key, int, int]]:
    """Each run of equal keys, with where it starts and the place after its end.

    >>> list(runs(["a", "a", "b"]))
    [('a', 0, 2), ('b', 2, 3)]
    """
    start = 0
    for key, run in groupby(keys):
        end = start + sum(1 for _ in run)
        yield key, start, end
        start = end
