"""The seam is real: the trial's data through the whole pipeline on Spark give the numbers that DuckDB gives."""

from __future__ import annotations

import datetime as dt
import importlib.util
import math
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchwell import Workspace
from benchwell.engine import DuckDBEngine, Engine
from benchwell.pipeline.computing import Sums, compute_sums
from benchwell.pipeline.progress import Stages
from benchwell.tables import TABLES

EXAMPLE = Path(__file__).parents[3] / "examples" / "hamd-trial-sites"
BENCHMARKS = ["hamd-sites-remission"]
DAY = dt.date(2019, 12, 31)

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore"),  # the session's own start-up, not our code
    pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="PySpark is not installed"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed"),
]


@pytest.fixture(scope="session")
def pipeline_spark() -> Iterator[Engine]:
    from pyspark.sql import SparkSession

    from benchwell.engine.spark_engine import SparkEngine

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Compiling each small query would take longer than running it.
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.adaptive.enabled", "false")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .config("spark.sql.session.timeZone", "UTC")
            .getOrCreate()
        )
        engine = SparkEngine(session)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("trial") / "home")
    workspace.intake(EXAMPLE / "hamd_sites.csv", EXAMPLE / "mapping.yaml")
    return workspace


def sums_of(workspace: Workspace, engine: Engine) -> Sums:
    snapshot = workspace.lake.snapshot()
    return compute_sums(
        engine,
        lambda name: workspace.lake.read(engine, name, snapshot),
        workspace.registry,
        workspace.settings,
        DAY,
        BENCHMARKS,
        Stages(),
    )


def same(one: Any, other: Any) -> bool:
    """Equal, or numbers within 1e-9."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return one == other and type(one) is type(other)


def differences(name: str, found: Any, expected: Any) -> list[tuple[str, int, Any, Any]]:
    """Cells that differ, of rows in the order of their key: neither engine promises one."""
    order = [(column, "ascending") for column in TABLES[name].key]
    found, expected = found.sort_by(order), expected.sort_by(order)
    assert found.schema.names == expected.schema.names
    assert found.num_rows == expected.num_rows
    return [
        (name, row, one, other)
        for name in expected.schema.names
        for row, (one, other) in enumerate(zip(found[name].to_pylist(), expected[name].to_pylist(), strict=True))
        if not same(one, other)
    ]


def test_the_trial_gives_the_same_outcomes_and_sums_on_spark(trial, pipeline_spark):
    with DuckDBEngine(threads=1) as duck:
        expected = sums_of(trial, duck)
    found = sums_of(trial, pipeline_spark)
    assert expected.outcomes.num_rows == 172
    assert expected.statistics.num_rows >= 2 * 17
    for name in ("outcomes", "statistics", "exclusions", "organizations"):
        assert differences(name, getattr(found, name), getattr(expected, name)) == []
    assert found.notes == expected.notes
    assert [model["measure"] for model in found.follow_up_models] == [
        model["measure"] for model in expected.follow_up_models
    ]
