"""The rows of a frame as the arrays of a logistic model: design, outcome and codes of groups.

A likelihood of yes/no outcomes has no sufficient sums, so here rows do leave the engine: as columns of numbers.
Rows that agree in every covariate and group are counted together where that pays, which changes no likelihood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.casemix.arrow_arrays import as_numpy, floats, whole_numbers
from benchwell.casemix.coding import CategoryTerm, Coding, NumberTerm
from benchwell.casemix.groups import plain_keys
from benchwell.casemix.profile import Profile, Roles, coding_of, number_term, profile_of
from benchwell.casemix.sums import coded, codes_of
from benchwell.engine import Frame, to_arrow
from benchwell.engine.opening import FrameKind, opened
from benchwell.errors import ModelError
from benchwell.models.arrays import FloatArray, IntArray

# How many first rows tell whether rows repeat, and from which share of different ones on counting does not pay.
_TRIED = 50_000
_DIFFERENT = 0.5


@dataclass(frozen=True, eq=False)
class Blocks:
    """Arrays of a logistic model.

    Attributes:
        coding: Columns, constants, levels and groups.
        x: Design, centered and scaled, shape (n, p).
        successes: Shape (n,).
        trials: Shape (n,); None when every row is one trial.
        group: Code of the innermost group, shape (n,).
        parent: Code of each inner group's outer group, shape (g,); None for one level.
        keys: One row per innermost group.
        rows: Rows of the frame that were used.
        group_rows: Of these per innermost group, shape (g,).
        left_out: Rows left out, by reason.
        kind: The kind of frame that results come back as.
    """

    coding: Coding
    x: FloatArray
    successes: FloatArray
    trials: FloatArray | None
    group: IntArray
    parent: IntArray | None
    keys: pa.Table
    rows: int
    group_rows: IntArray
    left_out: dict[str, int]
    kind: FrameKind


def blocks_of(frame: Any, roles: Roles, references: Mapping[str, str]) -> Blocks:
    """Read a frame into arrays.

    Raises:
        ModelError: If the outcome is not yes/no (or a count up to `trials`), or a column has the wrong type.
        SourceError: If the frame cannot be read or lacks a column.
    """
    with opened(frame, roles.columns, as_text=roles.covariates) as source:
        profile = profile_of(source.frame, roles)
        _check_outcome(profile, roles)
        outcomes = [NumberTerm(name, 0.0, 1.0) for name in (roles.outcome, roles.trials) if name is not None]
        numbers = [number_term(name, profile) for name in roles.covariates if name in profile.ranges]
        whole = not profile.left_out
        rows = coded(source.frame, [*numbers, *outcomes], tuple(profile.distinct), roles.groups, whole=whole)
        table = _counted(rows, len(numbers), roles.trials is not None)
        kind = source.kind
    encoded = [table[f"c{k}"].combine_chunks().dictionary_encode() for k in range(len(profile.distinct))]
    levels = {name: set(own.dictionary.to_pylist()) for name, own in zip(profile.distinct, encoded, strict=True)}
    coding = coding_of(roles, [*numbers, outcomes[0]], levels, references)
    group, parent, keys = group_codes(
        plain_keys(table.select([f"g{k}" for k in range(len(roles.groups))])), roles.groups
    )
    successes, trials, counts = _outcome(table, len(numbers), roles)
    return Blocks(
        coding,
        _design(table, encoded, coding),
        successes,
        trials,
        group,
        parent,
        keys,
        profile.n,
        np.bincount(group, weights=counts, minlength=keys.num_rows).astype(np.int64),
        profile.left_out,
        kind,
    )


def _check_outcome(profile: Profile, roles: Roles) -> None:
    low, high = profile.ranges[roles.outcome][1:]
    if roles.trials is None and (low < 0.0 or high > 1.0):
        raise ModelError(
            f"The outcome {roles.outcome!r} of a logistic model is yes/no or 0/1; some values lie beyond.",
            hint="for counts name the column with the number of trials: trials=...",
        )
    if roles.trials is not None and low < 0:
        raise ModelError(f"The outcome {roles.outcome!r} counts successes; some values are negative.")


def _counted(rows: Frame, numbers: int, has_trials: bool) -> pa.Table:
    """The rows, or each different row once with its counts `n`, `yes` and `of`."""
    names = rows.collect_schema().names()
    outcomes = [f"x{numbers}", *([f"x{numbers + 1}"] if has_trials else [])]
    patterns = [name for name in names if name not in outcomes]
    first = rows.head(_TRIED).select(*patterns)
    tried, different = (
        to_arrow(frame.select(nw.len().alias("n")))["n"][0].as_py() for frame in (first, first.unique())
    )
    # Counts of counts would hide an outcome between 0 and 1, so those are looked at before.
    odd = nw.col(outcomes[0]) != nw.col(outcomes[0]).round(0)
    if to_arrow(rows.select(odd.cast(nw.Int64).sum().alias("n")))["n"][0].as_py():
        raise ModelError("The outcome of a logistic model is yes/no, 0/1 or a whole count; some values are not whole.")
    if different > _DIFFERENT * tried:
        return to_arrow(rows)
    counted = rows.group_by(*patterns).agg(nw.len().alias("n"), *(nw.col(name).sum() for name in outcomes))
    return to_arrow(counted).sort_by([(name, "ascending") for name in sorted(patterns)])


def _outcome(table: pa.Table, numbers: int, roles: Roles) -> tuple[FloatArray, FloatArray | None, FloatArray]:
    successes = floats(table, f"x{numbers}")
    counts = floats(table, "n") if "n" in table.column_names else np.ones(table.num_rows)
    trials = floats(table, f"x{numbers + 1}") if roles.trials else (counts if "n" in table.column_names else None)
    if trials is not None and ((successes > trials).any() or (trials <= 0).any()):
        raise ModelError(f"Some rows have more {roles.outcome!r} than {roles.trials!r}, or no trials at all.")
    return successes, trials, counts


def _design(table: pa.Table, encoded: Sequence[pa.DictionaryArray], coding: Coding) -> FloatArray:
    x = np.zeros((len(coding.columns), table.num_rows)).T  # each column in one piece: they are filled one by one
    x[:, 0] = 1.0
    numbers, categories, place = 0, 0, 1
    for term in coding.terms:
        if isinstance(term, CategoryTerm):
            codes = _codes(encoded[categories], term)
            for level in range(1, len(term.levels)):
                x[:, place + level - 1] = codes == level
            categories += 1
        else:
            x[:, place] = floats(table, f"x{numbers}") / term.scale
            numbers += 1
        place += len(term.columns)
    return x


def _codes(encoded: pa.DictionaryArray, term: CategoryTerm) -> IntArray:
    by_code = codes_of(encoded.dictionary.to_pylist(), term)
    return np.asarray(by_code[as_numpy(encoded.indices)], dtype=np.int64)


def group_codes(keys: pa.Table, names: Sequence[str]) -> tuple[IntArray, IntArray | None, pa.Table]:
    """Number the groups in the order of their keys; an inner group is named by the pair.

    Returns:
        Code of each row, outer code of each inner group (None with one level), and one row of keys per inner group.
    """
    ranked = [_ranked(column) for column in keys.columns]
    if len(ranked) == 1:
        return ranked[0][0], None, pa.table({names[0]: ranked[0][1]})
    (outer_codes, outer_values), (inner_codes, inner_values) = ranked
    pairs = outer_codes * len(inner_values) + inner_codes
    found, group = _renumbered(pairs, len(outer_values) * len(inner_values))
    outer, inner = np.divmod(found, len(inner_values))
    own = {names[0]: outer_values.take(whole_numbers(outer)), names[1]: inner_values.take(whole_numbers(inner))}
    return group, outer, pa.table(own)


def _renumbered(codes: IntArray, below: int) -> tuple[IntArray, IntArray]:
    """Codes that occur, and each row's place among them: as `np.unique`, without a sort where there are few."""
    if below > 4 * len(codes) + 1_000_000:
        found, places = np.unique(codes, return_inverse=True)
        return found, places.astype(np.int64)
    occurs = np.bincount(codes, minlength=below) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[codes]


def _ranked(column: pa.ChunkedArray) -> tuple[IntArray, pa.Array]:
    """Codes in the order of the values, and the values in that order."""
    encoded = column.combine_chunks().dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(order), dtype=np.int64)
    rank[as_numpy(order)] = np.arange(len(order))
    return rank[as_numpy(encoded.indices)], encoded.dictionary.take(order)
