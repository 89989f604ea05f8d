"""Rows for the case-mix models come out of both engines alike, so everything that is fitted to them does too."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pytest

from adjusted_network import CASEMIX, Truth, people
from benchwell.benchmarks.periods import calendar
from benchwell.casemix.expectations import expectations
from benchwell.casemix.model_rows import model_rows
from benchwell.engine import DuckDBEngine
from benchwell.engine.spark_engine import SparkEngine
from benchwell.tables import DERIVED
from signals_edition import a_measure

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not installed here"),
    # PySpark's own imports and its unclosed gateway sockets are not ours to fix.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
]
MEASURE, STRATUM, KEY = a_measure(), "deprivation_quintile", ["measure", "episode_id"]


@pytest.fixture(scope="module")
def spark():
    pytest.importorskip("pyspark", reason="PySpark is not installed here")
    engine = SparkEngine()
    engine.session.sparkContext.setLogLevel("ERROR")
    yield engine
    engine.session.stop()


def _rows(engine):
    table = people(np.random.default_rng(3), Truth(clinics=8, people=60, hardship=-0.3))
    generator = np.random.default_rng(4)
    n = table.num_rows
    outcomes = table.select([*KEY, "organization_id", "status", "met", "value", "weight"])
    outcomes = outcomes.append_column("index_day", pa.array(generator.integers(19_000, 19_700, n)))
    outcomes = outcomes.append_column("eligible", pa.array(generator.random(n) < 0.95))
    order = pa.array(generator.permutation(n))
    return model_rows(
        engine,
        engine.from_arrow(DERIVED["outcomes"].conform(outcomes).take(order)),
        engine.from_arrow(table.select([*KEY, "baseline", STRATUM])),
        engine.from_arrow(table.select([*KEY, STRATUM])),
        calendar(),
        [MEASURE.id],
        {MEASURE.id: (STRATUM,)},
    )


def test_sums_coefficients_and_checks_are_equal_on_both_engines(spark):
    with DuckDBEngine(threads=1) as duck:
        ours = _rows(duck)
    theirs = _rows(spark)
    mine, other = (ours[MEASURE.id], theirs[MEASURE.id])
    assert mine.num_rows > 350
    assert mine.to_pylist() == other.select(mine.column_names).to_pylist()
    first, second = (
        expectations(rows, [MEASURE], {MEASURE.id: CASEMIX}, {MEASURE.id: (STRATUM,)}) for rows in (ours, theirs)
    )
    for name in ("adjusted_sums", "coefficients", "model_checks"):
        left, right = getattr(first, name), getattr(second, name)
        assert left.num_rows > 0
        for column in left.column_names:
            if pa.types.is_floating(left[column].type):
                pairs = (one[column].fill_null(0.0).to_numpy() for one in (left, right))
                np.testing.assert_allclose(*pairs, rtol=1e-9, atol=1e-12, err_msg=f"{name}.{column}")
            else:
                assert left[column].to_pylist() == right[column].to_pylist(), (name, column)
