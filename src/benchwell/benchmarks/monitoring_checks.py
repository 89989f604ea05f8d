"""What must hold inside the frozen charts over time, whoever made them (METHODS M5.4, M13.2).

The rows of people may be gone, but the path of each organization must still agree with itself and with the sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.benchmarks.columns import floats
from benchwell.registry import Measure
from benchwell.tables import DERIVED
from benchwell.terms import Adjustment, Better, Denominator

_KEY = ("measure", "adjustment", "organization_id")
_ALL = "all"
# Sums of at most some thousand numbers, each stored at 12 digits.
_TOLERANCE = 1e-6

Finding = tuple[str, bool, str, str, str]


def monitoring_findings(months: pa.Table, statistics: pa.Table, measures: Mapping[str, Measure]) -> Iterator[Finding]:
    """Check the months of every chart.

    Args:
        months: `tables.DERIVED["monitoring_months"]`.
        statistics: `tables.DERIVED["statistics"]` of the same edition.
        measures: Frozen measures by id: direction and denominator.

    Yields:
        Name, whether it holds, what is stated, what was found, where it differs: once per thing that must hold.
    """
    table = DERIVED["monitoring_months"]
    if not set(table.columns) <= set(months.column_names):
        return  # a changed name of a column is named by the check of its values
    months = months.sort_by([(name, "ascending") for name in (*_KEY, "month")]).combine_chunks()
    keys = ["\0".join(parts) for parts in zip(*(months[name].to_pylist() for name in _KEY), strict=True)]
    of = {name: floats(months[name]) for name in table.columns if pa.types.is_floating(table.schema.field(name).type)}
    of |= {name: floats(months[name]) for name in ("n", "adverse")}
    signal = np.array(months["signal"].to_pylist(), dtype=object)
    crossed = {name: of[f"cusum_{name}_peak"] >= of[f"limit_{name}"] * (1 - 1e-12) for name in ("worse", "better")}
    due = np.where(crossed["worse"], "worse", np.where(crossed["better"], "better", ""))
    stated = np.array([one or "" for one in signal], dtype=object)
    peaks = np.ones(len(keys), dtype=np.bool_)
    limits = np.ones(len(keys), dtype=np.bool_)
    for name in ("worse", "better"):
        peaks &= (of[f"cusum_{name}_peak"] >= of[f"cusum_{name}"] - 1e-9) & (of[f"cusum_{name}"] >= 0)
        limits &= (of[f"limit_{name}"] > 0) & (of[f"arl_{name}"] >= 1) & _as_first(keys, of[f"limit_{name}"])
    counts = (of["n"] >= 1) & (of["adverse"] >= 0) & (of["adverse"] <= of["n"])
    counts &= (of["expected"] > 0) & (of["expected"] < of["n"])
    running = np.abs(_running(keys, of["expected"] - of["adverse"]) - of["vlad"]) <= _TOLERANCE
    yield _finding("monitoring people", counts, keys, "adverse and expected within n")
    yield _finding("monitoring vlad", running, keys, "the running sum of expected - adverse")
    yield _finding("monitoring peaks", peaks, keys, "no lower than the end of the month")
    yield _finding("monitoring limits", limits, keys, "above zero, one per chart")
    yield _finding("monitoring signals", np.asarray(stated == due), keys, "where a peak reaches its limit")
    yield from _sum_findings(months, statistics, measures)


def _finding(name: str, holds: np.ndarray, keys: list[str], rule: str) -> Finding:
    wrong = np.flatnonzero(~holds)
    if not len(wrong):
        return name, True, rule, f"{len(keys)} months", ""
    measure, _, organization = keys[wrong[0]].split("\0")
    return name, False, rule, f"{len(wrong)} months differ", f"first: {measure}, {organization}"


def _as_first(keys: list[str], values: np.ndarray) -> np.ndarray:
    """Whether a value is that of the chart's first month."""
    first = {key: values[place] for place, key in reversed(list(enumerate(keys)))}
    return np.asarray(values == np.array([first[key] for key in keys]))


def _running(keys: list[str], values: np.ndarray) -> np.ndarray:
    """Running sum within each chart, in the order of months."""
    found, total, last = np.empty(len(values)), 0.0, None
    for place, key in enumerate(keys):
        total = values[place] if key != last else total + values[place]
        found[place], last = total, key
    return found


def _sum_findings(months: pa.Table, statistics: pa.Table, measures: Mapping[str, Measure]) -> Iterator[Finding]:
    """The people of a chart are those of the sums, less those whom a case mix leaves out."""
    where = pc.and_(pc.equal(statistics["period"], _ALL), pc.equal(statistics["stratum"], _ALL))
    summed = {(row["measure"], row["organization_id"]): row for row in statistics.filter(where).to_pylist()}
    totals = months.group_by(list(_KEY), use_threads=False).aggregate([("n", "sum"), ("adverse", "sum")]).to_pylist()
    wrong = [row for row in totals if not _agrees(row, summed.get((row["measure"], row["organization_id"])), measures)]
    rule = "as many people, and as many unfavorable outcomes, as in the sums"
    detail = f"first: {wrong[0]['measure']}, {wrong[0]['organization_id']}" if wrong else ""
    yield "monitoring sums", not wrong, rule, f"{len(wrong) or len(totals)} charts{' differ' if wrong else ''}", detail


def _agrees(row: Mapping[str, object], sums: Mapping[str, int] | None, measures: Mapping[str, Measure]) -> bool:
    measure = measures.get(str(row["measure"]))
    if sums is None or measure is None:
        return False
    everybody = measure.primary_denominator is Denominator.ALL_ELIGIBLE
    n, met = sums["n_eligible" if everybody else "n_followed"], sums["n_met"]
    adverse = met if measure.better is Better.LOWER else n - met
    found = (row["n_sum"], row["adverse_sum"])
    if row["adjustment"] == Adjustment.UNADJUSTED:
        return found == (n, adverse)
    return bool(found[0] <= n and found[1] <= adverse)  # type: ignore[operator]
