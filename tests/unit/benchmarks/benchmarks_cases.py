"""Small, complete inputs for the tests of the benchmarks room."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchwell.benchmarks import Code, Declarations, Inputs, Plan, frozen, summarize
from benchwell.engine import DuckDBEngine
from benchwell.registry import Benchmark, Measure, Reference
from benchwell.tables import CANONICAL, DERIVED

# METHODS E4.2b: ten clinics.
MET = [25, 52, 23, 80, 49, 40, 64, 54, 38, 8]
PEOPLE = [80, 150, 60, 200, 120, 90, 140, 110, 70, 12]
AS_OF = dt.date(2024, 6, 30)


def make_measure(**changes: Any) -> Measure:
    """A response measure in which missing counts as not met."""
    known: dict[str, Any] = {
        "id": "demo-response",
        "revision": 1,
        "title": "Response",
        "why": "A test measure.",
        "author": "test",
        "better": "higher",
        "instruments": ["phq-9"],
        "index": {"rule": "start_date"},
        "baseline": {},
        "followup": {"from_day": 56, "to_day": 112, "pick": "last"},
        "endpoint": {"kind": "response"},
    }
    return Measure.model_validate(known | changes)


def make_benchmark(**changes: Any) -> Benchmark:
    """A benchmark of that measure, with few replicates so that tests are fast."""
    known: dict[str, Any] = {
        "id": "demo",
        "revision": 1,
        "title": "Demo",
        "why": "A test benchmark.",
        "author": "test",
        "measure": "demo-response",
        "population": "test clinics",
        "kinds": ["mean", "percentile", "top_decile", "abc"],
        "replicates": 200,
    }
    return Benchmark.model_validate(known | changes)


def make_reference(**changes: Any) -> Reference:
    """An external figure that may be compared with the measure."""
    known: dict[str, Any] = {
        "id": "elsewhere",
        "revision": 1,
        "title": "Elsewhere",
        "why": "A test reference.",
        "author": "test",
        "measures": ["demo-response"],
        "figure": "response 40 %",
        "estimate": 0.4,
        "better": "higher",
        "year": "2020",
        "population": "another country",
        "denominator": "all_eligible",
        "denominator_text": "all eligible people",
        "n": 600,
        "source": "a report",
        "checked": "checked",
    }
    return Reference.model_validate(known | changes)


def proportion_statistics(
    met: Sequence[int],
    people: Sequence[int],
    *,
    followed: Sequence[int] | None = None,
    period: str = "all",
    stratum: str = "all",
    levels: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    measure: str = "demo-response",
) -> pa.Table:
    """Statistics of a yes/no measure from counts, one row per organization (or per level)."""
    k = len(met)
    rows = pa.table(
        {
            "measure": [measure] * k,
            "organization_id": list(ids or [f"c{place:02d}" for place in range(k)]),
            "period": [period] * k,
            "stratum": [stratum] * k,
            "level": list(levels or ["all"] * k),
            "n_eligible": pa.array(people, pa.int64()),
            "n_followed": pa.array(followed or people, pa.int64()),
            "n_met": pa.array(met, pa.int64()),
            "state": ["row"] * k,
        }
    )
    return DERIVED["statistics"].conform(rows)


def organizations_of(statistics: pa.Table, **columns: Sequence[str | None]) -> pa.Table:
    """An organizations table with one row per organization of the statistics."""
    ids = sorted(set(statistics["organization_id"].to_pylist()))
    return CANONICAL["organizations"].conform(pa.table({"organization_id": ids} | dict(columns)))


def random_outcomes(n: int, clinics: int, seed: int = 7) -> tuple[pa.Table, pa.Table]:
    """Outcomes of `n` episodes in some clinics that really differ, with sex as their only feature."""
    generator = np.random.default_rng(seed)
    clinic = generator.integers(0, clinics, n)
    followed = generator.random(n) < 0.7
    met = generator.random(n) < 0.25 + 0.4 * clinic / max(clinics - 1, 1)
    baseline = generator.integers(10, 28, n)
    followup = generator.integers(0, 28, n)
    index_day = generator.integers(19000, 19700, n)
    episodes = [f"e{place:05d}" for place in range(n)]

    def when_followed(values: Any, kind: pa.DataType) -> pa.Array:
        return pa.array([value if seen else None for value, seen in zip(values.tolist(), followed, strict=True)], kind)

    outcomes = pa.table(
        {
            "measure": ["demo-response"] * n,
            "episode_id": episodes,
            "organization_id": [f"c{place:02d}" for place in clinic],
            "index_day": index_day,
            "baseline": baseline.astype(float),
            "followup_day": when_followed(index_day + generator.integers(56, 113, n), pa.int64()),
            "followup": when_followed(followup.astype(float), pa.float64()),
            "status": np.where(followed, "followed", "missing"),
            "eligible": generator.random(n) < 0.97,
            "met": when_followed(met, pa.bool_()),
            "value": when_followed((baseline - followup).astype(float), pa.float64()),
            "weight": when_followed(generator.uniform(1.0, 3.0, n), pa.float64()),
        }
    )
    sex = [("female", "male", None)[place] for place in generator.integers(0, 3, n)]
    features = pa.table({"measure": ["demo-response"] * n, "episode_id": episodes, "sex": sex})
    return DERIVED["outcomes"].conform(outcomes), features


def make_inputs(*, benchmark: Benchmark | None = None, **changes: Any) -> Inputs:
    """Everything for an edition of 12 clinics with 1,500 episodes."""
    outcomes, features = random_outcomes(1500, 12)
    benchmark = benchmark or make_benchmark(
        strata=[{"by": "sex"}], kinds=["mean", "percentile", "abc", "fixed_external"], references=["elsewhere"]
    )
    engine = DuckDBEngine()
    lazy = summarize(engine, engine.from_arrow(outcomes), engine.from_arrow(features), Plan.of([benchmark]))
    statistics = frozen(engine.to_arrow(lazy))
    analysed = outcomes.filter(outcomes["eligible"]).num_rows
    flow = [
        {"measure": "demo-response", "step": 0, "reason": "episodes", "count": 1500, "remaining": 1500},
        {"measure": "demo-response", "step": 1, "reason": "excluded", "count": 1500 - analysed, "remaining": analysed},
    ]
    known: dict[str, Any] = {
        "statistics": statistics,
        "exclusions": pa.Table.from_pylist(flow, schema=DERIVED["exclusions"].schema),
        "organizations": organizations_of(statistics),
        "declarations": Declarations(
            {"demo-response": make_measure()}, {benchmark.id: benchmark}, {"elsewhere": make_reference()}
        ),
        "as_of": AS_OF,
        "code": Code("0.0-test"),
        "snapshot": {"id": "s1", "tables": {"episodes": 3}},
        "outcomes": outcomes,
        "features": features,
    }
    return Inputs(**(known | changes))


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by relative path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
