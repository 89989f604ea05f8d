"""Where each organization stands under each adjustment: distance, chance, and the state before the last gates (M5).

The unadjusted figures get the same columns here, in rows called "unadjusted", so that the views of one figure can be
laid side by side and who changes band can be read off one table (METHODS M3.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import special

from benchwell.benchmarks.methods import POOLED
from benchwell.benchmarks.results import OK, nullable
from benchwell.models.arrays import FloatArray
from benchwell.models.funnel import usual_spread
from benchwell.models.light import light
from benchwell.models.multiplicity import benjamini_hochberg
from benchwell.registry import Measure
from benchwell.registry.benchmark import Gates
from benchwell.tables import DERIVED
from benchwell.terms import Adjustment

ALL = "all"
_RESULTS = DERIVED["adjusted_results"]
_FIELD = ("adjustment", "period", "stratum", "level")


def with_bands(
    adjusted: pa.Table,
    results: pa.Table,
    benchmarks: pa.Table,
    measure: Measure,
    gates: Gates,
    *,
    edition: str | None = None,
) -> pa.Table:
    """Add distances from the reference, their chance, and the band; and the unadjusted rows beside them.

    The band is the light before the gates about missing data, reliability and usual spread, which a view asks when it
    shows a colour (`signals.compare`): it says on which side a figure falls, not that one may say so in public.

    Args:
        adjusted: `tables.DERIVED["adjusted_results"]` of one measure.
        results: `tables.DERIVED["organization_results"]` of it.
        benchmarks: `tables.DERIVED["benchmarks"]` of it: the common figure without each organization.
        measure: Its margin and direction.
        gates: Probability of the light.
        edition: The edition's id, once it has one.

    Source:
        METHODS M3.1, M5.1, M5.5.
    """
    beside = _unadjusted(results, adjusted, edition)
    rows = pa.concat_tables([beside, adjusted]).sort_by([(name, "ascending") for name in _RESULTS.key])
    targets = _targets(benchmarks)
    keys = list(zip(*(rows[name].to_pylist() for name in _FIELD), strict=True))
    columns = {name: _floats(rows[name]) for name in ("estimate", "variance", "reference", "shrunken", "shrunken_sd")}
    ok = np.array([one == OK for one in rows["status"].to_pylist()], dtype=np.bool_) & (columns["variance"] > 0)
    usual = np.full(rows.num_rows, np.nan)
    plain = np.full(rows.num_rows, np.nan)
    places: dict[tuple[str, ...], list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    for members in places.values():
        at = np.array(members)[ok[members]]
        if len(at) >= 2:
            plain[at], usual[at] = _distances(*(columns[name][at] for name in ("estimate", "variance", "reference")))
    ids, adjustments = rows["organization_id"].to_pylist(), rows["adjustment"].to_pylist()
    bands = [
        _band(columns, place, targets.get((adjustments[place], ids[place])), measure, gates)
        if ok[place] and keys[place][1:] == (ALL, ALL, ALL)
        else None
        for place in range(rows.num_rows)
    ]
    known_z = _floats(rows["z"])
    filled = {
        "z": nullable(np.where(np.isfinite(known_z), known_z, plain)),
        "z_usual_spread": nullable(usual),
        "p_value": nullable(2 * special.ndtr(-np.abs(usual))),
        "band": pa.array(bands, pa.string()),
    }
    return _replaced(rows, filled)


def with_q_values(adjusted: pa.Table) -> pa.Table:
    """Add the share of false alarms if a row and every one at least as extreme were flagged (M5.7).

    Every organization x measure x stratum of the whole period is counted, within one adjustment: the views of one
    figure are one question asked several times, not several comparisons.

    Source:
        Benjamini & Hochberg (1995), J R Stat Soc B 57:289-300; METHODS M5.7.
    """
    p = _floats(adjusted["p_value"])
    whole = np.array([one == ALL for one in adjusted["period"].to_pylist()], dtype=np.bool_)
    adjustments = np.array(adjusted["adjustment"].to_pylist(), dtype=object)
    q = np.full(len(p), np.nan)
    for adjustment in sorted(set(adjustments.tolist())):
        counted = np.isfinite(p) & whole & (adjustments == adjustment)
        if counted.any():
            q[counted] = benjamini_hochberg(p[counted])
    return _replaced(adjusted, {"q_value": nullable(q)})


def _unadjusted(results: pa.Table, adjusted: pa.Table, edition: str | None) -> pa.Table:
    """The unadjusted figures of the whole period, and of every field that has an adjusted one."""
    fields = {key[1:] for key in zip(*(adjusted[name].to_pylist() for name in _FIELD), strict=True)}
    keys = zip(*(results[name].to_pylist() for name in _FIELD[1:]), strict=True)
    wanted = pa.array([key in fields or key[0] == ALL for key in keys], pa.bool_())
    mine = results.filter(wanted)
    rows = _RESULTS.conform(mine)
    count = mine.num_rows
    return _replaced(
        rows,
        {
            "adjustment": pa.array([Adjustment.UNADJUSTED.value] * count, pa.string()),
            "reference": nullable(_references(mine)),
            "edition": pa.array([edition] * count, pa.string()),
        },
    )


def _references(results: pa.Table) -> FloatArray:
    """The figure of the organizations of each row's field together, weighted by people."""
    keys = list(zip(*(results[name].to_pylist() for name in _FIELD[1:]), strict=True))
    estimate, people = _floats(results["estimate"]), np.nan_to_num(_floats(results["n_eligible"]))
    known = np.isfinite(estimate)
    top: dict[Any, float] = {}
    bottom: dict[Any, float] = {}
    for key, value, n, there in zip(keys, estimate, people, known, strict=True):
        if there and n > 0:
            top[key] = top.get(key, 0.0) + float(value) * float(n)
            bottom[key] = bottom.get(key, 0.0) + float(n)
    return np.array([top[key] / bottom[key] if key in top else np.nan for key in keys], dtype=np.float64)


def _distances(estimate: FloatArray, variance: FloatArray, reference: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Standardized distances: against chance alone, and with the usual spread counted as noise too."""
    distance = estimate - reference
    tau2 = usual_spread(distance, variance)
    return distance / np.sqrt(variance), distance / np.sqrt(variance + tau2)


def _targets(benchmarks: pa.Table) -> dict[tuple[str, str], tuple[float, float]]:
    """The common figure without each organization, with its error, by adjustment and organization."""
    wanted = pc.and_(pc.equal(benchmarks["method"], POOLED), pc.equal(benchmarks["status"], OK))
    for name in ("tier", "stratum", "period"):
        wanted = pc.and_(wanted, pc.equal(benchmarks[name], ALL))
    found = benchmarks.filter(wanted).select(["adjustment", "without", "estimate", "standard_error"])
    return {
        (row["adjustment"], row["without"]): (row["estimate"], row["standard_error"] or 0.0)
        for row in found.to_pylist()
    }


def _band(
    columns: dict[str, FloatArray],
    place: int,
    target: tuple[float, float] | None,
    measure: Measure,
    gates: Gates,
) -> str | None:
    value, sd = columns["shrunken"][place], columns["shrunken_sd"][place]
    if target is None or not np.isfinite(value):
        return None
    verdict = light(
        float(value),
        float(np.nan_to_num(sd)),
        target[0],
        target[1],
        measure.light_margin,
        gates.light_probability,
        measure.better,
    )
    return verdict.state.value


def changes_of_band(adjusted: pa.Table) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Who changes band between views: measure, organization, and the band under each adjustment.

    Args:
        adjusted: `tables.DERIVED["adjusted_results"]`.
    """
    whole = adjusted.filter(pc.and_(pc.equal(adjusted["period"], ALL), pc.equal(adjusted["stratum"], ALL)))
    bands: dict[tuple[str, str], dict[str, str]] = {}
    for row in whole.select(["measure", "organization_id", "adjustment", "band"]).to_pylist():
        if row["band"] is not None:
            bands.setdefault((row["measure"], row["organization_id"]), {})[row["adjustment"]] = row["band"]
    for (measure, organization), found in sorted(bands.items()):
        if len(set(found.values())) > 1:
            yield measure, organization, found


def _replaced(table: pa.Table, columns: dict[str, Any]) -> pa.Table:
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
    return table


def _floats(column: pa.ChunkedArray) -> FloatArray:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
