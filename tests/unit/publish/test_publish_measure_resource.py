"""Measure and Library: what is declared, whole and readable again, and what is not claimed."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json

import pytest
import yaml

from benchwell.publish.library_resource import LANGUAGE, declaration_text, library_resource
from benchwell.publish.measure_resource import measure_resource, measure_resources, measures_bundle
from benchwell.registry import Registry
from fhir_shapes import shape_problems
from publish_cases import quality_measure

REGISTRY = Registry.load()
OBSERVED = ["initial-population", "measure-population", "measure-observation"]
DECLARED = [*REGISTRY.measures.values(), *REGISTRY.quality.values(), quality_measure("encounter")]


@pytest.mark.parametrize("declared", DECLARED, ids=lambda one: one.id)
def test_every_declaration_has_the_shape_of_r4_and_reads_back_as_itself(declared):
    measure, library = measure_resources(declared, effective=(dt.date(2026, 1, 1), dt.date(2026, 12, 31)))
    assert shape_problems(measure) == []
    assert shape_problems(library) == []
    assert measure["library"] == [f"{library['url']}|{library['version']}"]
    assert measure["effectivePeriod"] == {"start": "2026-01-01", "end": "2026-12-31"}
    content = base64.b64decode(library["content"][0]["data"])
    assert type(declared).model_validate(yaml.safe_load(content)) == declared
    assert base64.b64decode(library["content"][0]["hash"]) == hashlib.sha1(content, usedforsecurity=False).digest()
    assert library["identifier"][0]["value"] == declared.numbers_hash
    assert measure["improvementNotation"]["coding"][0]["code"] == {"higher": "increase", "lower": "decrease"}[
        declared.better]  # fmt: skip


@pytest.mark.parametrize("declared", DECLARED, ids=lambda one: one.id)
def test_every_criterion_is_a_path_in_the_declaration(declared):
    data = yaml.safe_load(declaration_text(declared))
    measure = measure_resource(declared)
    for group in measure.get("group", []):
        for one in (*group["population"], *group.get("stratifier", [])):
            assert one["criteria"]["language"] == LANGUAGE
            place = data
            for step in one["criteria"]["expression"].split("."):
                known = {part["id"]: part for part in place} if isinstance(place, list) else place
                assert step in known
                place = known[step]


def test_an_official_measure_is_named_as_what_ours_derives_from_and_nothing_more():
    measure = measure_resource(quality_measure(), base="https://example.org/fhir/")
    assert measure["url"] == "https://example.org/fhir/Measure/remission-test"
    assert measure["disclaimer"] == "Aligned with T1 & T2, not certified."
    derived, needed, cited = measure["relatedArtifact"]
    assert (derived["type"], derived["resource"]) == ("derived-from", "https://example.org/Measure/T1|1.2.000")
    assert (needed["type"], needed["display"]) == ("depends-on", "Tools")
    assert needed["resource"].endswith("ValueSet/2.16.840.1.113883.3.67.1.101.1.263|20220219")
    assert cited == {"type": "citation", "label": "t1", "citation": "The test itself"}
    assert measure["status"] == "active"
    assert measure["scoring"]["coding"][0]["code"] == "proportion"
    (group,) = measure["group"]
    assert [one["code"]["coding"][0]["code"] for one in group["population"]] == [
        "initial-population", "denominator", "denominator-exclusion", "numerator", "denominator-exception"]  # fmt: skip
    assert [one["description"] for one in group["population"]][2:5:2] == ["Hospice care", "Refused"]
    assert [one["criteria"]["expression"] for one in group["stratifier"]] == ["strata.age-12-17", "strata.age-18"]
    assert [one["code"]["text"] for one in measure["supplementalData"]] == [
        "sde-race", "sde-ethnicity", "sde-payer", "sde-sex"]  # fmt: skip
    assert "certified" not in json.dumps({**measure, "disclaimer": "", "useContext": []})


def test_an_official_measure_without_an_address_is_named_only():
    (derived,) = [
        one
        for one in measure_resource(REGISTRY.quality_measure("dms-e"))["relatedArtifact"]
        if one["type"] == "derived-from"
    ]
    assert set(derived) == {"type", "display"}


@pytest.mark.parametrize(("basis", "said"), [("patient", "boolean"), ("encounter", "Encounter")])
def test_a_measure_says_what_it_counts(basis, said):
    assert measure_resource(quality_measure(basis))["extension"][0]["valueCode"] == said


@pytest.mark.parametrize(
    ("measure", "scoring", "populations"),
    [
        (
            "phq9-remission-12m",
            "proportion",
            ["initial-population", "denominator", "denominator-exclusion", "numerator"],
        ),
        ("phq9-change-12w", "continuous-variable", ["initial-population", "measure-population", "measure-observation"]),
        (
            "phq9-effect-size",
            "continuous-variable",
            ["initial-population", "measure-population", "measure-observation"],
        ),
        ("self-harm-rate", "ratio", ["initial-population", "denominator", "numerator"]),
    ],
)
def test_our_own_outcomes_are_measures_too_and_claim_nothing(measure, scoring, populations):
    made = measure_resource(REGISTRY.measure(measure))
    assert made["scoring"]["coding"][0]["code"] == scoring
    assert [one["code"]["coding"][0]["code"] for one in made["group"][0]["population"]] == populations
    assert "not an official quality measure" in made["disclaimer"]
    assert not [one for one in made.get("relatedArtifact", []) if one["type"] == "derived-from"]


def test_a_published_figure_has_no_criteria():
    made = measure_resource(REGISTRY.measure("nhs-published-recovery"))
    assert "group" not in made
    assert "nothing is computed" in made["disclaimer"]


def test_addresses_are_fixed_and_differ_between_kinds_and_declarations():
    bundle = measures_bundle(DECLARED[:3])
    urls = [entry["resource"]["url"] for entry in bundle["entry"]]
    assert len(set(urls)) == 6
    assert bundle == measures_bundle(DECLARED[:3])
    assert shape_problems(bundle) == []
    assert library_resource(DECLARED[0], base="https://example.org")["url"].startswith("https://example.org/Library/")
