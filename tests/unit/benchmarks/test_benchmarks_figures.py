"""Figures per summary: what a summary does not define stays unknown."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from benchwell.benchmarks import organization_results
from benchwell.registry.benchmark import Gates
from benchwell.tables import DERIVED
from unit.benchmarks.benchmarks_cases import make_measure


def result(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    key = {"measure": "demo-response", "organization_id": "c", "period": "all", "stratum": "all", "level": "all"}
    statistics = DERIVED["statistics"].conform(pa.Table.from_pylist([key | {"state": "row"} | row]))
    return organization_results(statistics, make_measure(**changes), Gates(organization_n=4)).to_pylist()[0]


GAINS = {"n_eligible": 8, "n_followed": 4, "sum_value": 20.0, "sum_value_squared": 120.0}


def test_not_followed_counts_as_no_gain() -> None:
    row = result(GAINS, endpoint={"kind": "change"})
    assert (row["observed"], row["all_eligible"], row["estimated"]) == (5.0, 2.5, None)
    assert row["observed_lower"] < 5.0 < row["observed_upper"]
    assert row["bound_worst"] is None


def test_a_wait_has_no_figure_for_people_never_seen() -> None:
    row = result(GAINS, endpoint={"kind": "wait_days"}, better="lower", primary_denominator="all_eligible")
    assert (row["status"], row["reason"], row["all_eligible"]) == ("insufficient", "denominator_not_defined", None)


def test_an_estimated_figure_needs_weights() -> None:
    row = result({"n_eligible": 8, "n_followed": 4, "n_met": 2}, primary_denominator="estimated")
    assert (row["status"], row["reason"]) == ("insufficient", "no_followup_weights")


def test_one_value_has_no_mean_with_an_interval() -> None:
    row = result(
        {"n_eligible": 8, "n_followed": 1, "sum_value": 5.0, "sum_value_squared": 25.0},
        endpoint={"kind": "change"},
        primary_denominator="observed",
    )
    assert row["status"] == "insufficient"
    assert row["estimate"] is None


def test_equal_scores_have_no_spread_that_rounding_made() -> None:
    values = 0.1 * 3
    row = result(
        {"n_eligible": 30, "n_followed": 30, "sum_value": 30 * values, "sum_value_squared": 30 * values**2},
        endpoint={"kind": "change"},
        primary_denominator="observed",
    )
    assert row["lower"] == row["upper"] == pytest.approx(values)
    assert row["variance"] is None


def test_missing_could_only_worsen_a_deterioration_rate() -> None:
    row = result({"n_eligible": 10, "n_followed": 6, "n_met": 1}, better="lower")
    assert (row["bound_worst"], row["bound_best"]) == (0.5, 0.1)


def test_no_event_still_has_an_upper_limit() -> None:
    row = result(
        {"n_eligible": 90, "n_followed": 90, "sum_value": 0.0, "sum_exposure": 84.5},
        endpoint={"kind": "event_rate", "event": "self-harm"},
        better="lower",
        primary_denominator="observed",
    )
    assert row["estimate"] == 0.0
    assert row["upper"] == pytest.approx(100 * 3.6889 / 84.5, rel=1e-4)
