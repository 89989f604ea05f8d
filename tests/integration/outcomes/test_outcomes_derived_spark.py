"""Courses are the same on DuckDB and on Spark, and so is what is folded."""

from __future__ import annotations

import random
import shutil

import pytest

from benchwell.engine import DuckDBEngine
from benchwell.registry import Registry
from benchwell.scoring import score_assessments, without_restated
from benchwell.tables import CANONICAL
from unit.outcomes.episode_cases import contact, derive, rule

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not installed here"),
    pytest.mark.filterwarnings("ignore"),  # the session's own start-up, not our code
]
DIAGNOSIS = {"codes": ["icd-10-cm|F32", "snomed|5"], "active_within_days": 20, "label": "depression"}


@pytest.fixture
def spark():
    pytest.importorskip("pyspark", reason="PySpark is not installed here")
    from benchwell.engine.spark_engine import SparkEngine

    return SparkEngine()


def world(seed: int = 7):
    """Sixty people: contacts, some named courses, some diagnoses, some scores only."""
    draw = random.Random(seed)
    rows = {name: [] for name in ("encounters", "episodes", "conditions", "scores")}
    for person in range(60):
        name = f"p{person}"
        for place in range(draw.randrange(6)):
            more = {"encounter_id": f"{name}-{place}", "attended": draw.choice([True, True, False])}
            more |= {
                "organization_id": draw.choice(["north", "south", None]),
                "episode_id": draw.choice([None, "gone"]),
            }
            rows["encounters"].append(contact(draw.randrange(300), name, **more))
        if person % 5 == 0:
            named = {"episode_id": f"e-{name}", "patient_id": name, "organization_id": "north"}
            rows["episodes"].append(named | {"start_day": draw.randrange(200), "end_day": 250})
        if person % 2:
            code = draw.choice(["icd-10-cm|F32.1", "snomed|5", "snomed|55"])
            one = {"condition_id": f"d-{name}", "patient_id": name, "codes": [code, "x|1"]}
            rows["conditions"].append(one | {"onset_day": draw.randrange(200)})
        one = {"assessment_id": f"s-{name}", "scale": "total", "patient_id": name, "instrument": "phq-9"}
        rows["scores"].append(one | {"day": draw.randrange(300), "value": 12.0, "status": "complete"})
    return rows


@pytest.mark.parametrize(
    "declared",
    [
        rule(clean_days=100, first_score_opens=True, opens={"diagnosis": DIAGNOSIS | {"required": False}}),
        rule(by=["organization"], opens={"diagnosis": DIAGNOSIS}, ends="gap"),
    ],
    ids=["clean period", "diagnosis"],
)
def test_both_engines_derive_the_same_courses(declared, spark):
    with DuckDBEngine(threads=1) as duck:
        courses, belongs, counts = derive(declared, **world(), last_day=280, engine=duck)
    found, found_belongs, found_counts = derive(declared, **world(), last_day=280, engine=spark)
    assert counts.derived > 10
    assert counts.joined > 2
    assert found == courses
    assert found_belongs == belongs
    assert [getattr(found_counts, one) for one in ("derived", "joined", "without")] == [
        getattr(counts, one) for one in ("derived", "joined", "without")
    ]


def test_both_engines_fold_the_same_scores(spark):
    import pyarrow as pa

    instruments = {"gad-2": Registry.load().instrument("gad-2")}
    rows = [
        {"assessment_id": "form", "items": [1.0, 2.0], "time": "09:00"},
        {"assessment_id": "total", "total": 3.0},
        {"assessment_id": "evening", "total": 5.0, "time": "19:00"},
        {"assessment_id": "again", "total": 3.0, "time": "20:00", "derived_from": "form"},
    ]
    rows = [row | {"patient_id": "p", "instrument": "gad-2"} for row in rows]
    fields = [pa.field(one.name, one.type) for one in CANONICAL["assessments"].schema]
    table = pa.Table.from_pylist(rows, schema=pa.schema(fields)).append_column("day", pa.array([1] * 4, pa.int64()))
    for engine in (DuckDBEngine(threads=1), spark):
        assessments = engine.keep(engine.from_arrow(table))
        found = without_restated(engine.keep(score_assessments(assessments, instruments)), assessments, engine)
        assert found.count == 2
        assert sorted(engine.to_arrow(found.scores)["assessment_id"].to_pylist()) == ["evening", "form"]
