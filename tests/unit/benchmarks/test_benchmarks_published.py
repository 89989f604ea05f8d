"""Official aggregates: rates are averaged by their stated denominators; overlapping breakdowns are never added."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from benchwell.benchmarks import organization_results, published_statistics
from benchwell.registry.benchmark import Gates
from benchwell.tables import CANONICAL
from unit.benchmarks.benchmarks_cases import make_measure

MEASURE = make_measure(
    endpoint={"kind": "published", "source": "s", "name": "recovery", "group_type": "Provider"},
    primary_denominator="observed",
)


def rates(*rows: dict[str, Any]) -> pa.Table:
    known = []
    for row in rows:
        month = row.get("month", 1)
        known.append(
            {
                "source": "s",
                "organization_id": "p1",
                "group_type": "Provider",
                "measure": "recovery",
                "period_start": dt.date(2019, month, 1),
                "period_end": dt.date(2019, month, 28),
                "state": "published",
            }
            | {key: value for key, value in row.items() if key != "month"}
        )
    return CANONICAL["published_rates"].conform(pa.Table.from_pylist(known))


def statistics_of(*rows: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    found = published_statistics(rates(*rows), [MEASURE, make_measure(id="not-published")])
    return {(row["organization_id"], row["period"]): row for row in found.to_pylist()}


def test_the_whole_period_weighs_by_denominator() -> None:
    found = statistics_of({"rate": 0.5, "denominator": 100.0}, {"month": 2, "rate": 0.6, "denominator": 300.0})
    assert found.keys() == {("p1", "all"), ("p1", "2019-01"), ("p1", "2019-02")}
    assert found["p1", "all"]["published_rate"] == pytest.approx(0.575)
    assert found["p1", "all"]["published_denominator"] == 400.0
    assert found["p1", "all"]["n_eligible"] is None


def test_other_breakdowns_sources_and_measures_are_not_read() -> None:
    found = statistics_of(
        {"rate": 0.5, "denominator": 100.0},
        {"rate": 0.9, "denominator": 900.0, "group_type": "CCG/Provider"},
        {"rate": 0.9, "denominator": 900.0, "source": "other"},
        {"rate": 0.9, "denominator": 900.0, "measure": "improvement"},
    )
    assert found["p1", "all"]["published_rate"] == 0.5


def test_suppressed_months_are_left_out_and_all_suppressed_is_suppressed() -> None:
    some = statistics_of({"rate": 0.5, "denominator": 100.0}, {"month": 2, "state": "suppressed"})
    assert (some["p1", "all"]["state"], some["p1", "all"]["published_rate"]) == ("published", 0.5)
    assert some["p1", "2019-02"]["state"] == "suppressed"
    every = statistics_of({"state": "suppressed"}, {"month": 2, "state": "no_activity"})
    assert (every["p1", "all"]["state"], every["p1", "all"]["published_rate"]) == ("suppressed", None)
    none = statistics_of({"state": "no_activity"})
    assert none["p1", "all"]["state"] == "no_activity"


def test_a_rate_without_its_denominator_waits() -> None:
    statistics = published_statistics(rates({"rate": 0.5}), [MEASURE])
    rows = organization_results(statistics, MEASURE, Gates()).to_pylist()
    assert {(row["status"], row["reason"], row["estimate"]) for row in rows} == {
        ("insufficient", "denominator_not_stated", None)
    }


def test_a_published_rate_becomes_a_result_with_its_interval() -> None:
    statistics = published_statistics(rates({"rate": 0.5, "denominator": 100.0}), [MEASURE])
    row = organization_results(statistics, MEASURE, Gates()).to_pylist()[0]
    assert (row["estimate"], row["observed"], row["n_eligible"], row["n_followed"]) == (0.5, 0.5, 100, None)
    assert (row["lower"], row["upper"]) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert row["completion"] is None
