"""Official measures read the totals of forms too, once, and name the lines that they could not read."""

from __future__ import annotations

import json

import pytest

from benchwell.intake.fhir.reading_people import read_people
from benchwell.registry import Registry
from quality_cases import patient, phq9

WANTED = frozenset({"loinc|44261-6"})
ITEMS = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
AT = "2026-01-01T10:00:00Z"
REGISTRY = Registry.load()


def form(values, *, total=None, status="completed", authored=AT, **more):
    items = [
        {"linkId": f"/{code}", "answer": [{"valueInteger": value}]}
        for code, value in zip(ITEMS, values, strict=False)
        if value is not None
    ]
    if total is not None:
        items.append({"linkId": "/44261-6", "answer": [{"valueDecimal": total}]})
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "f",
        "status": status,
        "subject": {"reference": "Patient/p1"},
        "authored": authored,
        "item": items,
    } | more


def numbers(tmp_path, *resources, registry=REGISTRY, wanted=WANTED):
    text = "".join(json.dumps(one) + "\n" for one in (patient("1980-01-01"), *resources))
    (tmp_path / "all.ndjson").write_text(text, encoding="utf-8")
    people = read_people([tmp_path], wanted, registry)
    (record,) = people.records()
    return sorted(event.number for event in record.events), people.counts["from_forms"]


def test_the_total_of_a_form_is_a_value(tmp_path):
    assert numbers(tmp_path, form([1] * 9)) == ([9], 1)
    assert numbers(tmp_path, form([1] * 9), registry=None) == ([], 0)
    assert numbers(tmp_path, form([1] * 9), wanted=frozenset({"loinc|1-8"})) == ([], 0)


@pytest.mark.parametrize(
    ("stated", "value"),
    [
        (form([2] * 9, total=3), [18]),  # the answers win over a total that differs
        (form([2] * 8), []),  # nobody fills the gap of an official measure
        (form([2] * 8, total=17), [17]),
        (form([], total=12), [12]),
        (form([], total=28), []),  # no PHQ-9 can have it
        (form([2] * 8 + [4]), []),
        (form([1] * 9, status="in-progress"), []),
        (form([1] * 9, status="entered-in-error"), []),
        (form([1] * 9, modifierExtension=[{"url": "http://example.org/not", "valueBoolean": True}]), []),
    ],
)
def test_only_a_total_that_is_sure_is_one(tmp_path, stated, value):
    assert numbers(tmp_path, stated)[0] == value


@pytest.mark.parametrize(
    ("observation", "left"),
    [
        (phq9(5, AT), [5]),  # at the same instant, whatever it says
        (phq9(9, "2026-01-01"), [9]),  # on the same day, with the same total
        (phq9(5, "2026-01-01"), [5, 9]),
        (phq9(9, "2026-01-02"), [9, 9]),
        (phq9(5, "2026-02-01") | {"derivedFrom": [{"reference": "QuestionnaireResponse/f"}]}, [5]),
        (phq9(5, AT) | {"status": "preliminary"}, [5, 9]),  # which no measure looks at
    ],
)
def test_a_form_and_its_observation_are_one_assessment(tmp_path, observation, left):
    for order in ([form([1] * 9), observation], [observation, form([1] * 9)]):
        assert numbers(tmp_path, *order)[0] == left


def test_the_latest_version_of_a_form_counts(tmp_path):
    old = form([1] * 9, meta={"lastUpdated": "2026-01-01T11:00:00Z"})
    new = form([2] * 9, meta={"lastUpdated": "2026-01-02T11:00:00Z"}, status="amended")
    gone = form([2] * 9, meta={"lastUpdated": "2026-01-03T11:00:00Z"}, status="entered-in-error")
    assert numbers(tmp_path, new, old)[0] == numbers(tmp_path, old, new)[0] == [18]
    assert numbers(tmp_path, old, gone)[0] == []


def test_a_form_of_ones_own_is_read_by_its_questionnaire(tmp_path):
    own = {
        "resourceType": "Questionnaire",
        "id": "own",
        "status": "active",
        "item": [
            {"linkId": f"q{n}", "type": "integer", "code": [{"system": "http://loinc.org", "code": code}]}
            for n, code in enumerate(ITEMS)
        ],
    }
    answered = form([], questionnaire="Questionnaire/own")
    answered["item"] = [{"linkId": f"q{n}", "answer": [{"valueInteger": 2}]} for n in range(9)]
    assert numbers(tmp_path, answered, own)[0] == [18]


def test_lines_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "people.ndjson").write_text(json.dumps(patient()) + "\nnot json\n", encoding="utf-8")
    wrong = {"resource": {"resourceType": "Observation", "id": 5}}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": phq9(4, AT)}, wrong]}
    (tmp_path / "scores.json").write_text(json.dumps(bundle), encoding="utf-8")
    people = read_people([tmp_path], WANTED, REGISTRY)
    assert [tuple(one) for one in people.unread] == [
        ("people.ndjson", 2, "not_json", ""),
        ("scores.json", 2, "wrong_type", "id"),
    ]
