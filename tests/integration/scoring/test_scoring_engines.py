"""One definition, several engines: the same scores on DuckDB, PyArrow and Spark, and in every frame library."""

from __future__ import annotations

import math
import random
import shutil

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from benchwell.engine import DuckDBEngine, to_arrow
from benchwell.errors import ScoringError, UnknownDeclarationError
from benchwell.registry import Registry
from benchwell.scoring import score, score_assessments, score_frame
from benchwell.tables import TABLES

REGISTRY = Registry.load()
# Between them: proration, safety, recoding, groups, lookups, several scales, units, totals only.
SPREAD = "phq-9 qids-sr16 promis-global-10 who-5 hba1c"


def forms(instruments, per_instrument):
    rng = random.Random(20260101)
    rows = []
    for instrument in instruments:
        form = instrument.items
        for n in range(per_instrument):
            row = {"instrument": instrument.id, "time": rng.choice([None, "09:30", "23:59:59", "25:00", "noon"])}
            if form is not None and n % 4:
                row["items"] = [
                    rng.choice([None, None, math.nan, 7.0])
                    if rng.random() < 0.04
                    else float(rng.randint(*map(int, form.range_of(item))))
                    for item in range(1, form.count + 1)
                ]
                if rng.random() < 0.05:
                    row["items"].pop()
            row["total"] = rng.choice([None, float(rng.randint(0, 70))])
            row["scale"] = rng.choice([None, instrument.scales[-1].id, "elsewhere"])
            row["unit"] = rng.choice([None, "raw", "{score}", "mmol/mol"])
            row["version"] = "1"
            rows.append(row | {"assessment_id": f"a{len(rows)}", "patient_id": f"p{n}"})
    schema = pa.schema(
        [TABLES["assessments"].schema.field(name) for name in rows[1] if name in TABLES["assessments"].columns]
    )
    schema = pa.schema([field.with_nullable(True) for field in schema])
    table = TABLES["assessments"].conform(pa.Table.from_pylist(rows, schema=schema))
    return table.append_column("day", pa.array([20000 + n for n in range(len(rows))], pa.int64()))


def by_key(table):
    return {(row["assessment_id"], row["scale"]): row for row in table.to_pylist()}


def assert_same(left, right):
    assert set(left) == set(right)
    for key, row in left.items():
        other = dict(right[key])
        value, other_value = row["value"], other.pop("value")
        assert {name: row[name] for name in other} == other, key
        assert (value is None) == (other_value is None), key
        assert value is None or math.isclose(value, other_value, rel_tol=1e-9), key


def test_duckdb_and_pyarrow_agree_on_every_instrument():
    instruments = REGISTRY.instruments
    table = forms(instruments.values(), 25)
    eager = score_assessments(nw.from_native(table, eager_only=True), instruments).to_arrow()
    engine = DuckDBEngine()
    lazy = engine.to_arrow(score_assessments(engine.from_arrow(table), instruments))
    assert lazy.schema.names == TABLES["scores"].columns
    assert lazy.schema.types == TABLES["scores"].schema.types
    assert_same(by_key(eager), by_key(lazy))
    assert len(by_key(lazy)) == lazy.num_rows  # (assessment, scale) is a key
    assert {row["assessment_id"] for row in lazy.to_pylist()} == set(table["assessment_id"].to_pylist())


@pytest.mark.spark
@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_spark_agrees_with_duckdb():
    pytest.importorskip("pyspark")
    from benchwell.engine.spark_engine import SparkEngine

    instruments = {name: REGISTRY.instrument(name) for name in SPREAD.split()}
    table = forms(instruments.values(), 12)
    spark, duck = SparkEngine(), DuckDBEngine()
    found = spark.to_arrow(score_assessments(spark.from_arrow(table), instruments))
    wanted = duck.to_arrow(score_assessments(duck.from_arrow(table), instruments))
    assert_same(by_key(found), by_key(wanted))


def test_clock_times_become_seconds_and_nonsense_becomes_null():
    table = forms([REGISTRY.instrument("phq-9")], 60)
    engine = DuckDBEngine()
    scores = by_key(
        engine.to_arrow(score_assessments(engine.from_arrow(table), {"phq-9": REGISTRY.instrument("phq-9")}))
    )
    expected = {None: None, "09:30": 34200, "23:59:59": 86399, "25:00": None, "noon": None}
    seen = set()
    for row in table.to_pylist():
        for (assessment, _), found in scores.items():
            if assessment == row["assessment_id"]:
                assert found["second"] == expected[row["time"]]
                assert (found["day"], found["patient_id"]) == (row["day"], row["patient_id"])
                seen.add(row["time"])
    assert seen == set(expected)


def test_assessments_need_their_columns_and_an_instrument():
    table = forms([REGISTRY.instrument("phq-9")], 2)
    frame = nw.from_native(table, eager_only=True)
    with pytest.raises(ScoringError, match="day"):
        score_assessments(frame.drop("day"), REGISTRY.instruments)
    with pytest.raises(ScoringError, match="No instrument"):
        score_assessments(frame, {})


ANSWERS = {
    "person": ["a", "b", "c", "d"],
    "q1": [1.0, 3.0, None, 7.0],
    "q2": [2.0, 3.0, 1.0, 0.0],
    "q3": [0.0, 3.0, None, 0.0],
    "q4": [0.0, 3.0, 1.0, 0.0],
    "q5": [1.0, 3.0, 1.0, 0.0],
    "q6": [1.0, 3.0, 1.0, 0.0],
    "q7": [0.0, 3.0, 2.0, 0.0],
}
ITEMS = [f"q{n}" for n in range(1, 8)]
EXPECTED = {
    "value": [5.0, 21.0, 8.0, None],
    "status": ["complete", "complete", "prorated", "invalid"],
    "reason": [None, None, None, "out-of-range"],
    "band": ["mild", "severe", "mild", None],
}
MAKERS = {
    "pandas": (pd.DataFrame, pd.DataFrame),
    "polars": (pl.DataFrame, pl.DataFrame),
    "polars lazy": (pl.LazyFrame, pl.LazyFrame),
    "pyarrow": (pa.table, pa.Table),
    "duckdb": (lambda data: duckdb.from_arrow(pa.table(data)), duckdb.DuckDBPyRelation),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_any_frame_is_scored_and_keeps_its_type(maker):
    make, kind = MAKERS[maker]
    scored = score_frame(make(ANSWERS), "GAD 7", ITEMS)
    assert isinstance(scored, kind)
    table = to_arrow(scored)
    assert table.column_names == [*ANSWERS, *EXPECTED]
    rows = {row["person"]: row for row in table.to_pylist()}
    for n, person in enumerate(ANSWERS["person"]):
        found = {name: None if rows[person][name] != rows[person][name] else rows[person][name] for name in EXPECTED}
        assert found == {name: values[n] for name, values in EXPECTED.items()}
        assert rows[person]["q7"] == ANSWERS["q7"][n]


def test_whole_numbers_in_a_frame_are_answers():
    table = pa.table({name: pa.array([1, 2], pa.int32()) for name in ITEMS})
    assert score_frame(table, "gad-7", ITEMS)["value"].to_pylist() == [7.0, 14.0]


def test_a_frame_and_a_person_agree_on_each_band():
    for name in ("who-5", "core-10", "dass-21"):
        instrument = REGISTRY.instrument(name)
        low, high = instrument.form.min, instrument.form.max
        columns = [f"i{n}" for n in range(instrument.form.count)]
        rng = random.Random(name)
        rows = [[float(rng.randint(int(low), int(high))) for _ in columns] for _ in range(6)]
        table = pa.table({column: [row[n] for row in rows] for n, column in enumerate(columns)})
        for scale in instrument.scales:
            bands = score_frame(table, instrument, columns, scale=scale.id)["band"].to_pylist()
            assert bands == [score(instrument, row, scale=scale.id).band for row in rows]


def test_two_instruments_fit_in_one_frame_with_prefixes():
    table = pa.table({name: [1] for name in ITEMS} | {"scale": ["kept"], "value": ["kept too"]})
    once = score_frame(table, "gad-7", ITEMS, prefix="gad7_")
    twice = score_frame(once, "gad-2", ITEMS[:2], prefix="gad2_")
    row = twice.to_pylist()[0]
    assert (row["gad7_value"], row["gad2_value"], row["scale"], row["value"]) == (7.0, 2.0, "kept", "kept too")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gad-7", ITEMS[:6]), "has 7 items, but 6"),
        (("gad-7", [*ITEMS[:6], "q99"]), "no column"),
        (("gad-7", ITEMS, "t"), "no scale 't'"),
        (("sdq", ITEMS), "stated scores only"),
    ],
)
def test_misuse_of_a_frame_says_what_to_do(arguments, message):
    name, items, *scale = arguments
    with pytest.raises(ScoringError, match=message):
        score_frame(pa.table(ANSWERS), name, items, scale=scale[0] if scale else None)


def test_a_taken_name_and_an_unknown_instrument_are_refused():
    with pytest.raises(ScoringError, match="prefix"):
        score_frame(pa.table(ANSWERS | {"band": [1, 2, 3, 4]}), "gad-7", ITEMS)
    with pytest.raises(UnknownDeclarationError, match="gad-7"):
        score_frame(pa.table(ANSWERS), "gad-8", ITEMS)


@pytest.mark.parametrize("make", [pa.table, pd.DataFrame, pl.DataFrame])
def test_text_answers_are_refused_without_quoting_them(make):
    with pytest.raises(ScoringError, match="q3") as caught:
        score_frame(make(ANSWERS | {"q3": ["secret", "1", "2", "3"]}), "gad-7", ITEMS)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("make", [pa.table, pl.DataFrame])
def test_a_column_without_any_answer_is_missing(make):
    found = to_arrow(score_frame(make(ANSWERS | {"q3": [None] * 4}), "gad-7", ITEMS))
    assert found["status"].to_pylist() == ["prorated", "prorated", "prorated", "invalid"]


def test_no_assessments_give_no_scores():
    engine = DuckDBEngine()
    table = forms([REGISTRY.instrument("phq-9")], 2).slice(0, 0)
    scores = engine.to_arrow(score_assessments(engine.from_arrow(table), {"phq-9": REGISTRY.instrument("phq-9")}))
    assert (scores.num_rows, scores.schema.names) == (0, TABLES["scores"].columns)
