"""People, diagnoses, procedures and courses of care of a CDM."""

import pytest


def findings(result):
    return [(one["column"], one["row"], one["reason"], one["action"]) for one in result.rejections.to_pylist()]


def person(number, **other):
    return {"person_id": number, "gender_concept_id": 0, "year_of_birth": 1980, "month_of_birth": "",
            "day_of_birth": "", "birth_datetime": "", "race_concept_id": 0, "ethnicity_concept_id": 0,
            "gender_source_value": "", "race_source_value": "", "ethnicity_source_value": ""} | other  # fmt: skip


def test_birth_sex_race_and_ethnicity(read_cdm):
    result = read_cdm(
        person=[
            person(1, gender_concept_id=8507, month_of_birth=4, day_of_birth=9, race_concept_id=8516),
            person(2, gender_source_value="F", birth_datetime="1980-11-30 00:00:00", ethnicity_concept_id=38003563),
            person(3, race_concept_id=77, month_of_birth=2, day_of_birth=30, ethnicity_source_value="own words"),
        ],
        concept=[{"concept_id": 77, "concept_name": "Samoan", "vocabulary_id": "Race", "concept_code": "x"}],
    )
    found = result.tables["patients"].to_pylist()
    assert [(one["patient_id"], str(one["birth_date"]), one["birth_year"], one["sex"]) for one in found] == [
        ("1", "1980-04-09", 1980, "male"), ("2", "1980-11-30", 1980, "female"), ("3", "None", 1980, None),
    ]  # fmt: skip
    assert [(one["race"], one["ethnicity"]) for one in found] == [
        ("black", None), (None, "hispanic"), ("Samoan", "own words"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"year_of_birth": 2030}, "year_of_birth", "birth_year_impossible"),
        ({"year_of_birth": 1850}, "year_of_birth", "birth_year_impossible"),
        ({"year_of_birth": "old"}, "year_of_birth", "not_a_number"),
        ({"person_id": ""}, "person_id", "missing_patient_id"),
        ({"person_id": 1}, "person_id", "duplicate_row"),
    ],
)
def test_a_person_who_cannot_be_costs_their_rows(read_cdm, observed, change, column, reason):
    rows = [observed(1, "44261-6", 3), observed(2, "44261-6", 3, person_id=change.get("person_id", 2))]
    result = read_cdm(person=[person(1), person(2) | change], observation=rows)
    assert result.tables["patients"]["patient_id"].to_pylist() == ["1"]
    assert (f"PERSON.{column}", 2, reason, "rejected") in findings(result)
    assert "None" not in result.tables["assessments"]["patient_id"].to_pylist()


def test_death_and_payer(read_cdm):
    result = read_cdm(
        person=[person(1), person(2)],
        death=[
            {"person_id": 1, "death_date": "2025-05-05", "cause_source_value": "X70"},
            {"person_id": 2, "death_date": "2030-05-05", "cause_source_value": ""},
        ],
        payer_plan_period=[
            {"person_id": 1, "payer_plan_period_start_date": "2020-01-01", "payer_source_value": "old"},
            {"person_id": 1, "payer_plan_period_start_date": "2024-01-01", "payer_source_value": "new"},
            {"person_id": 1, "payer_plan_period_start_date": "2027-01-01", "payer_source_value": "future"},
        ],
    )
    first, second = result.tables["patients"].to_pylist()
    assert (str(first["death_date"]), first["death_cause"], first["insurance"]) == ("2025-05-05", "X70", "new")
    assert second["death_date"] is None
    assert findings(result) == [("DEATH.death_date", 2, "after_snapshot", "rejected")]


def test_diagnoses_keep_every_code(read_cdm):
    concepts = [
        {"concept_id": 440383, "concept_name": "Depressive disorder", "vocabulary_id": "SNOMED",
         "concept_code": "35489007"},
        {"concept_id": 45591170, "concept_name": "x", "vocabulary_id": "ICD10CM", "concept_code": "F32.9"},
    ]  # fmt: skip

    def condition(number, **other):
        return {"condition_occurrence_id": number, "person_id": 1, "condition_concept_id": 0,
                "condition_start_date": "2025-01-05", "condition_end_date": "", "condition_source_value": "",
                "condition_source_concept_id": 0, "visit_occurrence_id": ""} | other  # fmt: skip

    result = read_cdm(
        concept=concepts,
        condition_occurrence=[
            condition(1, condition_concept_id=440383, condition_source_concept_id=45591170),
            condition(2, condition_source_value="F41.1", condition_end_date="2025-02-01"),
            condition(3, condition_end_date="2024-02-01"),
            condition(4, person_id=9),
        ],
        procedure_occurrence=[{"procedure_occurrence_id": 4, "person_id": 1, "procedure_concept_id": 0,
                               "procedure_date": "2025-01-05", "procedure_source_value": "90834"}],
    )  # fmt: skip
    first, second = result.tables["conditions"].to_pylist()
    assert first["codes"] == ["icd-10-cm|F32.9", "snomed|35489007"]
    assert (second["codes"], str(second["onset_date"]), str(second["abatement_date"])) == (
        ["F41.1"], "2025-01-05", "2025-02-01",
    )  # fmt: skip
    [done] = result.tables["procedures"].to_pylist()
    assert (done["kind"], done["status"], done["codes"], str(done["date"])) == (
        "done", "completed", ["90834"], "2025-01-05",
    )  # fmt: skip
    assert [one[:3] for one in findings(result)] == [
        ("CONDITION_OCCURRENCE.condition_end_date", 3, "end_before_start"),
        ("CONDITION_OCCURRENCE.person_id", 4, "unknown_person"),
    ]


def test_episodes_of_care_are_courses_and_regimens_are_not(read_cdm, observed):
    def episode(number, concept):
        return {"episode_id": number, "person_id": 1, "episode_concept_id": concept,
                "episode_start_date": "2025-01-05", "episode_end_date": "2025-06-05"}  # fmt: skip

    concepts = [
        {"concept_id": number, "concept_name": name, "vocabulary_id": "x", "concept_code": str(number)}
        for number, name in [(1, "Episode of care"), (2, "Treatment regimen"), (3, "observation.observation_id"),
                             (4, "visit_occurrence.visit_occurrence_id")]
    ]  # fmt: skip
    result = read_cdm(
        concept=concepts,
        episode=[episode(70, 1), episode(71, 2)],
        episode_event=[
            {"episode_id": 70, "event_id": 1, "episode_event_field_concept_id": 3},
            {"episode_id": 70, "event_id": 21, "episode_event_field_concept_id": 4},
            {"episode_id": 71, "event_id": 2, "episode_event_field_concept_id": 3},
        ],
        visit_occurrence=[{"visit_occurrence_id": 21, "person_id": 1, "visit_concept_id": 5083, "care_site_id": 8,
                           "visit_start_date": "2025-01-05", "visit_end_date": "2025-01-05"}],
        observation=[observed(1, "44261-6", 3), observed(2, "70274-6", 3)],
    )  # fmt: skip
    [course] = result.tables["episodes"].to_pylist()
    names = ("episode_id", "patient_id", "organization_id", "start_date", "end_date")
    assert [str(course[name]) for name in names] == [
        "70", "1", "8", "2025-01-05", "2025-06-05",
    ]  # fmt: skip
    found = {one["instrument"]: one["episode_id"] for one in result.tables["assessments"].to_pylist()}
    assert found == {"phq-9": "70", "gad-7": None}
    assert result.tables["encounters"]["episode_id"].to_pylist() == ["70"]
    assert any(note.startswith("1 rows of EPISODE are not episodes of care") for note in result.notes)
