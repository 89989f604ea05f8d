"""Whole-number ids for records that have ids in words: the same records always get the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.ids import derive_ids

_LONGEST = 50  # of a source value
_HASHED = 20  # characters of a derived id


@dataclass(frozen=True)
class Numbering:
    """Ids in ascending order; the first has the number `after + 1`."""

    ids: pa.Array
    after: int = 0

    @classmethod
    def of(cls, ids: pa.Array | pa.ChunkedArray, after: int = 0) -> Numbering:
        """Number the distinct ids that are not null."""
        distinct = as_array(ids).unique().drop_null()
        return cls(distinct.take(pc.sort_indices(distinct)), after)

    def __call__(self, ids: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Numbers of some ids; null for those that have none.

        >>> Numbering.of(pa.array(["b", "a"]), after=10)(pa.array(["a", "b", "c"])).to_pylist()
        [11, 12, None]
        """
        place = pc.index_in(as_array(ids).cast(pa.string()), value_set=self.ids.cast(pa.string()))
        return pc.add(place.cast(pa.int64()), pa.scalar(1 + self.after, pa.int64()))

    @property
    def last(self) -> int:
        """The highest number given."""
        return self.after + len(self.ids)


def as_array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One contiguous array."""
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def as_source_value(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Ids as source values. One that is too long for the standard ends in a hash of all of it, so that it stays unique.

    >>> [len(one) for one in as_source_value(pa.array(["p1", "x" * 51])).to_pylist()]
    [2, 50]
    """
    array = as_array(ids).cast(pa.string())
    if not pc.any(pc.greater(pc.utf8_length(array), _LONGEST)).as_py():
        return array
    start = pc.utf8_slice_codeunits(array, 0, _LONGEST - _HASHED - 1)
    short = pc.binary_join_element_wise(start, derive_ids("omop", [array]), "#")
    return pc.if_else(pc.greater(pc.utf8_length(array), _LONGEST), short, array)


def looked_up(values: pa.Array | pa.ChunkedArray, known: dict[str, int]) -> pa.Array:
    """A number for each text, without regard to case; 0 for all others.

    >>> looked_up(pa.array(["Male", None, "x"]), {"male": 8507}).to_pylist()
    [8507, 0, 0]
    """
    place = pc.index_in(pc.utf8_lower(as_array(values)), value_set=pa.array(list(known), pa.string()))
    return pc.fill_null(pa.array(list(known.values()), pa.int64()).take(place), 0)
