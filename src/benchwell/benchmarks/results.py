"""Organization results: every figure with its denominators, interval, completion and reliability (METHODS C2, M3.9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.benchmarks.columns import floats, nullable, runs
from benchwell.benchmarks.figures import Figures, figures
from benchwell.benchmarks.published import NO_ACTIVITY, SUPPRESSED
from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.models.hyper_uncertainty import spread_for_light
from benchwell.models.shrinkage import constrained_empirical_bayes, shrink
from benchwell.registry import Measure
from benchwell.registry.benchmark import SEED, Gates
from benchwell.tables import DERIVED
from benchwell.terms import Denominator

OK, INSUFFICIENT = "ok", "insufficient"
Columns = dict[str, Any]
Place = tuple[str, str, str]
_PLACE = ("period", "stratum", "level")

_STATISTICS = DERIVED["statistics"]
NUMERIC = [field.name for field in _STATISTICS.schema if field.type in (pa.int64(), pa.float64())]
_HIDDEN_WHEN_INSUFFICIENT = (
    "n_met",
    "effective_n",
    "bound_worst",
    "bound_best",
    "estimate",
    "lower",
    "upper",
    "variance",
)


def organization_results(
    statistics: pa.Table, measure: Measure, gates: Gates, *, edition: str | None = None, seed: int = SEED
) -> pa.Table:
    """Turn sums into one row per organization, period and stratum level, with shrinkage within each such field.

    An organization below the gate gets `status` "insufficient", the reason and how many more people are needed;
    its figures stay null and it takes no part in the shrinkage of the others. Suppressed and inactive official
    rows keep those states.

    Args:
        statistics: `tables.DERIVED["statistics"]`; rows of other measures are ignored.
        measure: Names the primary denominator, the direction and the summary.
        gates: Minimum data of the benchmark.
        edition: The edition's id, once it has one.
        seed: Of the benchmark; replays the spread of few organizations (`models.hyper_uncertainty`).

    Returns:
        `tables.DERIVED["organization_results"]`, sorted by key.

    Source:
        METHODS C2, C3, C8, E1.4, E3.9.
    """
    mine = statistics.filter(pc.equal(statistics["measure"], measure.id))
    parts = [_field(rows, measure, gates, seed) for _, rows in fields_of(mine)]
    table = DERIVED["organization_results"]
    if not parts:
        return table.empty()
    joined = pa.concat_tables([_table(part | {"edition": [edition] * len(part["status"])}) for part in parts])
    return joined.sort_by([(name, "ascending") for name in table.key])


def _table(columns: Columns) -> pa.Table:
    return pa.table(
        {
            field.name: columns[field.name]
            if isinstance(columns[field.name], pa.ChunkedArray | pa.Array)
            else pa.array(columns[field.name], field.type)
            for field in DERIVED["organization_results"].schema
        },
        schema=DERIVED["organization_results"].schema,
    )


def fields_of(rows: pa.Table) -> Iterator[tuple[Place, pa.Table]]:
    """Split rows into fields, in order: the organizations of one period and level, which are shrunk together."""
    ordered = rows.sort_by([(name, "ascending") for name in (*_PLACE, "organization_id")])
    keys = list(zip(*(ordered[name].to_pylist() for name in _PLACE), strict=True))
    for place, start, end in runs(keys):
        yield place, ordered.slice(start, end - start)


def _field(rows: pa.Table, measure: Measure, gates: Gates, seed: int) -> Columns:
    sums = {name: floats(rows[name]) for name in NUMERIC}
    if measure.is_published:
        # The source's own denominator stands for "eligible": it is what the rate is a share of.
        sums["n_eligible"] = np.nan_to_num(np.round(sums["published_denominator"]))
    found = figures(measure, sums)
    primary = found.by_denominator.get(measure.primary_denominator)
    unknown = np.full(rows.num_rows, np.nan)
    estimate = unknown if primary is None else primary.value
    status, reason, needed = _gate(rows, sums, measure, gates, estimate)
    ok = np.array([value == OK for value in status])
    variance = _variance_among(ok, sums, measure)
    columns: Columns = {name: rows[name] for name in ("measure", *_STATISTICS.key[1:])}
    columns |= {"status": status, "reason": reason, "n_needed": needed}
    columns |= _counts(sums, measure)
    columns |= _denominators(found)
    columns |= {
        "primary_denominator": [measure.primary_denominator.value] * rows.num_rows,
        "estimate": nullable(estimate),
        "lower": nullable(unknown if primary is None else primary.lower),
        "upper": nullable(unknown if primary is None else primary.upper),
        "variance": nullable(variance),
        "adjustment": ["unadjusted"] * rows.num_rows,
    }
    # A light is decided over all strata together; there the spread carries the doubt about mean and tau2.
    spread_seed = seed if rows["stratum"][0].as_py() == "all" else None
    columns |= shrinkage_columns(estimate, variance, ok, spread_seed)
    columns |= {name: rows[name] for name in ("day_p25", "day_p50", "day_p75")}
    _hide(columns, ok)
    return columns


def _variance_among(ok: BoolArray, sums: dict[str, FloatArray], measure: Measure) -> FloatArray:
    """Sampling variances pooled over the organizations that have a figure, and over no others."""
    variance = np.full(len(ok), np.nan)
    if ok.any():
        among = figures(measure, {name: values[ok] for name, values in sums.items()})
        variance[ok] = among.by_denominator[measure.primary_denominator].variance
    return variance


def _gate(
    rows: pa.Table, sums: dict[str, FloatArray], measure: Measure, gates: Gates, estimate: FloatArray
) -> tuple[list[str], list[str | None], list[int | None]]:
    verdicts = [
        _verdict(state, n, followed, value, measure, gates)
        for state, n, followed, value in zip(
            rows["state"].to_pylist(), sums["n_eligible"], sums["n_followed"], estimate, strict=True
        )
    ]
    return [one[0] for one in verdicts], [one[1] for one in verdicts], [one[2] for one in verdicts]


def _verdict(
    state: str, n: float, followed: float, value: float, measure: Measure, gates: Gates
) -> tuple[str, str | None, int | None]:
    if state in (SUPPRESSED, NO_ACTIVITY):
        return state, state, None
    if measure.is_published and not n > 0:
        return INSUFFICIENT, "denominator_not_stated", None
    if n < gates.organization_n:
        return INSUFFICIENT, "too_few_people", int(gates.organization_n - n)
    if followed == 0:
        return INSUFFICIENT, "nobody_followed", 1
    if not np.isfinite(value):
        return INSUFFICIENT, _why_unknown(measure, followed), 1 if followed < 2 else None
    return OK, None, 0


def _why_unknown(measure: Measure, followed: float) -> str:
    if measure.primary_denominator is Denominator.ESTIMATED:
        return "no_followup_weights"
    return "too_few_followed" if followed < 3 else "denominator_not_defined"


def _counts(sums: dict[str, FloatArray], measure: Measure) -> Columns:
    met = sums["n_met"]
    if measure.summary == "proportion" and not measure.is_published:
        met = np.nan_to_num(met)
    eligible, followed = sums["n_eligible"], sums["n_followed"]
    with np.errstate(divide="ignore", invalid="ignore"):
        completion = np.where(eligible > 0, followed / eligible, np.nan)
    return {
        "n_eligible": _integers(eligible),
        "n_followed": _integers(followed),
        "n_met": _integers(met),
        "completion": nullable(completion),
    }


def _denominators(found: Figures) -> Columns:
    k = len(found.effective_n)
    unknown = np.full(k, np.nan)
    columns: Columns = {}
    for denominator in Denominator:
        figure = found.by_denominator.get(denominator)
        parts = (unknown, unknown, unknown) if figure is None else (figure.value, figure.lower, figure.upper)
        for suffix, values in zip(("", "_lower", "_upper"), parts, strict=True):
            columns[f"{denominator.value}{suffix}"] = nullable(values)
    worst, best = found.bounds or (unknown, unknown)
    effective = np.where(found.effective_n > 0, found.effective_n, np.nan)
    return columns | {
        "effective_n": nullable(effective),
        "bound_worst": nullable(worst),
        "bound_best": nullable(best),
    }


def shrinkage_columns(estimate: FloatArray, variance: FloatArray, ok: BoolArray, seed: int | None) -> Columns:
    """Reliability, EB and constrained EB of the organizations that pass the gate; one alone has nobody to lean on."""
    names = ("reliability", "shrunken", "shrunken_sd", "constrained")
    values = {name: np.full(len(estimate), np.nan) for name in names}
    usable = ok & np.isfinite(estimate) & (np.nan_to_num(variance) > 0)
    if usable.sum() >= 2:
        found = shrink(estimate[usable], variance[usable])
        values["reliability"][usable] = found.reliability
        values["shrunken"][usable] = found.shrunken
        values["shrunken_sd"][usable] = (
            found.sd if seed is None else spread_for_light(estimate[usable], variance[usable], seed)
        )
        values["constrained"][usable] = constrained_empirical_bayes(found).values
    return {name: nullable(values[name]) for name in names}


def _hide(columns: Columns, ok: BoolArray) -> None:
    """Below the gate only the counts of eligible and followed people remain."""
    figures_of = [f"{denominator.value}{end}" for denominator in Denominator for end in ("", "_lower", "_upper")]
    shown = pa.array(ok)
    for name in (*_HIDDEN_WHEN_INSUFFICIENT, *figures_of, "day_p25", "day_p50", "day_p75"):
        columns[name] = pc.if_else(shown, columns[name], None)


def _integers(values: FloatArray) -> pa.Array:
    known = np.isfinite(values)
    return pa.array(np.where(known, values, 0.0).astype(np.int64), pa.int64(), mask=~known)
