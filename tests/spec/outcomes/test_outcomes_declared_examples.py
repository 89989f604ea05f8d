"""Every declared measure keeps the promises written in its own examples."""

from __future__ import annotations

import json
from functools import cache

import pytest

from benchwell.registry import Registry
from unit.outcomes.outcome_cases import contact, episode, run, score

REGISTRY = Registry.load()
CASES = [
    pytest.param(name, place, id=f"{name}-{place}")
    for name, measure in sorted(REGISTRY.measures.items())
    for place in range(len(measure.examples))
]
KNOWN = {"scores", "contacts", "events", "referral_day", "end_day", "end_reason", "format", "snapshot"}
KNOWN |= {"birth_days_before", "reference", "expect"}


def _setting(example):
    """What an example changes for the whole run; all examples of one setting are computed together."""
    return example.get("snapshot", 5000), json.dumps(example.get("reference"))


@cache
def _computed(snapshot, reference):
    rows = {"episodes": [], "patients": [], "scores": [], "encounters": [], "events": []}
    measures = {}
    for name, measure in REGISTRY.measures.items():
        for place, example in enumerate(measure.examples):
            if _setting(example) != (snapshot, reference):
                continue
            update = {"endpoint": measure.endpoint.model_copy(update=json.loads(reference) or {})}
            measures[name] = measure.model_copy(update=update)
            _add(rows, f"{name}/{place}", example)
    outcomes, flow = run(list(measures.values()), REGISTRY.instruments, snapshot=snapshot, **rows)
    for name in measures:
        assert sum(row["count"] for row in flow if row["measure"] == name) == len(rows["episodes"])
    return {(row["measure"], row["episode_id"]): row for row in outcomes}


def _add(rows, key, example):
    assert set(example) <= KNOWN
    course = {name: example[name] for name in ("referral_day", "end_day", "end_reason", "format") if name in example}
    rows["episodes"].append(episode(key, **course))
    born = -example["birth_days_before"] if "birth_days_before" in example else None
    rows["patients"].append({"patient_id": f"p-{key}", "birth_day": born})
    rows["encounters"].extend(contact(key, day) for day in example.get("contacts", []))
    for day, value, *instrument in example.get("scores", []):
        chosen = REGISTRY.instrument(instrument[0] if instrument else "phq-9")
        rows["scores"].append(score(key, day, value, instrument=chosen.id, scale=chosen.primary.id))
    for place, (day, kind) in enumerate(example.get("events", [])):
        event = {"event_id": f"{key}-{place}", "patient_id": f"p-{key}", "episode_id": key, "day": day, "kind": kind}
        rows["events"].append(event)


@pytest.mark.parametrize(("name", "place"), CASES)
def test_example_holds(name, place):
    example = REGISTRY.measure(name).examples[place]
    row = _computed(*_setting(example))[name, f"{name}/{place}"]
    for column, expected in example["expect"].items():
        wanted = pytest.approx(expected, rel=1e-4) if isinstance(expected, float) else expected
        assert row[column] == wanted, column


@pytest.mark.parametrize("name", sorted(REGISTRY.measures))
def test_every_measure_has_examples_and_sourced_facts(name):
    measure = REGISTRY.measure(name)
    assert measure.examples or measure.is_published
    assert measure.facts
    for path, fact in measure.facts.items():
        assert fact.status != "checked" or fact.source, path
        assert set(fact.source) <= set(measure.sources), path
