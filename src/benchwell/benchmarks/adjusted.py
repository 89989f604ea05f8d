"""Adjusted results: each organization's figure under every adjustment, in the shape of organization results (M3.1).

A row stands beside its unadjusted twin in `organization_results`; whoever has no figure there has none here. A model
that fails its checks gives rows with that reason and no figure (METHODS M3.11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.benchmarks.adjusted_figures import SUMMARIES, AdjustedSums, CommonPeople, adjusted_figure
from benchwell.benchmarks.columns import floats, nullable, replaced, runs
from benchwell.benchmarks.figures import Figure
from benchwell.benchmarks.ratios import observed_over_expected
from benchwell.benchmarks.results import INSUFFICIENT, OK, Place, fields_of, shrinkage_columns
from benchwell.models.arrays import BoolArray, FloatArray, ratio
from benchwell.registry import Measure
from benchwell.registry.benchmark import SEED
from benchwell.tables import DERIVED
from benchwell.terms import Denominator

ALL = "all"
NOT_CALIBRATED = "model_not_calibrated"
_RESULTS = DERIVED["adjusted_results"]
_SUMS = DERIVED["adjusted_sums"]
_NUMBERS = [field.name for field in _SUMS.schema if field.type in (pa.int64(), pa.float64())]
_PLACE = ("period", "stratum", "level")
_COPIED = ("n_needed", "n_eligible", "n_followed", "n_met", "completion", "bound_worst", "bound_best")
_DAYS = ("day_p25", "day_p50", "day_p75")
_FAIL = "fail"
Columns = dict[str, Any]
WHOLE: Place = (ALL, ALL, ALL)


@dataclass(frozen=True)
class AdjustedResults:
    """Adjusted results of one measure, and what each organization adds to a pooled adjusted figure.

    Attributes:
        results: `tables.DERIVED["adjusted_results"]`, sorted by key; the columns of `bands` are still null.
        parts: Per adjustment, for the rows of that adjustment in the order of `results`: numerator and denominator, of
            small organizations too. A model that failed its checks has none, so that nothing is pooled from it.
    """

    results: pa.Table
    parts: Mapping[str, tuple[FloatArray, FloatArray]]


def adjusted_results(
    sums: pa.Table,
    checks: pa.Table,
    results: pa.Table,
    measure: Measure,
    *,
    edition: str | None = None,
    seed: int = SEED,
) -> AdjustedResults:
    """Figures of every organization under each adjustment that was fitted, with shrinkage among their like.

    Args:
        sums: `tables.DERIVED["adjusted_sums"]`; rows of other measures are ignored.
        checks: `tables.DERIVED["model_checks"]`; an adjustment with a failed one gives no figures.
        results: `tables.DERIVED["organization_results"]` of the measure: who has a figure at all.
        measure: Names the primary denominator and the summary.
        edition: The edition's id, once it has one.
        seed: Of the benchmark; replays the spread of few organizations.

    Source:
        METHODS M3.1, M3.6, M3.7, M3.9, M3.11.
    """
    mine = sums.filter(pc.equal(sums["measure"], measure.id))
    if mine.num_rows == 0 or measure.summary not in SUMMARIES:
        return AdjustedResults(_RESULTS.empty(), {})
    unadjusted = list(fields_of(results))
    tables, parts = [], {}
    for adjustment in sorted(set(mine["adjustment"].to_pylist())):
        model = _Model(
            adjustment,
            _fields(mine.filter(pc.equal(mine["adjustment"], adjustment))),
            _failure(checks, measure.id, adjustment),
        )
        fields = [_field(model, place, rows, measure, seed) for place, rows in unadjusted]
        made = [one for one in fields if one is not None]
        if not made:
            continue
        ordered = pa.concat_tables([_RESULTS.conform(pa.table(columns)) for columns, _, _ in made])
        order = pc.sort_indices(ordered, sort_keys=[(name, "ascending") for name in _RESULTS.key])
        if model.failure is None:
            places = order.to_numpy()
            parts[adjustment] = (
                np.concatenate([top for _, top, _ in made])[places],
                np.concatenate([bottom for _, _, bottom in made])[places],
            )
        tables.append(ordered.take(order))
    if not tables:
        return AdjustedResults(_RESULTS.empty(), {})
    table = pa.concat_tables(tables)
    return AdjustedResults(replaced(table, {"edition": pa.array([edition] * table.num_rows, pa.string())}), parts)


@dataclass(frozen=True)
class _Model:
    """One adjustment: its sums by denominator and place, what they are standardized to, and why it may not be used."""

    adjustment: str
    fields: Mapping[tuple[str, Place], tuple[list[str], AdjustedSums]]
    failure: str | None

    @cached_property
    def common(self) -> dict[Denominator, CommonPeople]:
        whole = {one: self.fields[one.value, WHOLE] for one in Denominator if (one.value, WHOLE) in self.fields}
        return {one: CommonPeople.of(sums) for one, (_, sums) in whole.items()}

    def figures(
        self, place: Place, ids: Sequence[str], *, share: bool
    ) -> dict[Denominator, tuple[AdjustedSums, Figure]]:
        """Sums and figures of some organizations under each denominator that the field has, in their order."""
        found = {}
        for denominator, common in self.common.items():
            sums = self._sums(denominator, place, ids)
            if sums is not None:
                found[denominator] = (sums, adjusted_figure(sums, common, share=share))
        return found

    def reference(self, place: Place, denominator: Denominator) -> float:
        """What an organization of a field is measured against: all organizations of the same field together.

        A gap that the whole network has must not look like one of each organization in it; the gap itself is seen by
        comparing the references of two levels.
        """
        common = self.common[denominator]
        return common.value if place == WHOLE else common.pooled(self.fields[denominator.value, place][1])

    def _sums(self, denominator: Denominator, place: Place, ids: Sequence[str]) -> AdjustedSums | None:
        """The sums of some organizations, in their order; NaN for one without any."""
        found = self.fields.get((denominator.value, place))
        if found is None:
            return None
        known, columns = found
        at = {name: position for position, name in enumerate(known)}
        take = np.array([at.get(one, len(known)) for one in ids], dtype=np.int64)
        return {name: np.append(values, np.nan)[take] for name, values in columns.items()}


def _fields(sums: pa.Table) -> dict[tuple[str, Place], tuple[list[str], AdjustedSums]]:
    """Sums by denominator and place, organizations in order."""
    ordered = sums.sort_by([(name, "ascending") for name in ("denominator", *_PLACE, "organization_id")])
    keys = list(zip(*(ordered[name].to_pylist() for name in ("denominator", *_PLACE)), strict=True))
    ids = ordered["organization_id"].to_pylist()
    numbers = {name: floats(ordered[name]) for name in _NUMBERS}
    found: dict[tuple[str, Place], tuple[list[str], AdjustedSums]] = {}
    for (denominator, period, stratum, level), start, end in runs(keys):
        of_field = {name: values[start:end] for name, values in numbers.items()}
        found[denominator, (period, stratum, level)] = (ids[start:end], of_field)
    return found


def _failure(checks: pa.Table, measure: str, adjustment: str) -> str | None:
    """Why a model may not be used: its first failed check, in words after the code."""
    mine = pc.and_(pc.equal(checks["measure"], measure), pc.equal(checks["adjustment"], adjustment))
    failed = checks.filter(pc.and_(mine, pc.equal(checks["status"], _FAIL)))
    return (
        None if failed.num_rows == 0 else f"{NOT_CALIBRATED}: {failed['reason'][0].as_py() or 'it failed its checks'}"
    )


def _field(
    model: _Model, place: Place, rows: pa.Table, measure: Measure, seed: int
) -> tuple[Columns, FloatArray, FloatArray] | None:
    """The rows of one period, stratum and level; with what each organization adds to the pooled figure."""
    ids, primary = rows["organization_id"].to_pylist(), measure.primary_denominator
    share = measure.summary == "proportion"
    found = model.figures(place, ids, share=share)
    if primary not in found:
        return None
    sums, figure = found[primary]
    status, reason = _status(rows, figure, model.failure)
    ok = np.array([one == OK for one in status], dtype=np.bool_)
    columns: Columns = {name: rows[name].combine_chunks() for name in ("measure", "organization_id", *_PLACE, *_COPIED)}
    columns |= {
        "adjustment": [model.adjustment] * len(ids),
        "status": status,
        "reason": reason,
        "primary_denominator": [primary.value] * len(ids),
        "n_incomplete": pa.array(nullable(sums["n_incomplete"])).cast(pa.int64()),
        "reference": nullable(np.full(len(ids), model.reference(place, primary))),
    }
    shown = {
        "estimate": figure.value,
        "lower": figure.lower,
        "upper": figure.upper,
        "variance": figure.variance,
        "expected": ratio(sums["expected"], sums["weight"]),
        "effective_n": ratio(sums["weight"] ** 2, sums["weight_squared"]),
    }
    if place == WHOLE:
        # Against the model, whose constant is everybody's; within a level or quarter the reference is that field's own
        # figure, and `bands` measures from there. Expected counts as known, as in M3.6.
        shown["z"] = ratio(sums["observed"] - sums["expected"], np.sqrt(np.maximum(sums["variance"], 0.0)))
    for denominator, (_, each) in found.items():  # under each answer to missing follow-up (C3)
        name = denominator.value
        shown |= {name: each.value, f"{name}_lower": each.lower, f"{name}_upper": each.upper}
    of_ratio = observed_over_expected(sums) if share else None
    if of_ratio is not None:
        shown |= {"ratio": of_ratio.value, "ratio_lower": of_ratio.lower, "ratio_upper": of_ratio.upper}
        columns["ratio_method"] = pa.array(of_ratio.method.tolist(), pa.string(), mask=~ok)
    columns |= {name: nullable(np.where(ok, values, np.nan)) for name, values in shown.items()}
    columns |= shrinkage_columns(figure.value, figure.variance, ok, seed if place[1] == ALL else None)
    if share:
        columns["predicted_expected"] = _predicted_expected(sums, columns["reliability"], ok)
    none = pa.nulls(len(ids), pa.float64())
    columns |= {name: pc.if_else(pa.array(ok), rows[name].combine_chunks(), none) for name in _DAYS}
    columns["n_met"] = pc.if_else(pa.array(ok), columns["n_met"], pa.nulls(len(ids), pa.int64()))
    weight = np.nan_to_num(figure.size)
    return columns, np.nan_to_num(figure.value) * weight, weight


def _status(rows: pa.Table, figure: Figure, failure: str | None) -> tuple[list[str], list[str | None]]:
    found = [
        _one_status(status, reason, bool(np.isfinite(value)), failure)
        for status, reason, value in zip(
            rows["status"].to_pylist(), rows["reason"].to_pylist(), figure.value, strict=True
        )
    ]
    return [one[0] for one in found], [one[1] for one in found]


def _one_status(status: str, reason: str | None, known: bool, failure: str | None) -> tuple[str, str | None]:
    if status != OK:
        return status, reason
    if failure is not None:
        return INSUFFICIENT, failure
    return (OK, None) if known else (INSUFFICIENT, "nothing_expected")


def _predicted_expected(sums: AdjustedSums, reliability: pa.Array, ok: BoolArray) -> pa.Array:
    """Predicted over expected, to the first order in the shrunken effect (M3.7): the surplus times its reliability."""
    predicted = sums["expected"] + floats(reliability) * (sums["observed"] - sums["expected"])
    return nullable(np.where(ok, ratio(predicted, sums["expected"]), np.nan))
