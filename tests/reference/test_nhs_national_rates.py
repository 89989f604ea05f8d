"""METHODS M1.3: official rates of June 2020, from 57,060 finished courses made to match the published counts.

Published: 57,060 finished courses, 3,200 of them not at caseness at the start, 27,884 moved to recovery, 39,417 better
reliably; recovery 51.8 %, reliable improvement 69.1 %. The scores below are made up; the counts are not. What is tested
is the denominator: who is not at caseness is out of recovery and in reliable improvement, and who did not finish is in
neither.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchwell.engine import DuckDBEngine
from benchwell.outcomes import OutcomeInputs, build_outcomes
from benchwell.registry import Registry
from unit.outcomes.outcome_cases import schema_of, tables_of

# (courses, contacts, PHQ-9 first and last, GAD-7 first and last)
GROUPS = [
    (27_000, 2, 16, 4, 9, 3),  # recovered, reliably improved
    (884, 2, 12, 9, 7, 7),  # recovered, the change is within noise
    (11_417, 2, 20, 12, 12, 9),  # reliably improved, still a case
    (14_559, 2, 15, 15, 10, 10),  # unchanged
    (1_000, 2, 9, 2, 7, 6),  # not at caseness at the start, reliably improved
    (2_200, 2, 8, 7, 6, 6),  # not at caseness at the start
    (5_000, 1, 16, 4, 9, 3),  # did not finish: one contact
]
SIZES = [size for size, *_ in GROUPS]
TOTAL = sum(SIZES)


def column(position: int) -> np.ndarray:
    return np.repeat([group[position] for group in GROUPS], SIZES)


def fill(name: str, **columns) -> pa.Table:
    schema = schema_of(name)
    size = len(next(iter(columns.values())))
    return pa.table(
        [
            pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(size, field.type)
            for field in schema
        ],
        schema=schema,
    )


def scores(instrument: str, day: int, values: np.ndarray) -> pa.Table:
    people = np.arange(TOTAL).astype(str)
    return fill(
        "scores",
        assessment_id=np.char.add(f"{instrument}-{day}-", people),
        scale=np.repeat("total", TOTAL),
        patient_id=people,
        episode_id=people,
        instrument=np.repeat(instrument, TOTAL),
        day=np.repeat(day, TOTAL),
        value=values.astype(float),
        status=np.repeat("complete", TOTAL),
    )


def contacts(day: int, people: np.ndarray) -> pa.Table:
    return fill(
        "encounters",
        encounter_id=np.char.add(f"c{day}-", people),
        episode_id=people,
        day=np.repeat(day, len(people)),
        attended=np.repeat(True, len(people)),
        kind=np.repeat("treatment", len(people)),
    )


@pytest.fixture(scope="module")
def outcomes() -> pa.Table:
    people = np.arange(TOTAL).astype(str)
    course = {"patient_id": people, "start_day": np.zeros(TOTAL), "end_day": np.full(TOTAL, 70)}
    tables = tables_of() | {
        "episodes": fill("episodes", episode_id=people, organization_id=np.repeat("england", TOTAL), **course),
        "patients": fill("patients", patient_id=people),
        "encounters": pa.concat_tables([contacts(0, people), contacts(30, people[column(1) == 2])]),
        "scores": pa.concat_tables(
            [
                scores("phq-9", 0, column(2)),
                scores("phq-9", 60, column(3)),
                scores("gad-7", 0, column(4)),
                scores("gad-7", 60, column(5)),
            ]
        ),
    }
    registry = Registry.load()
    measures = [registry.measure("nhs-recovery"), registry.measure("nhs-reliable-improvement")]
    engine = DuckDBEngine(threads=1)
    inputs = OutcomeInputs(**{name: engine.from_arrow(table) for name, table in tables.items()})
    built = build_outcomes(inputs, measures, registry.instruments, snapshot_day=2_000, keep=engine.keep)
    return engine.to_arrow(built.outcomes)


@pytest.mark.parametrize(
    ("measure", "met", "eligible", "percent"),
    [("nhs-recovery", 27_884, 57_060 - 3_200, 51.8), ("nhs-reliable-improvement", 39_417, 57_060, 69.1)],
)
def test_m1_3_official_rates_of_june_2020(outcomes, measure, met, eligible, percent):
    rows = outcomes.filter(pc.equal(outcomes["measure"], measure))
    assert rows.num_rows == TOTAL
    assert pc.sum(rows["eligible"]).as_py() == eligible
    assert pc.sum(rows["met"]).as_py() == met
    assert round(100 * met / eligible, 1) == percent


def test_m1_3_everybody_who_is_not_counted_has_a_reason(outcomes):
    rows = outcomes.filter(pc.equal(outcomes["measure"], "nhs-recovery"))
    left_out = rows.filter(pc.invert(rows["eligible"]))
    reasons = {item["values"]: item["counts"] for item in left_out["reason"].value_counts().to_pylist()}
    assert reasons == {"not-at-caseness": 3_200, "not-finished": 5_000}
