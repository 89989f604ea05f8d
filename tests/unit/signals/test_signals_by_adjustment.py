"""Funnel, distribution and run chart of an adjusted view; the words and plain data that every view shares."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from adjusted_network import DocumentedEdition, simulated
from benchwell.signals import compare, distribution, funnel_view, run_chart
from benchwell.signals.adjustment_words import because, in_view, once_taken, refusal_words, state_words, steps
from benchwell.signals.funnel_view import LARGE_PHI
from benchwell.signals.plain import plain
from benchwell.signals.reading import OneMeasure, ReadOnce, casemix_of, document
from benchwell.signals.usual_spread import beyond_usual_spread, people_behind, people_counted
from benchwell.tables import DERIVED
from benchwell.terms import Adjustment, Better, Light
from signals_edition import MEASURE, a_measure, edition

ID = MEASURE["id"]


@pytest.fixture(scope="module")
def network() -> DocumentedEdition:
    return simulated(3, clinics=40, people=200, hardship=0.8, sorting=0.5, between=0.1)


def row_of(network: DocumentedEdition, clinic: str, view: str) -> dict[str, Any]:
    (row,) = [
        row
        for row in network.tables["adjusted_results"].to_pylist()
        if (row["organization_id"], row["adjustment"], row["stratum"]) == (clinic, view, "all")
    ]
    return row


def test_a_distribution_shows_the_figures_of_the_view_it_names(network):
    found = distribution(network, ID, "c003", adjustment="clinical+social")
    assert found.adjustment is Adjustment.SOCIAL
    assert found.own == row_of(network, "c003", "clinical+social")["estimate"]
    assert "(adjusted for social risk, too)" in found.text
    plain_one = distribution(network, ID, "c003")
    assert "adjusted" not in plain_one.text
    assert np.ptp(found.values) < np.ptp(plain_one.values)


def test_a_funnel_of_an_adjusted_view_has_its_figures_and_its_certainty(network):
    found = funnel_view(network, ID, "c003", adjustment="clinical+social")
    row = row_of(network, "c003", "clinical+social")
    assert found.own.rate == row["estimate"]
    reference = row["reference"]
    assert found.own.n == pytest.approx(reference * (1 - reference) / row["variance"])
    assert f"as certain as a share of {found.own.n:,.0f} people" in found.text
    assert found.phi < funnel_view(network, ID).phi


def test_a_failed_view_has_no_funnel_and_an_empty_distribution(network):
    tables = dict(network.tables)
    rows = [row | {"status": "insufficient", "estimate": None} for row in tables["adjusted_results"].to_pylist()]
    tables["adjusted_results"] = pa.Table.from_pylist(rows, schema=DERIVED["adjusted_results"].schema)
    failed = replace(network, tables=tables)
    assert funnel_view(failed, ID, adjustment="clinical") is None
    assert distribution(failed, ID, adjustment="clinical").n == 0


def test_a_wide_spread_says_to_look_at_the_adjustment_first():
    wide = simulated(3, clinics=40, people=400, hardship=0.0, between=0.8)
    for view, words in (
        ("unadjusted", "Nothing is adjusted for here"),
        ("clinical", "look at it before blaming clinics"),
    ):
        found = funnel_view(wide, ID, adjustment=view)
        assert found.phi >= LARGE_PHI
        assert words in found.spread_note
        assert found.text.endswith(found.spread_note)


def test_a_usual_spread_says_nothing_of_the_kind(network):
    assert funnel_view(network, ID, adjustment="clinical+social").spread_note == ""


def test_a_run_chart_of_a_view_reads_that_view_s_quarters():
    rows = [
        {"measure": ID, "adjustment": "clinical", "organization_id": "north", "period": period, "stratum": "all"}
        | {"level": "all", "status": "ok", "estimate": value, "n_followed": 50, "n_eligible": 60, "completion": 0.83}
        for period, value in (("2024-Q1", 0.41), ("2024-Q2", 0.43), ("all", 0.42), ("2024-Q1..2024-Q4", 0.42))
    ]
    made = edition()
    tables = dict(made.tables) | {
        "adjusted_results": pa.Table.from_pylist(rows, schema=DERIVED["adjusted_results"].schema)
    }
    found = run_chart(replace(made, tables=tables), "north", ID, adjustment="clinical")
    assert [(point.period, point.value) for point in found.points] == [("2024-Q1", 0.41), ("2024-Q2", 0.43)]
    assert found.title_of == "Response at 12 weeks (adjusted for whom one treats)"
    assert run_chart(made, "north", ID, adjustment="clinical+social").known == 0


def test_as_many_people_stand_behind_an_adjusted_share_as_give_it_its_variance(network):
    plain_row, adjusted = row_of(network, "c003", "unadjusted"), row_of(network, "c003", "clinical+social")
    assert people_behind(plain_row) == people_counted(plain_row) == plain_row["n_followed"]
    assert people_behind(adjusted) == pytest.approx(
        adjusted["reference"] * (1 - adjusted["reference"]) / adjusted["variance"]
    )
    # What the model explains is no noise any more.
    assert people_behind(adjusted) > plain_row["n_followed"]


@pytest.mark.parametrize("share", [True, False])
def test_the_usual_spread_is_not_known_from_one_other_clinic(network, share):
    row = row_of(network, "c003", "clinical")
    assert beyond_usual_spread(row, [row], 0.5, 0.01, share=share, upward=True) is None


def test_beyond_the_usual_spread_both_directions_add_up_to_one(network):
    rows = [row for row in network.tables["adjusted_results"].to_pylist() if row["adjustment"] == "clinical"]
    own, *peers = [row for row in rows if row["stratum"] == "all"]
    for share in (True, False):
        both = [beyond_usual_spread(own, peers, 0.5, 0.01, share=share, upward=up) for up in (True, False)]
        assert sum(both) == pytest.approx(1)


def test_a_view_without_a_figure_is_stepped_over():
    everything = list(Adjustment)
    assert steps(everything) == (
        (Adjustment.UNADJUSTED, Adjustment.CLINICAL),
        (Adjustment.CLINICAL, Adjustment.SOCIAL),
        (Adjustment.CLINICAL, Adjustment.DAY),
        (Adjustment.SOCIAL, Adjustment.VARIANT),
    )
    assert steps([Adjustment.UNADJUSTED, Adjustment.VARIANT]) == ((Adjustment.UNADJUSTED, Adjustment.VARIANT),)
    assert steps([Adjustment.SOCIAL]) == ()


def test_reasons_name_all_that_lies_between_two_views():
    assert because(Adjustment.UNADJUSTED, Adjustment.SOCIAL) == (
        "because of whom you treat and the social risk of the people you treat"
    )
    assert once_taken(Adjustment.CLINICAL, Adjustment.DAY) == (
        "once the day on which people were measured again is taken into account"
    )


@pytest.mark.parametrize("view", list(Adjustment))
def test_every_view_has_words(view):
    assert in_view(view) == "" if view is Adjustment.UNADJUSTED else in_view(view).startswith(" (adjusted for ")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (None, "the edition states no reason"),
        ("model_not_calibrated", "the model failed its check on clinics that it had not seen"),
        ("too_few_people: 12 people", "too few people for a model (12 people)"),
        ("some_new_code", "some new code"),
        ("some_new_code: what was found", "what was found"),
    ],
)
def test_refusals_are_words(reason, words):
    assert refusal_words(reason) == words


def test_states_are_words_within_a_sentence():
    assert state_words(Light.BELOW, Better.HIGHER) == "clearly below"
    assert state_words(Light.ABOVE, Better.LOWER) == "clearly below, which is better here"


def test_plain_data_has_no_objects_and_no_nan():
    class Code(StrEnum):
        ONE = "one"

    found = plain({Code.ONE: (1.0, float("nan"), float("inf")), "measure": a_measure(), "none": None})
    assert found == {"one": [1.0, None, None], "measure": ID, "none": None}


def test_a_comparison_is_plain_data_with_what_follows_from_it(network):
    data = json.loads(json.dumps(compare(network, "c003", ID).to_dict(), allow_nan=False))
    assert data["adjustment"] == data["figures"]["adjustment"] == "clinical"
    assert data["direction"] == "higher"
    assert data["measure"] == ID
    assert isinstance(data["stands_out"], bool)
    assert data["tipping_kappa"] is None
    assert data["gates"][0]["name"] == "minimum_n"


def test_tables_are_read_once(network):
    reads: list[str] = []

    class Counted:
        id = network.id
        declarations = network.declarations

        def table(self, name: str) -> Any:
            reads.append(name)
            return network.table(name)

    once = ReadOnce.of(Counted())
    for _ in range(3):
        once.table("benchmarks")
        OneMeasure(once, ID).table("benchmarks")
    assert reads == ["benchmarks"]
    assert ReadOnce.of(once) is once
    narrowed = OneMeasure.of(once, ID)
    assert OneMeasure.of(narrowed, ID) is narrowed
    assert OneMeasure.of(narrowed, "another") is not narrowed
    assert document(once, "casemix_models.json") is None
    assert document(OneMeasure(ReadOnce(network), ID), "casemix_models.json")


def test_one_measure_holds_no_rows_of_another():
    made = edition()
    assert len(OneMeasure(made, ID).table("organization_results")) == 13
    assert len(OneMeasure(made, "another").table("organization_results")) == 0


def test_the_case_mix_of_a_measure_is_what_its_benchmarks_name(network):
    assert casemix_of(network, ID).id == "test-mix"
    assert casemix_of(edition(), ID) is None
