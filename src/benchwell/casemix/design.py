"""The design matrix of the follow-up model: few dense columns, however many clinics there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.models.arrays import FloatArray, IntArray

ORGANIZATION = "organization_id"
FEW_ORGANIZATIONS = 20  # up to here each clinic has its own column, if its data can carry one
_CARRIES = 5  # followed and missing episodes that an own column needs
_PRIOR_EPISODES = 10.0  # weight of the overall rate in a clinic's shrunken rate
_MOST_LEVELS = 30
EVENTS_PER_TERM = 10

_Term = tuple[str, FloatArray]


@dataclass(frozen=True)
class Design:
    """Columns with an intercept first, their names, and how clinics entered."""

    columns: FloatArray
    terms: tuple[str, ...]
    organization: str


def affordable_terms(followed: FloatArray) -> int:
    """How many terms the data can carry: one per 10 episodes of the rarer kind, followed or missing.

    A rule of thumb: with fewer, a fit tends to separate the few from the rest and to report noise.

    >>> affordable_terms(np.repeat([1.0, 0.0], [64, 36]))
    3
    """
    n_followed = int(followed.sum())
    return min(n_followed, len(followed) - n_followed) // EVENTS_PER_TERM


def follow_up_design(rows: pa.Table, followed: FloatArray, predictors: tuple[str, ...]) -> Design:
    """Code the predictors that `rows` has, as many as the data can carry (`affordable_terms`).

    Numbers enter linearly, with an indicator for "unknown"; texts as indicators, their rarest levels together.
    Clinics enter as indicators when there are at most 20 and each has at least 5 followed and 5 missing episodes;
    otherwise as the logit of their follow-up rate, shrunken by 10 episodes of the overall rate: one column instead of
    hundreds. The square of the baseline comes last. What the data cannot carry is left out from the end.

    Args:
        rows: One row per eligible episode.
        followed: Shape (n,), 0 or 1.
        predictors: Names, as in the measure's `weight_by`: the most important first.
    """
    n, room = rows.num_rows, affordable_terms(followed)
    coded: list[_Term] = []
    organization = "none"
    for name in predictors:
        if name not in rows.column_names or len(coded) >= room:
            continue
        values = rows[name].combine_chunks()
        if name == ORGANIZATION:
            organization, more = _organization(values, followed, room - len(coded))
        elif pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            more = _levels(name, values)
        else:
            more = _number(name, values)
        coded += more
    coded += [(f"{name}^2", column**2) for name, column in coded if name == "baseline"]
    kept = coded[:room]
    return Design(
        np.column_stack([np.ones(n), *(column for _, column in kept)]),
        ("intercept", *(term for term, _ in kept)),
        organization,
    )


def _number(name: str, values: pa.Array) -> list[_Term]:
    known = np.asarray(pc.is_valid(values).to_numpy(zero_copy_only=False), dtype=np.bool_)
    if not known.any():
        return []
    raw = np.asarray(pc.fill_null(values.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False))
    # Centred on the known ones, so that an unknown is neutral and its own column says the rest.
    centred = np.where(known, raw - raw[known].mean(), 0.0)
    coded = [(name, centred)] if centred.any() else []  # a constant tells nobody apart
    if not known.all():
        coded.append((f"{name} unknown", (~known).astype(np.float64)))
    return coded


def _encode(values: pa.Array) -> tuple[list[str], IntArray]:
    encoded = pc.fill_null(values.cast(pa.string()), "unknown").dictionary_encode()
    return encoded.dictionary.to_pylist(), np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def _levels(name: str, values: pa.Array) -> list[_Term]:
    levels, codes = _encode(values)
    counts = np.bincount(codes, minlength=len(levels))
    # Sorted by size, then name: the reference level and the columns do not depend on row order.
    order = sorted(range(len(levels)), key=lambda code: (-counts[code], levels[code]))[:_MOST_LEVELS]
    return [(f"{name}={levels[code]}", (codes == code).astype(np.float64)) for code in order[1:]]


def _organization(values: pa.Array, followed: FloatArray, room: int) -> tuple[str, list[_Term]]:
    levels, codes = _encode(values)
    if len(levels) < 2:
        return "none", []
    n = np.bincount(codes, minlength=len(levels)).astype(np.float64)
    seen = np.bincount(codes, weights=followed, minlength=len(levels))
    few = len(levels) <= FEW_ORGANIZATIONS and len(levels) - 1 <= room
    if few and (np.minimum(seen, n - seen) >= _CARRIES).all():
        order = sorted(range(len(levels)), key=lambda code: levels[code])
        # Clinics are numbered, not named: a design goes into logs and editions.
        columns = [(f"organization {place}", (codes == code).astype(np.float64)) for place, code in enumerate(order)]
        return "indicators", columns[1:]
    overall = followed.mean()
    rate = np.clip((seen + _PRIOR_EPISODES * overall) / (n + _PRIOR_EPISODES), 1e-6, 1 - 1e-6)
    logit = np.log(rate / (1 - rate))
    return "shrunken_rate", [("organization follow-up rate", logit[codes])]


def score_design(rows: pa.Table, predictors: Sequence[str], room: int) -> Design:
    """Code the predictors of a follow-up score: as `follow_up_design`, but clinics are no columns here.

    They enter the imputation model as random effects, which the data always can carry.

    Args:
        rows: One row per eligible episode.
        predictors: Names of columns, the most important first; those that `rows` lacks are passed over.
        room: Most terms besides the constant; what is beyond is left out from the end.
    """
    coded: list[_Term] = []
    for name in predictors:
        if name == ORGANIZATION or name not in rows.column_names:
            continue
        values = rows[name].combine_chunks()
        is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
        coded += _levels(name, values) if is_text else _number(name, values)
        if name == "baseline":
            coded += [(f"{name}^2", column**2) for term, column in coded if term == name]
    kept = coded[: max(room, 0)]
    columns = np.column_stack([np.ones(rows.num_rows), *(column for _, column in kept)])
    return Design(columns, ("intercept", *(term for term, _ in kept)), "random_effect")
