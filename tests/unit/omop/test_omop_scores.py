"""Answers and scores in OBSERVATION and MEASUREMENT become one assessment for each form."""

import pytest

PHQ9 = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
LA = ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"]


def findings(result):
    return [(one["column"], one["row"], one["reason"], one["action"]) for one in result.rejections.to_pylist()]


def scores(result):
    table = result.tables.get("assessments")
    return [] if table is None else table.to_pylist()


@pytest.mark.parametrize(
    "row",
    [
        {"observation_concept_id": 3042932},
        {"observation_concept_id": "3042932.0"},
        {"observation_source_concept_id": 3042932},
        {"observation_source_value": "44261-6"},
        {"observation_source_value": "LOINC|44261-6"},
        {"observation_source_value": "benchwell:phq-9/total"},
    ],
)
def test_a_total_is_found_by_its_concept_or_by_its_code(read_cdm, observed, row):
    [score] = scores(read_cdm(observation=[observed(1, "", 12) | row]))
    assert (score["patient_id"], score["instrument"], score["scale"], score["total"], score["items"]) == (
        "1", "phq-9", None, 12.0, None,
    )  # fmt: skip
    assert (str(score["date"]), score["source"], score["source_row"]) == ("2025-03-01", "omop", 1)


def test_the_concept_table_of_the_source_names_other_codes(read_cdm, observed):
    concepts = [
        {"concept_id": 990001, "concept_name": "EPDS total", "vocabulary_id": "LOINC", "concept_code": "99046-5"},
        {"concept_id": 990002, "concept_name": "other", "vocabulary_id": "SNOMED", "concept_code": "44261-6"},
    ]
    rows = [observed(1, "", 9, observation_concept_id=990001), observed(2, "", 9, observation_concept_id=990002)]
    [score] = scores(read_cdm(observation=rows, concept=concepts))
    assert score["instrument"] == "epds"


@pytest.mark.parametrize("how", ["number", "text", "concept", "answer code as text", "source value"])
def test_answers_of_one_moment_are_one_form(read_cdm, observed, how):
    answers = [0, 1, 2, 3, 0, 1, 2, 3, 1]
    value = {
        "number": lambda a: {"value_as_number": a},
        "text": lambda a: {"value_as_string": str(a)},
        "concept": lambda a: {"value_as_concept_id": 5000 + a},
        "answer code as text": lambda a: {"value_as_string": LA[a]},
        "source value": lambda a: {"value_source_value": LA[a]},
    }[how]
    concepts = [
        {"concept_id": 5000 + a, "concept_name": "x", "vocabulary_id": "LOINC", "concept_code": LA[a]} for a in range(4)
    ]
    rows = [observed(n, code, **value(a)) for n, (code, a) in enumerate(zip(PHQ9, answers, strict=True), 1)]
    [score] = scores(read_cdm(observation=rows, concept=concepts))
    assert (score["instrument"], score["items"], score["total"]) == ("phq-9", answers, None)


def test_shared_questions_belong_to_the_form_that_has_most_answers(read_cdm, observed):
    short = [observed(n, PHQ9[n], 2) for n in (0, 1)]
    long = [observed(10 + n, PHQ9[n], 1, observation_date="2025-04-01") for n in range(8)]
    found = {str(one["date"]): one for one in scores(read_cdm(observation=short + long))}
    assert (found["2025-03-01"]["instrument"], found["2025-03-01"]["items"]) == ("phq-2", [2.0, 2.0])
    assert (found["2025-04-01"]["instrument"], found["2025-04-01"]["items"]) == ("phq-9", [1.0] * 8 + [None])


def test_forms_are_kept_apart_by_time_visit_and_event(read_cdm, observed):
    rows = [
        observed(1, "44261-6", 1, observation_datetime="2025-03-01 09:00:00"),
        observed(2, "44261-6", 2, observation_datetime="2025-03-01 17:30:00"),
        observed(3, "44261-6", 3, visit_occurrence_id=7),
        observed(4, "44261-6", 4, visit_occurrence_id="8.0"),
        observed(5, "44249-1"),
        observed(6, "44261-6", 5, observation_event_id=5),
        observed(7, PHQ9[2], 1, observation_event_id=5),
    ]
    result = read_cdm(observation=rows)
    found = {one["total"]: one for one in scores(result)}
    assert {total: one["time"] for total, one in found.items()} == {
        1.0: "09:00:00", 2.0: "17:30:00", 3.0: None, 4.0: None, 5.0: None,
    }  # fmt: skip
    assert found[5.0]["items"] == [None, None, 1.0] + [None] * 6
    assert len({one["assessment_id"] for one in found.values()}) == len(scores(result)) == 5
    assert findings(result) == []


def test_a_score_without_a_value_is_missing_and_never_zero(read_cdm, observed):
    rows = [observed(1, "44261-6"), observed(2, "70274-6", value_as_concept_id=0), observed(3, "69737-5")]
    result = read_cdm(observation=rows)
    assert scores(result) == []
    assert findings(result) == [("OBSERVATION.value_as_number", n, "score_missing", "rejected") for n in (1, 2, 3)]
    assert (result.counts.read, result.counts.accepted, result.counts.rejected) == (4, 1, 3)


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"value_as_number": 28}, "value_as_number", "above_range"),
        ({"value_as_number": -1}, "value_as_number", "below_range"),
        ({"value_as_number": 3.5}, "value_as_number", "non_integer"),
        ({"value_as_number": "many"}, "value_as_number", "not_a_number"),
        ({"value_as_number": "nan"}, "value_as_number", "not_a_number"),
        ({"value_as_number": "", "value_as_string": "many"}, "value_as_string", "not_a_number"),
        ({"value_as_number": "", "value_as_concept_id": 77}, "value_as_concept_id", "unknown_value"),
        ({"observation_date": ""}, "observation_date", "missing_date"),
        ({"observation_date": "2025-02-30"}, "observation_date", "unparseable_date"),
        ({"observation_date": "2026-01-02"}, "observation_date", "after_snapshot"),
        ({"person_id": ""}, "person_id", "missing_patient_id"),
        ({"person_id": 2}, "person_id", "unknown_person"),
    ],
)
def test_a_bad_cell_costs_its_row(read_cdm, observed, change, column, reason):
    good = observed(1, "70274-6", 5)
    result = read_cdm(observation=[good, observed(2, "44261-6", 12) | change])
    assert [one["instrument"] for one in scores(result)] == ["gad-7"]
    assert findings(result) == [(f"OBSERVATION.{column}", 2, reason, "rejected")]
    assert set(result.rejections["file"].to_pylist()) == {"OBSERVATION.csv"}


def test_the_same_score_twice_counts_once_and_the_later_of_two_stands(read_cdm, observed):
    rows = [observed(1, "44261-6", 5), observed(2, "44261-6", 5), observed(3, "70274-6", 5), observed(4, "70274-6", 6)]
    result = read_cdm(observation=rows)
    assert {one["instrument"]: one["total"] for one in scores(result)} == {"phq-9": 5.0, "gad-7": 6.0}
    assert findings(result) == [
        ("OBSERVATION.value_as_number", 1, "duplicate_row", "rejected"),
        ("OBSERVATION.value_as_number", 3, "conflicting_duplicate", "rejected"),
        ("OBSERVATION.value_as_number", 4, "conflicting_duplicate", "flagged"),
    ]


def test_a_total_that_differs_from_its_answers_is_flagged(read_cdm, observed):
    rows = [observed(n, code, 1) for n, code in enumerate(PHQ9, 1)] + [observed(10, "44261-6", 12)]
    result = read_cdm(observation=rows)
    [score] = scores(result)
    assert (score["items"], score["total"]) == ([1.0] * 9, 12.0)
    assert findings(result) == [("OBSERVATION.value_as_number", 10, "total_differs", "flagged")]


def test_measurements_are_read_with_their_units(read_cdm):
    def measured(number, code, value, unit):
        return {"measurement_id": number, "person_id": 1, "measurement_concept_id": 0,
                "measurement_date": f"2025-03-0{number}", "measurement_time": "08:15", "value_as_number": value,
                "measurement_source_value": code, "unit_source_value": unit}  # fmt: skip

    result = read_cdm(
        measurement=[
            measured(1, "4548-4", 7.1, "%"),
            measured(2, "4548-4", 7.1, "furlong"),
            measured(3, "44261-6", 9, "{score}"),
        ]
    )
    assert [(one["instrument"], one["total"], one["unit"], one["time"]) for one in scores(result)] == [
        ("hba1c", 7.1, "%", "08:15:00"), ("phq-9", 9.0, None, "08:15:00"),
    ]  # fmt: skip
    assert findings(result) == [("MEASUREMENT.unit_source_value", 2, "unknown_unit", "rejected")]


def test_scales_without_a_code_of_their_own_are_read_from_ours(read_cdm, observed):
    rows = [observed(1, "benchwell:dass-21/anxiety", 8), observed(2, "benchwell:pcl-5/3", 4)]
    found = {one["instrument"]: one for one in scores(read_cdm(observation=rows))}
    assert (found["dass-21"]["scale"], found["dass-21"]["total"]) == ("anxiety", 8.0)
    assert found["pcl-5"]["items"][2] == 4.0
    assert sum(one is not None for one in found["pcl-5"]["items"]) == 1
