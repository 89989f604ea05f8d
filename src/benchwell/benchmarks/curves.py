"""What must hold inside the frozen expected courses, whoever made them (METHODS M6.1, M6.3, M13.2).

The scores of people may be gone, but ranges must follow from the coefficients, counts must add up, and a curve that
is served must have passed its checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isclose
from typing import Any

import pyarrow as pa

from benchwell.models.conditional_growth import Growth, log_sessions, log_weeks
from benchwell.models.early_change import TwoByTwo
from benchwell.registry import CurveDeclaration
from benchwell.tables import DERIVED
from benchwell.tables.curves import CURVE_TABLE_NAMES

Finding = tuple[str, bool, str, str, str]
_Row = Mapping[str, Any]


def curve_findings(tables: Mapping[str, pa.Table], declarations: Mapping[str, CurveDeclaration]) -> Iterator[Finding]:
    """Check the curves of an edition.

    Args:
        tables: The five tables of `tables.curves`, by name.
        declarations: The curves' frozen declarations, by id.

    Yields:
        Name, whether it holds, what is stated, what was found, where it differs: once per thing that must hold.
    """
    if any(set(tables[name].column_names) != set(DERIVED[name].columns) for name in CURVE_TABLE_NAMES):
        return  # a changed name of a column is named by the check of its values
    rows = {name: tables[name].to_pylist() for name in CURVE_TABLE_NAMES}
    curves = {row["curve"]: row for row in rows["response_curves"]}
    strange = [one for name in CURVE_TABLE_NAMES for one in rows[name] if one["curve"] not in declarations]
    yield _finding("curve declarations", strange, len(curves), "every curve is declared")
    wrong = [row for row in curves.values() if not _as_declared(row, declarations.get(row["curve"]))]
    yield _finding("curve settings", wrong, len(curves), "clock, horizon and boundary as declared")
    wrong = [row for row in curves.values() if not _fairly_served(row, rows["curve_checks"])]
    yield _finding("curve gates", wrong, len(curves), "a curve is served where every check passed, and only there")
    wrong = [row for row in rows["curve_checks"] if not _judged(row, declarations.get(row["curve"]))]
    yield _finding("curve checks", wrong, len(rows["curve_checks"]), "passed where the value is within its limits")
    bands = rows["response_bands"]
    wrong = [row for row in bands if not _recomputes(row, curves.get(row["curve"]))]
    yield _finding("curve ranges", wrong, len(bands), "mean and range as the coefficients give them")
    starts = rows["response_starts"]
    wrong = [row for row in starts if not _within(row, "n_responded", "n_remitted")]
    yield _finding("curve starts", wrong, len(starts), "responses and remissions within n")
    rules = rows["early_changes"]
    yield _finding("early changes", [row for row in rules if not _adds_up(row)], len(rules), "counts and shares agree")


def _finding(name: str, wrong: Iterable[_Row], total: int, rule: str) -> Finding:
    first = next(iter(wrong), None)
    if first is None:
        return name, True, rule, f"{total} rows", ""
    return name, False, rule, "differs", f"first: {first['curve']}"


def _as_declared(row: _Row, one: CurveDeclaration | None) -> bool:
    if one is None:
        return False
    stated = (row["instrument"], row["clock"], row["horizon"], row["boundary"])
    return stated == (one.instrument, one.clock, one.horizon, one.boundary)


def _fairly_served(row: _Row, checks: Iterable[_Row]) -> bool:
    mine = [one["passed"] for one in checks if one["curve"] == row["curve"]]
    if row["status"] == "ok":
        return True in mine and False not in mine and row["reason"] is None
    return row["status"] in ("insufficient", "failed") and bool(row["reason"])


def _judged(row: _Row, one: CurveDeclaration | None) -> bool:
    if row["value"] is None:
        return row["passed"] is None and row["n_people"] is None
    if one is None or row["n_people"] < one.gates.judged:
        return one is not None and row["passed"] is None
    return bool(row["passed"] == (row["lowest"] <= row["value"] <= row["highest"]))


def _recomputes(row: _Row, curve: _Row | None) -> bool:
    if curve is None or curve["intercept"] is None:
        return False
    names = ("intercept", "slope", "intercept_variance", "covariance", "slope_variance", "residual_variance")
    time = log_weeks if curve["clock"] == "weeks" else log_sessions
    said = Growth(*(curve[name] for name in names)).given(time(row["occasion"]), row["baseline"])
    tail = 1 - curve["boundary"]
    found = (said.mean, said.quantile(tail), said.quantile(curve["boundary"]))
    stated = (row["mean"], row["lower"], row["upper"])
    return all(isclose(one, other, rel_tol=1e-8, abs_tol=1e-8) for one, other in zip(found, stated, strict=True))


def _within(row: _Row, *names: str) -> bool:
    n = row["n_people"]
    if n is None:
        return all(row[name] is None for name in names)
    return all(row[name] is None or 0 <= row[name] <= n for name in names)


def _adds_up(row: _Row) -> bool:
    counts = [row[name] for name in ("tp", "fp", "fn", "tn")]
    if row["status"] != "ok":
        return counts == [None] * 4 and row["ppv"] is None
    table = TwoByTwo(*counts)
    names = ("sensitivity", "specificity", "ppv", "npv", "prevalence")
    same = (isclose(getattr(table, name) or 0.0, row[name], rel_tol=1e-8, abs_tol=1e-9) for name in names)
    return table.n == row["n_people"] and all(same)
