"""Answers as one list in the instrument's order, what they add up to, and whether they are enough to be scored."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchwell.intake.scores import is_converted
from benchwell.registry import Instrument, Registry

Numbers = npt.NDArray[np.float64]


class Checked(NamedTuple):
    """One value per assessment.

    Attributes:
        items: Answers in the instrument's order; null without any.
        sums: What complete answers give on the primary scale, where it plainly adds up or averages; else null.
        too_few: More answers are missing than the primary scale allows.
        conflict: A single answer differs from what the form itself holds.
    """

    items: pa.Array
    sums: pa.Array
    too_few: npt.NDArray[np.bool_]
    conflict: npt.NDArray[np.bool_]


def check_items(groups: pa.Table, answered: pa.Table, registry: Registry) -> Checked:
    """Lists of the forms, and lists made of single answers; with their sums.

    Args:
        groups: One row per assessment: grp, instrument, items (null unless a form held them).
        answered: Single answers: grp, item, value (null where two differ), sorted by grp.
        registry: Instruments.
    """
    n = groups.num_rows
    names = groups["instrument"].combine_chunks().dictionary_encode()
    codes = names.indices.to_numpy(zero_copy_only=False)
    lists = groups["items"].combine_chunks()
    listed = lists.is_valid().to_numpy(zero_copy_only=False)
    grp = groups["grp"].to_numpy()
    place = np.zeros(int(grp.max()) + 1 if n else 0, dtype=np.int64)
    place[grp] = np.arange(n)
    owner = place[answered["grp"].to_numpy()]
    item, value = answered["item"].to_numpy(), answered["value"].to_numpy()
    sums, too_few, has_items = np.full(n, np.nan), np.zeros(n, dtype=bool), listed.copy()
    conflict = np.zeros(n, dtype=bool)
    parts, orders = [], []
    for code, name in enumerate(names.dictionary.to_pylist()):
        here = np.flatnonzero(codes == code)
        instrument = registry.instruments[name]
        if instrument.items is None:
            continue
        matrix = np.full((len(here), instrument.items.count), np.nan)
        where = np.full(n, -1, dtype=np.int64)
        where[here] = np.arange(len(here))
        full = here[listed[here]]
        if len(full):
            values = lists.take(pa.array(full)).flatten().to_numpy(zero_copy_only=False)
            matrix[where[full]] = values.reshape(-1, instrument.items.count)
        mine = (where[owner] >= 0) & ~listed[owner]
        matrix[where[owner[mine]], item[mine] - 1] = value[mine]
        beside = np.flatnonzero((where[owner] >= 0) & listed[owner])
        held = matrix[where[owner[beside]], item[beside] - 1]
        conflict[owner[beside[np.isfinite(held) & (held != value[beside])]]] = True
        given = np.isfinite(matrix)
        has_items[here] = given.any(axis=1)
        keep = here[has_items[here]]
        matrix = matrix[has_items[here]]
        too_few[keep] = np.isnan(matrix).sum(axis=1) > instrument.max_missing_of(instrument.primary)
        sums[keep] = plain_sums(matrix, instrument)
        parts.append(matrix)
        orders.append(keep)
    return Checked(_lists(parts, orders, n), pa.array(sums, from_pandas=True), too_few, conflict)


def plain_sums(matrix: Numbers, instrument: Instrument) -> Numbers:
    """As `intake.scores.check_agreement`: only for scales that plainly add up or average their items."""
    scale, form = instrument.primary, instrument.form
    if is_converted(scale) or scale.recode or scale.highest_of:
        return np.full(len(matrix), np.nan)
    items = scale.items or tuple(range(1, form.count + 1))
    keyed = matrix[:, [item - 1 for item in items]].copy()
    for position, item in enumerate(items):
        if item in form.reverse:
            keyed[:, position] = sum(form.range_of(item)) - keyed[:, position]
    return np.asarray(keyed.sum(axis=1) if scale.method == "sum" else keyed.mean(axis=1))


def _lists(parts: list[Numbers], orders: list[npt.NDArray[np.int64]], n: int) -> pa.Array:
    """Rows of several matrices as one list array in the order of the assessments."""
    kind = pa.list_(pa.float64())
    if not parts or not sum(len(part) for part in parts):
        return pa.nulls(n, kind)
    arrays = []
    for part in parts:
        offsets = np.arange(len(part) + 1, dtype=np.int32) * part.shape[1]
        arrays.append(pa.ListArray.from_arrays(pa.array(offsets), pa.array(part.ravel(), from_pandas=True)))
    together = pa.concat_arrays(arrays).cast(kind)
    place = np.full(n, -1, dtype=np.int64)
    place[np.concatenate(orders)] = np.arange(len(together))
    return together.take(pa.array(place, mask=place < 0))
