"""Compared fairly: every view of a figure on the page, who changes, what was taken into account, and why."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from adjusted_network import CASEMIX, DocumentedEdition, Truth, adjusted_edition, people, simulated
from benchwell.reports import render_network_report, render_organization_report
from benchwell.reports.chart_views import day_note
from benchwell.reports.compared_network import compared_network
from benchwell.reports.method import Link
from benchwell.signals import four_views
from benchwell.signals.edition_colours import MeasureColours, edition_colours
from benchwell.signals.words import capital
from benchwell.terms import Adjustment, Light
from report_page import Page
from signals_edition import CLINICS, MEASURE, a_measure, edition

ID = MEASURE["id"]


@pytest.fixture(scope="module")
def network() -> DocumentedEdition:
    return simulated(3, clinics=24, people=200, hardship=0.6, sorting=0.4, between=0.15)


@pytest.fixture(scope="module")
def failed() -> DocumentedEdition:
    # The effect of severity is nil: a model of noise does not predict clinics that it has not seen.
    return adjusted_edition(people(np.random.default_rng(5), Truth(clinics=20, people=80, severity=0.0, sorting=0.0)))


@pytest.fixture(scope="module")
def own(network: DocumentedEdition) -> str:
    return Page(render_organization_report(network, "c003")).text


@pytest.fixture(scope="module")
def whole(network: DocumentedEdition) -> str:
    return Page(render_network_report(network)).text


def percent(value: float) -> str:
    return f"{int(100 * value + 0.5)} %"


def test_every_view_of_an_organization_stands_beside_the_others_in_the_same_view(network, own):
    for view in four_views(network, ID, "c003").views:
        figure, benchmark = view.own.figure, view.own.benchmark
        interval = f"({int(100 * figure.lower + 0.5)}–{int(100 * figure.upper + 0.5)})"
        face = view.own.comparison.face
        line = f"{view.title} {percent(figure.value)} {interval} {percent(benchmark.value)} {face.symbol} {face.word}"
        assert line in own


def test_a_ratio_never_stands_without_how_it_may_be_read(network, own):
    rows = network.tables["adjusted_results"].to_pylist()
    (ratio,) = [
        row["ratio"]
        for row in rows
        if (row["organization_id"], row["adjustment"], row["stratum"]) == ("c003", "clinical", "all")
    ]
    assert f"{ratio:.2f} (" in own
    assert "the ratios of two clinics may not be compared" in own


def test_the_page_says_once_what_is_taken_into_account_and_what_is_not(own):
    for variable in CASEMIX.variables:
        assert own.count(variable.rationale) == 1
    assert "methods/casemix/" in own
    assert "never shown alone" in own.lower()


def test_a_caller_who_knows_the_method_page_gets_a_link_to_it(network):
    def target(link: Link) -> str:
        return f"methods/{link.folder}/{link.id}.html"

    links = [link["href"] for link in Page(render_network_report(network, target=target)).all("a")]
    assert f"methods/casemix/{CASEMIX.id}.html" in links
    links = [link["href"] for link in Page(render_organization_report(network, "c003", target=target)).all("a")]
    assert f"methods/casemix/{CASEMIX.id}.html" in links


def test_models_are_shown_with_people_checks_groups_and_coding(network, own):
    for view in four_views(network, ID).views[1:]:
        assert f"{view.model.n:,}" in own
        assert view.model.coding_sha256 in own
        slope = view.model.checks[0].figures["calibration_slope"]
        assert f"{slope:.2f}" in own
    assert "Deprivation fifth 5 (least deprived)" in own
    assert "● passed" in own


def test_groups_within_a_clinic_stand_beside_their_own_and_the_common_figure(network, own):
    (strata,) = four_views(network, ID, "c003").strata
    section = own[own.index("group by group") :]
    for level in strata.levels:
        if level.value is not None:
            assert f"{capital(level.words)} {percent(level.value)}" in section
            assert percent(level.benchmark) in section
    assert "Short stroke: the same group in all clinics" in section
    assert "A gap between groups is not adjusted away" in section


def test_a_model_that_failed_shows_no_figure_and_says_so(failed, own):
    page = Page(render_organization_report(failed, "c001"))
    withheld = "Nothing about who comes is adjusted for here, since the adjusted view was withheld: the model failed"
    assert withheld in page.text
    assert "was withheld" not in own
    assert page.text.index(withheld) < page.text.index("Worth doing now")
    assert "Adjusted for whom one treats: no figure. The model failed its check on clinics" in page.text
    assert "○ not passed" in page.text
    assert "Only the unadjusted figure is shown." in page.text
    assert not [figure for figure in page.all("figure") if (figure.get("id") or "").endswith("-views")]


def test_a_measure_without_a_case_mix_shows_the_unadjusted_figure_and_says_why():
    text = Page(render_organization_report(edition(), "north")).text
    assert "Only the unadjusted figure is shown: no case mix is declared for this measure." in text
    assert "None: figures are unadjusted" in text
    assert "How the models were made" not in text
    network = Page(render_network_report(edition())).text
    assert "Only the unadjusted figure is shown" in network


def test_the_network_page_counts_who_changes_state_and_names_nobody(network, whole):
    views = four_views(network, ID)
    assert f"The state of {views.n_changing} of 24 clinics changes between views." in whole
    assert not re.search(r"\bc0\d\d\b", whole)
    for one in views.transitions:
        assert f" {one.n} " in whole[whole.index("Clinics whose state changes") :]


def test_the_network_page_names_who_changes_only_with_sites(network):
    text = Page(render_network_report(network, sites=True)).text
    part = text[text.index("Clinics whose state changes") :]
    for one in four_views(network, ID, named=True).transitions:
        assert ", ".join(one.organizations) in part


def test_benchmarks_of_every_view_stand_beside_one_another(network, whole):
    records = [
        row
        for row in network.tables["benchmarks"].to_pylist()
        if (row["without"], row["tier"], row["stratum"], row["method"]) == ("", "all", "all", "pooled")
    ]
    assert {row["adjustment"] for row in records} == {"unadjusted", "clinical", "clinical+social"}
    section = whole[whole.index("in every view, with 95 % intervals") :]
    for row in records:
        assert percent(row["estimate"]) in section


def test_states_are_counted_with_what_they_leave_out(network, whole):
    assert "before the checks of follow-up, reliability and usual spread" in whole
    table = whole[whole.index("Clinics in each state.") :]
    for view in four_views(network, ID).views:
        counts = [view.bands.get(state, 0) for state in (Light.ABOVE, Light.CLOSE, Light.BELOW, Light.UNKNOWN)]
        assert f"{view.title} {' '.join(map(str, counts))} 24" in table


def test_a_page_says_how_many_of_its_states_are_expected_to_be_false(network, whole):
    found = edition_colours(network)
    assert found.coloured > 0
    assert found.text in whole
    (one,) = found.measures
    assert f"{one.coloured} of 24 clinics lie clearly above or below by probability alone" in whole
    assert f"{one.standing_out} stand out from the usual spread" in whole


def test_official_figures_have_no_colour_that_could_be_false():
    endpoint = {"kind": "published", "source": "nhs", "name": "recovery", "group_type": "Provider"}
    text = Page(render_network_report(edition(measure=a_measure(endpoint=endpoint, instruments=[])))).text
    assert "the source gives one rate for each clinic, not the people behind it" in text
    assert "expected to be false" not in text


@pytest.mark.parametrize(
    ("coloured", "false", "out", "said"),
    [
        (0, 0.0, 0, ""),
        (1, 0.2, 1, "1 of 40 clinics lies clearly above or below by probability alone; fewer than one is expected"),
        (9, 1.2, 1, "9 of 40 clinics lie clearly above or below by probability alone; about 1 is expected"),
        (
            9,
            2.3,
            3,
            "about 2 are expected to be false by chance alone. Counting every comparison of the edition at once, 3",
        ),
    ],
)
def test_false_states_are_counted_in_words_that_agree(network, coloured, false, out, said):
    colours = MeasureColours(ID, Adjustment.CLINICAL, 40, coloured, false, out)
    assert said in compared_network(network, four_views(network, ID), colours).false
    unadjusted = compared_network(network, four_views(network, ID), replace(colours, adjustment=Adjustment.UNADJUSTED))
    assert ("by chance alone; who comes to whom is not counted in this." in unadjusted.false) is (coloured > 0)


def test_the_adjusted_funnel_stands_beside_the_unadjusted_one(network):
    page = Page(render_network_report(network))
    funnels = {figure["id"] for figure in page.all("figure") if "funnel" in (figure.get("id") or "")}
    assert funnels == {f"{ID}-funnel-unadjusted", f"{ID}-funnel-clinical"}
    assert "Adjusted for whom one treats: " in page.text


def test_a_measure_counted_among_all_says_whom_the_day_of_measurement_leaves_out(network):
    views = four_views(network, ID)
    assert day_note(views) == ""
    day = views.views[1]
    with_day = replace(
        views,
        measure=a_measure(primary_denominator="all_eligible"),
        views=(*views.views, replace(day, adjustment=Adjustment.DAY)),
    )
    assert "counts only people who were measured again" in day_note(with_day)


def test_where_nobody_has_a_figure_there_is_nothing_to_compare():
    few = edition({"tiny": (6, 5, 3), "small": (7, 6, 2)})
    assert "Compared fairly" not in Page(render_network_report(few)).text
    assert "Compared fairly" not in Page(render_organization_report(few, "tiny")).text


def test_groups_that_are_all_too_small_are_said_to_be_so_and_not_drawn():
    levels = {"mild": dict.fromkeys(CLINICS, (3, 2, 1)), "severe": dict.fromkeys(CLINICS, (4, 3, 1))}
    page = Page(render_organization_report(edition(strata={"severity": levels}), "north"))
    assert "by severity, 2 groups: none shown." in page.text
    assert page.text.count("too few people") >= 2
