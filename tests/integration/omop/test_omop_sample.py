"""The public CDM sample: its scores are found, and none of them counts as zero."""

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

from benchwell.intake.omop import is_omop, read_omop
from benchwell.registry import Registry

FIXTURE = Path(__file__).parents[2] / "fixtures" / "omop-synthea"
SAMPLE = Path(__file__).parents[4] / "shared" / "conformance" / "omop"
AS_OF = dt.date(2026, 1, 1)


def read(folder):
    result = read_omop(folder, Registry.load(), as_of=AS_OF)
    found = Counter((one["file"], one["column"], one["reason"]) for one in result.rejections.to_pylist())
    return result, found


def test_three_people_of_the_sample():
    result, found = read(FIXTURE)
    assert is_omop(FIXTURE)
    assert set(found) == {("OBSERVATION.csv", "OBSERVATION.value_as_number", "score_missing")}
    assert "assessments" not in result.tables
    patients = {one["patient_id"]: one for one in result.tables["patients"].to_pylist()}
    assert set(patients) == {"1", "5", "7"}
    first = patients["1"]
    assert (str(first["birth_date"]), first["sex"], first["race"], first["ethnicity"]) == (
        "1998-04-09", "male", "white", "not_hispanic",
    )  # fmt: skip
    assert set(result.tables["encounters"]["kind"].to_pylist()) <= {"outpatient", "inpatient", "emergency"}
    counts = result.counts
    assert (counts.read - counts.rejected, counts.rejected) == (counts.accepted, found.total())


def test_a_value_in_the_sample_becomes_a_score(tmp_path):
    for file in FIXTURE.glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    header, first, *rest = (FIXTURE / "OBSERVATION.csv").read_text().splitlines()
    cells = first.split(",")
    cells[header.split(",").index("value_as_number")] = "7"
    (tmp_path / "OBSERVATION.csv").write_text("\n".join([header, ",".join(cells), *rest]) + "\n")
    result, found = read(tmp_path)
    [score] = result.tables["assessments"].to_pylist()
    assert (score["total"], score["source_row"]) == (7.0, 1)
    assert found.total() == len(rest)


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the shared OMOP sample is not on this machine")
def test_the_whole_sample():
    result, found = read(SAMPLE)
    assert found == {("OBSERVATION.csv", "OBSERVATION.value_as_number", "score_missing"): 431}
    assert {name: table.num_rows for name, table in result.tables.items() if name != "practitioners"} == {
        "patients": 28, "encounters": 1791,
    }  # fmt: skip
    assert Counter(result.tables["encounters"]["kind"].to_pylist()) == {
        "outpatient": 1722, "emergency": 56, "inpatient": 13,
    }  # fmt: skip
