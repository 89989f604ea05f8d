"""Between Arrow and NumPy without `to_numpy` and `pa.array`: both import pandas, which takes longer than many fits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchwell.models.arrays import FloatArray, IntArray


def as_numpy(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[Any]:
    """A column of numbers without nulls, not copied when it is in one piece (then read-only).

    >>> as_numpy(pa.chunked_array([[1, 2], [3]]))
    array([1, 2, 3])
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.from_dlpack(whole)


def floats(table: pa.Table, name: str) -> FloatArray:
    """A column of sums, which are never null, as floating-point numbers.

    >>> floats(pa.table({"n": [1, 2]}), "n")
    array([1., 2.])
    """
    column = table[name]
    return np.asarray(as_numpy(column if pa.types.is_float64(column.type) else column.cast(pa.float64())))


def whole_numbers(values: IntArray) -> pa.Array:
    """Integers as an Arrow array, not copied.

    >>> whole_numbers(np.array([3, 1])).to_pylist()
    [3, 1]
    """
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values, np.int64))])
