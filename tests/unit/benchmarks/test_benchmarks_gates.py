"""Gates: below minimum data a record says what is missing, and never shows a weaker figure."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchwell.benchmarks import Declarations, compute, organization_results
from benchwell.benchmarks.gates import cell_reason
from benchwell.registry.benchmark import Gates
from benchwell.tables import DERIVED
from unit.benchmarks.benchmarks_cases import (
    MET,
    PEOPLE,
    make_benchmark,
    make_measure,
    organizations_of,
    proportion_statistics,
)


def records(met: list[int], people: list[int], **changes: Any) -> dict[tuple[str, str], dict[str, Any]]:
    statistics = proportion_statistics(met, people)
    declared = Declarations({"demo-response": make_measure()}, {"demo": make_benchmark(**changes)}, {})
    found = compute(statistics, organizations_of(statistics), declared, dt.date(2024, 6, 30)).benchmarks
    return {(row["method"], row["without"]): row for row in found.to_pylist()}


def test_four_organizations_are_no_tier() -> None:
    found = records(MET[:4], PEOPLE[:4])
    assert {row["status"] for row in found.values()} == {"insufficient"}
    assert found["pooled", ""]["reason"] == "too_few_organizations: 4 organizations have a figure; 5 are needed"


def test_five_show_a_median_and_no_quartile() -> None:
    found = records([40, 50, 45, 42, 48], [100] * 5)
    assert found["p50", ""]["status"] == "ok"
    assert found["p25", ""]["reason"] == "too_few_organizations: 5 organizations have a figure; 10 are needed"
    # Without one of them only four are left.
    assert found["p50", "c00"]["status"] == "insufficient"


def test_ten_show_quartiles_and_no_decile() -> None:
    found = records(MET, PEOPLE)
    assert found["p25", ""]["status"] == "ok"
    assert found["top_decile.raw", ""]["reason"].startswith("too_few_reliable_organizations:")
    assert found["top_decile.raw", ""]["estimate"] is None


def test_twenty_reliable_ones_that_differ_show_every_decile() -> None:
    met = [int(400 * rate) for rate in np.linspace(0.2, 0.7, 24)]
    found = records(met, [400] * 24)
    deciles = [row for (method, without), row in found.items() if method.startswith("top_decile") and not without]
    assert len(deciles) == 5
    assert {row["status"] for row in deciles} == {"ok"}
    assert found["top_decile.constrained_eb", "c23"]["estimate"] < found["top_decile.constrained_eb", ""]["estimate"]


def test_equal_organizations_show_no_decile() -> None:
    found = records([200] * 24, [400] * 24)
    assert found["top_decile.raw", ""]["status"] == "insufficient"


def test_a_percentile_beyond_the_quartiles_is_a_decile_by_another_name() -> None:
    """METHODS M4.2: 40 clinics that are all truly .50 would show a 90th percentile of about .64."""
    tails = {"kinds": ["percentile"], "percentiles": (0.1, 0.25, 0.5, 0.9)}
    noise = records(np.random.default_rng(4).binomial(20, 0.5, 40).tolist(), [20] * 40, **tails)
    codes = {
        name: (row["reason"] or row["status"]).split(":")[0] for (name, without), row in noise.items() if not without
    }
    assert codes["p90"] == codes["p10.patients"] == "too_few_reliable_organizations"
    assert codes["p25"] == codes["p50"] == "ok"
    differing = records([int(400 * rate) for rate in np.linspace(0.2, 0.7, 24)], [400] * 24, **tails)
    assert differing["p90", ""]["status"] == "ok"


@pytest.mark.parametrize(
    ("weight", "code"),
    [
        ([60.0, 10, 10, 10, 10], "one_organization_dominates"),
        ([45.0, 40, 5, 5, 5], "two_organizations_dominate"),
        ([1.0] * 5, "too_few_people"),
        ([30.0, 30, 30, 30, 30], None),
    ],
)
def test_dominance_and_small_cells(weight: list[float], code: str | None) -> None:
    reason = cell_reason(np.array(weight), Gates())
    assert (reason or "").split(":")[0] == (code or "")


def test_below_the_minimum_a_result_says_how_many_more() -> None:
    row = organization_results(proportion_statistics([3], [7]), make_measure(), Gates()).to_pylist()[0]
    assert (row["status"], row["reason"], row["n_needed"]) == ("insufficient", "too_few_people", 3)
    hidden = ("n_met", "observed", "all_eligible", "estimate", "lower", "upper", "bound_worst", "shrunken")
    assert [row[name] for name in hidden] == [None] * len(hidden)
    assert (row["n_eligible"], row["n_followed"]) == (7, 7)


def test_a_small_organization_does_not_move_the_others() -> None:
    with_small = organization_results(proportion_statistics([*MET, 9], [*PEOPLE, 9]), make_measure(), Gates())
    alone = organization_results(proportion_statistics(MET, PEOPLE), make_measure(), Gates())
    assert with_small["shrunken"].to_pylist()[:10] == alone["shrunken"].to_pylist()


@pytest.mark.parametrize("state", ["suppressed", "no_activity"])
def test_suppressed_is_not_no_activity_and_neither_is_zero(state: str) -> None:
    measure = make_measure(
        endpoint={"kind": "published", "source": "s", "name": "n", "group_type": "g"}, primary_denominator="observed"
    )
    key = {"measure": "demo-response", "organization_id": "c", "period": "all", "stratum": "all", "level": "all"}
    statistics = DERIVED["statistics"].conform(pa.Table.from_pylist([key | {"state": state}]))
    row = organization_results(statistics, measure, Gates()).to_pylist()[0]
    assert (row["status"], row["estimate"], row["n_needed"]) == (state, None, None)


def test_a_better_lower_measure_has_its_favorable_end_below() -> None:
    met = [int(400 * rate) for rate in np.linspace(0.2, 0.7, 24)]
    statistics = proportion_statistics(met, [400] * 24)
    declared = Declarations({"demo-response": make_measure(better="lower")}, {"demo": make_benchmark()}, {})
    found = compute(statistics, organizations_of(statistics), declared, dt.date(2024, 6, 30)).benchmarks.to_pylist()
    estimates = {row["method"]: row["estimate"] for row in found if not row["without"]}
    assert estimates["top_decile.raw"] < estimates["p50"]
    assert estimates["top_decile.model_mean"] < estimates["top_decile.model_p90"] < estimates["p50"]
    assert estimates["abc"] < estimates["pooled"]
