"""The default engine: resources taken and given back."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchwell.engine import DuckDBEngine, to_arrow
from benchwell.engine.spark_engine import SparkEngine
from benchwell.errors import EngineError


def setting(engine: DuckDBEngine, name: str) -> str:
    return str(engine.connection.execute("SELECT current_setting(?)", [name]).fetchall()[0][0])


def test_it_uses_every_core_unless_told_otherwise() -> None:
    with DuckDBEngine() as engine, DuckDBEngine(threads=1) as single:
        assert int(setting(engine, "threads")) == len(os.sched_getaffinity(0))
        assert setting(single, "threads") == "1"


def test_closing_gives_everything_back_and_may_be_repeated() -> None:
    with DuckDBEngine() as engine:
        spill = Path(setting(engine, "temp_directory"))
        assert spill.is_dir()
        assert spill.stat().st_mode & 0o077 == 0
    assert not spill.exists()
    engine.close()
    with pytest.raises(duckdb.ConnectionException):
        engine.connection.execute("SELECT 1")


def test_a_forgotten_engine_leaves_no_folder_and_no_warning() -> None:
    engine = DuckDBEngine()
    spill = Path(setting(engine, "temp_directory"))
    del engine
    gc.collect()
    assert not spill.exists()


def test_more_than_memory_spills_to_disk(tmp_path: Path) -> None:
    rows = 1_500_000
    path = tmp_path / "wide.parquet"
    numbers = pa.array(range(rows))
    text = pc.binary_join_element_wise(numbers.cast(pa.string()), "x" * 64, "-")
    pq.write_table(pa.table({"n": numbers, "text": text}), path)
    schema = pa.schema([("n", pa.int64()), ("text", pa.string())])
    with DuckDBEngine(memory_limit="100MB", threads=2) as engine:
        kept = engine.keep(engine.read([path], schema).sort("text"))
        spilled = engine.connection.execute("SELECT sum(size) FROM duckdb_temporary_files()").fetchall()[0][0]
        assert spilled > 1_000_000
        counted = engine.to_arrow(kept.select(nw.len().alias("rows"), nw.col("n").sum().alias("total")))
    assert counted.to_pylist() == [{"rows": rows, "total": rows * (rows - 1) // 2}]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pl.LazyFrame, pa.table])
def test_anyones_frame_becomes_an_arrow_table(make: object) -> None:
    assert to_arrow(make({"n": [1, 2]}))["n"].to_pylist() == [1, 2]  # type: ignore[operator]


def test_spark_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(EngineError, match="Spark is not installed") as missing:
        SparkEngine()
    assert missing.value.hint == "pip install 'benchwell[spark]'"
