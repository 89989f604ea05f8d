"""`fold` against its slow twin, in any order, and items that never change."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchwell.intake.fhir.fold import fold
from benchwell.intake.fhir.raw_assessments import RAW
from fhir_assessments import ANSWERS, GAD7, PHQ9, answer, observation, raw, refer, registry, response, score
from fhir_assessments_twin import twin

TIMES = ["2026-03-01T09:00:00Z", "2026-03-01T10:00:00+01:00", "2026-03-01T15:00:00Z", "2026-03-01"]
RECORDS = [f"QuestionnaireResponse/r{n}" for n in range(3)] + [f"Observation/o{n}" for n in range(6)]

times = st.sampled_from(TIMES)
patients = st.sampled_from(["p", "p", "p", "q"])
values = st.integers(0, 1)  # few, so that totals and forms often agree by chance
links = st.lists(st.sampled_from(RECORDS), max_size=2, unique=True).map(lambda found: refer(*found))
links = st.one_of(st.just([]), st.just([]), links)
editions = st.fixed_dictionaries(
    {}, optional={"versionId": st.sampled_from(["1", "2", "x"]), "lastUpdated": st.sampled_from(TIMES[:3])}
)


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    more: dict[str, Any] = {"at": draw(times), "patient": draw(patients), "meta": draw(editions)}
    if draw(st.integers(0, 19)) == 0:
        more["status"] = "entered-in-error"
    if draw(st.integers(0, 2)) == 0:
        codes = draw(st.sampled_from([PHQ9, PHQ9[:2], PHQ9[:2]]))
        answers = draw(st.lists(st.one_of(values, values, values, st.none()), min_size=len(codes), max_size=len(codes)))
        total = draw(st.one_of(st.none(), st.integers(0, 9)))
        return response(answers, f"r{draw(st.integers(0, 2))}", codes=codes, total=total, **more)
    more["derivedFrom"], more["hasMember"] = draw(links), draw(links)
    id_ = f"o{draw(st.integers(0, 8))}"
    code = draw(st.sampled_from(["44261-6", "55758-7", "55758-7", "44249-1", *PHQ9[:3], GAD7[0]]))
    if code in (*PHQ9, *GAD7):
        return answer(code, draw(values), id_, **more)
    if code == "44249-1" and draw(st.booleans()):
        return observation(code, id_, **more)
    return score(draw(st.integers(0, 2)), id_, code=code, **more)


def _folded(given_: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    table, _ = raw(given_)
    return {
        one["assessment_id"]: (
            one["retracted"], one["instrument"], one["scale"], None if one["items"] is None else tuple(one["items"]),
            one["total"], one["date"], one["derived_from"],
        )
        for one in fold({RAW: table}, registry()).assessments.to_pylist()
    }  # fmt: skip


def _one_of_each(given_: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(one["resourceType"], one["id"]): one for one in given_}.values())


def _in_world(number: int, resources_: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same under names of its own, so that one fold tries many small cases at once."""
    text = json.dumps(resources_)
    for name in ("Patient/", "Observation/", "QuestionnaireResponse/", '"id": "'):
        text = text.replace(name, f"{name}w{number}-")
    return list(json.loads(text))


worlds = st.lists(st.lists(resources(), max_size=9), min_size=6, max_size=12)
tidy_worlds = worlds.map(lambda found: [_one_of_each(one) for one in found])


def _together(found: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [one for number, world in enumerate(found) for one in _in_world(number, world)]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds.map(_together))
def test_fold_agrees_with_its_twin(given_: list[dict[str, Any]]) -> None:
    assert _folded(given_) == twin(raw(given_)[0].to_pylist(), registry())


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(tidy_worlds.map(_together), st.randoms(use_true_random=False))
def test_the_order_of_resources_does_not_matter(given_: list[dict[str, Any]], chance: random.Random) -> None:
    turned = list(given_)
    chance.shuffle(turned)
    assert _folded(turned) == _folded(given_)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(tidy_worlds.map(_together))
def test_items_of_a_form_never_change(given_: list[dict[str, Any]]) -> None:
    stated = {
        f"QuestionnaireResponse/{one['id']}": tuple(
            ANSWERS.index(item["answer"][0]["valueCoding"]["code"]) if item["answer"] else None
            for item in one["item"]
            if "44261-6" not in item["linkId"] and "70274-6" not in item["linkId"]
        )
        for one in given_
        if one["resourceType"] == "QuestionnaireResponse"
    }
    for key, (_, _, _, items, *_) in _folded(given_).items():
        if key in stated and items is not None:
            width = len(stated[key])
            assert items[:width] == stated[key]
            assert set(items[width:]) <= {None}  # two questions under a PHQ-9 total
