"""Statistics: what is counted, in which period, and how sums are frozen."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from benchwell.benchmarks import Plan, frozen, summarize
from benchwell.benchmarks.statistics import rolled_up
from benchwell.engine import DuckDBEngine
from benchwell.tables import DERIVED
from unit.benchmarks.benchmarks_cases import random_outcomes

ENGINE = DuckDBEngine(threads=2)


def sums(outcomes: pa.Table, features: pa.Table | None, plan: Plan) -> list[dict[str, object]]:
    lazy = None if features is None else ENGINE.from_arrow(features)
    return frozen(ENGINE.to_arrow(summarize(ENGINE, ENGINE.from_arrow(outcomes), lazy, plan))).to_pylist()


def test_without_features_every_level_is_unknown() -> None:
    outcomes, _ = random_outcomes(50, 2)
    rows = sums(outcomes, None, Plan({"demo-response": ("sex",)}))
    assert {row["level"] for row in rows if row["stratum"] == "sex"} == {"unknown"}


def test_measures_outside_the_plan_and_dates_outside_the_period_are_left_out() -> None:
    outcomes, _ = random_outcomes(200, 2)
    assert sums(outcomes, None, Plan({"another": ()})) == []
    first, last = dt.date(2022, 7, 1), dt.date(2022, 9, 30)
    rows = sums(outcomes, None, Plan({"demo-response": ()}, {"demo-response": (first, last)}))
    assert {row["period"] for row in rows} == {"all", "2022-Q3"}


def test_the_same_rows_in_another_order_give_the_same_bytes() -> None:
    outcomes, features = random_outcomes(3000, 3)
    plan = Plan({"demo-response": ("sex",)})
    shuffled = outcomes.take(pa.array(list(range(2999, -1, -1))))
    assert sums(outcomes, features, plan) == sums(shuffled, features, plan)


def test_quarters_add_up_to_the_whole() -> None:
    outcomes, _ = random_outcomes(500, 3)
    rows = sums(outcomes, None, Plan({"demo-response": ()}))
    table = pa.Table.from_pylist(rows, schema=DERIVED["statistics"].schema)
    quarters = sorted({str(row["period"]) for row in rows} - {"all"})
    together = {row["organization_id"]: row for row in rolled_up(table, quarters, "together").to_pylist()}
    for row in rows:
        if row["period"] == "all":
            for name in ("n_eligible", "n_followed", "n_met", "sum_weight", "sum_baseline_followup"):
                assert together[row["organization_id"]][name] == pytest.approx(row[name])
            assert together[row["organization_id"]]["day_p50"] is None
            assert together[row["organization_id"]]["n_recovered"] is None
