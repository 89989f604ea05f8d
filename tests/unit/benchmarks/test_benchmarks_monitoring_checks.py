"""Frozen charts over time: each thing that must hold is checked by name."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from benchwell.benchmarks.monitoring_checks import monitoring_findings
from benchwell.tables import DERIVED
from signals_edition import a_measure

MONTH = {
    "measure": "response-12-weeks",
    "adjustment": "unadjusted",
    "organization_id": "north",
    "limit_worse": 2.0,
    "limit_better": 2.1,
    "arl_worse": 400.0,
    "arl_better": 410.0,
}
MONTHS: list[dict[str, Any]] = [
    MONTH
    | {"month": "2026-01", "n": 4, "adverse": 3, "expected": 2.0, "vlad": -1.0, "cusum_worse": 1.0, "cusum_better": 0.1}
    | {"cusum_worse_peak": 1.5, "cusum_better_peak": 0.3, "signal": None},
    MONTH
    | {"month": "2026-03", "n": 6, "adverse": 5, "expected": 3.0, "vlad": -3.0, "cusum_worse": 0.2, "cusum_better": 0.0}
    | {"cusum_worse_peak": 2.2, "cusum_better_peak": 0.0, "signal": "worse"},
]
SUMS = {
    "measure": "response-12-weeks",
    "organization_id": "north",
    "period": "all",
    "stratum": "all",
    "level": "all",
    "n_eligible": 14,
    "n_followed": 10,
    "n_met": 2,
}


def findings(months: list[dict[str, Any]], **measure: Any) -> dict[str, tuple[bool, str]]:
    table = pa.Table.from_pylist(months, schema=DERIVED["monitoring_months"].schema)
    statistics = DERIVED["statistics"].conform(pa.Table.from_pylist([SUMS]))
    found = monitoring_findings(table, statistics, {"response-12-weeks": a_measure(**measure)})
    return {name: (passed, detail) for name, passed, _, _, detail in found}


def test_charts_that_agree_with_themselves_pass() -> None:
    assert {name: passed for name, (passed, _) in findings(MONTHS).items()} == {
        f"monitoring {what}": True for what in ("people", "vlad", "peaks", "limits", "signals", "sums")
    }


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("people", {"adverse": 7}),
        ("people", {"expected": 6.5}),
        ("vlad", {"vlad": -2.9}),
        ("vlad", {"expected": 3.1}),
        ("peaks", {"cusum_worse": 2.5}),
        ("peaks", {"cusum_better": -0.1}),
        ("limits", {"limit_worse": 1.9}),
        ("limits", {"arl_better": 0.0}),
        ("signals", {"signal": None}),
        ("signals", {"signal": "better"}),
        ("signals", {"cusum_worse_peak": 1.99}),
        ("sums", {"n": 7}),
        ("sums", {"adverse": 4}),
        ("sums", {"organization_id": "south"}),
    ],
)
def test_what_does_not_hold_is_named(check: str, change: dict[str, Any]) -> None:
    passed, detail = findings([MONTHS[0], MONTHS[1] | change])[f"monitoring {check}"]
    assert not passed
    assert "response-12-weeks" in detail


def test_both_limits_in_one_month_are_told_as_the_less_favorable() -> None:
    both = MONTHS[1] | {"cusum_better_peak": 2.3}
    assert findings([MONTHS[0], both])["monitoring signals"][0]
    assert not findings([MONTHS[0], both | {"signal": "better"}])["monitoring signals"][0]


def test_a_case_mix_may_leave_people_out_but_add_none() -> None:
    fewer = [row | {"adjustment": "clinical"} for row in MONTHS[:1]]
    assert findings(fewer)["monitoring sums"][0]
    more = [row | {"adjustment": "clinical", "n": 20} for row in MONTHS]
    assert not findings(more)["monitoring sums"][0]


def test_the_missing_count_where_the_measure_says_so() -> None:
    everybody = [MONTHS[0], MONTHS[1] | {"n": 10, "adverse": 9}]
    assert findings(everybody, primary_denominator="all_eligible")["monitoring sums"][0]
    assert not findings(everybody)["monitoring sums"][0]
    lower = [MONTHS[0] | {"adverse": 1}, MONTHS[1] | {"adverse": 1}]
    assert findings(lower, better="lower")["monitoring sums"][0]


def test_a_table_with_another_column_is_left_to_the_check_of_its_values() -> None:
    table = pa.Table.from_pylist(MONTHS, schema=DERIVED["monitoring_months"].schema).drop_columns("vlad")
    assert not list(monitoring_findings(table, DERIVED["statistics"].empty(), {}))
