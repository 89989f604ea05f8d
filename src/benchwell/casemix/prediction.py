"""Predict from a fit: row by row, in the order of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.casemix.arrow_arrays import as_numpy
from benchwell.casemix.coding import INTERCEPT, CategoryTerm, named
from benchwell.engine.opening import rows_of
from benchwell.errors import ModelError
from benchwell.models.arrays import FloatArray
from benchwell.models.mode_search import expit

if TYPE_CHECKING:
    from benchwell.casemix.fit import Fit

NewLevels: TypeAlias = Literal["population", "missing", "error"]
Kind: TypeAlias = Literal["response", "link"]


def predicted(fit: Fit, frame: Any, new_levels: NewLevels, kind: Kind, *, effects: bool) -> FloatArray:
    """What `Fit.predict` gives; see there."""
    if new_levels not in ("population", "missing", "error"):
        raise ModelError("new_levels is 'population', 'missing' or 'error'.")
    if kind not in ("response", "link"):
        raise ModelError("kind is 'response' or 'link'.")
    covariates = [term.name for term in fit.coding.terms]
    groups = list(fit.coding.groups) if effects else []
    # With neither covariates nor groups the outcome is read for its number of rows.
    rows = rows_of(frame, [*covariates, *groups] or [fit.coding.outcome.name], as_text=covariates)
    linear = _fixed(fit, rows)
    if effects:
        linear = linear + _random(fit, rows, new_levels)
    return expit(linear) if fit.family == "logistic" and kind == "response" else linear


def _fixed(fit: Fit, rows: pa.Table) -> FloatArray:
    linear = np.full(rows.num_rows, fit.coefficients[INTERCEPT])
    for term in fit.coding.terms:
        # A column that was dropped adds nothing, but its value has to be known all the same.
        weights = np.array(
            [0.0] * isinstance(term, CategoryTerm) + [fit.coefficients.get(c, 0.0) for c in term.columns]
        )
        column = rows[term.name]
        linear += (
            weights[0] * numbers_of(column) if not isinstance(term, CategoryTerm) else _of_level(term, column, weights)
        )
    return linear


def numbers_of(column: pa.ChunkedArray) -> FloatArray:
    """A numeric or yes/no column, with NaN for null and for infinite values."""
    if not (pa.types.is_boolean(column.type) or pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        column = _cast(column)
    values = as_numpy(pc.fill_null(column.cast(pa.float64()), np.nan))
    return np.where(np.isfinite(values), values, np.nan)


def _cast(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_decimal(column.type) or pa.types.is_null(column.type):
        return column.cast(pa.float64())
    raise ModelError("A covariate that was a number when the model was fitted is none in this frame.")


def _of_level(term: CategoryTerm, column: pa.ChunkedArray, weights: FloatArray) -> FloatArray:
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    found = encoded.dictionary.to_pylist()
    unknown = set(found) - set(term.levels)
    if unknown:
        raise ModelError(
            f"{term.name!r} has {len(unknown)} level(s) that were not in the data when the model was fitted.",
            hint=f"as fitted, {named(term.levels)}: recode or leave out the others",
        )
    by_code = np.array([*(weights[term.levels.index(level)] for level in found), np.nan])
    return np.asarray(by_code[as_numpy(pc.fill_null(encoded.indices, len(found)))], dtype=np.float64)


def _random(fit: Fit, rows: pa.Table, new_levels: NewLevels) -> FloatArray:
    total = np.zeros(rows.num_rows)
    for groups in fit.groups:
        places = groups.places(rows)
        new = places < 0
        if new_levels == "error" and new.any():
            raise ModelError(
                f"{int(new.sum())} row(s) belong to a {groups.name!r} that was not fitted.",
                hint='new_levels="population" predicts for an average one, "missing" gives NaN',
            )
        effect = groups.effect[places]
        if groups.slope is not None and fit.coding.slope is not None:
            effect = effect + groups.slope[places] * numbers_of(rows[fit.coding.slope])
        total += np.where(new, np.nan if new_levels == "missing" else 0.0, effect)
    return total
