"""A case mix that would adjust away what is compared is refused, naming the variable and the rule (METHODS M3.1)."""

from __future__ import annotations

import itertools

import pytest
import yaml
from pydantic import ValidationError

from benchwell.errors import DeclarationError, UnknownDeclarationError
from benchwell.registry import CaseMix, Registry, adjuster_sources
from benchwell.registry.registry import parse

BASELINE = {
    "name": "baseline",
    "source": "baseline",
    "role": "adjust",
    "kind": "clinical",
    "rationale": "Where people start.",
    "form": {"kind": "linear", "centre": 15},
    "missing": {"rule": "exclude"},
}
LEVELS = {"kind": "categories", "levels": ["a", "b"], "reference": "a"}
OWN_LEVEL = {"rule": "category"}
POVERTY = BASELINE | {
    "name": "poverty",
    "source": "deprivation_quintile",
    "kind": "social",
    "form": {"kind": "categories", "levels": ["1", "2"], "reference": "1"},
    "missing": OWN_LEVEL,
}
RULER = BASELINE | {"name": "day", "source": "measurement_day", "kind": "ruler", "timing": "post_index"}
ETHNICITY = POVERTY | {"name": "ethnicity", "source": "ethnicity", "form": LEVELS, "variant": True}


def casemix(*variables, **changes) -> CaseMix:
    head = {"id": "mix", "revision": 1, "title": "A mix", "why": "To test.", "author": "tests"}
    return CaseMix.model_validate(head | {"variables": list(variables)} | changes)


def variable(**changes):
    return BASELINE | {"name": "other", "source": "sex", "form": LEVELS, "missing": OWN_LEVEL} | changes


def names(found):
    return [one.name for one in found]


@pytest.mark.parametrize(
    "source",
    [
        *("sessions", "attendance", "early_change", "adherence", "alliance", "fidelity", "dropout", "end_reason"),
        *("therapy", "format", "setting", "safety_net", "volume", "staffing", "followup"),
        *("characteristic:sessions", "characteristic:Early-Change", "characteristic:alliance"),
    ],
)
@pytest.mark.parametrize("timing", ["at_index", "post_index"])
def test_what_happens_in_care_or_describes_the_clinic_cannot_be_adjusted_for(source, timing):
    bad = variable(name="tempting", source=source, timing=timing)
    with pytest.raises(ValidationError, match=r"'tempting'.*(cannot be adjusted for|can only be forbidden)"):
        casemix(BASELINE, bad)


def test_the_error_names_the_file_the_variable_the_rule_and_what_to_do():
    declared = {"id": "mix", "revision": 1, "title": "A mix", "why": "x", "author": "x"}
    declared |= {"variables": [BASELINE, variable(name="tempting", source="therapy")]}
    with pytest.raises(DeclarationError, match=r"casemix/mix\.yaml.*'tempting' cannot.*forbidden \(METHODS M3\.1\)"):
        parse(yaml.safe_dump(declared), CaseMix, "casemix/mix.yaml")


@pytest.mark.parametrize("role", ["stratify", "audit"])
def test_what_cannot_be_adjusted_for_may_still_be_looked_at(role):
    looked_at = {"name": "therapy", "source": "therapy", "role": role, "kind": "clinical", "rationale": "To compare."}
    assert names(casemix(BASELINE, looked_at).of_role(role)) == ["therapy"]


def test_any_source_may_be_forbidden_even_one_that_no_table_holds():
    found = casemix({"name": "bond", "source": "alliance", "role": "forbidden", "rationale": "It grows in care."})
    assert names(found.of_role("forbidden")) == ["bond"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (variable(name="status"), "that name belongs to a column of outcomes"),
        (variable(source="shoe_size"), "unknown source 'shoe_size'; known are"),
        (variable(source="score:"), "unknown source"),
        (variable(role="audit", source="alliance"), "its role can only be forbidden"),
        (variable(kind=None), "needs a kind"),
        (variable(timing="post_index"), "only the measurement day may be"),
        (variable(source="characteristic:relapse", timing="post_index"), "only the measurement day may be"),
        (variable(source="mode", timing="post_index"), "only the measurement day may be"),
        (variable(kind="ruler"), "kind ruler is measurement_day"),
        (RULER | {"kind": "clinical"}, "kind ruler is measurement_day"),
        (RULER | {"timing": "at_index"}, "is post_index; say so"),
        (RULER | {"missing": OWN_LEVEL}, "adjust for the follow-up itself"),
        (POVERTY | {"kind": "clinical"}, "is social, not clinical"),
        (POVERTY | {"source": "characteristic:insurance", "kind": "clinical"}, "is social, not clinical"),
        (ETHNICITY | {"variant": False}, "declared, separately shown variant"),
        (ETHNICITY | {"source": "characteristic:race", "variant": False}, "declared, separately shown variant"),
        (variable(variant=True), "`variant` is for race and ethnicity"),
        (variable(form=None), "needs `form` and `missing`"),
        (variable(missing=None), "needs `form` and `missing`"),
        (variable(form={"kind": "linear", "centre": 0}), "is a text; use categories"),
        (variable(source="age"), "is a number; use linear or spline"),
        (variable(source="score:who-5"), "is a number; use linear or spline"),
        (variable(missing={"rule": "impute", "mean": 1}), "a level cannot be imputed"),
        (variable(missing={"rule": "impute"}), "`mean` belongs to rule impute"),
        (variable(missing={"rule": "category", "mean": 3}), "`mean` belongs to rule impute"),
        (variable(missing={"rule": "category", "slopes": {"baseline": 1}}), "`slopes` belong to rule impute"),
        (variable(form=LEVELS | {"reference": "c"}), "'c' is not one of the levels"),
        (variable(form=LEVELS | {"levels": ["a", "A "]}), "named once"),
        (variable(form=LEVELS | {"levels": ["a", "Other"]}), "added by themselves"),
        (variable(form={"kind": "spline", "knots": [1, 1, 2], "centre": 0}, source="age"), "knots ascend"),
        (variable(form={"kind": "spline", "knots": [1, 2], "centre": 0}, source="age"), "at least 3"),
        (variable(form={"kind": "linear", "centre": 0, "scale": 0}, source="age"), "greater than 0"),
        (variable(rationale="short"), "at least 10 characters"),
        (variable(name="baseline"), r"\['baseline'\] are declared twice"),
        (variable(sourc="sex"), "Extra inputs"),
    ],
)
def test_contradictions_are_refused(bad, message):
    with pytest.raises(ValidationError, match=message):
        casemix(BASELINE, bad)


@pytest.mark.parametrize("alone", [[POVERTY], [RULER], [POVERTY, RULER], [ETHNICITY]])
def test_social_risk_and_the_ruler_are_never_adjusted_for_alone(alone):
    with pytest.raises(ValidationError, match="ever adjusted for alone"):
        casemix(*alone)


def test_a_source_is_not_adjusted_for_and_forbidden_at_once():
    refused = {"name": "start", "source": "baseline", "role": "forbidden", "rationale": "For some reason."}
    with pytest.raises(ValidationError, match=r"\['baseline'\] are adjusted for, and their source is forbidden"):
        casemix(BASELINE, refused)


@pytest.mark.parametrize("slopes", [{"nothing": 1}, {"age": 1}, {"poverty": 1}, {"mass": 1}])
def test_a_mean_rests_on_other_clinical_numbers_that_are_not_imputed_themselves(slopes):
    numbers = {"form": {"kind": "linear", "centre": 1}, "missing": {"rule": "impute", "mean": 1}}
    age = variable(name="age", source="age", **numbers)
    weight = variable(name="mass", source="characteristic:mass", **numbers)
    weight |= {"missing": {"rule": "impute", "mean": 1, "slopes": slopes}}
    with pytest.raises(ValidationError, match=f"'mass' is imputed from .{next(iter(slopes))!r}"):
        casemix(BASELINE, POVERTY, age, weight)


def test_views_add_social_variables_the_ruler_and_a_variant_each_in_its_own_place():
    views = casemix(POVERTY, RULER, BASELINE, ETHNICITY).views
    assert {str(view): names(found) for view, found in views.items()} == {
        "unadjusted": [],
        "clinical": ["baseline"],
        "clinical+social": ["baseline", "poverty"],
        "clinical+day": ["baseline", "day"],
        "clinical+social+variant": ["baseline", "poverty", "ethnicity"],
    }


def test_without_adjusters_the_three_views_are_there_and_empty():
    assert {str(view): found for view, found in casemix().views.items()} == {
        "unadjusted": (),
        "clinical": (),
        "clinical+social": (),
    }


def test_a_rationale_is_wording_and_a_knot_is_not():
    first = casemix(BASELINE)
    reworded = casemix(BASELINE | {"rationale": "Said in other words."})
    moved = casemix(BASELINE | {"form": {"kind": "linear", "centre": 16}})
    assert reworded.numbers_hash == first.numbers_hash
    assert reworded.text_hash != first.text_hash
    assert moved.numbers_hash != first.numbers_hash
    assert moved.text_hash == first.text_hash
    assert casemix(BASELINE, within="mundlak").numbers_hash != first.numbers_hash


def test_a_workspace_adds_and_overrides_case_mixes(tmp_path):
    (tmp_path / "casemix").mkdir()
    own = Registry.load().casemix["depression-core"].canonical() | {"revision": 9}
    (tmp_path / "casemix" / "depression-core.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    loaded = Registry.load(tmp_path)
    assert loaded.case_mix("depression-core").revision == 9
    assert loaded.case_mix("anxiety-core") == Registry.load().case_mix("anxiety-core")
    with pytest.raises(UnknownDeclarationError, match="No case mix 'depresion-core'"):
        loaded.case_mix("depresion-core")


def test_every_benchmark_names_a_case_mix_that_exists_and_has_the_baseline_it_needs():
    registry = Registry.load()
    named = {one.id: one.casemix for one in registry.benchmarks.values() if one.casemix is not None}
    assert len(named) >= 9
    for name, mix in named.items():
        baseline = registry.case_mix(mix).variable("baseline")
        measure = registry.measure(registry.benchmark(name).measure)
        scale = registry.instrument(measure.instruments[0]).scale(measure.scale)
        assert all(scale.min < knot < scale.max for knot in baseline.form.knots), name


def test_shipped_case_mixes_forbid_what_care_does_and_ask_for_every_view():
    for mix in Registry.load().casemix.values():
        if not mix.variables:
            continue
        assert {one.source for one in mix.of_role("forbidden")} >= {"therapy", "sessions", "early_change"}, mix.id
        assert {"race", "ethnicity"} <= set(names(mix.of_role("stratify", "audit"))), mix.id
        assert mix.views["clinical"] and len(mix.views["clinical+social"]) > len(mix.views["clinical"]), mix.id  # noqa: PT018


def test_constants_of_shipped_case_mixes_are_marked_as_our_own():
    for mix in Registry.load().casemix.values():
        assert {fact.status for fact in mix.facts.values()} <= {"unchecked"}, mix.id
        splines = [f"variables.{one.name}.form" for one in mix.variables if one.form and one.form.kind == "spline"]
        assert set(splines) <= set(mix.facts), mix.id


def test_a_variable_is_asked_for_by_name():
    found = casemix(BASELINE)
    assert found.variable("baseline").source == "baseline"
    with pytest.raises(KeyError):
        found.variable("sessions")


def test_refused_sources_never_overlap_those_that_may_be_adjusted_for():
    refused = (adjuster_sources.POST_INDEX, adjuster_sources.TREATMENT, adjuster_sources.CLINIC)
    assert all(not left & right for left, right in itertools.combinations(refused, 2))
    assert not set().union(*refused) & (adjuster_sources.PATIENT | adjuster_sources.OUTCOME)
