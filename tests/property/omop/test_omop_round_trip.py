"""What is exported as OMOP reads back as the same forms, with the same scores."""

import datetime as dt
import tempfile
from collections import Counter
from pathlib import Path

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchwell.intake.omop import read_omop
from benchwell.publish.omop import omop_tables, write_omop
from benchwell.registry import Registry
from benchwell.scoring import score_assessments
from benchwell.tables import CANONICAL

REGISTRY = Registry.load()
AS_OF = dt.date(2026, 1, 1)
NAMES = ("phq-9", "phq-2", "gad-7", "phq-9m", "pcl-5", "dass-21", "hba1c", "promis-depression-4a", "core-om", "who-5",
         "promis-global-10")  # fmt: skip
PEOPLE = ("a", "b", "long " * 12)


@st.composite
def forms(draw):
    """One assessment: answers (some of them blank), or a stated total of one of the scales."""
    one = REGISTRY.instrument(draw(st.sampled_from(NAMES)))
    row = {
        "patient_id": draw(st.sampled_from(PEOPLE)),
        "instrument": one.id,
        "date": dt.date(2025, 1, 1) + dt.timedelta(days=draw(st.integers(0, 200))),
        "time": draw(st.sampled_from([None, "08:15:00", "17:30:45"])),
        # MEASUREMENT has no field for who answered; a laboratory value has no such person.
        "informant": draw(st.sampled_from([None, "parent", "child"])) if one.items else None,
        "episode_id": draw(st.sampled_from([None, "course"])),
    }
    if one.items is not None and draw(st.booleans()):
        answers = [draw(st.sampled_from([*one.items.answers_of(item), None])) for item in range(1, one.items.count + 1)]
        if any(answer is not None for answer in answers):
            return row | {"items": answers}
    scale = draw(st.sampled_from(one.scales))
    unit = "t-score" if scale.lookup else one.unit
    total = float(draw(st.integers(int(-(-scale.min // 1)), int(scale.max))))
    return row | {"scale": None if scale.primary else scale.id, "total": total, "unit": unit}


def scored(assessments):
    days = pc.cast(assessments["date"].combine_chunks(), pa.int32()).cast(pa.int64())
    instruments = {name: REGISTRY.instrument(name) for name in assessments["instrument"].unique().to_pylist()}
    return score_assessments(nw.from_native(assessments.append_column("day", days)), instruments).to_native()


def as_forms(assessments, people):
    """Forms and their scores, without the ids of the records."""
    rows = {row["assessment_id"]: row for row in assessments.to_pylist()}
    values = Counter()
    for score in scored(assessments).to_pylist():
        row = rows[score["assessment_id"]]
        if score["value"] is not None:
            values[people[row["patient_id"]], row["instrument"], row["date"], row["time"], row["informant"],
                   score["scale"], score["value"]] += 1  # fmt: skip
    sheets = Counter(
        (people[row["patient_id"]], row["instrument"], row["date"], row["time"], row["informant"], row["episode_id"],
         tuple(row["items"]))
        for row in rows.values() if row["items"]
    )  # fmt: skip
    return values, sheets


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(forms(), min_size=1, max_size=12), file_format=st.sampled_from(["parquet", "csv"]))
def test_an_export_reads_back_as_the_same_forms(rows, file_format):
    rows = [row | {"assessment_id": f"x{number}"} for number, row in enumerate(rows)]
    # A course of care belongs to one person.
    rows = [row | {"episode_id": row["episode_id"] and f"course {row['patient_id'][:1]}"} for row in rows]
    tables = {
        "assessments": pa.Table.from_pylist(rows, schema=CANONICAL["assessments"].schema),
        "patients": CANONICAL["patients"].conform(pa.table({"patient_id": PEOPLE, "birth_year": [1980, 1990, 2000]})),
        "episodes": CANONICAL["episodes"].conform(
            pa.table({"episode_id": [f"course {one[:1]}" for one in PEOPLE], "patient_id": PEOPLE})
        ),
    }
    made = omop_tables(tables, scored(tables["assessments"]), REGISTRY, as_of=AS_OF, name="trial")
    with tempfile.TemporaryDirectory() as folder:
        write_omop(made.tables, Path(folder), file_format)
        back = read_omop(folder, REGISTRY, as_of=AS_OF)
    assert back.rejections.num_rows == 0
    told = {person[:20]: person for person in PEOPLE}
    expected = as_forms(tables["assessments"], {person: person for person in PEOPLE})
    names = {one: told[one[:20]] for one in back.tables["patients"]["patient_id"].to_pylist()}
    found = as_forms(back.tables["assessments"], names)
    assert found == expected
