"""The adjuster table is the same on DuckDB and on PySpark, to equality."""

from __future__ import annotations

import shutil

import pytest

from benchwell.casemix.adjuster_coding import code_adjusters
from benchwell.casemix.adjusters import adjuster_rows
from benchwell.engine import DuckDBEngine
from benchwell.engine.spark_engine import SparkEngine
from benchwell.outcomes import build_outcomes
from benchwell.registry import CaseMix, Registry
from unit.outcomes.outcome_cases import episode, inputs_of, score, tables_of

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not installed here"),
    # PySpark's own imports and its unclosed gateway sockets are not ours to fix.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
]
REGISTRY = Registry.load()
MEASURES = [REGISTRY.measure(name) for name in ("phq9-response-12w", "phq9-remission-6m")]


@pytest.fixture(scope="module")
def spark():
    pytest.importorskip("pyspark", reason="PySpark is not installed here")
    engine = SparkEngine()
    engine.session.sparkContext.setLogLevel("ERROR")
    yield engine
    engine.session.stop()


def _case_mix() -> CaseMix:
    """The shipped one, a score of another instrument, a number that is read as levels, and a clinic's column."""
    declared = REGISTRY.case_mix("depression-core").canonical()
    levels = {"kind": "categories", "levels": ["0", "1", "2.5"], "reference": "0"}
    head = {"role": "adjust", "kind": "clinical", "rationale": "To see it on both engines."}
    line = {"form": {"kind": "linear", "centre": 8, "scale": 2}, "missing": {"rule": "impute", "mean": 9}}
    declared["variables"] = [one for one in declared["variables"] if one["name"] != "setting"] + [
        head | line | {"name": "worry", "source": "score:gad-7"},
        head | {"name": "count_levels", "source": "characteristic:comorbidity_count", "form": levels}
        | {"missing": {"rule": "category"}},
        head | {"name": "safe", "source": "safety_net", "role": "stratify"},
    ]  # fmt: skip
    return CaseMix.model_validate(declared)


def _people():
    rows = {"episodes": [], "patients": [], "scores": [], "characteristics": []}
    for n in range(12):
        who = {"patient_id": f"p-e{n}"}
        rows["episodes"].append(episode(f"e{n}", n, organization_id=f"org-{n % 3}", condition="depression"))
        sex, quintile = ("female", "Male", None)[n % 3], None if n == 4 else 1 + n % 5
        told = {"birth_day": None if n == 5 else -8000 - 900 * n, "sex": sex, "deprivation_quintile": quintile}
        rows["patients"].append(who | told)
        rows["scores"] += [score(f"e{n}", n, 10 + n % 9), score(f"e{n}", n + 84 - n % 4, n % 12)]
        rows["scores"].append(score(f"e{n}", n - 3, 4 + n, instrument="gad-7", **who))
        rows["scores"].append(score(None, n - 2, 5 + n, instrument="gad-7", **who))
        for day, value in ((n - 9, float(n % 3)), (n, (2.5, None, 1.0)[n % 3]), (n + 1, 7.0)):
            rows["characteristics"].append(who | {"name": "comorbidity_count", "day": day, "value": value})
        code = ("acute", "chronic", "odd", None)[n % 4]
        rows["characteristics"].append(who | {"name": "chronicity", "day": None if n == 8 else n, "code": code})
    rows["organizations"] = [{"organization_id": "org-0", "safety_net": True}, {"organization_id": "org-1"}]
    return rows


def _table(engine):
    inputs = inputs_of(tables_of(**_people()), engine)
    built = build_outcomes(inputs, MEASURES, REGISTRY.instruments, snapshot_day=1000, keep=engine.keep)
    frame = adjuster_rows(inputs, built.outcomes, _case_mix(), MEASURES, REGISTRY.instruments, keep=engine.keep)
    return engine.to_arrow(frame).sort_by([("measure", "ascending"), ("episode_id", "ascending")])


def test_rows_and_coded_columns_are_equal_on_both_engines(spark):
    with DuckDBEngine(threads=1) as duck:
        ours = _table(duck)
    theirs = _table(spark)
    assert ours.to_pylist() == theirs.to_pylist()
    assert ours.num_rows == 23  # two measures; one baseline is below a cut-in
    known = {name: ours.num_rows - ours[name].null_count for name in ours.column_names}
    assert 0 < known["chronicity"] < 23
    assert known["worry"] == 12  # the other measure looks at the index day alone
    assert {"0", "1", "2.5", None} >= set(ours["count_levels"].to_pylist()) >= {"1", "2.5"}
    for view in _case_mix().views:
        left, right = (code_adjusters(rows, _case_mix(), view) for rows in (ours, theirs))
        assert left.layout_hash == right.layout_hash
        assert left.columns.tolist() == right.columns.tolist()
