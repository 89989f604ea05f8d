"""The tables of an export are those of the standard, hold what stands, and are the same each time."""

import csv
import datetime as dt
from pathlib import Path

import narwhals as nw
import pyarrow as pa
import pytest

import benchwell.publish.omop as omop
from benchwell.publish.omop.numbering import looked_up
from benchwell.publish.omop.people import _RACE
from benchwell.scoring import score_assessments
from benchwell.tables import CANONICAL, DERIVED

AS_OF = dt.date(2026, 1, 1)
DAY = dt.date(2025, 3, 1)


def canonical(**tables):
    return {name: pa.Table.from_pylist(rows, schema=CANONICAL[name].schema) for name, rows in tables.items()}


def form(number, **other):
    return {
        "assessment_id": f"a{number}",
        "patient_id": "p1",
        "instrument": "phq-9",
        "date": DAY,
        "total": 12.0,
    } | other


PERSON = {
    "patient_id": "p1",
    "birth_date": dt.date(1980, 4, 9),
    "sex": "female",
    "race": "White",
    "region": "New Jersey",
    "country": "US",
    "ethnicity": "unheard of",
}


@pytest.fixture
def export(omop_registry):
    def made(outcomes=None, measures=None, **tables):
        found = canonical(**({"patients": [PERSON]} | tables))
        assessments = found.get("assessments", CANONICAL["assessments"].empty())
        days = assessments["date"].cast(pa.int32()).cast(pa.int64())
        names = set(assessments["instrument"].to_pylist()) & set(omop_registry.instruments)
        scores = DERIVED["scores"].empty()
        if names:
            instruments = {name: omop_registry.instrument(name) for name in names}
            scores = score_assessments(nw.from_native(assessments.append_column("day", days)), instruments).to_native()
        return omop.omop_tables(
            found, scores, omop_registry, as_of=AS_OF, name="trial", outcomes=outcomes, measures=measures
        )

    return made


def test_every_field_of_the_standard_is_there_in_its_order(export):
    made = export(assessments=[form(1)]).tables
    listed = {}
    path = Path(omop.__file__).parent / "cdm_5_4.csv"
    for row in csv.DictReader(path.read_text().splitlines()):
        listed.setdefault(row["table"], []).append((row["field"], row["required"] == "yes"))
    assert list(made) == list(listed)
    for name, table in made.items():
        assert [(field.name, not field.nullable) for field in table.schema] == listed[name]
        for field, required in listed[name]:
            assert not (required and table[field].null_count), (name, field)


def test_a_total_is_an_observation_of_its_standard_concept(export):
    made = export(assessments=[form(1, time="09:30")]).tables
    [row] = made["observation"].to_pylist()
    assert (row["observation_concept_id"], row["observation_source_value"], row["value_as_number"]) == (
        3042932, "44261-6", 12.0,
    )  # fmt: skip
    assert (row["observation_date"], row["observation_datetime"]) == (DAY, dt.datetime(2025, 3, 1, 9, 30))
    [person] = made["person"].to_pylist()
    assert [person[name] for name in ("person_id", "gender_concept_id", "race_concept_id", "ethnicity_concept_id",
                                      "ethnicity_source_value", "year_of_birth", "day_of_birth")] == [
        1, 8532, 8527, 0, "unheard of", 1980, 9,
    ]  # fmt: skip
    [place] = made["location"].to_pylist()
    assert (place["state"], place["location_source_value"], place["country_source_value"]) == (
        None, "New Jersey", "US",
    )  # fmt: skip
    [period] = made["observation_period"].to_pylist()
    assert (period["observation_period_start_date"], period["observation_period_end_date"]) == (DAY, DAY)
    assert made["cdm_source"]["cdm_version"].to_pylist() == ["5.4"]


def test_answers_without_a_standard_code_keep_ours_and_a_laboratory_value_is_a_measurement(export):
    made = export(
        assessments=[
            form(1, instrument="pcl-5", total=None, items=[4.0] * 19 + [None]),
            form(2, instrument="hba1c", total=7.1, unit="%"),
        ]
    ).tables
    rows = made["observation"].to_pylist()
    assert [row["observation_source_value"] for row in rows if row["observation_source_value"].endswith("/3")] == [
        "benchwell:pcl-5/3"
    ]
    assert {row["observation_concept_id"] for row in rows} == {0}
    assert len({row["observation_event_id"] for row in rows}) == 1
    [value] = made["measurement"].to_pylist()
    assert (value["measurement_source_value"], value["value_as_number"], value["unit_source_value"]) == (
        "4548-4", 7.1, "%",
    )  # fmt: skip


def test_what_was_taken_back_is_not_exported(export):
    made = export(
        patients=[PERSON, PERSON | {"patient_id": "p2", "retracted": True}],
        assessments=[form(1), form(2, retracted=True), form(3, patient_id="p2")],
        encounters=[
            {"encounter_id": "v1", "patient_id": "p1", "date": DAY, "kind": "outpatient"},
            {"encounter_id": "v2", "patient_id": "p1", "date": DAY, "retracted": True},
            {"encounter_id": "v3", "patient_id": "p1", "date": DAY, "attended": False},
        ],
    ).tables
    assert [made[name].num_rows for name in ("person", "observation", "visit_occurrence")] == [1, 1, 1]
    assert made["visit_occurrence"]["visit_concept_id"].to_pylist() == [9202]


def test_people_without_a_year_of_birth_are_counted_and_left_out(export):
    made = export(patients=[PERSON, {"patient_id": "p2"}], assessments=[form(1), form(2, patient_id="p2")])
    assert (made.without_birth_year, made.tables["person"].num_rows, made.tables["observation"].num_rows) == (1, 1, 1)


def test_numbers_do_not_depend_on_the_order_of_rows(export):
    rows = [form(n, date=DAY + dt.timedelta(days=n)) for n in range(5)]
    visits = [{"encounter_id": f"v{n}", "patient_id": "p1", "date": DAY, "episode_id": "e"} for n in range(3)]
    episodes = [{"episode_id": "e", "patient_id": "p1"}]
    first = export(assessments=rows, encounters=visits, episodes=episodes).tables
    again = export(assessments=rows[::-1], encounters=visits[::-1], episodes=episodes).tables
    assert first == again
    numbers = (
        first["observation"]["observation_id"].to_pylist()
        + first["visit_occurrence"]["visit_occurrence_id"].to_pylist()
    )
    assert len(set(numbers)) == len(numbers) == 8
    assert first["episode"]["episode_start_date"].to_pylist() == [DAY]


def test_outcomes_are_cohorts(export, omop_registry):
    measure = omop_registry.measure("phq9-response-12w")
    day = (DAY - dt.date(1970, 1, 1)).days
    base = {"measure": measure.id, "patient_id": "p1", "index_day": day, "status": "missing", "eligible": True}
    rows = [
        base | {"episode_id": "e1", "status": "followed", "followup_day": day + 60, "met": True},
        base | {"episode_id": "e2"},
        base | {"episode_id": "e3", "patient_id": "stranger"},
    ]
    outcomes = pa.Table.from_pylist(rows, schema=DERIVED["outcomes"].schema)
    made = export(outcomes, {measure.id: measure}).tables
    names = dict(zip(*(made["cohort_definition"][name].to_pylist() for name in
                       ("cohort_definition_id", "cohort_definition_name")), strict=True))  # fmt: skip
    found = sorted(
        (
            names[row["cohort_definition_id"]].rsplit(": ", 1)[1],
            row["subject_id"],
            (row["cohort_end_date"] - row["cohort_start_date"]).days,
        )
        for row in made["cohort"].to_pylist()
    )
    assert found == [("eligible", 1, 0), ("eligible", 1, 60), ("followed", 1, 60), ("met", 1, 60)]


def test_a_field_that_is_not_in_the_standard_is_refused():
    person = omop.cdm_tables()["person"]
    with pytest.raises(ValueError, match="no field"):
        person.fill({"shoe_size": pa.array([1])}, 1)
    with pytest.raises(ValueError, match=r"person\.person_id is required"):
        person.fill({}, 1)


@pytest.mark.parametrize(("race", "concept"), [("white", 8527), ("black", 8516), ("White", 8527), ("multiple", 0)])
def test_a_race_in_our_words_has_its_standard_concept(race, concept):
    assert looked_up(pa.array([race]), _RACE).to_pylist() == [concept]
