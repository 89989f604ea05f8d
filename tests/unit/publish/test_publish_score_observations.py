"""Scores as Observations: a value or a reason, never both, and nothing that the tables do not know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchwell.publish.score_observations import ScoreObservations
from benchwell.registry import Registry
from benchwell.scoring import Reason
from fhir_shapes import shape_problems

INSTRUMENTS = Registry.load().instruments
SCALES = [(one.id, scale.id) for one in INSTRUMENTS.values() for scale in one.scales]
MADE = ScoreObservations(INSTRUMENTS)
OWN = "urn:uuid:998694cb-b9d1-5f50-aae1-dc03d44d959d"  # of our own code system: it must never change


def row(**more: Any) -> dict[str, Any]:
    fixed = {"assessment_id": "a1", "scale": "total", "patient_id": "p1", "instrument": "phq-9", "day": 20454}
    return (
        fixed | {"value": 12.0, "status": "complete", "reason": None, "episode_id": None, "derived_from": None} | more
    )


def test_a_score_is_a_survey_result_with_code_value_unit_day_and_band():
    assert MADE.observation(row(episode_id="e1")) == {
        "resourceType": "Observation",
        "id": "a1",
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "survey",
                        "display": "Survey",
                    }
                ]
            }
        ],
        "code": {
            "coding": [
                {"system": "http://loinc.org", "code": "44261-6"},
                {"system": OWN, "code": "phq-9/total"},
            ],
            "text": "Patient Health Questionnaire-9",
        },
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-01-01",
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/workflow-episodeOfCare",
                "valueReference": {"reference": "EpisodeOfCare/e1"},
            }
        ],
        "valueQuantity": {
            "value": 12,
            "unit": "score",
            "system": "http://unitsofmeasure.org",
            "code": "{score}",
        },
        "method": {"text": "Computed from all answers"},
        "interpretation": [{"text": "moderate"}],
    }


@pytest.mark.parametrize(("instrument", "scale"), SCALES)
def test_every_scale_of_every_instrument_has_the_shape_of_r4(instrument, scale):
    low, high = (getattr(INSTRUMENTS[instrument].scale(scale), name) for name in ("min", "max"))
    for value, status, reason in (
        (low, "complete", None),
        (high, "prorated", "safety-item-missing"),
        (high, "total_only", "total-differs"),
        (None, "invalid", "too-many-missing"),
    ):
        told = row(instrument=instrument, scale=scale, value=value, status=status, reason=reason)
        made = MADE.observation(told)
        assert shape_problems(made) == []
        assert ("valueQuantity" in made) == (value is not None)
        assert value is None or made["valueQuantity"]["value"] == value


@pytest.mark.parametrize("reason", list(Reason)[:-2])
def test_what_could_not_be_scored_leaves_its_reason_and_no_number(reason):
    made = MADE.observation(row(value=None, status="invalid", reason=str(reason)))
    assert made["dataAbsentReason"]["coding"][0]["code"] in ("unknown", "error", "unsupported")
    assert made["dataAbsentReason"]["text"] == str(reason).replace("-", " ")
    assert not {"valueQuantity", "interpretation", "method", "note"} & made.keys()


@pytest.mark.parametrize(("value", "band"), [(0, "minimal"), (9.4, "mild"), (10, "moderate"), (27, "severe")])
def test_the_band_is_the_one_that_the_value_has_reached(value, band):
    assert MADE.observation(row(value=float(value)))["interpretation"] == [{"text": band}]


def test_a_flag_is_a_note():
    made = MADE.observation(row(status="prorated", reason="safety-item-missing"))
    assert "safety is missing" in made["note"][0]["text"]
    assert made["method"]["text"].startswith("Prorated")


@pytest.mark.parametrize(
    ("told", "known", "derived"),
    [
        # stated by an Observation: it keeps its id, and what its source said it comes from
        ({"assessment_id": "Observation/o1", "status": "total_only"}, "o1", None),
        (
            {"assessment_id": "Observation/o1", "status": "total_only", "derived_from": "QuestionnaireResponse/q1"},
            "o1",
            ["QuestionnaireResponse/q1"],
        ),
        # computed here from answers that came as FHIR: a new id, derived from those
        ({"assessment_id": "QuestionnaireResponse/q1"}, None, ["QuestionnaireResponse/q1"]),
        ({"assessment_id": "QuestionnaireResponse/q1#gad-7"}, None, ["QuestionnaireResponse/q1"]),
        ({"assessment_id": "Observation/o1"}, None, ["Observation/o1"]),
        # of a table: its own id, derived from nothing that others could ask for
        ({"assessment_id": "a1"}, "a1", None),
        ({"assessment_id": "row 7, page 2"}, None, None),
    ],
)
def test_ids_and_where_a_score_comes_from(told, known, derived):
    made = MADE.observation(row(**told))
    assert made["id"] == (known or made["id"])
    assert (made["id"] in ("o1", "q1", "a1")) == (known is not None)
    assert [one["reference"] for one in made.get("derivedFrom", [])] == (derived or [])
    assert shape_problems(made) == []


def test_scales_of_one_assessment_have_ids_of_their_own():
    made = [MADE.observation(row(instrument="dass-21", scale=one.id)) for one in INSTRUMENTS["dass-21"].scales]
    assert len({one["id"] for one in made}) == len(made)
    assert len({json.dumps(one["code"]) for one in made}) == len(made)


def test_an_id_that_fhir_does_not_allow_is_an_identifier():
    assert MADE.observation(row(patient_id="P 1/2"))["subject"] == {
        "type": "Patient",
        "identifier": {"value": "P 1/2"},
    }


def test_scores_without_a_public_code_keep_a_name_of_ours():
    assert MADE.has_code("phq-9", "total")
    assert not MADE.has_code("phq-8", "total")
    assert MADE.observation(row(instrument="phq-8"))["code"]["coding"] == [{"system": OWN, "code": "phq-8/total"}]


@pytest.mark.parametrize(("scale", "code"), [("mental", "71969-0"), ("physical", "71971-6")])
def test_every_scale_that_has_a_public_code_leaves_under_it(scale, code):
    made = MADE.observation(row(instrument="promis-global-10", scale=scale, value=43.5))
    assert made["code"]["coding"][0] == {"system": "http://loinc.org", "code": code}


def test_laboratory_values_and_t_scores_say_their_units():
    lab = MADE.observation(row(instrument="hba1c", value=7.1))
    assert lab["category"][0]["coding"][0]["code"] == "laboratory"
    assert lab["valueQuantity"] == {"value": 7.1, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
    promis = MADE.observation(row(instrument="promis-depression-4a", scale="t", value=55.4))
    assert (promis["valueQuantity"]["unit"], promis["valueQuantity"]["code"]) == ("T", "{Tscore}")
    assert promis["category"][0]["coding"][0]["code"] == "survey"
