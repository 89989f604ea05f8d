"""Clinics that serve poor people, from a file to an edition: unfavorable as counted, not once social risk is seen."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from benchwell import Edition, Workspace, verify
from benchwell.pipeline.summarizing import edition_summary
from benchwell.signals import compare, edition_colours, four_views, funnel_view
from benchwell.synthetic import MAPPING, CaseMix, FollowUp, World, write_csv
from benchwell.terms import Adjustment, Light

MEASURE = "phq9-change-12w"
SHARE = "phq9-reliable-change-12w"
# No clinic is better than another; hardship costs a point and a half a quintile, and clinics serve unlike people.
WORLD = World(
    clinics=30,
    episodes=6000,
    clinic_sd=0.0,
    casemix=CaseMix(deprivation_sorting=0.4, deprivation_effect=1.5),
    follow_up=FollowUp("mcar", missing=0.1),
    seed=11,
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("views") / "network.csv"
    write_csv(path, WORLD)
    return path


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Edition:
    folder = tmp_path_factory.mktemp("workspaces")
    mapping = folder / "map.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    workspace = Workspace.create(folder / "views", name="Views")
    workspace.intake(source, mapping=mapping)
    return workspace.build(as_of=dt.date(2026, 1, 31), benchmarks=[f"network-{MEASURE}", f"network-{SHARE}"])


@pytest.fixture(scope="module")
def states(edition: Edition) -> dict[str, dict[Adjustment, Light]]:
    """State before the last gates of each clinic in each view."""
    found: dict[str, dict[Adjustment, Light]] = defaultdict(dict)
    for row in edition.arrow("adjusted_results").to_pylist():
        if row["measure"] == MEASURE and row["period"] == row["stratum"] == "all":
            found[row["organization_id"]][Adjustment(row["adjustment"])] = Light(row["band"])
    return found


@pytest.fixture(scope="module")
def poorest(edition: Edition) -> list[str]:
    """The six clinics whose people live in the most deprived places (quintile 1 is the most deprived)."""
    total: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in edition.arrow("organization_results").to_pylist():
        if row["measure"] == MEASURE and row["stratum"] == "deprivation_quintile" and row["period"] == "all":
            total[row["organization_id"]][0] += float(row["level"]) * row["n_eligible"]
            total[row["organization_id"]][1] += row["n_eligible"]
    return sorted(total, key=lambda name: total[name][0] / total[name][1])[:6]


def test_clinics_of_poor_people_lie_below_as_counted_and_not_once_social_risk_is_seen(
    states: dict[str, dict[Adjustment, Light]], poorest: list[str]
) -> None:
    below = [name for name in poorest if states[name][Adjustment.UNADJUSTED] is Light.BELOW]
    assert len(below) >= 4
    assert [name for name in below if states[name][Adjustment.SOCIAL] is Light.BELOW] == []
    # What is clinical about people does not explain it: that view still shows where help is needed.
    assert sum(states[name][Adjustment.CLINICAL] is Light.BELOW for name in below) >= 3


def test_a_light_after_all_gates_is_red_only_as_counted(edition: Edition, poorest: list[str]) -> None:
    red = [name for name in poorest if compare(edition, name, MEASURE, adjustment="unadjusted").light is Light.BELOW]
    assert red
    assert [
        name for name in red if compare(edition, name, MEASURE, adjustment="clinical+social").light is Light.BELOW
    ] == []


def test_no_clinic_is_coloured_where_none_differs(edition: Edition, states: dict[str, Any]) -> None:
    lights = [compare(edition, name, MEASURE, adjustment="clinical+social").light for name in states]
    assert sum(light in (Light.ABOVE, Light.BELOW) for light in lights) / len(lights) < 0.05


def test_who_changes_state_is_listed_with_the_reason(
    edition: Edition, states: dict[str, dict[Adjustment, Light]], poorest: list[str]
) -> None:
    found = four_views(edition, MEASURE, named=True)
    assert found.n_changing == sum(len(set(one.values())) > 1 for one in states.values())
    social = [one for one in found.transitions if one.after is Adjustment.SOCIAL and one.state_before is Light.BELOW]
    assert set(poorest) & {name for one in social for name in one.organizations}
    assert all("social risk" in one.text for one in social)
    own = four_views(edition, MEASURE, social[0].organizations[0])
    assert "because of the social risk of the people you treat" in own.text


def test_the_model_of_each_view_says_what_it_took_and_what_was_not_recorded(edition: Edition) -> None:
    model = four_views(edition, MEASURE).view("clinical+social").model
    used = {one.name for one in model.variables if one.used}
    assert {"baseline", "age", "deprivation fifth"} <= used
    assert {one.name for one in model.variables if one.left_out} >= {"chronicity", "prior treatment"}
    assert 5200 < model.n < 5600
    assert len(model.coding_sha256) == 64


def test_imputed_scores_stand_beside_the_denominators(edition: Edition, poorest: list[str]) -> None:
    found = compare(edition, poorest[0], MEASURE)
    assert found.adjustment is Adjustment.CLINICAL
    assert found.imputed is not None
    assert 0.0 in found.imputed.kappas
    assert "imputed_everywhere_worse" in [answer.name for answer in found.answers]


def test_the_usual_spread_shrinks_as_the_views_take_more_into_account(edition: Edition) -> None:
    phi = {view: funnel_view(edition, SHARE, adjustment=view).phi for view in ("unadjusted", "clinical+social")}
    assert phi["clinical+social"] < phi["unadjusted"]
    assert phi["clinical+social"] < 2


def test_the_summary_for_machines_holds_every_view_and_no_name(edition: Edition) -> None:
    data = json.loads(json.dumps(edition_summary(edition), allow_nan=False, default=str))
    (one,) = [benchmark for benchmark in data["benchmarks"] if benchmark["measure"] == MEASURE]
    assert one["adjustment"] == "clinical"
    assert [view["adjustment"] for view in one["views"]["views"]][:3] == ["unadjusted", "clinical", "clinical+social"]
    assert one["views"]["n_changing"] > 0
    assert "clinic-" not in json.dumps(one["views"])
    assert one["views"]["lines"][0].startswith("As counted: all together ")
    colours = edition_colours(edition)
    assert data["colours"]["coloured"] == colours.coloured
    assert colours.expected_false <= 0.1 * colours.coloured


def test_the_command_line_prints_a_line_for_each_view(edition: Edition, capsys: pytest.CaptureFixture[str]) -> None:
    from benchwell.terminal import show_edition

    show_edition(edition_summary(edition))
    out = capsys.readouterr().out
    assert "Adjusted for whom one treats: all together " in out
    assert "change between views" in out or "changes between views" in out
    assert "expected to be false" in out


def test_a_report_for_machines_compares_and_lays_views_side_by_side(edition: Edition, tmp_path: Path) -> None:
    from benchwell.pipeline.reporting import report

    data = json.loads(
        json.dumps(report(edition, tmp_path / "r.html", organization="clinic-01").to_dict(), allow_nan=False)
    )
    assert {one["measure"] for one in data["comparisons"]} == {MEASURE, SHARE}
    for one in data["comparisons"]:
        assert one["adjustment"] == "clinical"
        assert {"q_value", "stands_out", "tipping_kappa", "imputed", "expected", "answers", "gates"} <= set(one)
    assert [one["organization_id"] for one in data["views"]] == ["clinic-01"] * 2
    assert data["views"][0]["views"][0]["own"]["light"] in {light.value for light in Light}
    assert data["colours"]["q"] == 0.10


def test_the_edition_still_verifies(edition: Edition) -> None:
    assert verify(edition.path).passed
