"""Both engines; Spark is skipped by name where it cannot run."""

from __future__ import annotations

import importlib.util
import shutil
import warnings
from collections.abc import Iterator

import pytest

from benchwell.engine import DuckDBEngine, Engine


@pytest.fixture
def spark_engine() -> Engine:
    """An engine on the running session, or on a new one: other modules stop theirs, and Python has but one."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    from benchwell.engine.spark_engine import SparkEngine

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the session's own start-up, not our code
        return SparkEngine()


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "spark":
        yield request.getfixturevalue("spark_engine")
    else:
        with DuckDBEngine() as duck:
            yield duck
