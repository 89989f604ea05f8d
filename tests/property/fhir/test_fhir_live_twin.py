"""The short way of one post and the way of files read every body alike."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchwell.intake.fhir import live
from benchwell.intake.fhir.live import decode_posted, with_ids
from fhir_assessments import ANSWERS, AS_OF, FIXTURES, GAD7, PHQ9, lines, observation, refer, registry, response, score

RECORDS = FIXTURES.parent / "fhir-records"
EVERY = [
    pytest.param(resource, id=f"{path.stem}-{number}")
    for path in sorted([*FIXTURES.glob("*.ndjson"), *RECORDS.glob("*.ndjson")])
    for number, resource in enumerate(lines(path), start=1)
]


def both(body: dict[str, Any], *, as_of: dt.date = AS_OF) -> bool:
    """Read a body both ways; whether there was a short one."""
    text = with_ids(json.dumps(body).encode())
    short = live._short_way(text, registry(), as_of)
    if short is not None:
        assert short == live._long_way(text, registry(), as_of)
    return short is not None


@pytest.mark.parametrize("resource", EVERY)
def test_every_fixture_is_read_alike(resource: dict[str, Any]) -> None:
    both(resource)
    both({"resourceType": "Bundle", "type": "batch", "entry": [{"resource": resource}, {"resource": score(7)}]})


def sheets(instrument: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    odd = [{"valueCoding": {"code": "LA9-9"}}, {"valueInteger": 2}, {"valueDecimal": 1.5}, {"valueInteger": 9}]
    odd += [{"valueString": "2"}, {"valueString": "often"}]
    coded = st.sampled_from(ANSWERS).map(lambda code: {"valueCoding": {"system": "http://loinc.org", "code": code}})
    answer = st.one_of(*[coded] * 12, st.sampled_from(odd))
    items = [
        st.one_of(*[answer.map(lambda one: [one])] * 9, st.just([]), st.lists(answer, min_size=2, max_size=2)).map(
            lambda given, code=code: {"linkId": f"/{code}", "answer": given}
        )
        for code in instrument
    ]
    totals = {PHQ9[0]: "44261-6", GAD7[0]: "70274-6"}
    total = st.one_of(
        st.none(), st.none(), st.integers(0, 30).map(lambda one: {"valueDecimal": one}), st.just({"valueInteger": 99})
    ).map(lambda one: {"linkId": f"/{totals[instrument[0]]}", "answer": [] if one is None else [one]})
    return st.tuples(*items, total).map(list)


statuses = st.sampled_from(["completed"] * 8 + ["amended", "in-progress", "entered-in-error", "stopped"])
days = st.sampled_from(["2026-05-04", "2026-05-04T10:00:00Z", "2026-05", "2027-05-04", "not a day"])
subjects = st.sampled_from([{"reference": "Patient/1"}, {"reference": "Patient/2"}, {"reference": "Group/1"}, None])
ids = st.sampled_from(["a", "b", "c", None])


@st.composite
def forms(draw: st.DrawFn) -> dict[str, Any]:
    items = draw(
        st.one_of(sheets(PHQ9), sheets(GAD7), st.tuples(sheets(PHQ9), sheets(GAD7)).map(lambda two: [*two[0], *two[1]]))
    )
    made = {"resourceType": "QuestionnaireResponse", "status": draw(statuses), "item": items, "id": draw(ids)}
    made |= {"authored": draw(days), "subject": draw(subjects), "language": draw(st.sampled_from(["de", None]))}
    made |= {"encounter": {"reference": "Encounter/9"}, "source": draw(subjects)}
    return {name: value for name, value in made.items() if value is not None}


@st.composite
def scores(draw: st.DrawFn) -> dict[str, Any]:
    code = draw(st.sampled_from(["44261-6", "70274-6", "55758-7", "44250-9", "8867-4"]))
    more: dict[str, Any] = {
        "status": draw(st.sampled_from(["final"] * 6 + ["entered-in-error", "cancelled", "amended"]))
    }
    if draw(st.integers(0, 9)) == 0:
        more["derivedFrom"] = refer("QuestionnaireResponse/a")
    made = observation(code, draw(st.sampled_from(["x", "y", "z"])), **more)
    made |= draw(
        st.sampled_from(
            [{"valueInteger": 7}, {"valueQuantity": {"value": 12, "code": "{score}"}}, {"valueInteger": 99}]
        )
    )
    made["subject"] = draw(subjects) or {"reference": "Patient/3"}
    return made


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    one = st.one_of(forms(), scores())
    if draw(st.booleans()):
        return draw(one)
    entries = [{"resource": resource} for resource in draw(st.lists(one, max_size=3))]
    for number, entry in enumerate(entries):
        if draw(st.integers(0, 3)) == 0:
            entry["fullUrl"] = f"urn:uuid:{number}"
    return {"resourceType": "Bundle", "type": draw(st.sampled_from(["transaction", "batch"])), "entry": entries}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(bodies())
def test_any_body_is_read_alike(body: dict[str, Any]) -> None:
    both(body)


def test_a_usual_form_takes_the_short_way() -> None:
    assert both(response([1] * 9))
    assert both(score(7))


def test_a_form_without_an_id_gets_one_from_its_content() -> None:
    plain = response([1] * 9)
    del plain["id"]
    first, again, other = (
        decode_posted(json.dumps(body).encode(), registry(), AS_OF).forms[0].assessment_id
        for body in (plain, dict(reversed(plain.items())), plain | {"language": "de"})
    )
    assert first == again
    assert first != other
    assert first.startswith("QuestionnaireResponse/bw-")


def test_line_ends_within_a_body_mean_nothing() -> None:
    body = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": score(7)}]}
    plain = json.dumps(body).encode()
    spread = plain.replace(b"[", b"[\n").replace(b"]", b"\r\n]").replace(b'"resource": ', b'"resource":\n')
    assert decode_posted(spread, registry(), AS_OF) == decode_posted(plain, registry(), AS_OF)
