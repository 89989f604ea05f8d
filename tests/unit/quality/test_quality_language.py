"""A declaration of an official measure loads only if every word in it means something."""

from __future__ import annotations

import copy

import pytest
import yaml

from benchwell.errors import DeclarationError
from benchwell.registry import Registry
from benchwell.registry.extending import extended
from benchwell.registry.quality_language import Events
from benchwell.registry.quality_measure import QualityMeasure
from benchwell.registry.registry import parse
from benchwell.reports.method import method_markdown

SMALL = {
    "id": "small",
    "revision": 1,
    "title": "Small",
    "why": "For tests.",
    "author": "tests",
    "aligned_with": "Aligned with nothing.",
    "official": {"name": "Small", "version": "1", "url": "urn:x", "steward": "tests"},
    "better": "higher",
    "value_sets": {"scores": {"title": "Scores", "oid": "1.2.3"}},
    "codes": {"yes": ["snomed|373066001"]},
    "windows": {"period": {"from": {"of": "period"}, "to": {"of": "period", "at": "end"}}},
    "definitions": {
        "first": {
            "title": "The first score",
            "kind": "observation",
            "codes": ["scores"],
            "when": [{"how": "during", "window": "period"}],
            "pick": "first",
        },
        "good": {"title": "It is good", "among": ["first"], "value": {"below": 5}},
    },
    "populations": {"initial": "first", "numerator": "good"},
}


def load(**changes) -> QualityMeasure:
    """The small measure with dotted parts replaced."""
    data = copy.deepcopy(SMALL)
    for path, value in changes.items():
        *parents, last = path.split("__")
        part = data
        for name in parents:
            part = part.setdefault(name, {})
        part[last] = value
    return parse(yaml.safe_dump(data), QualityMeasure, "quality/small.yaml")


def test_the_small_measure_loads():
    assert load().populations.numerator == "good"


EVENTS = {"title": "x", "kind": "observation", "codes": ["scores"]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"definitions__first__codes": ["nothing"]}, "no value set or list of codes 'nothing'"),
        ({"definitions__good__among": ["later"]}, "no definition 'later' above it"),
        ({"definitions__good__among": []}, "`kind`"),
        ({"definitions__good__kind": "encounter"}, "`kind`"),
        ({"definitions__first__codes": []}, "belong together"),
        ({"definitions__first__kind": "claim"}, "kind"),
        ({"definitions__first__when": [{"how": "during", "window": "nowhere"}]}, "no window 'nowhere'"),
        ({"definitions__first__when": [{"how": "during", "window": {"to": {"of": "good"}}}]}, "not one picked event"),
        ({"definitions__first__having": [{"definition": "good", "that": []}]}, "that"),
        ({"definitions__first__status": {"missing": True}}, "one_of or none_of"),
        ({"definitions__first__wrong": 1}, "wrong"),
        ({"definitions__good__value": {"codes": ["no"]}}, "'no'"),
        ({"definitions__good__value": {"at_most_share_of": {"definition": "x", "percent": 50}}}, "'x'"),
        ({"windows__none": {}}, "needs an edge"),
        ({"windows__two": {"from": {"of": "period"}, "after": {"of": "period"}}}, "not both"),
        ({"windows__two": {"to": {"of": "period"}, "before": {"of": "period"}}}, "not both"),
        ({"windows__odd": {"to": {"of": "self"}}}, "only within events"),
        ({"windows__odd": {"to": {"of": "counted"}}}, "nothing is counted"),
        ({"populations__initial": "nobody"}, "'nobody'"),
        ({"populations__numerator": {"all": []}}, "all"),
        ({"populations__exclusions": ["nobody"]}, "'nobody'"),
        ({"populations__initial": {"died": "never"}}, "'never'"),
        ({"populations__initial": {"age": {"at": {"of": "good"}, "at_least": 1}}}, "not one picked event"),
        ({"strata": [{"id": "a", "title": "A", "rule": "nobody"}]}, "'nobody'"),
        ({"dates__day": {"of": "good"}}, "not one picked event"),
        ({"counted": "first"}, "`counted`"),
        ({"basis": "encounter"}, "`counted`"),
        ({"codes__scores": ["loinc|1"]}, "both a value set and a list"),
        (
            {
                "definitions__first__when": [
                    {"how": "during", "window": {"to": {"of": "period", "days": 1}}, "by": "exact"}
                ]
            },
            "compare it by day",
        ),
    ],
)
def test_what_does_not_load(change, words):
    with pytest.raises(DeclarationError, match=r"quality/small\.yaml does not validate") as refused:
        load(**change)
    assert words in str(refused.value)


def test_a_definition_uses_only_those_above_it():
    data = copy.deepcopy(SMALL)
    data["definitions"] = dict(reversed(data["definitions"].items()))
    with pytest.raises(DeclarationError, match="no definition 'first' above it"):
        parse(yaml.safe_dump(data, sort_keys=False), QualityMeasure, "quality/small.yaml")


def test_a_declaration_says_only_what_it_changes(tmp_path):
    folder = tmp_path / "quality"
    folder.mkdir()
    own = {"id": "own", "revision": 1, "title": "Own", "why": "x", "extends": "cms159", "definitions": {"died": None},
           "populations": {"exclusions": ["hospice"]}}  # fmt: skip
    (folder / "own.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    found = Registry.load(tmp_path).quality_measure("own")
    official = Registry.load().quality_measure("cms159")
    assert found.populations.exclusions == ("hospice",)
    assert found.windows == official.windows
    assert set(official.definitions) - set(found.definitions) == {"died"}
    assert not found.facts  # nobody checked them for this one
    assert found.numbers_hash != official.numbers_hash


def test_no_circles_and_no_missing_base(tmp_path):
    with pytest.raises(DeclarationError, match="extends itself"):
        extended({"extends": "a"}, lambda _: {"extends": "a"}, "x.yaml")
    folder = tmp_path / "quality"
    folder.mkdir()
    (folder / "own.yaml").write_text("id: own\nextends: nothing", encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"quality/nothing\.yaml, which is not there"):
        Registry.load(tmp_path)


@pytest.mark.parametrize("measure", Registry.load().quality.values(), ids=lambda one: one.id)
def test_every_measure_is_complete(measure):
    page = method_markdown(measure)
    for name, one in measure.definitions.items():
        assert f"`{name}`" in page
        assert one.title in page
    for needed in measure.value_sets.values():
        assert needed.oid in page
    assert measure.aligned_with.strip() in page
    assert measure.aligned_with.startswith("Aligned with")
    assert "not certified" in measure.aligned_with


@pytest.mark.parametrize("measure", Registry.load().quality.values(), ids=lambda one: one.id)
def test_every_definition_value_set_and_list_is_used(measure):
    used = {name for one in measure.definitions.values() if isinstance(one, Events) for name in one.code_names}
    used |= {
        name
        for one in measure.definitions.values()
        if isinstance(one, Events)
        for rule in one.coded.values()
        for name in (*(rule.one_of or ()), *rule.none_of)
    }
    assert set(measure.value_sets) | set(measure.codes) <= used
    text = measure.model_dump_json()
    unused = [name for name in measure.definitions if text.count(f'"{name}"') < 2]
    assert not unused
