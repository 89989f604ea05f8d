"""All people together: small organizations count, and none can be read by subtraction (M4.1, M4.7, C8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from math import sqrt
from typing import Any

import pyarrow as pa
import pytest

from benchwell.benchmarks import Declarations, compute
from benchwell.tables import DERIVED
from unit.benchmarks.benchmarks_cases import make_benchmark, make_measure, organizations_of, proportion_statistics

# met, followed, eligible
SHOWN = [(12, 30, 40), (20, 36, 40), (9, 25, 30), (16, 40, 50), (18, 33, 35)]
TINY = [(1, 2, 3), (4, 5, 6), (2, 4, 5)]


def records(statistics: pa.Table, benchmark: dict[str, Any] | None = None, **measure: Any) -> list[dict[str, Any]]:
    declared = make_benchmark(**({"kinds": ["mean"]} | (benchmark or {})))
    declarations = Declarations({"demo-response": make_measure(**measure)}, {"demo": declared}, {})
    return compute(statistics, organizations_of(statistics), declarations, dt.date(2024, 6, 30)).benchmarks.to_pylist()


def of_counts(counts: Sequence[tuple[int, int, int]], **measure: Any) -> list[dict[str, Any]]:
    met, followed, eligible = (list(column) for column in zip(*counts, strict=True))
    return records(proportion_statistics(met, eligible, followed=followed), **measure)


def pooled(found: list[dict[str, Any]], without: str = "") -> dict[str, Any]:
    return next(row for row in found if row["method"] == "pooled" and row["without"] == without)


# who is small; who counts; what the population says
CASES = [
    ("nobody is small", [], 5, None),
    ("three small ones count", TINY, 8, "counted too, without a figure of their own: 3 of 8"),
    ("one small one could be read by subtraction", TINY[:1], 5, "subtraction would show them: 1 of 6"),
    ("of two, each could read the other", TINY[:2], 5, "subtraction would show them: 2 of 7"),
    ("three with fewer than 10 people together", [(0, 1, 2), (1, 1, 3), (1, 2, 4)], 5, "show them: 3 of 8"),
]


@pytest.mark.parametrize(("_title", "small", "k", "words"), CASES, ids=[case[0] for case in CASES])
@pytest.mark.parametrize("primary", ["all_eligible", "observed"])
def test_who_counts(_title: str, small: list[tuple[int, int, int]], k: int, words: str | None, primary: str) -> None:
    row = pooled(of_counts([*SHOWN, *small], primary_denominator=primary))
    counted = [*SHOWN, *small][:k]
    people = sum(one[2 if primary == "all_eligible" else 1] for one in counted)
    assert row["estimate"] == pytest.approx(sum(one[0] for one in counted) / people)
    assert (row["n_organizations"], row["n_patients"]) == (k, sum(one[2] for one in counted))
    assert row["n_followed"] == sum(one[1] for one in counted)
    assert row["completeness"] == pytest.approx(row["n_followed"] / row["n_patients"])
    assert row["population"].startswith("test clinics")
    assert row["population"].endswith(words or "test clinics")


def test_the_jackknife_runs_over_all_who_count() -> None:
    counts = [*SHOWN, *TINY]
    k, met, people = len(counts), sum(one[0] for one in counts), sum(one[2] for one in counts)
    without = [(met - one[0]) / (people - one[2]) for one in counts]
    mean = sum(without) / k
    expected = sqrt((k - 1) / k * sum((one - mean) ** 2 for one in without))
    found = of_counts(counts)
    assert pooled(found)["standard_error"] == pytest.approx(expected)
    assert pooled(found, "c00")["estimate"] == pytest.approx(without[0])
    assert pooled(found, "c00")["n_organizations"] == k - 1


def test_every_record_says_how_reliable_its_field_is() -> None:
    met, followed, eligible = (list(column) for column in zip(*[*SHOWN, *TINY], strict=True))
    found = records(proportion_statistics(met, eligible, followed=followed), {"kinds": ["mean", "percentile"]})
    published = [row for row in found if row["status"] == "ok"]
    assert len(published) == 9
    for name in ("field_reliability", "lower", "upper", "standard_error", "completeness", "n_patients", "adjustment"):
        assert [row["method"] for row in published if row[name] is None] == []


def test_no_record_is_without_a_small_organization() -> None:
    # The pooled figure less the one without it would be its own figure.
    found = of_counts([*SHOWN, *TINY])
    assert {row["without"] for row in found if row["method"] == "pooled"} == {"", "c00", "c01", "c02", "c03", "c04"}


def test_other_figures_stay_over_organizations_with_a_figure() -> None:
    met, followed, eligible = (list(column) for column in zip(*[*SHOWN, *TINY], strict=True))
    statistics = proportion_statistics(met, eligible, followed=followed)
    found = records(statistics, {"kinds": ["mean", "percentile"]})
    rows = {row["method"]: row for row in found if row["without"] == ""}
    assert rows["p50"]["n_organizations"] == rows["unweighted"]["n_organizations"] == 5
    assert rows["pooled"]["n_organizations"] == 8


def test_where_nobody_was_followed_people_still_count_in_the_completeness() -> None:
    row = pooled(of_counts([*SHOWN, *TINY, (0, 0, 20)], primary_denominator="observed"))
    assert row["n_patients"] == 229
    assert row["estimate"] == pytest.approx(82 / 175)


def scores(better_lower: bool = True) -> list[list[tuple[float, float]]]:
    """(baseline, follow-up) of every person, per organization; three organizations of four people."""
    sizes = [14, 12, 16, 11, 13, 4, 4, 4]
    made = []
    for place, n in enumerate(sizes):
        pairs = [(18 - (one * 7 + place) % 9, 11 - (one * 5 + 2 * place) % 8) for one in range(n)]
        made.append([(float(a), float(b)) if better_lower else (float(b), float(a)) for a, b in pairs])
    return made


def paired_statistics(sign: int) -> tuple[pa.Table, list[tuple[float, float]]]:
    rows, everybody = [], []
    for place, pairs in enumerate(scores(sign > 0)):
        gains = [sign * (a - b) for a, b in pairs]
        everybody += pairs
        rows.append(
            {
                "measure": "demo-response",
                "organization_id": f"c{place}",
                "period": "all",
                "stratum": "all",
                "level": "all",
                "state": "row",
                "n_eligible": len(pairs) + 1,
                "n_followed": len(pairs),
                "sum_value": sum(gains),
                "sum_value_squared": sum(gain**2 for gain in gains),
                "sum_baseline": sum(a for a, _ in pairs),
                "sum_baseline_squared": sum(a * a for a, _ in pairs),
                "sum_followup": sum(b for _, b in pairs),
                "sum_followup_squared": sum(b * b for _, b in pairs),
                "sum_baseline_followup": sum(a * b for a, b in pairs),
            }
        )
    return DERIVED["statistics"].conform(pa.Table.from_pylist(rows)), everybody


@pytest.mark.parametrize("sign", [1, -1], ids=["lower scores are better", "higher scores are better"])
def test_a_mean_is_that_of_every_person(sign: int) -> None:
    statistics, everybody = paired_statistics(sign)
    row = pooled(records(statistics, endpoint={"kind": "change"}, primary_denominator="observed"))
    assert row["estimate"] == pytest.approx(sum(sign * (a - b) for a, b in everybody) / len(everybody))
    # With nobody's gain for the missing, one per organization.
    row = pooled(records(statistics, endpoint={"kind": "change"}))
    assert row["estimate"] == pytest.approx(sum(sign * (a - b) for a, b in everybody) / (len(everybody) + 8))


@pytest.mark.parametrize("sign", [1, -1], ids=["lower scores are better", "higher scores are better"])
def test_a_ratio_of_means_is_that_of_all_people(sign: int) -> None:
    statistics, everybody = paired_statistics(sign)
    row = pooled(records(statistics, endpoint={"kind": "percent_change"}, primary_denominator="observed"))
    before, after = sum(a for a, _ in everybody), sum(b for _, b in everybody)
    assert row["estimate"] == pytest.approx(sign * 100 * (before - after) / before)
    assert row["lower"] < row["estimate"] < row["upper"]


def test_a_rate_is_events_over_all_years() -> None:
    events, years = [4, 7, 2, 9, 5, 1, 0, 1], [40.0, 80.0, 35.0, 60.0, 55.0, 4.0, 3.0, 5.0]
    people = [40, 80, 35, 60, 55, 4, 4, 5]
    rows = [
        {"measure": "demo-response", "organization_id": f"c{place}", "period": "all", "stratum": "all", "level": "all"}
        | {"state": "row", "n_eligible": n, "n_followed": n, "sum_value": float(x), "sum_exposure": time}
        for place, (x, time, n) in enumerate(zip(events, years, people, strict=True))
    ]
    statistics = DERIVED["statistics"].conform(pa.Table.from_pylist(rows))
    measure = {"endpoint": {"kind": "event_rate", "event": "self-harm"}, "better": "lower"}
    row = pooled(records(statistics, **measure, primary_denominator="observed"))
    assert row["estimate"] == pytest.approx(100 * 29 / 282)


def test_small_published_figures_need_no_protection() -> None:
    rows = [
        {"measure": "demo-response", "organization_id": f"c{place}", "period": "all", "stratum": "all", "level": "all"}
        | {"published_rate": rate, "published_denominator": n, "state": "published"}
        for place, (rate, n) in enumerate(
            [(0.4, 100.0), (0.5, 80.0), (0.6, 60.0), (0.5, 90.0), (0.45, 70.0), (1.0, 5.0)]
        )
    ]
    statistics = DERIVED["statistics"].conform(pa.Table.from_pylist(rows))
    measure = {"endpoint": {"kind": "published", "source": "s", "name": "n", "group_type": "g"}}
    row = pooled(records(statistics, **measure, primary_denominator="observed"))
    assert (row["n_organizations"], row["n_patients"]) == (6, 405)
    assert row["estimate"] == pytest.approx((40 + 40 + 36 + 45 + 31.5 + 5) / 405)
    assert "denominator that the source states" in row["source"]
