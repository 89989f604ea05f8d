"""Static and dynamic cadence, maturity of the last quarter, tiers and own history."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from benchwell.benchmarks import Declarations, Plan, compute
from benchwell.benchmarks.periods import last_mature_quarter, quarter_end, quarters_back, rolling_quarters
from benchwell.errors import DeclarationError
from benchwell.registry import Measure
from unit.benchmarks.benchmarks_cases import (
    MET,
    PEOPLE,
    make_benchmark,
    make_measure,
    organizations_of,
    proportion_statistics,
)

MEASURE = make_measure()  # mature 112 + 30 days after the index


@pytest.mark.parametrize(
    ("as_of", "quarter"),
    [
        (dt.date(2024, 8, 20), "2024-Q1"),  # 142 days after 31 March
        (dt.date(2024, 8, 19), "2023-Q4"),
        (dt.date(2024, 11, 18), "2024-Q1"),
        (dt.date(2024, 11, 19), "2024-Q2"),
    ],
)
def test_a_quarter_counts_once_its_last_day_is_mature(as_of: dt.date, quarter: str) -> None:
    assert last_mature_quarter(MEASURE, as_of) == quarter


def test_windows_follow_each_other_without_overlap() -> None:
    as_of = dt.date(2024, 8, 20)
    assert rolling_quarters(MEASURE, as_of, 12) == ("2023-Q2", "2023-Q3", "2023-Q4", "2024-Q1")
    assert rolling_quarters(MEASURE, as_of, 12, windows_back=1)[-1] == "2023-Q1"
    assert quarters_back("2024-Q1", 1) == ("2024-Q1",)
    assert quarter_end("2023-Q4") == dt.date(2023, 12, 31)


def by_quarter() -> pa.Table:
    """Eight quarters of ten clinics; the later four have ten more successes than the earlier four."""
    quarters = quarters_back("2024-Q1", 8)
    parts = [
        proportion_statistics(
            [max(x // 8 + (place >= 4), 0) for x in MET], [n // 8 + 1 for n in PEOPLE], period=quarter
        )
        for place, quarter in enumerate(quarters)
    ]
    return pa.concat_tables([proportion_statistics(MET, PEOPLE), *parts])


def rows_of(statistics: pa.Table, organizations: pa.Table | None = None, **changes: Any) -> list[dict[str, Any]]:
    declared = Declarations({MEASURE.id: MEASURE}, {"demo": make_benchmark(**changes)}, {})
    found = compute(
        statistics,
        organizations_of(statistics) if organizations is None else organizations,
        declared,
        dt.date(2024, 8, 20),
    )
    return found.benchmarks.to_pylist()


def test_a_dynamic_benchmark_stands_beside_the_frozen_one_and_is_provisional() -> None:
    rows = rows_of(by_quarter(), kinds=["mean"], cadence={"kind": "dynamic"})
    pooled = {row["period"]: row for row in rows if row["method"] == "pooled" and not row["without"]}
    assert pooled.keys() == {"all", "2023-Q2..2024-Q1"}
    assert (pooled["all"]["provisional"], pooled["2023-Q2..2024-Q1"]["provisional"]) == (False, True)
    # The clinic of 12 has 8 people in this window and waits.
    people = sum(4 * (n // 8 + 1) for n in PEOPLE[:-1])
    met = sum(4 * (x // 8 + 1) for x in MET[:-1])
    assert pooled["2023-Q2..2024-Q1"]["n_patients"] == people
    assert pooled["2023-Q2..2024-Q1"]["estimate"] == pytest.approx(met / people)


def test_own_history_is_the_previous_window_shrunken() -> None:
    rows = rows_of(by_quarter(), kinds=["own_history"])
    assert {row["period"] for row in rows} == {"2022-Q2..2023-Q1"}
    assert len(rows) == 10
    shown = [row for row in rows if row["status"] == "ok"]
    raw = {f"c{place:02d}": (x // 8) / (n // 8 + 1) for place, (x, n) in enumerate(zip(MET, PEOPLE, strict=True))}
    spread = max(row["estimate"] for row in shown) - min(row["estimate"] for row in shown)
    assert spread < max(raw.values()) - min(raw.values())
    assert {row["interval_method"] for row in shown} == {"posterior"}


def test_one_organization_alone_has_nothing_to_shrink_to() -> None:
    one = pa.concat_tables([proportion_statistics([3], [8], period=quarter) for quarter in quarters_back("2024-Q1", 8)])
    rows = rows_of(one, kinds=["own_history"])
    assert [row["reason"].split(":")[0] for row in rows] == ["no_other_organizations"]


def test_tiers_compare_children_of_one_parent_regions_and_countries() -> None:
    statistics = proportion_statistics(MET, PEOPLE)
    organizations = organizations_of(
        statistics,
        part_of=["north"] * 6 + ["south"] * 3 + [None],
        region=["r1"] * 5 + ["r2"] * 5,
        country=["GB"] * 10,
    )
    rows = rows_of(statistics, organizations, kinds=["mean"], tiers=["organization", "region", "country", "all"])
    pooled = {(row["tier"], row["tier_id"]): row for row in rows if row["method"] == "pooled" and not row["without"]}
    expected = {("organization", "north"): 6, ("organization", "south"): 3, ("region", "r1"): 5, ("region", "r2"): 5}
    assert {key: row["n_organizations"] for key, row in pooled.items()} == expected | {
        ("country", "GB"): 10,
        ("all", "all"): 10,
    }
    assert pooled["organization", "south"]["status"] == "insufficient"
    assert pooled["region", "r1"]["estimate"] == pytest.approx(sum(MET[:5]) / sum(PEOPLE[:5]))


@pytest.mark.parametrize("other", [{"organization_n": 20}, {"light_probability": 0.95}])
def test_benchmarks_of_one_measure_must_agree(other: dict[str, float]) -> None:
    statistics = proportion_statistics(MET, PEOPLE)
    benchmarks = {"demo": make_benchmark(), "other": make_benchmark(id="other", gates=other)}
    declared = Declarations({MEASURE.id: MEASURE}, benchmarks, {})
    with pytest.raises(DeclarationError, match=f"gates.{next(iter(other))}"):
        compute(statistics, organizations_of(statistics), declared, dt.date(2024, 8, 20))


def test_a_plan_gathers_strata_and_dates_per_measure() -> None:
    first = make_benchmark(strata=[{"by": "sex"}], period=["2024-01-01", "2024-12-31"])
    second = make_benchmark(id="second", strata=[{"by": "therapy"}, {"by": "sex"}], period=["2024-01-01", "2024-12-31"])
    plan = Plan.of([first, second])
    assert plan.strata == {"demo-response": ("sex", "therapy")}
    assert plan.dates == {"demo-response": (dt.date(2024, 1, 1), dt.date(2024, 12, 31))}


def test_measures_without_a_window_only_wait_for_the_quarter_to_end() -> None:
    wait = Measure.model_validate(
        {
            "id": "wait",
            "revision": 1,
            "title": "Wait",
            "why": "A test measure.",
            "author": "test",
            "better": "lower",
            "index": {"rule": "referral_date"},
            "endpoint": {"kind": "wait_days"},
        }
    )
    assert last_mature_quarter(wait, dt.date(2024, 3, 31)) == "2024-Q1"
