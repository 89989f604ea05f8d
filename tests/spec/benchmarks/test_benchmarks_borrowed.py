"""Levels that borrow are never certain, even when they seem all the same (M4.6, M3.9, C2)."""

from __future__ import annotations

import datetime as dt
from math import sqrt
from typing import Any

import pyarrow as pa
import pytest

from benchwell.benchmarks import Declarations, compute
from unit.benchmarks.benchmarks_cases import make_benchmark, make_measure, organizations_of, proportion_statistics


def levels(met: list[int], people: list[int]) -> list[dict[str, Any]]:
    """Records of four levels of sex, each spread evenly over five clinics."""
    names = ["a", "b", "c", "d"]
    parts = [
        proportion_statistics(
            [x // 5 for x in met], [n // 5 for n in people], stratum="sex", levels=names, ids=[f"c{clinic}"] * 4
        )
        for clinic in range(5)
    ]
    whole = proportion_statistics(
        [sum(met) // 5] * 5, [sum(people) // 5] * 5, ids=[f"c{clinic}" for clinic in range(5)]
    )
    statistics = pa.concat_tables([*parts, whole])
    declared = Declarations(
        {"demo-response": make_measure()}, {"demo": make_benchmark(kinds=["mean"], strata=[{"by": "sex"}])}, {}
    )
    return compute(statistics, organizations_of(statistics), declared, dt.date(2024, 6, 30)).benchmarks.to_pylist()


@pytest.mark.parametrize(
    "met", [[50, 50, 50, 50], [45, 50, 55, 50], [20, 45, 60, 80]], ids=["alike", "by chance", "different"]
)
def test_a_borrowed_level_has_an_interval(met: list[int]) -> None:
    found = [row for row in levels(met, [100] * 4) if row["method"] == "borrowed"]
    assert len(found) == 4
    for row in found:
        assert row["standard_error"] > 0.01
        assert row["lower"] < row["estimate"] < row["upper"]


def test_levels_put_together_are_as_sure_as_the_people_behind_them() -> None:
    row = next(row for row in levels([50, 50, 50, 50], [100] * 4) if row["method"] == "poststratified")
    assert row["estimate"] == pytest.approx(0.5)
    assert row["standard_error"] == pytest.approx(sqrt(0.25 / 400))
    # Every one of the five clinics has people in each of the four levels: it is one clinic all the same.
    assert row["n_organizations"] == 5
