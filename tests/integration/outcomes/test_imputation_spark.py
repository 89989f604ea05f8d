"""Imputed figures are the same on DuckDB and on PySpark, to the last digit: both hand over the same rows."""

from __future__ import annotations

import shutil

import pytest

from benchwell.casemix.imputation import impute_follow_up
from benchwell.casemix.imputation_record import ImputationSettings
from benchwell.engine import DuckDBEngine
from benchwell.engine.spark_engine import SparkEngine
from unit.casemix.imputation_cases import THERAPY, frames, network_rows
from unit.outcomes.outcome_cases import INSTRUMENTS, measure

MEASURES = [measure("remission", id="remission"), measure("change", id="change")]
pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not installed here"),
    # PySpark's own imports and its unclosed gateway sockets are not ours to fix.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
]


def _imputed(engine):
    outcomes, history, features = frames(engine, MEASURES, network_rows(n=90), [THERAPY])
    settings = {one.id: ImputationSettings(strata=("therapy",)) for one in MEASURES}
    return impute_follow_up(
        outcomes, MEASURES, INSTRUMENTS, engine, settings=settings, history=history, features=features
    )


def test_both_engines_give_the_same_imputations():
    pytest.importorskip("pyspark", reason="PySpark is not installed here")
    spark = SparkEngine()
    spark.session.sparkContext.setLogLevel("ERROR")
    try:
        found = _imputed(spark)
    finally:
        spark.close()
    with DuckDBEngine(threads=2) as engine:
        plain = _imputed(engine)
    assert plain.table.num_rows > 0
    assert found.table.equals(plain.table)
    assert found.models == plain.models
