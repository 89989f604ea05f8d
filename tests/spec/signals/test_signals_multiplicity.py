"""Many comparisons at once: few of the colours are false, and who stands out is asked of all together (M5.7)."""

from __future__ import annotations

import json

import pytest

from adjusted_network import DocumentedEdition, simulated
from benchwell.signals import compare, edition_colours
from benchwell.signals.edition_colours import by_chance
from benchwell.terms import Adjustment, BenchmarkKind
from signals_edition import MEASURE, edition

title = "How many colours are expected to be false"
ID = MEASURE["id"]


@pytest.fixture(scope="module")
def network() -> DocumentedEdition:
    return simulated(3, clinics=40, people=300, between=0.5, hardship=0.3)


def test_at_most_one_in_ten_of_the_colours_is_expected_to_be_false(network: DocumentedEdition) -> None:
    found = edition_colours(network)
    assert found.coloured >= 10
    assert 0 < found.expected_false <= 0.10 * found.coloured
    assert found.false_share == found.expected_false / found.coloured
    assert [one.adjustment for one in found.measures] == ["clinical"]


def test_expected_false_colours_are_one_minus_the_probability_of_each(network: DocumentedEdition) -> None:
    compared = [compare(network, f"c{place:03d}", ID) for place in range(40)]
    coloured = [one for one in compared if one.verdict in ("green", "red")]
    found = edition_colours(network)
    assert (found.comparisons, found.coloured) == (40, len(coloured))
    assert found.expected_false == pytest.approx(sum(1 - one.probability for one in coloured))


def test_who_stands_out_is_the_edition_s_own_q(network: DocumentedEdition) -> None:
    compared = [compare(network, f"c{place:03d}", ID) for place in range(40)]
    q = {row["organization_id"]: row["q_value"] for row in rows_of(network, "clinical")}
    assert [one.q_value for one in compared] == [q[one.organization_id] for one in compared]
    assert [one.stands_out for one in compared] == [one.q_value <= 0.10 for one in compared]
    assert edition_colours(network).standing_out == sum(bool(one.stands_out) for one in compared)


def test_q_belongs_to_the_view_that_is_compared(network: DocumentedEdition) -> None:
    q = {row["organization_id"]: row["q_value"] for row in rows_of(network, "unadjusted")}
    assert compare(network, "c003", ID, adjustment="unadjusted").q_value == q["c003"]


def test_q_is_no_gate(network: DocumentedEdition) -> None:
    found = compare(network, "c003", ID)
    assert "q" not in " ".join(gate.name for gate in found.gates).split("_")


def test_other_benchmarks_than_the_mean_have_no_q() -> None:
    assert compare(edition(), "north", ID, kind=BenchmarkKind.PERCENTILE, method="p50").q_value is None
    assert compare(edition(), "north", ID, kind=BenchmarkKind.PERCENTILE, method="p50").stands_out is None


def test_an_edition_without_comparisons_says_so() -> None:
    found = edition_colours(edition())
    assert (found.comparisons, found.coloured, found.false_share) == (0, 0, None)
    assert found.text == "No organization is compared with others yet."


def test_where_nobody_differs_nothing_is_coloured() -> None:
    found = edition_colours(simulated(2, clinics=20, people=150, severity=0.0, sorting=0.0))
    assert found.coloured == 0
    assert found.text.endswith("none lies clearly above or below.")


def test_it_is_said_in_plain_words_and_given_as_plain_data(network: DocumentedEdition) -> None:
    found = edition_colours(network)
    assert f"{found.coloured} lie clearly above or below by probability alone" in found.text
    assert "expected to be false by chance alone. With every comparison" in found.text
    assert "a colour must pass the gates as well" in found.text
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["measures"][0]["adjustment"] == "clinical"


def test_as_counted_it_is_said_that_who_comes_to_whom_is_not_counted() -> None:
    assert by_chance([Adjustment.UNADJUSTED]).endswith("alone; who comes to whom is not counted in this")
    both = by_chance([Adjustment.CLINICAL, Adjustment.UNADJUSTED])
    assert both.endswith("; for figures as counted, who comes to whom is not counted in this")


def rows_of(network: DocumentedEdition, view: str) -> list[dict[str, object]]:
    rows = network.tables["adjusted_results"].to_pylist()
    return [row for row in rows if row["adjustment"] == view and row["stratum"] == row["period"] == "all"]
