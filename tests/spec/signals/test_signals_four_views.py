"""Every figure stands beside itself under every adjustment, and nobody is judged by one view alone (METHODS M3.1)."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from adjusted_network import CASEMIX, DocumentedEdition, Truth, adjusted_edition, people, simulated
from benchwell.errors import UnknownDeclarationError
from benchwell.registry.casemix import Missing
from benchwell.signals import compare, four_views, strata_views
from benchwell.signals.casemix_model import why_no_views
from benchwell.signals.words import FORBIDDEN
from benchwell.tables import DERIVED
from benchwell.terms import Adjustment, Light
from signals_edition import MEASURE, a_measure, edition

title = "The views of a figure"
ID = MEASURE["id"]
VIEWS = (Adjustment.UNADJUSTED, Adjustment.CLINICAL, Adjustment.SOCIAL)


@pytest.fixture(scope="module")
def network() -> DocumentedEdition:
    return simulated(3, clinics=40, people=300, hardship=0.6, sorting=0.4, between=0.15)


def test_the_unadjusted_view_stands_beside_every_adjusted_one(network: DocumentedEdition) -> None:
    found = four_views(network, ID, "c003")
    assert tuple(one.adjustment for one in found.views) == VIEWS
    for view in found.views:
        assert view.own is not None
        assert view.own.comparison.figures.adjustment == view.adjustment
        assert view.own.benchmark is not None
        assert view.own.light is compare(network, "c003", ID, adjustment=view.adjustment).light
        assert (view.own.n_eligible, view.own.completion) == (
            found.views[0].own.n_eligible,
            found.views[0].own.completion,
        )
        assert (view.own.gate is None) == (view.own.light is not Light.UNKNOWN)
        assert (view.own.expected is None) == (view.adjustment is Adjustment.UNADJUSTED)


def test_an_own_figure_is_compared_within_its_own_view(network: DocumentedEdition) -> None:
    rows = {
        (row["adjustment"], row["organization_id"]): row
        for row in network.tables["adjusted_results"].to_pylist()
        if row["stratum"] == "all"
    }
    for view in four_views(network, ID, "c010").views:
        assert view.own.figure.value == rows[view.adjustment, "c010"]["estimate"]
        assert view.own.comparison.benchmark.adjustment == view.adjustment
        assert view.own.comparison.benchmark.without == "c010"
        assert view.own.band.value == rows[view.adjustment, "c010"]["band"]
        assert view.own.band is view.own.comparison.verdict


def test_who_changes_state_is_counted_from_the_edition_and_named_only_where_allowed(network: DocumentedEdition) -> None:
    rows = network.tables["adjusted_results"].to_pylist()
    bands: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["stratum"] == row["period"] == "all" and row["band"] is not None:
            bands.setdefault(row["organization_id"], {})[row["adjustment"]] = row["band"]
    changing = {name for name, found in bands.items() if len(set(found.values())) > 1}
    found, named = four_views(network, ID), four_views(network, ID, named=True)
    assert found.n_changing == len(changing) > 0
    assert not any(one.organizations for one in found.transitions)
    assert {name for one in named.transitions for name in one.organizations} == changing
    for one in named.transitions:
        assert one.n == len(one.organizations)
        for name in one.organizations:
            assert bands[name][one.before] == one.state_before
            assert bands[name][one.after] == one.state_after
    assert "c0" not in json.dumps(found.to_dict())


def test_why_a_state_changes_is_said_in_plain_words(network: DocumentedEdition) -> None:
    named = four_views(network, ID, named=True)
    social = [one for one in named.transitions if one.after is Adjustment.SOCIAL and one.state_before is Light.BELOW]
    assert social, "deprivation makes some clinics look worse"
    mine = four_views(network, ID, social[0].organizations[0])
    (change,) = [one for one in mine.own_changes if one.after is Adjustment.SOCIAL]
    assert change.changes
    assert change.moved is not None
    assert change.moved > 0.015
    assert "because of the social risk of the people you treat" in change.text
    assert change.text.rstrip(".") == mine.title or mine.own_changes[0].changes


def test_a_state_that_changes_without_a_move_claims_no_reason() -> None:
    # Everything alike: what differs between views is how sure one can be.
    found = four_views(simulated(1, hardship=0.4), ID, "c001")
    (change,) = [one for one in found.own_changes if one.after is Adjustment.SOCIAL]
    assert change.changes
    assert abs(change.moved) < 0.015
    assert "because" not in change.text


def test_a_model_that_fails_its_checks_gives_no_figure_and_says_why(network: DocumentedEdition) -> None:
    # The deprivation effect turns round from clinic to clinic: no model of one clinic predicts another.
    rows = people_without_a_pattern()
    found = four_views(adjusted_edition(rows), ID, "c001")
    clinical = found.view("clinical")
    assert clinical is not None
    assert not clinical.ok
    assert clinical.own is None
    assert clinical.reference is None
    assert clinical.missing.startswith("the model failed its check on clinics that it had not seen (")
    assert clinical.model.reason == clinical.missing
    assert clinical.missing in found.text
    assert not clinical.bands


def test_a_view_without_a_figure_is_grey_and_its_gate_says_so() -> None:
    found = compare(adjusted_edition(people_without_a_pattern()), "c001", ID, adjustment="clinical")
    assert found.light is Light.UNKNOWN
    assert found.deciding == "figure"
    assert "failed its check" in found.deciding_gate.text


def people_without_a_pattern() -> pa.Table:
    return people(np.random.default_rng(5), Truth(clinics=20, people=80, severity=0.0, sorting=0.0))


def test_a_comparison_falls_back_to_the_unadjusted_view_where_the_model_failed() -> None:
    found = compare(adjusted_edition(people_without_a_pattern()), "c001", ID)
    assert found.adjustment is Adjustment.UNADJUSTED


def test_with_fewer_than_five_clinics_there_is_nobody_to_make_comparable() -> None:
    found = four_views(simulated(2, clinics=4), ID)
    assert [one.ok for one in found.views] == [True, False, False]
    assert "too few clinics" in found.views[1].missing


def test_a_measure_without_a_case_mix_says_so() -> None:
    found = four_views(edition(), ID, "north")
    assert [one.adjustment for one in found.views] == [Adjustment.UNADJUSTED]
    assert found.note == "no case mix is declared for this measure"
    assert found.title == "There is only the unadjusted view"


def test_the_levels_within_a_clinic_are_the_fourth_view_beside_the_common_figures(network: DocumentedEdition) -> None:
    (strata,) = four_views(network, ID, "c003").strata
    assert strata.variable == "deprivation_quintile"
    assert strata.common is not None
    assert strata.common_benchmark is not None
    rows = {
        (row["adjustment"], row["level"]): row
        for row in network.tables["adjusted_results"].to_pylist()
        if row["organization_id"] == "c003" and row["stratum"] == "deprivation_quintile"
    }
    for level in strata.levels:
        assert level.value == rows["unadjusted", level.level]["estimate"]
        assert level.adjusted == rows["clinical", level.level]["estimate"]
        assert level.benchmark is not None
        assert level.adjusted_benchmark is not None
        assert level.value is None or f"all clinics {100 * level.benchmark:.0f} %" in strata.text


def test_levels_of_a_failed_model_stand_unadjusted_alone() -> None:
    (strata,) = four_views(adjusted_edition(people_without_a_pattern()), ID, "c001").strata
    assert all(level.adjusted is None and level.adjusted_benchmark is None for level in strata.levels)
    assert any(level.benchmark is not None for level in strata.levels)


def test_the_levels_of_everyone_together_have_no_second_yardstick(network: DocumentedEdition) -> None:
    (strata,) = four_views(network, ID).strata
    assert strata.common == strata.common_benchmark
    assert all(level.value is not None and level.benchmark is None for level in strata.levels)
    assert all(level.adjusted is not None for level in strata.levels)


def test_the_model_behind_a_view_names_variables_reasons_people_and_checks(network: DocumentedEdition) -> None:
    model = four_views(network, ID).view("clinical+social").model
    assert [one.name for one in model.variables] == ["baseline", "deprivation fifth"]
    assert all(one.used and one.rationale for one in model.variables)
    assert model.n > 5000
    assert len(model.coding_sha256) == 64
    assert model.checks[0].stratum == "all"
    assert 0.9 <= model.checks[0].figures["calibration_slope"] <= 1.1
    assert model.text.startswith("Taken into account: baseline, deprivation fifth. Fitted within clinics to ")


def test_a_variable_that_nobody_recorded_is_named_as_left_out() -> None:
    age = CASEMIX.variable("baseline").model_copy(
        update={"name": "age", "source": "age", "missing": Missing(rule="category")}
    )
    casemix = CASEMIX.model_copy(update={"variables": (*CASEMIX.variables, age)})
    rows = simulated_rows()
    unknown = pa.array([None] * rows.num_rows, pa.float64())
    found = four_views(adjusted_edition(rows.append_column("age", unknown), casemix=casemix), ID)
    variables = {one.name: one for one in found.view("clinical").model.variables}
    assert variables["baseline"].used
    assert not variables["age"].used
    assert variables["age"].left_out.startswith("not recorded here")
    assert "Declared but not recorded here: age." in found.view("clinical").model.text


def test_a_view_that_adds_nothing_is_refused_rather_than_shown_twice() -> None:
    rows = simulated_rows()
    blank = pa.array([None] * rows.num_rows, pa.string())
    at = rows.schema.get_field_index("deprivation_quintile")
    found = four_views(adjusted_edition(rows.set_column(at, "deprivation_quintile", blank)), ID)
    assert [one.ok for one in found.views] == [True, True, False]
    assert found.views[2].missing == "nothing that this view adds is recorded here"


def simulated_rows() -> pa.Table:
    return people(np.random.default_rng(4), Truth(clinics=20))


@pytest.mark.parametrize(("p", "said"), [(0.01, True), (0.05, False), (0.4, False), (None, False)])
def test_a_between_clinic_contrast_says_that_random_effects_would_move_results(
    network: DocumentedEdition, p: float | None, said: bool
) -> None:
    models = [one | {"contrast_p": p} for one in network.documents["casemix_models.json"]]
    changed = replace(network, documents={"casemix_models.json": models})
    model = four_views(changed, ID).view("clinical").model
    assert ("random effects alone would move results" in model.text) is said
    assert model.contrast_p == p


def test_without_its_models_file_an_edition_still_names_variables_and_checks(network: DocumentedEdition) -> None:
    model = four_views(replace(network, documents={}), ID).view("clinical").model
    assert [one.used for one in model.variables] == [True]
    assert (model.n, model.coding_sha256) == (None, None)
    assert model.checks


def test_an_edition_whose_checks_all_failed_only_in_one_view_steps_over_it(network: DocumentedEdition) -> None:
    checks = network.tables["model_checks"].to_pylist()
    for row in checks:
        if row["adjustment"] == "clinical" and row["stratum"] == "all":
            row |= {"status": "fail", "reason": "calibration slope 1.300 is outside 0.9 to 1.1"}
    results = [
        row | ({"status": "insufficient", "estimate": None, "band": None} if row["adjustment"] == "clinical" else {})
        for row in network.tables["adjusted_results"].to_pylist()
    ]
    tables = dict(network.tables) | {
        "model_checks": pa.Table.from_pylist(checks, schema=DERIVED["model_checks"].schema),
        "adjusted_results": pa.Table.from_pylist(results, schema=DERIVED["adjusted_results"].schema),
    }
    found = four_views(replace(network, tables=tables), ID, "c003")
    assert [one.ok for one in found.views] == [True, False, True]
    assert {(one.before, one.after) for one in found.own_changes} == {(Adjustment.UNADJUSTED, Adjustment.SOCIAL)}
    assert "slope 1.300" in found.views[1].missing


def test_a_clinic_that_is_too_small_has_no_own_view_and_is_told_why(network: DocumentedEdition) -> None:
    found = four_views(network, ID, "nobody")
    assert all(one.own is None and one.own_missing for one in found.views)
    assert found.title == "There is no figure to lay side by side yet"


def test_an_unknown_measure_is_named(network: DocumentedEdition) -> None:
    with pytest.raises(UnknownDeclarationError):
        four_views(network, "unheard-of")


def test_the_views_are_plain_data_for_machines_and_plain_words_for_people(network: DocumentedEdition) -> None:
    found = four_views(network, ID, "c003")
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [one["adjustment"] for one in data["views"]] == [view.value for view in VIEWS]
    assert data["views"][1]["own"]["comparison"]["adjustment"] == "clinical"
    assert data["views"][1]["model"]["coding_sha256"]
    words = " ".join([found.text, found.title, *found.lines, *(one.model.text for one in found.views if one.model)])
    assert not [word for word in FORBIDDEN if word in words.lower().split()]
    assert len(found.lines) >= 5
    assert CASEMIX.id == data["views"][1]["model"]["casemix"]


def test_levels_of_deprivation_say_which_end_is_which(network: DocumentedEdition) -> None:
    (view,) = [one for one in strata_views(network, None, ID) if one.variable == "deprivation_quintile"]
    text = view.text.replace("\u00a0", " ")
    assert " by deprivation fifth, 5 groups: deprivation fifth 1 (most deprived), n = 1,671: 24 % (21–27); " in text
    assert view.title.startswith("By deprivation fifth: deprivation fifth 1 (most deprived) and ")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"endpoint": {"kind": "effect_size"}}, "this kind of figure has no expectation for each person"),
        (
            {"endpoint": {"kind": "published", "source": "nhs", "name": "recovery", "group_type": "Provider"}},
            "the source gives one rate for each clinic, not the people behind it",
        ),
    ],
)
def test_a_measure_that_cannot_be_adjusted_says_why(changes: dict[str, object], why: str) -> None:
    measure = a_measure(**changes)
    assert why_no_views(edition(), measure) == why


def test_a_gap_between_figures_that_says_less_than_the_gates_names_the_gate(network: DocumentedEdition) -> None:
    clinics = sorted({row["organization_id"] for row in network.tables["organization_results"].to_pylist()})
    changes = [one for clinic in clinics for one in four_views(network, ID, clinic).own_changes]
    by_gate = [one for one in changes if one.state_before is one.state_after and one.changes]
    for one in by_gate:
        assert one.text.startswith(f"{one.heading}: ")
        assert one.heading.startswith("The light goes from ")
        # What kept the earlier view grey is told as that, never as the reason of the colour.
        greyed = one.light_before is Light.UNKNOWN
        assert ("it was cannot tell yet because " in one.text) is greyed
        assert one.text.count("here no check keeps it grey") == greyed
    assert any(one.light_before is Light.UNKNOWN for one in by_gate)
    for one in changes:
        if "because" in one.text and not one.text.startswith("The light"):
            toward = {Light.BELOW: -1, Light.ABOVE: 1}
            assert (toward.get(one.state_after, 0) - toward.get(one.state_before, 0)) * one.moved > 0
