"""Where each organization stands under each adjustment: distance, chance, and the state before the last gates (M5).

The unadjusted figures get the same columns here, in rows called "unadjusted", so that the views of one figure can be
laid side by side and who changes band can be read off one table (METHODS M3.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import special

from benchwell.benchmarks.columns import floats, nullable, replaced
from benchwell.benchmarks.methods import POOLED
from benchwell.benchmarks.results import OK
from benchwell.models.arrays import BoolArray, FloatArray, IntArray, ratio
from benchwell.models.funnel import usual_spread
from benchwell.models.light import light
from benchwell.models.multiplicity import benjamini_hochberg
from benchwell.registry import Measure
from benchwell.registry.benchmark import Gates
from benchwell.tables import DERIVED
from benchwell.terms import Adjustment, Denominator

ALL = "all"
_RESULTS = DERIVED["adjusted_results"]
_FIELD = ("adjustment", "period", "stratum", "level")
_PEOPLE = {"followed": "n_followed", "eligible": "n_eligible"}


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
    beside = _unadjusted(results, adjusted, measure, edition)
    rows = pa.concat_tables([beside, adjusted]).sort_by([(name, "ascending") for name in _RESULTS.key])
    targets = _targets(benchmarks)
    columns = {name: floats(rows[name]) for name in ("estimate", "variance", "reference", "shrunken", "shrunken_sd")}
    known = _equal(rows, "status", OK) & (columns["variance"] > 0) & np.isfinite(columns["reference"])
    plain, usual = _distances(columns, known, _groups(rows, _FIELD))
    whole = known & _equal(rows, "period", ALL) & _equal(rows, "stratum", ALL) & np.isfinite(columns["shrunken"])
    named = rows.select(["adjustment", "organization_id"]).take(pa.array(np.flatnonzero(whole))).to_pylist()
    bands: list[str | None] = [None] * rows.num_rows
    for place, name in zip(np.flatnonzero(whole).tolist(), named, strict=True):
        target = targets.get((name["adjustment"], name["organization_id"]))
        bands[place] = None if target is None else _band(columns, place, target, measure, gates)
    known_z = floats(rows["z"])
    filled = {
        "z": nullable(np.where(np.isfinite(known_z), known_z, plain)),
        "z_usual_spread": nullable(usual),
        "p_value": nullable(2 * special.ndtr(-np.abs(usual))),
        "band": pa.array(bands, pa.string()),
    }
    return replaced(rows, filled)


def with_q_values(adjusted: pa.Table) -> pa.Table:
    """Add the share of false alarms if a row and every one at least as extreme were flagged (M5.7).

    Every organization x measure x stratum of the whole period is counted, within one adjustment: the views of one
    figure are one question asked several times, not several comparisons.

    Source:
        Benjamini & Hochberg (1995), J R Stat Soc B 57:289-300; METHODS M5.7.
    """
    p = floats(adjusted["p_value"])
    whole = _equal(adjusted, "period", ALL)
    q = np.full(len(p), np.nan)
    for adjustment in pc.unique(adjusted["adjustment"]).to_pylist():
        counted = np.isfinite(p) & whole & _equal(adjusted, "adjustment", adjustment)
        if counted.any():
            q[counted] = benjamini_hochberg(p[counted])
    return replaced(adjusted, {"q_value": nullable(q)})


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


def _unadjusted(results: pa.Table, adjusted: pa.Table, measure: Measure, edition: str | None) -> pa.Table:
    """The unadjusted figures of the whole period, and of every field that has an adjusted one."""
    fields = adjusted.select(list(_FIELD[1:])).group_by(list(_FIELD[1:])).aggregate([])
    keys = set(zip(*(fields[name].to_pylist() for name in _FIELD[1:]), strict=True))
    wanted = [
        key in keys or key[0] == ALL for key in zip(*(results[name].to_pylist() for name in _FIELD[1:]), strict=True)
    ]
    mine = results.filter(pa.array(wanted, pa.bool_()))
    rows = _RESULTS.conform(mine)
    count = mine.num_rows
    return replaced(
        rows,
        {
            "adjustment": pa.array([Adjustment.UNADJUSTED.value] * count, pa.string()),
            "reference": nullable(_references(mine, measure)),
            "edition": pa.array([edition] * count, pa.string()),
        },
    )


def _references(results: pa.Table, measure: Measure) -> FloatArray:
    """The figure of the organizations of each row's field together, weighted by those whom it describes."""
    estimate, weight = floats(results["estimate"]), np.nan_to_num(floats(results[_PEOPLE[_counted(measure)]]))
    if measure.summary == "rate":
        # Person-years, up to a factor; results do not hold them.
        weight = np.nan_to_num(ratio(1.0, floats(results["variance"])))
    known = np.isfinite(estimate) & (weight > 0)
    weight, field = np.where(known, weight, 0.0), _groups(results, _FIELD[1:])
    bottom = np.bincount(field, weights=weight)
    top = np.bincount(field, weights=weight * np.where(known, estimate, 0.0))
    with np.errstate(invalid="ignore"):
        return np.asarray((top / bottom)[field], dtype=np.float64)


def _counted(measure: Measure) -> str:
    """Whom a figure describes: the followed, or all who are eligible; sources of official rates state the latter."""
    observed = measure.primary_denominator is Denominator.OBSERVED and not measure.is_published
    return "followed" if observed else "eligible"


def _groups(table: pa.Table, columns: Sequence[str]) -> IntArray:
    """The same number for rows that agree in these columns of text."""
    number = np.zeros(table.num_rows, dtype=np.int64)
    for name in columns:
        words = table[name].combine_chunks().dictionary_encode()
        number = number * len(words.dictionary) + np.asarray(words.indices, dtype=np.int64)
    return np.asarray(np.unique(number, return_inverse=True)[1], dtype=np.int64)


def _distances(columns: dict[str, FloatArray], known: BoolArray, field: IntArray) -> tuple[FloatArray, FloatArray]:
    """Standardized distances within each field: against chance alone, and with the usual spread counted as noise too.

    The reference counts as known, and so does what a model expects: their doubt is shared by all organizations.
    """
    plain, usual = np.full(len(known), np.nan), np.full(len(known), np.nan)
    places = np.flatnonzero(known)
    order = places[np.argsort(field[places], kind="stable")]
    for at in np.split(order, np.flatnonzero(np.diff(field[order])) + 1):
        if len(at) < 2:
            continue
        distance, variance = columns["estimate"][at] - columns["reference"][at], columns["variance"][at]
        plain[at] = distance / np.sqrt(variance)
        usual[at] = distance / np.sqrt(variance + usual_spread(distance, variance))
    return plain, usual


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
    columns: dict[str, FloatArray], place: int, target: tuple[float, float], measure: Measure, gates: Gates
) -> str:
    verdict = light(
        float(columns["shrunken"][place]),
        float(np.nan_to_num(columns["shrunken_sd"][place])),
        target[0],
        target[1],
        measure.light_margin,
        gates.light_probability,
        measure.better,
    )
    return verdict.state.value


def _equal(table: pa.Table, column: str, word: str) -> BoolArray:
    return np.asarray(pc.equal(table[column], word).fill_null(False).to_numpy(), dtype=np.bool_)
