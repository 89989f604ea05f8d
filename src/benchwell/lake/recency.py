"""Which of two statements of one record is the newer one: what counts must not depend on which was read first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.tables.table import APART, VERSION

Flags = npt.NDArray[np.bool_]
Times = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

_NEVER, _NO_NUMBER = -np.inf, -1  # an unknown time is older than every known one, as within one source


@dataclass(frozen=True)
class Versions:
    """Versions of statements: three arrays of equal length.

    Attributes:
        at: When the source stored each, seconds since 1970.
        number: Its number.
        around: The newest of what it was put together with.
    """

    at: Times
    number: Numbers
    around: Times

    @classmethod
    def of(cls, rows: pa.Table) -> Self:
        """The versions of the rows of a canonical table."""
        at, number, around = (rows[name] for name in VERSION)
        return cls(_times(at), _numbers(number), _times(around))

    @property
    def known(self) -> Flags:
        """Whether a source says which version it is."""
        return (self.at > _NEVER) | (self.number > _NO_NUMBER)

    def older(self, other: Versions) -> Flags:
        """Which are older than the other's, where both are known.

        >>> early, late = (Versions(np.array([at]), np.array([1]), np.array([at])) for at in (3.0, 9.0))
        >>> unknown = Versions(np.array([-np.inf]), np.array([-1]), np.array([-np.inf]))
        >>> early.older(late).item(), late.older(late).item(), early.older(unknown).item()
        (True, False, False)
        """
        same_time = self.at == other.at
        same = same_time & (self.number == other.number)
        less = (self.at < other.at) | (same_time & (self.number < other.number)) | (same & (self.around < other.around))
        return np.asarray(less & self.known & other.known)

    def where(self, flags: Flags, other: Versions) -> Versions:
        """These where a flag is set, the other's elsewhere."""
        return Versions(
            np.where(flags, self.at, other.at),
            np.where(flags, self.number, other.number),
            np.where(flags, self.around, other.around),
        )

    def columns(self) -> dict[str, pa.Array]:
        """As columns of a canonical table."""
        arrays = (_back(self.at), pa.array(self.number, mask=self.number == _NO_NUMBER), _back(self.around))
        return dict(zip(VERSION, arrays, strict=True))


class Cells:
    """Which version each value of patched rows is from: that of its row, unless the row says otherwise.

    A row that several versions filled together holds values of older ones, where the newest says nothing. A version
    between them that is read last of all must replace those, and those only.
    """

    def __init__(self, rows: pa.Table) -> None:
        """Of the rows of a canonical table that has the column for it."""
        self._rows = Versions.of(rows)
        self._apart = _apart(rows)

    def of(self, column: str) -> Versions:
        """The versions of the values of one column."""
        row = self._rows
        if column not in self._apart:
            return row
        places, at, number = self._apart[column]
        times, numbers, around = row.at.copy(), row.number.copy(), row.around.copy()
        times[places], numbers[places], around[places] = at, number, at
        return Versions(times, numbers, around)


def apart(rows: Versions, cells: dict[str, tuple[Versions, Flags]]) -> pa.Array:
    """The column that says which values are of another version than their row.

    Args:
        rows: Versions of the rows.
        cells: By column: the versions of its values, and whether there is a value.
    """
    places, names, times, numbers = [], [], [], []
    for name, (cell, valid) in cells.items():
        (where,) = np.nonzero(valid & ((cell.at != rows.at) | (cell.number != rows.number)))
        places.append(where)
        names += [name] * len(where)
        times.append(cell.at[where])
        numbers.append(cell.number[where])
    place = np.concatenate(places) if places else np.empty(0, dtype=np.int64)
    order = np.argsort(place, kind="stable")
    at, number = np.concatenate(times)[order], np.concatenate(numbers)[order]
    values = pa.StructArray.from_arrays(
        [pa.array(names, pa.string()).take(pa.array(order)), _back(at), pa.array(number, mask=number == _NO_NUMBER)],
        fields=list(APART.value_type),
    )
    each = np.bincount(place, minlength=len(rows.at))
    offsets = pa.array(np.concatenate([[0], np.cumsum(each)]), pa.int32())
    made = pa.ListArray.from_arrays(offsets, values, type=APART)
    return pc.if_else(pa.array(each > 0), made, pa.scalar(None, APART))


def _apart(rows: pa.Table) -> dict[str, tuple[npt.NDArray[np.intp], Times, Numbers]]:
    listed = rows["stated_apart"].combine_chunks()
    flat = pc.list_flatten(listed)
    if not len(flat):
        return {}
    place = pc.list_parent_indices(listed).to_numpy()
    name = np.asarray(flat.field("column").to_pylist(), dtype=object)
    at, number = _times(flat.field("at")), _numbers(flat.field("version"))
    return {one: (place[name == one], at[name == one], number[name == one]) for one in set(name)}


def _times(column: pa.ChunkedArray | pa.Array) -> Times:
    return np.asarray(pc.fill_null(column, _NEVER), dtype=np.float64)


def _numbers(column: pa.ChunkedArray | pa.Array) -> Numbers:
    return np.asarray(pc.fill_null(column, _NO_NUMBER), dtype=np.int64)


def _back(times: Times) -> pa.Array:
    return pa.array(times, pa.float64(), mask=times == _NEVER)
