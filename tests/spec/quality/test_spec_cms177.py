"""CMS177, rule by rule: encounters are counted, not people."""

from __future__ import annotations

import pytest

from quality_cases import concept, condition, counts, encounter, observation, patient, plain, procedure, result_of

title = "CMS177: suicide risk assessment of children and adolescents with major depression"

CHILD = patient("2015-05-05")
START, END = "2026-03-03T09:00:00Z", "2026-03-03T10:00:00Z"
MDD = concept("icd-10-cm|F32.2")
RISK = "snomed|225337009"


def visit(start=START, end=END, code="cpt|office", status="finished", **members):
    return encounter(code, start, end, status, **({"reasonCode": [MDD]} | members))


def of(*resources):
    found = counts("cms177", *resources)
    return found["initial-population"], found["denominator"], found["numerator"]


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ("2020-01-01", 1),  # 6 on the first day
        ("2020-01-02", 0),
        ("2009-01-02", 1),  # 16
        ("2009-01-01", 0),  # 17
        ("2020", 0),
        ("2019", 1),
        (None, 0),
    ],
)
def test_age_is_6_to_16_at_the_start_of_the_period(birth, expected):
    assert of(patient(birth), visit()) == (expected, expected, 0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (visit(code="cpt|phone"), 1),
        (visit(code="cpt|group"), 1),
        (visit(code="cpt|elsewhere"), 0),
        (visit(status="in-progress"), 0),
        (visit(start="2025-12-31T23:00:00Z", end="2026-01-01T01:00:00Z"), 0),
        (visit(start="2026-01-01", end="2026-01-01"), 1),
        (visit(start="2026-12-31T22:00:00-03:00", end="2026-12-31T23:00:00-03:00"), 0),  # 2027 in UTC
        (visit(reasonCode=None), 0),
        (visit(reasonCode=[concept("icd-10-cm|F41.1")]), 0),
        (visit(reasonCode=[concept("icd-10-cm|F41.1"), MDD]), 1),
    ],
)
def test_a_visit_for_major_depression(found, expected):
    assert of(CHILD, found)[0] == expected


@pytest.mark.parametrize("code", ["icd-10-cm|F32.2", "icd-10-cm|F41.1"])
def test_the_reason_may_point_to_the_diagnosis(code):
    diagnosis = condition(code, "2026-01-01", category=[plain("encounter-diagnosis")]) | {"id": "c1"}
    pointing = visit(reasonCode=None, reasonReference=[{"reference": "Condition/c1"}])
    assert of(CHILD, pointing, diagnosis)[0] == (code == "icd-10-cm|F32.2")
    used = visit(reasonCode=None, diagnosis=[{"condition": {"reference": "Condition/c1"}}])
    assert of(CHILD, used, diagnosis)[0] == 0  # a diagnosis of the visit is not its reason


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-03T08:59:59Z", 0),
        ("2026-03-03T09:00:00Z", 1),
        ("2026-03-03T10:00:00Z", 1),
        ("2026-03-03T10:00:01Z", 0),
        ("2026-03-03T11:30:00+02:00", 1),
        ("2026-03-03", 0),  # some time of that day
    ],
)
def test_the_assessment_lies_within_the_visit(at, expected):
    assert of(CHILD, visit(), procedure(RISK, at)) == (1, 1, expected)
    assert of(CHILD, visit(), observation(RISK, at)) == (1, 1, expected)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (procedure(RISK, "2026-03-03T09:10:00Z", "in-progress"), 0),
        (procedure(RISK, "2026-03-03T09:10:00Z", "not-done"), 0),
        (observation(RISK, "2026-03-03T09:10:00Z", "corrected"), 1),
        (observation(RISK, "2026-03-03T09:10:00Z", "amended"), 1),
        (observation(RISK, "2026-03-03T09:10:00Z", "preliminary"), 0),
        (procedure(RISK, None, performedPeriod={"start": START, "end": END}), 1),
        (procedure(RISK, None, performedPeriod={"start": START, "end": "2026-03-03T10:30:00Z"}), 0),
        (procedure(RISK, None, performedPeriod={"start": START}), 0),
    ],
)
def test_the_assessment_was_made(found, expected):
    assert of(CHILD, visit(), found)[2] == expected


def test_every_visit_counts():
    second = visit("2026-04-04T09:00:00Z", "2026-04-04T10:00:00Z")
    third = visit("2026-05-05T09:00:00Z", "2026-05-05T10:00:00Z")
    done = (procedure(RISK, "2026-03-03T09:30:00Z"), observation(RISK, "2026-05-05T09:30:00Z"))
    assert of(CHILD, visit(), second, third, *done) == (3, 3, 2)


def test_nobody_without_a_visit_is_counted_but_everybody_is_listed():
    found = result_of("cms177", CHILD)
    assert dict(found.populations) == {"initial-population": 0, "denominator": 0, "numerator": 0}
