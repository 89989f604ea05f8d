"""A light rests on no answer to missing follow-up alone, imputed ones included (METHODS M1.4, M1.6, M5.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from adjusted_network import DocumentedEdition, simulated
from benchwell.signals import Comparison, compare
from benchwell.signals.imputed_answers import points
from benchwell.tables import DERIVED
from benchwell.terms import Light
from signals_edition import MEASURE, a_measure, edition

title = "Answers to missing follow-up"
ID = MEASURE["id"]
KAPPAS = (-2.0, -1.0, 0.0, 1.0, 2.0)


def imputations(
    results: pa.Table, per_point: float, *, without: str = "", kappas: tuple[float, ...] = KAPPAS
) -> pa.Table:
    """What imputation would freeze if each point of a shift moved the missing's success rate by `per_point`."""
    rows: list[dict[str, Any]] = []
    for row in results.to_pylist():
        if row["stratum"] != "all" or row["status"] != "ok" or row["organization_id"] == without:
            continue
        share = 1 - row["n_followed"] / row["n_eligible"]
        rows += [
            {"measure": ID, "organization_id": row["organization_id"], "period": "all", "stratum": "all"}
            | {"level": "all", "kappa": kappa, "m": 20, "status": "ok", "variance": row["variance"]}
            | {"estimate": row["estimated"] - kappa * per_point * share}
            for kappa in kappas
        ]
    return DERIVED["imputations"].conform(pa.Table.from_pylist(rows))


def with_imputations(found: Any, per_point: float, **how: Any) -> Any:
    tables = dict(found.tables)
    tables["imputations"] = imputations(tables["organization_results"], per_point, **how)
    return replace(found, tables=tables)


def names(comparison: Comparison) -> list[str]:
    return [answer.name for answer in comparison.answers]


def green() -> str:
    plain = edition(measure=a_measure(margin=0.01))
    found = [name for name in ("north", "river", "mill") if compare(plain, name, ID).light is Light.ABOVE]
    assert found
    return found[0]


def test_imputed_answers_stand_beside_the_three_denominators() -> None:
    found = compare(with_imputations(edition(), 0.02), "north", ID)
    assert names(found) == [
        "observed",
        "all_eligible",
        "estimated",
        "imputed",
        "imputed_worse",
        "imputed_better",
        "imputed_everywhere_worse",
        "imputed_everywhere_better",
    ]
    assert found.imputed is not None
    assert found.imputed.kappas == KAPPAS
    assert found.imputed.m == 20


def test_where_nothing_was_imputed_the_declared_log_odds_stand_in() -> None:
    found = compare(edition(), "north", ID)
    assert found.imputed is None
    assert names(found)[-2:] == ["kappa_worse", "kappa_better"]
    assert found.answers[-2].kappa == -found.answers[-1].kappa == 0.5


@pytest.mark.parametrize("how", [{"without": "north"}, {"kappas": (0.0,)}, {"kappas": (1.0, 2.0)}])
def test_imputations_that_do_not_cover_the_clinic_or_no_shift_are_not_used(how: dict[str, Any]) -> None:
    found = compare(with_imputations(edition(), 0.02, **how), "north", ID)
    assert found.imputed is None
    assert "kappa_worse" in names(found)


def test_a_light_that_no_shift_changes_keeps_its_colour() -> None:
    network, clinic = edition(measure=a_measure(margin=0.01)), green()
    found = compare(with_imputations(network, 0.001), clinic, ID)
    assert found.light is Light.ABOVE
    assert found.tipping_kappa is None
    assert set(found.imputed.alone) == set(found.imputed.everybody) == {Light.ABOVE}


def test_a_light_that_one_shift_changes_is_grey_and_says_which_is_the_smallest() -> None:
    network, clinic = edition(measure=a_measure(margin=0.01)), green()
    found = compare(with_imputations(network, 0.4), clinic, ID)
    assert (found.light, found.verdict) == (Light.UNKNOWN, Light.ABOVE)
    assert found.deciding == "missing_data"
    kappa = found.tipping_kappa
    assert kappa == 1.0
    assert "the smallest shift of missing scores that changes it is 1 point worse" in found.deciding_gate.text
    assert "imputed 1 point worse than those of people like them, in this clinic alone" in found.deciding_gate.text
    flips = [k for k, state in zip(found.imputed.kappas, found.imputed.alone, strict=True) if state is not Light.ABOVE]
    assert min(map(abs, flips)) == kappa


def test_a_shift_of_every_clinic_moves_the_benchmark_along() -> None:
    found = compare(with_imputations(edition(), 0.2), "north", ID)
    at = dict(zip(names(found), found.answers, strict=True))
    assert at["imputed_worse"].benchmark == pytest.approx(at["imputed"].benchmark)
    assert at["imputed_everywhere_worse"].benchmark < at["imputed"].benchmark
    assert at["imputed_everywhere_better"].benchmark > at["imputed"].benchmark


def test_without_a_shift_the_figure_is_the_imputed_one() -> None:
    found = compare(with_imputations(edition(), 0.2), "north", ID)
    imputed = next(answer for answer in found.answers if answer.name == "imputed")
    assert imputed.estimate == pytest.approx(found.figures.estimated.value)
    assert imputed.kappa == 0


@pytest.fixture(scope="module")
def network() -> DocumentedEdition:
    return simulated(3, clinics=20, people=300, hardship=0.6, sorting=0.4, between=0.3, followed=0.7)


@pytest.mark.parametrize("view", ["clinical", "clinical+social"])
def test_an_adjusted_figure_is_shifted_by_the_difference_that_imputation_makes(
    network: DocumentedEdition, view: str
) -> None:
    held = with_imputations(network, 0.1)
    adjusted, raw = compare(held, "c003", ID, adjustment=view), compare(held, "c003", ID, adjustment="unadjusted")
    base = adjusted.figures.estimated.value - raw.figures.estimated.value
    assert abs(base) > 0.001, "the views differ"
    differences = [a - r for a, r in zip(adjusted.imputed.estimates, raw.imputed.estimates, strict=True)]
    assert differences == pytest.approx([base] * len(KAPPAS))


@pytest.mark.parametrize("view", ["clinical", "clinical+social"])
def test_log_odds_shift_an_adjusted_figure_as_they_shift_the_unadjusted_one(
    network: DocumentedEdition, view: str
) -> None:
    shifts = []
    for one in (view, "unadjusted"):
        found = compare(network, "c003", ID, adjustment=one)
        shifts.append([answer.estimate - found.figures.estimated.value for answer in found.answers[-2:]])
    assert shifts[0] == pytest.approx(shifts[1])
    assert shifts[0][0] < 0 < shifts[0][1]


def test_the_tipping_success_rate_belongs_to_the_view(network: DocumentedEdition) -> None:
    for view in ("unadjusted", "clinical+social"):
        found = compare(network, "c003", ID, adjustment=view)
        missing = (found.figures.n_eligible - found.figures.n_followed) / found.figures.n_eligible
        reached = found.figures.all_eligible.value + found.tipping_point * missing
        assert reached == pytest.approx(found.benchmark.estimate.value)


def test_the_denominators_of_an_adjusted_view_are_its_own(network: DocumentedEdition) -> None:
    found = compare(network, "c003", ID, adjustment="clinical+social")
    (row,) = [
        row
        for row in network.tables["adjusted_results"].to_pylist()
        if (row["organization_id"], row["adjustment"], row["stratum"]) == ("c003", "clinical+social", "all")
    ]
    assert [answer.estimate for answer in found.answers[:3]] == [
        row["observed"],
        row["all_eligible"],
        row["estimated"],
    ]


def test_points_are_written_as_people_would() -> None:
    assert [points(kappa) for kappa in (1.0, -1.0, 2.0, 0.5)] == ["1 point", "1 point", "2 points", "0.5 points"]


def test_a_peer_without_imputations_is_left_out_before_and_after() -> None:
    whole, without = with_imputations(edition(), 0.0), with_imputations(edition(), 0.0, without="river")
    both = [
        next(one for one in compare(held, "north", ID).answers if one.name == "imputed") for held in (whole, without)
    ]
    # Nothing was shifted, so the benchmark is where it was, whoever is among the peers.
    assert both[0].benchmark == pytest.approx(both[1].benchmark, abs=1e-3)


def test_shifts_in_one_direction_give_answers_in_that_direction() -> None:
    found = compare(with_imputations(edition(), 0.02, kappas=(0.0, 1.0, 2.0)), "north", ID)
    assert names(found)[3:] == ["imputed", "imputed_worse", "imputed_everywhere_worse"]


def test_a_light_that_imputation_changes_even_without_a_shift_says_so() -> None:
    network, clinic = edition(measure=a_measure(margin=0.01)), green()
    held = with_imputations(network, 0.01)
    rows = held.tables["imputations"].to_pylist()
    for row in rows:
        row["estimate"] -= 0.2 if row["organization_id"] == clinic else 0.0
    held.tables["imputations"] = pa.Table.from_pylist(rows, schema=DERIVED["imputations"].schema)
    found = compare(held, clinic, ID)
    assert found.light is Light.UNKNOWN
    assert found.tipping_kappa == 0.0
    assert "imputed scores say something else even without a shift" in found.deciding_gate.text


def test_an_adjusted_view_without_an_estimate_for_all_is_shifted_from_the_observed(network: DocumentedEdition) -> None:
    held = with_imputations(network, 0.1)
    rows = [row | {"estimated": None} for row in held.tables["adjusted_results"].to_pylist()]
    held.tables["adjusted_results"] = pa.Table.from_pylist(rows, schema=DERIVED["adjusted_results"].schema)
    found, raw = compare(held, "c003", ID), compare(held, "c003", ID, adjustment="unadjusted")
    difference = found.figures.observed.value - raw.figures.observed.value
    assert found.imputed.estimates[2] - raw.imputed.estimates[2] == pytest.approx(difference)


def test_nothing_is_carried_over_to_a_view_without_any_figure_of_its_own(network: DocumentedEdition) -> None:
    held = with_imputations(network, 0.1)
    rows = [row | {"estimated": None, "observed": None} for row in held.tables["adjusted_results"].to_pylist()]
    held.tables["adjusted_results"] = pa.Table.from_pylist(rows, schema=DERIVED["adjusted_results"].schema)
    found = compare(held, "c003", ID)
    assert found.imputed is None
    assert names(found) == []
