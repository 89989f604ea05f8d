"""Text to numbers: decimal sign decided once per column, everything else refused by position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
_Kind = TypeVar("_Kind", bound=np.generic)

_POINT = r"^[+-]?([0-9]{1,18}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?$"
_COMMA = r"^[+-]?[0-9]{0,18},[0-9]{1,30}$"


@dataclass(frozen=True)
class Numbers:
    """Parsed numbers, shape (n,), null where empty or refused, and who was refused or corrected."""

    values: npt.NDArray[np.float64]  # NaN where null
    bad: Mask
    ambiguous: Mask
    comma: Mask  # read with a decimal comma that nobody had declared


def parse_numbers(text: pa.Array, decimal: Literal[".", ","] | None = None) -> Numbers:
    """Numbers of a text column.

    Without a declared decimal sign the whole column decides: commas are decimal signs if no cell uses a point; if
    both occur, the cells with a comma are ambiguous.

    Args:
        text: Strings, shape (n,), null for empty.
        decimal: The declared decimal sign, or null.

    >>> parse_numbers(pa.array(["1,5", None, "x"])).values
    array([1.5, nan, nan])
    """
    coded = text.dictionary_encode()
    unique, codes = coded.dictionary, codes_of(coded)
    point, comma = _matches(unique, _POINT), _matches(unique, _COMMA)
    fractional = np.any(point & _matches(unique, r"\."))
    ambiguous = np.zeros(len(unique), dtype=bool)
    if decimal == ",":
        point &= ~_matches(unique, r"\.")
    elif decimal == ".":
        comma[:] = False
    elif fractional:
        ambiguous, comma = comma, np.zeros(len(unique), dtype=bool)
    readable = point | comma
    plain = pc.replace_substring(unique, ",", ".")
    values = pc.if_else(pa.array(readable), plain, pa.scalar(None, pa.string())).cast(pa.float64())
    numbers = spread(values.to_numpy(zero_copy_only=False).astype(np.float64), codes, np.nan)
    return Numbers(
        values=numbers,
        bad=spread(~readable & ~ambiguous, codes, False),
        ambiguous=spread(ambiguous, codes, False),
        comma=spread(comma & (decimal is None), codes, False),
    )


def to_array(values: npt.NDArray[np.float64]) -> pa.Array:
    """NaN as null."""
    return pa.array(values, from_pandas=True)


def _matches(text: pa.Array, pattern: str) -> Mask:
    found: Mask = np.asarray(pc.match_substring_regex(text, pattern).to_numpy(zero_copy_only=False), dtype=bool)
    return found.copy()


def codes_of(coded: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """Position of each row's text among the distinct ones, -1 where null."""
    return np.asarray(coded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False))


def spread(values: npt.NDArray[_Kind], codes: npt.NDArray[np.int64], empty: object) -> npt.NDArray[_Kind]:
    """Values per distinct text, back to one per row; `empty` where the cell is null."""
    return np.append(values, [empty]).astype(values.dtype)[codes]
