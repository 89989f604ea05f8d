"""METHODS worked examples through the room's own functions: sections 0, 1, 2, 4, E3.9 and E13.1."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchwell.benchmarks import Declarations, compute, organization_results
from benchwell.benchmarks.cohort import Cohort, patient_percentile, percentile
from benchwell.registry import hash_canonical
from benchwell.registry.benchmark import Gates
from benchwell.tables import DERIVED
from benchwell.terms import Better
from unit.benchmarks.benchmarks_cases import (
    MET,
    PEOPLE,
    make_benchmark,
    make_measure,
    make_reference,
    organizations_of,
    proportion_statistics,
)

OPEN = {
    "organization_n": 1,
    "tier_organizations": 2,
    "quartile_organizations": 2,
    "decile_organizations": 1,
    "decile_reliability": 0.0,
    "cell_n": 1,
    "dominance_one": 1.0,
    "dominance_two": 1.0,
}


def records_of(statistics: pa.Table, **changes: Any) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    benchmark = make_benchmark(gates=OPEN, **changes)
    declared = Declarations({"demo-response": make_measure()}, {"demo": benchmark}, {"elsewhere": make_reference()})
    found = compute(statistics, organizations_of(statistics), declared, dt.date(2024, 6, 30)).benchmarks
    return {(row["method"], row["stratum"], row["level"], row["without"]): row for row in found.to_pylist()}


def common(records: dict[tuple[str, str, str, str], dict[str, Any]], method: str) -> dict[str, Any]:
    return records[method, "all", "all", ""]


@pytest.fixture(scope="module")
def ten_clinics() -> dict[tuple[str, str, str, str], dict[str, Any]]:
    return records_of(proportion_statistics(MET, PEOPLE))


def one_result(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    base = {"measure": "demo-response", "organization_id": "c", "period": "all", "stratum": "all", "level": "all"}
    table = DERIVED["statistics"].conform(pa.Table.from_pylist([base | {"state": "row"} | row]))
    return organization_results(table, make_measure(**changes), Gates(organization_n=1)).to_pylist()[0]


def test_e0_1_quantiles_of_a_cohort() -> None:
    values = np.array([0.31, 0.35, 0.38, 0.40, 0.41, 0.44, 0.46, 0.49, 0.55, 0.68])
    weights = np.array([80, 150, 60, 200, 120, 90, 140, 110, 70, 12], dtype=float)
    cohort = Cohort((), values, weights, weights, weights, True, Better.HIGHER)
    assert [percentile(p)(cohort).item() for p in (0.1, 0.5, 0.9)] == pytest.approx([0.346, 0.425, 0.563])
    assert [patient_percentile(p)(cohort).item() for p in (0.5, 0.9)] == [0.41, 0.49]


def test_e1_4_three_denominators_and_bounds() -> None:
    row = one_result({"n_eligible": 100, "n_followed": 60, "n_met": 30})
    assert (row["observed"], row["all_eligible"], row["completion"]) == (0.5, 0.3, 0.6)
    assert (row["observed_lower"], row["observed_upper"]) == pytest.approx((0.377, 0.623), abs=5e-4)
    assert (row["lower"], row["upper"]) == pytest.approx((0.219, 0.396), abs=5e-4)
    assert (row["bound_worst"], row["bound_best"]) == (0.3, 0.7)
    assert row["estimated"] is None


def test_e1_5_weights_give_the_estimated_figure() -> None:
    sums = {
        "sum_weight": 100.0,
        "sum_weight_squared": 175.0,
        "sum_weight_value": 40.0,
        "sum_weight_squared_value": 4 * 2.5**2 + 24 * 1.25**2,
        "sum_weight_squared_value_squared": 4 * 2.5**2 + 24 * 1.25**2,
    }
    row = one_result({"n_eligible": 100, "n_followed": 64, "n_met": 28} | sums)
    assert (row["observed"], row["estimated"]) == pytest.approx((0.4375, 0.40))
    assert row["effective_n"] == pytest.approx(57.1429, rel=1e-4)


PRE, POST = np.array([18, 14, 21, 11, 16, 12.0]), np.array([8, 9, 15, 4, 17, 3.0])
PAIRED = {
    "n_eligible": 6,
    "n_followed": 6,
    "sum_value": float((PRE - POST).sum()),
    "sum_value_squared": float(((PRE - POST) ** 2).sum()),
    "sum_baseline": float(PRE.sum()),
    "sum_baseline_squared": float((PRE**2).sum()),
    "sum_followup": float(POST.sum()),
    "sum_followup_squared": float((POST**2).sum()),
    "sum_baseline_followup": float((PRE * POST).sum()),
}


def test_e2_1_ratio_of_means_is_a_gain_in_percent() -> None:
    row = one_result(PAIRED, endpoint={"kind": "percent_change"}, primary_denominator="observed")
    assert row["estimate"] == pytest.approx(39.1304, rel=1e-4)
    assert row["lower"] < row["estimate"] < row["upper"]


def test_e2_1_mean_gain() -> None:
    row = one_result(PAIRED, endpoint={"kind": "change"}, primary_denominator="observed")
    assert row["estimate"] == pytest.approx(6.0)


@pytest.mark.parametrize(("sign", "expected"), [(1, (1.3355, 0.378, 2.293)), (-1, (-1.3355, -2.293, -0.378))])
def test_e2_6_effect_size_and_its_direction(sign: int, expected: tuple[float, float, float]) -> None:
    # With a score that is better higher, the same scores are a loss: value = -gain.
    row = one_result(
        PAIRED | {"sum_value": sign * PAIRED["sum_value"]},
        endpoint={"kind": "effect_size"},
        primary_denominator="observed",
    )
    assert row["estimate"] == pytest.approx(expected[0], rel=1e-4)
    assert (row["lower"], row["upper"]) == pytest.approx(expected[1:], abs=1e-3)
    assert row["variance"] == pytest.approx(0.2386, rel=1e-3)


def test_e2_10_rate_per_100_person_years() -> None:
    row = one_result(
        {"n_eligible": 90, "n_followed": 90, "sum_value": 7.0, "sum_exposure": 84.5},
        endpoint={"kind": "event_rate", "event": "self-harm"},
        better="lower",
        primary_denominator="observed",
    )
    assert (row["estimate"], row["lower"], row["upper"]) == pytest.approx((8.284, 3.331, 17.068), abs=5e-4)


def test_e3_9_shrinkage_and_reliability() -> None:
    # 28.8 of 60 are not whole people, so the example enters as published rates with their denominators.
    rows = [
        {"measure": "demo-response", "organization_id": f"c{place}", "period": "all", "stratum": "all", "level": "all"}
        | {"published_rate": rate, "published_denominator": float(n), "state": "published"}
        for place, (rate, n) in enumerate(zip((0.62, 0.48, 0.55, 0.40, 0.70), (200, 60, 120, 40, 15), strict=True))
    ]
    measure = make_measure(
        endpoint={"kind": "published", "source": "s", "name": "n", "group_type": "g"}, primary_denominator="observed"
    )
    statistics = DERIVED["statistics"].conform(pa.Table.from_pylist(rows))
    found = organization_results(statistics, measure, Gates()).to_pylist()
    assert [row["reliability"] for row in found] == pytest.approx([0.7979, 0.5421, 0.7031, 0.4412, 0.2284], abs=6e-5)
    assert [row["shrunken"] for row in found] == pytest.approx([0.6048, 0.5097, 0.5485, 0.4809, 0.5803], abs=6e-5)
    assert max(found, key=lambda row: row["shrunken"])["organization_id"] == "c0"


def test_e4_1_a_record_carries_all_that_it_must(ten_clinics: dict[Any, dict[str, Any]]) -> None:
    row = common(ten_clinics, "pooled")
    needed = (
        "measure kind method tier tier_id stratum level period adjustment denominator weighting population status "
        "n_organizations n_patients n_followed completeness estimate lower upper standard_error interval_method "
        "field_reliability"
    )
    assert [name for name in needed.split() if row[name] is None] == []


def test_e4_2_no_decile_arises_from_noise() -> None:
    # 100 clinics that are all truly .50: the raw top decile would read about .69.
    met = np.random.default_rng(42).binomial(20, 0.5, 100).tolist()
    statistics = proportion_statistics(met, [20] * 100, ids=[f"c{place:03d}" for place in range(100)])
    benchmark = make_benchmark(kinds=["top_decile"])
    declared = Declarations({"demo-response": make_measure()}, {"demo": benchmark}, {})
    found = compute(statistics, organizations_of(statistics), declared, dt.date(2024, 6, 30)).benchmarks.to_pylist()
    assert {row["status"] for row in found} == {"insufficient"}
    assert {row["estimate"] for row in found} == {None}


def test_e4_2b_ten_clinics_do_not_pass_the_gate(ten_clinics: dict[Any, dict[str, Any]]) -> None:
    names = ("raw", "eb", "constrained_eb", "model_p90", "model_mean")
    found = [common(ten_clinics, f"top_decile.{name}") for name in names]
    assert {row["reason"].split(":")[0] for row in found} == {"no_variation_between_organizations"}


def test_e4_2b_estimators_without_the_gate() -> None:
    from benchwell.benchmarks import cohort as estimators

    n = np.array(PEOPLE, dtype=float)
    ten = Cohort((), np.array(MET) / n, n, n, n, True, Better.HIGHER)
    found = [
        estimators.decile_raw(ten),
        estimators.decile_eb(ten),
        estimators.decile_constrained(ten),
        estimators.decile_model(ten),
        estimators.decile_model_mean(ten),
    ]
    assert [value.item() for value in found] == pytest.approx([0.5552, 0.4616, 0.4786, 0.4895, 0.5134], abs=6e-5)
    assert ten.shrinkage.tau2.item() == pytest.approx(0.00254651, rel=1e-4)
    assert ten.shrinkage.mean.item() == pytest.approx(0.424835, rel=1e-4)


def test_e4_3_achievable_benchmark(ten_clinics: dict[Any, dict[str, Any]]) -> None:
    assert common(ten_clinics, "abc")["estimate"] == pytest.approx(0.520833, abs=1e-6)


def test_e4_6_small_strata_borrow() -> None:
    # Four levels, each split over four clinics so that no clinic dominates.
    levels, met, people, ids = [], [], [], []
    for level, n, x in (("a", 400, 200), ("b", 150, 57), ("c", 60, 27), ("d", 20, 6)):
        for clinic in range(4):
            levels.append(level)
            ids.append(f"c{clinic}")
            met.append(x // 4 + (clinic < x % 4))
            people.append(n // 4 + (clinic < n % 4))
    by_level = proportion_statistics(met, people, stratum="severity", levels=levels, ids=ids)
    whole = proportion_statistics([70, 72, 73, 75], [158, 157, 158, 157], ids=["c0", "c1", "c2", "c3"])
    records = records_of(pa.concat_tables([whole, by_level]), strata=[{"by": "severity"}], kinds=["mean"])
    from benchwell.models.strata import borrow, poststratify

    n = np.array([400, 150, 60, 20.0])
    y = np.array([200, 57, 27, 6.0]) / n
    p = (n * y).sum() / n.sum()
    expected = borrow(y, p * (1 - p) / n)
    found = [records["borrowed", "severity", level, ""] for level in "abcd"]
    assert [row["estimate"] for row in found] == pytest.approx(expected.values.tolist())
    assert [row["field_reliability"] for row in found] == pytest.approx(expected.reliability.tolist())
    assert [(row["reason"] or "").startswith("mostly_borrowed") for row in found] == expected.mostly_borrowed.tolist()
    assert records["poststratified", "severity", "all", ""]["estimate"] == pytest.approx(
        poststratify(expected.values, n)
    )


def test_e4_7_jackknife_and_leave_one_out(ten_clinics: dict[Any, dict[str, Any]]) -> None:
    pooled = common(ten_clinics, "pooled")
    assert pooled["estimate"] == pytest.approx(0.419574, abs=1e-6)
    assert pooled["standard_error"] == pytest.approx(0.020472, abs=1e-6)
    without = ten_clinics["pooled", "all", "all", "c03"]
    assert without["estimate"] == pytest.approx(0.424279, abs=1e-6)
    assert 80 / 200 - without["estimate"] == pytest.approx(-0.0243, abs=5e-5)
    assert without["n_patients"] == sum(PEOPLE) - 200


def test_e13_1_hash_of_canonical_json() -> None:
    assert (
        hash_canonical({"id": "phq9-remission", "version": "1.0.0"})
        == "1be8805d49c8de1f74f6090f5f90ea9c05c539e6a9c832475ce4a155c898b2af"
    )
