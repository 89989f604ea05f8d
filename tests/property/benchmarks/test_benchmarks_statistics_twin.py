"""Any outcomes: the engine's sums and the figures agree with a slow twin in plain Python that shares no code."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchwell.benchmarks import Plan, frozen, organization_results, summarize
from benchwell.engine import DuckDBEngine
from benchwell.registry.benchmark import Gates
from benchwell.tables import DERIVED
from unit.benchmarks.benchmarks_cases import make_measure

ENGINE = DuckDBEngine(threads=1)

episode = st.fixed_dictionaries(
    {
        "organization_id": st.sampled_from(["a", "b", "c"]),
        "index_day": st.integers(18000, 18400),
        "status": st.sampled_from(["followed", "followed", "missing", "died", "immature", "excluded"]),
        "met": st.booleans(),
        "baseline": st.integers(0, 27),
        "followup": st.integers(0, 27),
        "gap": st.integers(1, 200),
        "weight": st.integers(4, 40).map(lambda quarter: quarter / 4),
        "change_class": st.sampled_from(["recovered", "improved", "unchanged", "deteriorated"]),
        "sex": st.sampled_from(["female", "male", None]),
    }
)


def as_tables(episodes: list[dict[str, Any]]) -> tuple[pa.Table, pa.Table]:
    rows = []
    for place, one in enumerate(episodes):
        seen = one["status"] == "followed"
        rows.append(
            {
                "measure": "demo-response",
                "episode_id": str(place),
                "organization_id": one["organization_id"],
                "index_day": one["index_day"],
                "baseline": float(one["baseline"]),
                "followup": float(one["followup"]) if seen else None,
                "followup_day": one["index_day"] + one["gap"] if seen else None,
                "status": one["status"],
                "eligible": one["status"] in ("followed", "missing", "died"),
                "met": one["met"] if seen else None,
                "change_class": one["change_class"] if seen else None,
                "weight": one["weight"] if seen else None,
            }
        )
    features = [
        {"measure": "demo-response", "episode_id": str(place), "sex": one["sex"]} for place, one in enumerate(episodes)
    ]
    shape = pa.schema([("measure", pa.string()), ("episode_id", pa.string()), ("sex", pa.string())])
    return pa.Table.from_pylist(rows, schema=DERIVED["outcomes"].schema), pa.Table.from_pylist(features, schema=shape)


def twin_quantile(values: list[int], p: float) -> float:
    ordered = sorted(values)
    place = p * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def twin(episodes: list[dict[str, Any]]) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    cells: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for one in episodes:
        if one["status"] not in ("followed", "missing", "died"):
            continue
        date = dt.date(1970, 1, 1) + dt.timedelta(days=one["index_day"])
        for period in ("all", f"{date.year}-Q{(date.month - 1) // 3 + 1}"):
            for stratum, level in (("all", "all"), ("sex", one["sex"] or "unknown")):
                cells[one["organization_id"], period, stratum, level].append(one)
    found = {}
    for key, members in cells.items():
        seen = [one for one in members if one["status"] == "followed"]
        gaps = [one["gap"] for one in seen]
        found[key] = {
            "n_eligible": len(members),
            "n_followed": len(seen),
            "n_met": sum(one["met"] for one in seen) if seen else None,
            "n_recovered": sum(one["change_class"] == "recovered" for one in seen) if seen else None,
            "n_deteriorated": sum(one["change_class"] == "deteriorated" for one in seen) if seen else None,
            "sum_value": float(sum(one["met"] for one in seen)) if seen else None,
            "sum_baseline_squared": float(sum(one["baseline"] ** 2 for one in seen)) if seen else None,
            "sum_baseline_followup": float(sum(one["baseline"] * one["followup"] for one in seen)) if seen else None,
            "sum_weight": sum(one["weight"] for one in seen) if seen else None,
            "sum_weight_squared": sum(one["weight"] ** 2 for one in seen) if seen else None,
            "sum_weight_value": float(sum(one["weight"] * one["met"] for one in seen)) if seen else None,
            "day_p25": twin_quantile(gaps, 0.25) if seen else None,
            "day_p50": twin_quantile(gaps, 0.5) if seen else None,
        }
    return found


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(episode, min_size=1, max_size=40))
def test_sums_and_figures_agree_with_the_twin(episodes: list[dict[str, Any]]) -> None:
    outcomes, features = as_tables(episodes)
    plan = Plan({"demo-response": ("sex",)})
    lazy = summarize(ENGINE, ENGINE.from_arrow(outcomes), ENGINE.from_arrow(features), plan)
    statistics = frozen(ENGINE.to_arrow(lazy))
    expected = twin(episodes)
    found = {
        (row["organization_id"], row["period"], row["stratum"], row["level"]): row for row in statistics.to_pylist()
    }
    assert found.keys() == expected.keys()
    for key, cell in expected.items():
        assert {name: found[key][name] for name in cell} == pytest.approx(cell)
    results = organization_results(statistics, make_measure(), Gates(organization_n=3))
    for row in results.to_pylist():
        check_result(row, expected[row["organization_id"], row["period"], row["stratum"], row["level"]])


def check_result(row: dict[str, Any], cell: dict[str, Any]) -> None:
    n, m, x = cell["n_eligible"], cell["n_followed"], cell["n_met"] or 0
    assert row["completion"] == pytest.approx(m / n)
    if n < 3:
        assert (row["status"], row["n_needed"], row["estimate"]) == ("insufficient", 3 - n, None)
    elif m == 0:
        assert (row["status"], row["reason"]) == ("insufficient", "nobody_followed")
    else:
        assert row["status"] == "ok"
        assert row["all_eligible"] == pytest.approx(x / n)
        assert row["observed"] == pytest.approx(x / m)
        assert row["estimated"] == pytest.approx(cell["sum_weight_value"] / cell["sum_weight"])
        assert row["effective_n"] == pytest.approx(cell["sum_weight"] ** 2 / cell["sum_weight_squared"])
        assert (row["bound_worst"], row["bound_best"]) == pytest.approx((x / n, (x + n - m) / n))
        assert 0 <= row["lower"] <= row["estimate"] <= row["upper"] <= 1
        assert row["bound_worst"] <= row["estimate"] <= row["bound_best"]
