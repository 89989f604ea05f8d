"""The same sums on Spark: one definition, two engines."""

from __future__ import annotations

import math
import shutil

import pytest

from benchwell.benchmarks import Plan, frozen, summarize
from benchwell.engine import DuckDBEngine, Engine
from unit.benchmarks.benchmarks_cases import random_outcomes

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed"),
    pytest.mark.filterwarnings("ignore"),
]


def test_spark_gives_the_same_sums() -> None:
    pytest.importorskip("pyspark")
    from benchwell.engine.spark_engine import SparkEngine

    outcomes, features = random_outcomes(300, 3)
    plan = Plan({"demo-response": ("sex",)})

    def sums(engine: Engine) -> list[dict[str, object]]:
        lazy = summarize(engine, engine.from_arrow(outcomes), engine.from_arrow(features), plan)
        return frozen(engine.to_arrow(lazy)).to_pylist()

    expected = sums(DuckDBEngine(threads=1))
    found = sums(SparkEngine())
    assert len(found) == len(expected)
    differing = [
        (name, one[name], other[name])
        for one, other in zip(found, expected, strict=True)
        for name in other
        if not same(one[name], other[name])
    ]
    assert differing == []


def same(one: object, other: object) -> bool:
    """Equal, or numbers within 1e-9."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    return one == other
