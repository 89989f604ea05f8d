"""What must hold inside the frozen sums of the case-mix models, whoever made them (METHODS M3.6, M13.1, M13.2).

The rows of people may be gone, but the sums must still agree with themselves, with the models that the edition says
it fitted, and with the counts of the unadjusted figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.benchmarks.columns import floats
from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.tables import DERIVED
from benchwell.terms import Denominator

_ALL = "all"
_MODEL = ("measure", "adjustment", "denominator")
_ADDITIVE = ("n", "n_incomplete", "weight", "weight_squared", "observed", "expected", "information", "variance")
# Sums of at most some thousand numbers, each stored at 12 digits.
_TOLERANCE = 1e-6
_PEOPLE = {Denominator.OBSERVED.value: "n_followed", Denominator.ALL_ELIGIBLE.value: "n_eligible"}
_OK = "ok"

Finding = tuple[str, bool, str, str, str]


def adjusted_findings(
    sums: pa.Table, coefficients: pa.Table, statistics: pa.Table, models: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    """Check the sums and coefficients of every model.

    Args:
        sums: `tables.DERIVED["adjusted_sums"]`.
        coefficients: `tables.DERIVED["coefficients"]`.
        statistics: `tables.DERIVED["statistics"]` of the same edition.
        models: `casemix_models.json`: how each model was fitted, or why not.

    Yields:
        Name, whether it holds, what is stated, what was found, where it differs: once per thing that must hold.
    """
    for table, name in ((sums, "adjusted_sums"), (coefficients, "coefficients"), (statistics, "statistics")):
        if not set(DERIVED[name].columns) <= set(table.column_names):
            return  # a changed name of a column is named by the check of its values
    fitted = {_key(model): model for model in models if model["status"] == _OK}
    whole = sums.filter(pc.and_(pc.equal(sums["stratum"], _ALL), pc.equal(sums["period"], _ALL)))
    yield _models(sums, coefficients, fitted)
    yield _coefficients(coefficients, fitted)
    yield _balance(whole)
    yield _bounds(sums)
    for part in ("stratum", "period"):
        yield _parts(sums, whole, part)
    yield _people(whole, statistics, fitted)


def _models(sums: pa.Table, coefficients: pa.Table, fitted: Mapping[tuple[str, ...], Any]) -> Finding:
    """Every model that was fitted has sums and coefficients, and no other one has."""
    known = {tuple(row.values()) for row in sums.select(list(_MODEL)).group_by(list(_MODEL)).aggregate([]).to_pylist()}
    told = {
        tuple(row.values())
        for row in coefficients.select(list(_MODEL)).group_by(list(_MODEL)).aggregate([]).to_pylist()
    }
    wrong = (known ^ fitted.keys()) | (told ^ fitted.keys())
    return _finding("adjusted models", [", ".join(one) for one in sorted(wrong)], len(fitted), "fitted, with sums")


def _coefficients(coefficients: pa.Table, fitted: Mapping[tuple[str, ...], Any]) -> Finding:
    """The terms are the columns of the model, with its constant and slopes."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for row in coefficients.select([*_MODEL, "term", "estimate"]).to_pylist():
        found.setdefault(_key(row), {})[row["term"]] = row["estimate"]
    wrong = []
    for key, model in fitted.items():
        stated = dict(zip(model["columns"], [model["constant"], *model["slopes"]], strict=False))
        same = stated.keys() == found.get(key, {}).keys() and all(
            _close(np.array(value), np.array(found[key][term])) for term, value in stated.items()
        )
        if not same:
            wrong.append(", ".join(key))
    return _finding("adjusted coefficients", wrong, len(fitted), "as in casemix_models.json")


def _balance(whole: pa.Table) -> Finding:
    """Over everybody, as many outcomes are expected as were observed: the reference is everybody's care."""
    total = whole.group_by(list(_MODEL)).aggregate([("observed", "sum"), ("expected", "sum")])
    off = ~_close(floats(total["observed_sum"]), floats(total["expected_sum"]))
    return _finding("adjusted balance", _names(total, off), total.num_rows, "observed as expected over everybody")


def _bounds(sums: pa.Table) -> Finding:
    """Counts and variances that can be."""
    of = {name: floats(sums[name]) for name in (*_ADDITIVE, "direct", "direct_variance")}
    holds = (of["n"] >= 1) & (of["n_incomplete"] >= 0) & (of["n_incomplete"] <= of["n"]) & (of["weight"] > 0)
    holds &= (of["information"] > 0) & (of["variance"] > 0)
    direct = np.isfinite(of["direct"])
    holds &= ~direct | ((of["direct"] > 0) & (of["direct"] < 1) & (of["direct_variance"] > 0))
    return _finding("adjusted bounds", _names(sums, ~holds), sums.num_rows, "counts and variances within bounds")


def _parts(sums: pa.Table, whole: pa.Table, part: str) -> Finding:
    """The levels of a stratum, and the quarters, add up to the whole."""
    key = [*_MODEL, "organization_id"]
    mine = sums.filter(pc.not_equal(sums[part], _ALL))
    by = [*key, "stratum"] if part == "stratum" else key
    added = mine.group_by(by).aggregate([(name, "sum") for name in _ADDITIVE])
    joined = added.join(whole.select([*key, *_ADDITIVE]), keys=key, join_type="left outer")
    off = np.zeros(joined.num_rows, dtype=np.bool_)
    for name in _ADDITIVE:
        off |= ~_close(floats(joined[f"{name}_sum"]), floats(joined[name]))
    what = "levels" if part == "stratum" else "quarters"
    return _finding(f"adjusted {what}", _names(joined, off), joined.num_rows, "added up to the whole")


def _people(whole: pa.Table, statistics: pa.Table, fitted: Mapping[tuple[str, ...], Any]) -> Finding:
    """A model counts the people whom the unadjusted figures count, but for those whom its declaration leaves out."""
    plain = statistics.filter(pc.and_(pc.equal(statistics["stratum"], _ALL), pc.equal(statistics["period"], _ALL)))
    counted = {(row["measure"], row["organization_id"]): row for row in plain.to_pylist()}
    wrong, total = [], dict.fromkeys(fitted, 0)
    for row in whole.select([*_MODEL, "organization_id", "n"]).to_pylist():
        key, stated = _key(row), counted.get((row["measure"], row["organization_id"]), {})
        if key not in fitted:
            continue
        total[key] += row["n"]
        people = stated.get(_PEOPLE.get(row["denominator"], "n_followed")) or 0
        complete = fitted[key]["n_excluded"] == 0 and row["denominator"] in _PEOPLE
        if row["n"] != people if complete else row["n"] > people:
            wrong.append(", ".join((*key, row["organization_id"])))
    wrong += [", ".join(key) for key, model in fitted.items() if total[key] != model["n"]]
    return _finding("adjusted people", wrong, whole.num_rows, "as many as the statistics count")


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in _MODEL)


def _names(table: pa.Table, chosen: BoolArray) -> list[str]:
    columns = [
        name for name in (*_MODEL, "organization_id", "period", "stratum", "level") if name in table.column_names
    ]
    return [", ".join(row.values()) for row in table.select(columns).filter(pa.array(chosen)).to_pylist()]


def _finding(name: str, wrong: Sequence[str], checked: int, what: str) -> Finding:
    found = f"{len(wrong)} are not" if wrong else f"{checked} are"
    return name, not wrong, what, found, f"first: {wrong[0]}" if wrong else ""


def _close(left: FloatArray, right: FloatArray) -> BoolArray:
    return np.asarray(np.abs(left - right) <= _TOLERANCE * np.maximum(1.0, np.abs(right)))
