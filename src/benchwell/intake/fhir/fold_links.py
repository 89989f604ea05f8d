"""Which records belong together because one says that it gathers, or was derived from, the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Numbers = npt.NDArray[np.int64]


class Links(NamedTuple):
    """One value per row.

    Attributes:
        component: Number of the set of records that hang together; -1 if the record hangs together with none.
        home: The form of this part that the row says it was derived from, null if none.
        absent: A form that it says it was derived from and that is not here, null if none.
    """

    component: Numbers
    home: pa.Array
    absent: pa.Array


def follow_links(rows: pa.Table) -> Links:
    """Connect rows by `links` and `members`. Records that are named but not here connect those that name them."""
    records = rows["record"].combine_chunks().dictionary_encode()
    own = records.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    sources, targets = [], []
    for column in ("links", "members"):
        lists = rows[column].combine_chunks()
        sources.append(pc.list_parent_indices(lists).to_numpy())
        targets.append(pc.list_flatten(lists))
    source = np.concatenate(sources).astype(np.int64)
    target = pa.concat_arrays(targets)
    if not len(target):
        none = pa.nulls(rows.num_rows, pa.string())
        return Links(np.full(rows.num_rows, -1, dtype=np.int64), none, none)
    known = pc.index_in(target, value_set=records.dictionary)
    here = known.is_valid().to_numpy(zero_copy_only=False)
    phantom = target.dictionary_encode().indices.to_numpy(zero_copy_only=False) + len(records.dictionary)
    node = np.where(here, known.fill_null(0).to_numpy(zero_copy_only=False), phantom).astype(np.int64)
    size = len(records.dictionary) + len(target)
    edges = coo_array((np.ones(len(node), dtype=np.int8), (own[source], node)), shape=(size, size))
    labels = connected_components(edges, directed=False)[1].astype(np.int64)
    tied = np.zeros(size, dtype=bool)
    tied[own[source]] = True
    tied[node] = True
    component = np.where(tied[own], labels[own], -1)
    return Links(component, *_forms_of(rows, lists_=rows["links"].combine_chunks(), here=here[: len(sources[0])]))


def _forms_of(rows: pa.Table, lists_: pa.ListArray, here: npt.NDArray[np.bool_]) -> tuple[pa.Array, pa.Array]:
    """For each row the first of its links that is a form here, and the first that is a form elsewhere."""
    texts, parents = pc.list_flatten(lists_), pc.list_parent_indices(lists_).to_numpy()
    is_form = pc.starts_with(texts, "QuestionnaireResponse/").to_numpy(zero_copy_only=False).astype(bool)
    found = []
    for wanted in (is_form & here, is_form & ~here):
        place = np.full(rows.num_rows, -1, dtype=np.int64)
        picked = np.flatnonzero(wanted)[::-1]  # the first one is written last
        place[parents[picked]] = picked
        found.append(texts.take(pa.array(place, mask=place < 0)))
    return found[0], found[1]
